//! The Official Account, as the file describes it: what goes together, what does not, and what is said about it.

use super::{KEY, parse, warnings, with};
use crate::config::fields::AccountSettings;
use crate::login::AccountWays;
use crate::wechat::account::TokenSource;
use crate::wechat::message::Mode;

const FILE: &str = "MP_verify_0123456789abCDEF.txt";

/// A file whose ninth line and those behind it are `lines`, with a website app above.
fn beside_website(lines: &str) -> String {
    with(&format!("[wechat.official_account]\napp_id = \"wxaccount\"\napp_secret = \"s\"\n{lines}"))
}

/// A file whose sixth line and those behind it are `lines`, with no other app.
fn alone(lines: &str) -> String {
    with(lines).replace("[wechat.website]", "[wechat.official_account]")
}

/// Token and key, on two lines.
fn keys() -> String {
    format!("token = \"aToken1\"\nencoding_aes_key = \"{KEY}\"\n")
}

fn account(lines: &str) -> AccountSettings {
    parse(&beside_website(lines)).unwrap().wechat.official_account.unwrap()
}

#[test]
fn an_account_alone_signs_people_in_inside_wechat_and_hears_nothing() {
    let wechat = parse(&alone("")).unwrap().wechat;
    assert!(wechat.apps.official_account.is_some() && wechat.apps.website.is_none());
    let account = wechat.official_account.unwrap();
    assert_eq!(account.ways, AccountWays { in_app: true, qr: false, chat: false });
    assert!(account.inbox.is_none() && account.message_backend.is_none());
    assert!(matches!(account.token_source, TokenSource::Stable));
    assert_eq!(warnings(&alone("")), "");
}

#[test]
fn a_token_and_a_key_open_the_inbox() {
    let read = account(&format!(
        "name = \"某某科技\"\noriginal_id = \"gh_0123456789ab\"\nqr_login = true\nchat_login = true\nend_sessions_on_unfollow = true\n\
         message_backend = \"http://127.0.0.1:3000/wechat?x=1\"\n{}",
        keys()
    ));
    let inbox = read.inbox.unwrap();
    assert_eq!(read.name.as_deref(), Some("某某科技"));
    assert_eq!((inbox.app_id.as_str(), inbox.original_id.as_deref()), ("wxaccount", Some("gh_0123456789ab")));
    assert_eq!(inbox.token.reveal(), "aToken1");
    assert!(matches!(inbox.mode, Mode::Secure(_)));
    assert_eq!(read.ways, AccountWays { in_app: true, qr: true, chat: true });
    assert!(read.end_sessions_on_unfollow);
    assert_eq!(read.message_backend.unwrap().as_str(), "http://127.0.0.1:3000/wechat?x=1");
    let mode = |word: &str| account(&format!("message_mode = \"{word}\"\n{}", keys())).inbox.unwrap().mode;
    assert!(matches!(mode("compatible"), Mode::Compatible(_)));
    assert!(matches!(mode("plaintext"), Mode::Plaintext));
    assert!(account("token = \"abc\"\nmessage_mode = \"plaintext\"").inbox.is_some(), "no key is needed");
    account("token = \"abc\"\nmessage_mode = \"plaintext\"\nqr_login = true");
}

#[test]
fn an_account_without_web_authorization_signs_nobody_in_inside_wechat() {
    let beside = parse(&beside_website("oauth = false")).unwrap().wechat;
    assert!(!beside.apps.has_in_app() && beside.apps.website.is_some());
    assert!(!beside.official_account.unwrap().ways.in_app);
    let chat = parse(&alone(&format!("oauth = false\nchat_login = true\n{}", keys()))).unwrap().wechat;
    assert!(!chat.apps.has_in_app() && chat.official_account.unwrap().ways.chat);
}

