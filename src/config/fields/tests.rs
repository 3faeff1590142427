//! The example file is the reference: complete, and true.

mod official_account;
mod website;

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Config, Templates, read};
use crate::config::source::ConfigFile;
use crate::login::{AccountWays, WebsiteSettings};

const EXAMPLE: &str = include_str!("../../../config.toml.example");

const CA_FILE: &str = "ca_file = \"/etc/wxgate/database-ca.pem\"";

const ENVIRONMENT: [(&str, &str); 2] =
    [("WECHAT_APP_SECRET", "an app secret"), ("OLD_SESSION_SECRET", "0123456789abcdef0123456789abcdef")];

const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

const SECRET_FILES: [(&str, &str); 5] = [
    ("account_secret", "an account secret"),
    ("message_key", KEY),
    ("message_token", "aToken1"),
    ("session_secret", "fedcba9876543210fedcba9876543210"),
    ("token_server_secret", "a bearer token"),
];

/// Reads the text, with the files it names in a folder of the test.
fn parse(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(["app.example.com".to_owned()]).unwrap();
    std::fs::write(folder.path().join("fullchain.pem"), pair.cert.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    std::fs::create_dir(folder.path().join("pages")).unwrap();
    for (name, secret) in SECRET_FILES {
        std::fs::write(folder.path().join(name), secret).unwrap();
    }
    let text = &text.replace("/etc/wxgate/", &format!("{}/", folder.path().display()));
    let environment: Vec<(String, String)> =
        ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let file = ConfigFile { path: PathBuf::from("config.toml"), text: text.to_owned() };
    crate::config::read(&file, &environment, |top| read(top, &environment, Templates::Drawn))
        .map(|(config, _)| config)
        .map_err(|problems| problems.render(false))
}

/// The example with every key in force.
fn uncommented() -> String {
    // An authority is for PostgreSQL, which is not the default.
    everything().replace(CA_FILE, "")
}

/// The same, with what does not go together.
fn everything() -> String {
    let is_key = |line: &str| {
        line.starts_with("#[") || line[1..].starts_with(|first: char| first.is_ascii_lowercase())
    };
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if is_key(line) => rest.to_owned(),
        _ => line.to_owned(),
    });
    // A server for the account's token is for those who need the token.
    lines.collect::<Vec<_>>().join("\n").replace("qr_login = false", "qr_login = true")
}

#[test]
fn the_example_works_as_it_is_and_with_every_key_in_force() {
    parse(EXAMPLE).unwrap();
    parse(&uncommented()).unwrap();
    let postgres = "\"postgres://wxgate:word@db.internal/wxgate\"";
    let shared = parse(&everything().replace("\"sqlite:wxgate.db\"", postgres)).unwrap();
    assert_eq!(shared.store.url.to_string(), "postgres://db.internal:5432/wxgate");
    assert!(shared.store.ca_file.is_some());
}

#[test]
fn the_example_shows_the_defaults() {
    let shown = parse(&uncommented().replace("trusted_proxies", "#").replace("max_body_size", "#")).unwrap();
    let bare = parse(EXAMPLE).unwrap();
    assert_eq!(format!("{:?}", shown.server.limits), format!("{:?}", bare.server.limits));
    assert_eq!(shown.server.listen, bare.server.listen);
    assert_eq!(shown.server.shutdown_timeout, bare.server.shutdown_timeout);
    assert_eq!(shown.session_times, bare.session_times);
    assert_eq!(shown.revocation_grace, bare.revocation_grace);
    assert_eq!(shown.joining.join, bare.joining.join);
    assert_eq!((&shown.store.url, &shown.store.ca_file), (&bare.store.url, &bare.store.ca_file));
    assert_eq!(shown.keep_audit, bare.keep_audit);
    assert_eq!(shown.admin_listen, bare.admin_listen);
    assert_eq!(format!("{:?}", shown.log), format!("{:?}", bare.log));
    assert_eq!((shown.wechat.timeout, shown.data_dir), (bare.wechat.timeout, bare.data_dir));
    let language = Some("cn".to_owned());
    assert_eq!(shown.wechat.website, WebsiteSettings { language, ..bare.wechat.website });
    let account = shown.wechat.official_account.unwrap();
    assert_eq!(account.ways, AccountWays { qr: true, ..AccountWays::default() });
    assert!(!account.end_sessions_on_unfollow);
    let (shown, bare) = (shown.routes.last().unwrap().clone(), bare.routes.last().unwrap().clone());
    assert_eq!((&shown.access, shown.response_timeout), (&bare.access, bare.response_timeout));
    assert_eq!(
        format!("{:?}", shown.rewriting.identity.names().collect::<Vec<_>>()),
        format!("{:?}", bare.rewriting.identity.names().collect::<Vec<_>>())
    );
}