#[test]
fn the_token_of_the_account_can_come_from_another_server() {
    let lines = |url: &str| {
        let id = "original_id = \"gh_0123456789ab\"\nqr_login = true\n";
        format!("{id}token_server = \"{url}\"\ntoken_server_secret = \"sesame\"\n{}", keys())
    };
    match account(&lines("https://tokens.test/a")).token_source {
        TokenSource::Server { url, secret } => {
            assert_eq!((url.as_str(), secret.unwrap().reveal()), ("https://tokens.test/a", "sesame"));
        }
        TokenSource::Stable => panic!("another server was named"),
    }
    for url in ["https://tokens.test/a", "http://127.0.0.1:3000/a", "http://localhost/a", "http://[::1]/a"] {
        assert_eq!(warnings(&beside_website(&lines(url))), "", "{url}");
    }
    let overheard = warnings(&beside_website(&lines("http://tokens.test/a")));
    assert!(overheard.contains("travels unencrypted") && overheard.contains("11:16"), "{overheard}");
}

#[test]
fn wrong_values_are_shown_where_they_stand() {
    for (line, place, fix) in [
        ("name = \"\"", "9:8", "名称"),
        ("original_id = \"my_account\"", "9:15", "gh_"),
        ("original_id = \"gh_\"", "9:15", "gh_"),
        ("oauth = 0", "9:9", "write true or false"),
        ("message_mode = \"safe\"", "9:16", "write \"secure\" (安全模式)"),
        ("message_backend = \"127.0.0.1:3000\"", "9:19", "write a whole address"),
        ("message_backend = \"ftp://127.0.0.1/\"", "9:19", "write a whole address"),
        ("message_backend = \"http://a:b@c.test/\"", "9:19", "without user name"),
        ("message_backend = \"http://c.test/#x\"", "9:19", "without #"),
        (
            "message_backend = \"https://APP.example.com/_wxgate/wechat/message\"",
            "9:19",
            "wxgate's own address",
        ),
        ("verify_files = [\"MP_verify_x.txt\"]", "9:17", "16 letters and digits"),
        ("verify_files = \"MP_verify_x.txt\"", "9:16", "write [\"MP_verify_x.txt\"]"),
        ("qr_lgin = true", "9:1", "did you mean `qr_login`?"),
    ] {
        let report = parse(&beside_website(&format!("{line}\n{}", keys()))).unwrap_err();
        assert!(report.contains(&format!("--> config.toml:{place}\n")), "{place} in\n{report}");
        assert!(report.contains('^') && report.contains(fix), "{fix} in\n{report}");
        assert!(report.contains("1 error"), "{report}");
    }
}

#[test]
fn what_needs_something_else_says_what() {
    for (lines, title, place, fix) in [
        ("qr_login = true", "`qr_login` without `token`", "9:12", "`wxgate check` prints"),
        ("chat_login = true", "`chat_login` without `token`", "9:14", "服务器配置"),
        ("token = \"abc\"", "`token` without `encoding_aes_key`", "9:9", "EncodingAESKey"),
        ("message_mode = \"secure\"", "`message_mode` has no effect without `token`", "9:16", "token ="),
        ("original_id = \"gh_0\"", "`original_id` has no effect without `token`", "9:15", "token ="),
        ("message_backend = \"http://a.test/\"", "`message_backend` has no effect", "9:19", "token ="),
        ("end_sessions_on_unfollow = true", "`end_sessions_on_unfollow` has no effect", "9:28", "token ="),
        (
            "token_server = \"https://a.test/\"",
            "`token_server` has no effect without `qr_login`",
            "9:16",
            "true",
        ),
        (
            "token_server_secret = \"sesame\"",
            "`token_server_secret` without `token_server`",
            "9:23",
            "address",
        ),
        (
            "message_mode = \"plaintext\"\ntoken = \"abc\"\nchat_login = true",
            "`chat_login` with plaintext messages",
            "9:16",
            "安全模式",
        ),
        ("oauth = false\nqr_login = true", "`qr_login` without `oauth`", "10:12", "chat_login = true"),
    ] {
        let report = parse(&beside_website(lines)).unwrap_err();
        assert!(report.contains(title) && report.contains(fix), "{title}\n{report}");
        assert!(report.contains(&format!("--> config.toml:{place}\n")) && report.contains('^'), "{report}");
    }
    let report = parse(&beside_website(&format!("encoding_aes_key = \"{KEY}\""))).unwrap_err();
    assert!(report.contains("`encoding_aes_key` has no effect without `token`"), "{report}");
    let report = parse(&alone("oauth = false")).unwrap_err();
    assert!(report.contains("nobody can sign in") && report.contains("chat_login = true"), "{report}");
    for lines in ["qr_login = false", "end_sessions_on_unfollow = false", "verify_files = []"] {
        assert_eq!(warnings(&beside_website(lines)), "", "the default can be written: {lines}");
    }
}

#[test]
fn secrets_of_the_console_are_checked_and_never_shown() {
    let short_key = &KEY[1..];
    for (lines, place, fix) in [
        ("token = \"canary-1\"".to_owned(), "9:9", "3 to 32 letters and digits"),
        ("token = \"ab\"".to_owned(), "9:9", "3 to 32 letters and digits"),
        (format!("token = \"canary{}\"", "x".repeat(27)), "9:9", "3 to 32 letters and digits"),
        (format!("token = \"abc\"\nencoding_aes_key = \"{short_key}\""), "10:20", "43 letters and digits"),
        ("token = \"abc\"\nencoding_aes_key = \"canary\"".to_owned(), "10:20", "43 letters and digits"),
        ("token_file = \"message_token_of_canary\"".to_owned(), "9:14", "cannot read"),
        ("token = \"canary\"\ntoken_file = \"x\"".to_owned(), "9:9", "remove one of the two"),
    ] {
        let report = parse(&beside_website(&lines)).unwrap_err();
        assert!(report.contains(&format!("--> config.toml:{place}\n")) && report.contains(fix), "{report}");
        assert!(!report.contains(short_key), "{report}");
        assert!(!report.contains("canary") || lines.contains("_of_canary"), "{report}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "not a token: canary").unwrap();
    let report = parse(&beside_website(&format!("token_file = {path:?}"))).unwrap_err();
    assert!(report.contains("9:14") && report.contains("3 to 32") && !report.contains("canary"), "{report}");
    let read = account(&format!(
        "token_server_secret = \"canary\"\ntoken_server = \"https://a.test/\"\nqr_login = true\n{}",
        keys()
    ));
    let shown = format!("{read:?}");
    assert!(!shown.contains("canary") && !shown.contains("aToken1") && !shown.contains(KEY), "{shown}");
}

#[test]
fn what_lets_strangers_in_more_easily_is_warned_of() {
    let id = "original_id = \"gh_0123456789ab\"\n";
    assert_eq!(warnings(&beside_website(&format!("{id}{}", keys()))), "");
    let any_account = warnings(&beside_website(&keys()));
    assert!(any_account.contains("not told apart") && any_account.contains("9:9"), "{any_account}");
    let plaintext = warnings(&beside_website(&format!("{id}{}message_mode = \"plaintext\"", keys())));
    assert!(plaintext.contains("not encrypted") && plaintext.contains("12:16"), "{plaintext}");
    assert!(
        plaintext.contains("安全模式") && plaintext.ends_with("1 warning in config.toml\n"),
        "{plaintext}"
    );
    let elsewhere =
        beside_website(&format!("{id}{}", keys())).replace("app.example.com", "app.example.com:8443");
    let elsewhere = warnings(&elsewhere);
    assert!(elsewhere.contains("no messages to port 8443") && elsewhere.contains("port 443"), "{elsewhere}");
}

#[test]
fn files_of_ownership_are_named_in_a_list() {
    let files = account(&format!("verify_files = [\"{FILE}\"]")).ownership;
    let visit = |path: &str| {
        use crate::model::visit::{Scheme, Visit};
        Visit::parse(http::Method::GET, Scheme::Https, "app.example.com", path, None).unwrap()
    };
    assert!(files.at(&visit(&format!("/{FILE}"))).is_some());
    assert!(files.at(&visit("/MP_verify_0000000000000000.txt")).is_none());
}