#[test]
fn the_example_names_every_key() {
    let tables = [
        "",
        "[wechat]",
        "[wechat.website]",
        "[wechat.official_account]",
        "[access]",
        "[[routes]]",
        "[session]",
        "[store]",
        "[headers]",
        "[headers.names]",
        "[headers.encodings]",
        "[server]",
        "[server.tls]",
        "[admin]",
        "[pages]",
        "[log]",
    ];
    let asked: String = tables.iter().map(|table| format!("{table}\nno_such_key_anywhere = 1\n")).collect();
    let report = parse(&asked).unwrap_err();
    let lists: Vec<&str> = report
        .lines()
        .filter_map(|line| line.split_once("the keys here are "))
        .map(|(_, keys)| keys)
        .collect();
    assert_eq!(lists.len(), tables.len(), "{report}");
    let written: BTreeSet<&str> = EXAMPLE
        .lines()
        .map(|line| line.trim_start_matches('#').trim_start_matches('['))
        .filter_map(|line| line.split([' ', '=', ']', '.']).next())
        .collect();
    for key in lists.iter().flat_map(|keys| keys.split(", ")).map(|key| key.trim_matches('`')) {
        let nested = EXAMPLE.contains(&format!(".{key}]"));
        let twin = key.strip_suffix("_file").is_some_and(|plain| written.contains(plain))
            || written.contains(format!("{key}_file").as_str());
        assert!(written.contains(key) || nested || twin, "`{key}` is not in config.toml.example");
    }
}

/// A file whose sixth line and those behind it are `lines`.
fn with(lines: &str) -> String {
    let app = "app_id = \"wx0123456789abcdef\"\napp_secret = \"s\"";
    format!(
        "public_url = \"https://app.example.com\"\nupstream = \"http://127.0.0.1:3000\"\n[wechat.website]\n{app}\n{lines}\n"
    )
}

#[test]
fn wrong_values_about_people_are_shown_where_they_stand() {
    for (lines, place, fix) in [
        ("[access]\ndefault = \"member\"", "7:11", "write \"members\", \"admins\", \"signed-in\""),
        ("[access]\ndefualt = \"members\"", "7:1", "did you mean `default`?"),
        ("[access]\njoin = \"ask\"", "7:8", "write \"request\", \"open\", \"invite\" or \"closed\""),
        ("[access]\nadmins = [\"王芳\"]", "7:11", "write an openid or a unionid"),
        ("[access]\nadmins = 5", "7:10", "list"),
        ("[[routes]]\naccess = \"staff\"", "7:10", "write \"members\""),
        ("[[routes]]\naccess = \"signed-in\"\ngroups = [\"it\"]", "8:10", "write access = \"members\""),
        ("[[routes]]\naccess = \"public\"\ngroups = [\"it\"]", "8:10", "or take groups out"),
        ("[[routes]]\ngroups = []", "7:10", "name groups of which a member must be in one"),
        ("[[routes]]\ngroups = [\"it\", \"a|b\"]", "7:17", "write letters of any script"),
        ("[session]\nrevocation_grace = \"5\"", "7:20", "write \"5s\" for seconds"),
        ("[session]\nrevocation_grace = \"90d\"", "7:20", "30d"),
        ("[store]\nurl = \"mysql://a/b\"", "7:7", "write \"sqlite:FILE\", or \"postgres://"),
        ("[store]\nurl = \"sqlite::memory:\"", "7:7", "name a file"),
        ("[store]\nurl = \"postgres:///wxgate\"", "7:7", "name a host"),
        ("[store]\nca_file = \"ca.pem\"", "7:11", "url = \"postgres://"),
        ("[store]\nkeep_audit = \"1h\"", "7:14", "1d"),
        ("[store]\nkeep_audit = 180", "7:14", "180"),
        ("[pages]\nlanguage = \"fr\"", "7:12", "write \"auto\", \"zh\" or \"en\""),
        ("[pages]\nprivacy_url = \"example.com/privacy\"", "7:15", "write a whole address"),
    ] {
        let report = parse(&with(lines)).unwrap_err();
        assert!(report.contains(&format!("--> config.toml:{place}\n")), "{place} in\n{report}");
        assert!(report.contains('^') && report.contains(fix), "{fix} in\n{report}");
        assert!(report.ends_with("1 error in config.toml\n"), "{report}");
    }
}

/// What is said about a configuration that can be run.
fn warnings(text: &str) -> String {
    let file = ConfigFile { path: PathBuf::from("config.toml"), text: text.to_owned() };
    let environment = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let read = crate::config::read(&file, &environment, |top| read(top, &environment, Templates::Drawn));
    read.map(|(_, warnings)| warnings.render(false))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

#[test]
fn what_may_be_overheard_or_lost_is_warned_of() {
    let here = std::env::current_dir().unwrap().join("members").display().to_string();
    let relative = warnings(&format!("data_dir = \"members\"\n{}", with("")));
    assert!(relative.contains(&here) && relative.contains("config.toml:1:12"), "{relative}");
    assert_eq!(warnings(&format!("data_dir = \"/var/lib/wxgate\"\n{}", with(""))), "");
    assert_eq!(warnings(&with("")), "", "the smallest file is fine");
    let store =
        |rest: &str| warnings(&with(&format!("[store]\nurl = \"postgres://wxgate:pass-canary@{rest}\"")));
    for rest in ["db.internal/x", "db.internal/x?sslmode=disable"] {
        let text = store(rest);
        assert!(text.contains("sslmode=require") && !text.contains("canary"), "{text}");
    }
    for rest in ["db.internal/x?sslmode=require", "localhost/x", "127.0.0.1:6432/x?sslmode=disable"] {
        assert_eq!(store(rest), "", "{rest}");
    }
}

#[test]
fn the_password_of_a_database_is_in_no_report() {
    for lines in [
        "url = \"postgres://wxgate:pass-canary@db/x?sslmode=nonsense\"",
        "url = \"postgres://wxgate:pass@canary/x?pass-canary=1@db/x\"",
        "url = \"postgres://wxgate:pass-canary@db:99999999/x\"",
        "url = \"postgres:/wxgate:pass-canary@db/x\"",
        "url = [\"postgres://wxgate:pass-canary@db/x\"]",
        "url = \"postgres://wxgate:pass-canary@db/x\" nonsense",
        "url = \"postgres://wxgate:pass-canary@db/x\"\nurl_file = \"x\"",
        "url = \"postgres://wxgate:pass-canary@db/x\"\nkeep_audit = 5",
        "urls = \"postgres://wxgate:pass-canary@db/x\"",
        "url = \"host=db user=wxgate password=pass-canary\"",
    ] {
        let report = parse(&with(&format!("[store]\n{lines}"))).unwrap_err();
        assert!(!report.contains("canary"), "{lines}:\n{report}");
    }
    let config = parse(&with("[store]\nurl = \"postgres://wxgate:pass-canary@db/x\"")).unwrap();
    assert!(!format!("{:?} {}", config.store, config.store.url).contains("canary"));
}
