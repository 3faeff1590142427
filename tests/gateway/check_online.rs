//! `wxgate check --online`: what an administrator reads at night when nobody can sign in.

use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use wxgate::wechat::simulator::{AccountType, AddressRefusal, Fault};

use crate::phones::account_keys;
use crate::support::{
    ACCOUNT_SECRET, Certificate, EchoUpstream, PATIENCE, Port, Setup, TestGateway, WEBSITE_SECRET, Wire,
    command,
};

const EXCHANGE: &str = "/sns/oauth2/access_token";
const STABLE_TOKEN: &str = "/cgi-bin/stable_token";
const CREATE_CODE: &str = "/cgi-bin/qrcode/create";

/// What no output may hold: secrets of the configuration, how tokens begin, and what stands before both in addresses.
const NEVER_SAID: [&str; 7] = [
    WEBSITE_SECRET,
    ACCOUNT_SECRET,
    "messagetoken",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "98_",
    "secret=",
    "access_token=",
];

pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
}

impl Said {
    /// The line of a finding that has all `words`, and the advice below it.
    pub(crate) fn about(&self, words: &[&str]) -> String {
        let lines: Vec<&str> = self.out.lines().collect();
        let at = lines.iter().position(|line| words.iter().all(|word| line.contains(word)));
        let at = at.unwrap_or_else(|| panic!("nothing about {words:?} in:\n{}", self.out));
        let advice = lines.get(at + 1).filter(|line| line.starts_with("        ")).copied();
        format!("{}\n{}", lines[at], advice.unwrap_or_default())
    }

    pub(crate) fn failures(&self) -> usize {
        self.out.lines().filter(|line| line.starts_with("FAILED")).count()
    }

    /// It failed with exactly this, and the advice has all of `words`.
    pub(crate) fn fails_only(&self, what: &str, words: &[&str]) {
        assert_eq!((self.code, self.failures()), (Some(1), 1), "{}", self.out);
        let found = self.about(&["FAILED", what]);
        assert!(words.iter().all(|word| found.contains(word)), "{words:?} in {found}");
    }
}

/// Runs it in `folder`, and sees that it says no secret.
pub(crate) async fn check_in(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let mut command = command(folder);
    command.args(["check", "--online"]).args(arguments).envs(environment.iter().copied());
    let output = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("it ends by itself").unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let key = std::fs::read_to_string(folder.join("data/session.key")).unwrap_or_default();
    let key = Some(key.trim()).filter(|key| !key.is_empty());
    for secret in NEVER_SAID.into_iter().chain(key) {
        assert!(!out.contains(secret) && !err.contains(secret), "{secret} in:\n{out}{err}");
    }
    Said { code: output.status.code(), out }
}

pub(crate) async fn check(gateway: &TestGateway, arguments: &[&str]) -> Said {
    check_in(gateway.folder.path(), arguments, &[]).await
}

/// A gateway that is reached by name as its configuration says.
pub(crate) async fn reachable(setup: Setup) -> TestGateway {
    let port = Port::reserve();
    let public_url = Some(format!("http://localhost:{}", port.number));
    TestGateway::with(Setup { public_url, port: port.number, ..setup }).await
}

/// The same with an Official Account that does everything.
pub(crate) async fn with_account(keys: &str) -> TestGateway {
    reachable(Setup { account: account_keys(&format!("qr_login = true\n{keys}")), ..Setup::default() }).await
}

/// Lets the configuration say another `public_url` than the gateway that runs by it.
fn move_to(gateway: &TestGateway, public_url: &str) {
    gateway.edit_config(|text| {
        let old = text.lines().find(|line| line.starts_with("public_url")).unwrap().to_owned();
        text.replace(&old, &format!("public_url = \"{public_url}\""))
    });
}

#[tokio::test]
async fn all_is_well_and_nothing_was_changed() {
    let gateway = with_account("verify_files = [\"MP_verify_0123456789abCDEF.txt\"]").await;
    let said = check(&gateway, &[]).await;
    assert_eq!((said.code, said.failures()), (Some(0), 0), "{}", said.out);
    assert!(said.out.starts_with("ok: 4 routes on localhost\n"), "{}", said.out);
    for words in [
        &["ok ", "website app wxwebsite", "AppID and AppSecret are right"][..],
        &["ok ", "localhost is its callback domain"],
        &["ok ", "Official Account wxaccount", "AppID and AppSecret are right"],
        &["ok ", "Official Account wxaccount", "gives this server an access_token"],
        &["ok ", "may make codes to scan"],
        &["ok ", "clock: this computer's agrees with WeChat's"],
        &["ok ", "answered by the wxgate of this configuration"],
        &["ok ", "/_wxgate/wechat/message answers as WeChat wants it"],
        &["ok ", "MP_verify_0123456789abCDEF.txt: shows what WeChat looks for"],
        &["ok ", "application http://", "takes connections"],
    ] {
        said.about(words);
    }
    let domain = said.about(&["note ", "web authorization domain"]);
    assert!(domain.contains("网页授权域名” in the WeChat console has localhost"), "{domain}");

    let counts = gateway.wechat.token_counts("wxaccount");
    assert_eq!((counts.plain, counts.forced, counts.stable_minted), (0, 0, 1));
    let codes = gateway.wechat.calls().into_iter().filter(|call| call.path == CREATE_CODE);
    assert_eq!(codes.map(|call| call.errcode).collect::<Vec<_>>(), [40035], "no code is made");
    check(&gateway, &[]).await;
    assert_eq!(gateway.wechat.token_counts("wxaccount").stable_minted, 1, "the token is everybody's");
}

#[tokio::test]
async fn it_speaks_the_language_of_the_terminal_and_that_of_programs() {
    let gateway = with_account("").await;
    let folder = gateway.folder.path();
    let chinese = check_in(folder, &[], &[("LANG", "zh_CN.UTF-8")]).await;
    for words in ["网站应用 wxwebsite：AppID 与 AppSecret 正确", "由这份配置的 wxgate 回答", "网页授权域名"]
    {
        assert!(chinese.out.contains(words), "{words} in {}", chinese.out);
    }
    let chosen = check_in(folder, &["--lang", "en"], &[("LANG", "zh_CN.UTF-8")]).await;
    assert!(chosen.out.contains("answered by the wxgate"), "{}", chosen.out);
    gateway.wechat.console("wxaccount").freeze_secret(true);
    let frozen = check(&gateway, &["--lang", "zh"]).await;
    frozen.fails_only("AppSecret 已被冻结", &["errcode 40243", "设置与开发 → 基本配置", "解冻"]);
    let json = check(&gateway, &["--json"]).await;
    assert_eq!(json.code, Some(1));
    let all: Value = serde_json::from_str(&json.out).unwrap();
    let found =
        |check: &str| all.as_array().unwrap().iter().find(|one| one["check"] == check).unwrap().clone();
    assert_eq!(found("website.secret")["result"], "ok");
    let token = found("account.token");
    assert_eq!(token["result"], "FAILED");
    assert!(token["advice"].as_str().unwrap().starts_with("Unfreeze the AppSecret"), "{token}");
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_id_are_told_apart() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    gateway.edit_config(|text| text.replace(WEBSITE_SECRET, "another-secret"));
    for errcode in [40125, 40001] {
        gateway.wechat.script().wrong_secret_errcode(errcode);
        let said = check(&gateway, &[]).await;
        let number = format!("(errcode {errcode}, rid ");
        said.fails_only(
            "website app wxwebsite: the AppSecret is wrong",
            &[&number, "[wechat.website]", "微信开放平台"],
        );
        assert!(!said.out.contains("another-secret"), "{}", said.out);
    }
    gateway.edit_config(|text| {
        text.replace("another-secret", WEBSITE_SECRET).replace("\"wxwebsite\"", "\"wxother\"")
    });
    let said = check(&gateway, &[]).await;
    assert_eq!((said.code, said.failures()), (Some(1), 2), "{}", said.out);
    assert!(said.about(&["FAILED", "the AppID is wrong"]).contains("40013"), "{}", said.out);
    said.about(&["FAILED", "AppID 参数错误"]);
}

#[tokio::test]
async fn secrets_in_each_others_place_are_said_to_be_there() {
    let gateway = with_account("").await;
    let swap = |text: String| {
        let aside = text.replace(WEBSITE_SECRET, "aside").replace(ACCOUNT_SECRET, WEBSITE_SECRET);
        aside.replace("aside", ACCOUNT_SECRET)
    };
    gateway.edit_config(swap);
    for (language, what, todo) in [
        ("en", "may be swapped", "See first whether app_id or app_secret of [wechat.website] and"),
        ("zh", "写反了", "先看 [wechat.website] 与 [wechat.official_account]"),
    ] {
        let said = check(&gateway, &["--lang", language]).await;
        for about in ["wxwebsite", "wxaccount"] {
            let found = said.about(&["FAILED", about, "40125", what]);
            assert!(
                found.contains(todo) || found.contains("处理方法同上") || found.contains("Do as above"),
                "{found}"
            );
        }
        assert!(said.out.contains(todo), "{}", said.out);
    }
    // One wrong secret is nobody else's.
    gateway.edit_config(swap);
    gateway.edit_config(|text| text.replace(WEBSITE_SECRET, "another-secret"));
    let said = check(&gateway, &[]).await;
    said.fails_only("website app wxwebsite: the AppSecret is wrong", &["[wechat.website]"]);
    assert!(!said.out.contains("swapped"), "{}", said.out);
}

#[tokio::test]
async fn apps_in_each_others_table_are_said_to_be_there() {
    let gateway = with_account("").await;
    gateway.edit_config(|text| {
        let aside = text.replace(WEBSITE_SECRET, "aside").replace(ACCOUNT_SECRET, WEBSITE_SECRET);
        let aside = aside.replace("aside", ACCOUNT_SECRET).replace("\"wxwebsite\"", "\"aside\"");
        aside.replace("\"wxaccount\"", "\"wxwebsite\"").replace("\"aside\"", "\"wxaccount\"")
    });
    let said = check(&gateway, &[]).await;
    let words = "AppID and AppSecret of website app and Official Account may be swapped";
    said.about(&["FAILED", "website app wxaccount", "Scope 参数错误", words]);
    said.about(&["FAILED", "Official Account wxwebsite", "40013", words]);
}

#[tokio::test]
async fn an_address_that_wechat_does_not_let_in_is_named() {
    let gateway = with_account("").await;
    let console = gateway.wechat.console("wxaccount");
    console.whitelist(&[]);
    for (refusal, errcode) in
        [(AddressRefusal::NotOnTheList, "40164"), (AddressRefusal::NotRegistered, "61004")]
    {
        console.refuse_addresses_by(refusal);
        let said = check(&gateway, &[]).await;
        said.fails_only("not on the IP whitelist", &[errcode, "as 127.0.0.1: add exactly that", "IP白名单"]);
        said.about(&["note ", "whether it may make codes to scan cannot be seen"]);
    }
    console.refuse_addresses_by(AddressRefusal::NeedsConfirmation);
    let said = check(&gateway, &[]).await;
    said.fails_only("administrator to confirm this server's address", &["89503", "confirm it there"]);
}

#[tokio::test]
async fn an_account_without_permissions_is_said_to_have_none() {
    let account = account_keys("qr_login = true");
    let account_type = AccountType::VerifiedSubscription;
    let gateway = reachable(Setup { account, account_type, ..Setup::default() }).await;
    check(&gateway, &[])
        .await
        .fails_only("no permission for this interface", &["48001", "接口权限", "chat_login"]);
}

#[tokio::test]
async fn a_token_that_wechat_does_not_take_is_no_wrong_secret() {
    let gateway = with_account("").await;
    gateway.wechat.script().every_call(CREATE_CODE, Fault::Errcode(40001));
    check(&gateway, &[]).await.fails_only("the access_token is not valid", &["40001", "cgi-bin/token"]);
    gateway.wechat.script().every_call(CREATE_CODE, Fault::Errcode(12345));
    let said = check(&gateway, &[]).await;
    assert_eq!((said.code, said.failures()), (Some(0), 0), "what was asked for was not whole: {}", said.out);
    said.about(&["note ", "Official Account wxaccount: WeChat says no (errcode 12345"]);
}

#[tokio::test]
async fn a_token_server_that_gives_none_is_told_from_wechat() {
    let refusing = answering("HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno".to_owned()).await;
    let keys =
        format!("token_server = \"http://127.0.0.1:{refusing}/token?key=1\"\ntoken_server_secret = \"98_x\"");
    let gateway = with_account(&keys).await;
    let said = check(&gateway, &[]).await;
    said.fails_only("token_server gives no access_token (HTTP 403)", &["token_server_secret"]);
    let nobody = Port::reserve();
    gateway.edit_config(|text| text.replace(&format!(":{refusing}/"), &format!(":{}/", nobody.number)));
    let said = check(&gateway, &[]).await;
    said.fails_only("token_server is not reached: 127.0.0.1", &["nothing listens there"]);
    assert_eq!(gateway.wechat.token_counts("wxaccount").stable, 0, "WeChat is not asked for one");
}

#[tokio::test]
async fn a_host_that_wechat_does_not_lead_back_to_is_to_be_registered() {
    let port = Port::reserve();
    let public_url = Some(format!("http://127.0.0.1:{}", port.number));
    let setup = Setup { public_url, port: port.number, website_only: true, ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    let said = check(&gateway, &[]).await;
    said.fails_only("redirect_uri 参数错误", &["Enter 127.0.0.1 under", "授权回调域", "the bare host"]);
}

#[tokio::test]
async fn a_clock_that_is_off_is_noted_and_one_that_is_far_off_fails() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    gateway.wechat.advance(Duration::from_secs(30));
    let said = check(&gateway, &[]).await;
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(
        said.about(&["note ", "seconds behind WeChat's"]).contains("timedatectl set-ntp true"),
        "{}",
        said.out
    );
    gateway.wechat.advance(Duration::from_secs(3600));
    check(&gateway, &[]).await.fails_only("seconds behind WeChat's", &["timedatectl"]);
}

#[tokio::test]
async fn a_wechat_that_does_not_answer_keeps_nobody_waiting() {
    let account = account_keys("qr_login = true");
    let wechat = "timeout = \"1s\"".to_owned();
    let gateway = reachable(Setup { account, wechat, ..Setup::default() }).await;
    let slow = || Fault::Slow(Duration::from_secs(3600));
    gateway.wechat.script().exchange(slow()).every_call(STABLE_TOKEN, slow());
    let said = check(&gateway, &[]).await;
    assert_eq!((said.code, said.failures()), (Some(1), 3), "{}", said.out);
    assert!(said.about(&["FAILED", "does not answer in time"]).contains("HTTPS_PROXY"), "{}", said.out);
    said.about(&["ok ", "answered by the wxgate of this configuration"]);
}

#[tokio::test]
async fn why_wechat_is_not_reached_is_said_in_words() {
    let nobody = Port::reserve();
    let api_base = Some(format!("http://127.0.0.1:{}", nobody.number));
    let gateway = reachable(Setup { api_base, website_only: true, ..Setup::default() }).await;
    let said = check(&gateway, &[]).await;
    let what = "website app wxwebsite (AppSecret): WeChat is not reached: 127.0.0.1";
    said.fails_only(what, &["nothing listens there", "firewall"]);
    gateway.edit_config(|text| text.replace(&format!("127.0.0.1:{}", nobody.number), "nobody.invalid"));
    let said = check(&gateway, &[]).await;
    said.fails_only("cannot be resolved (DNS)", &["nobody.invalid", "/etc/resolv.conf"]);
    let proxy = format!("http://127.0.0.1:{}", nobody.number);
    let environment = [("http_proxy", proxy.as_str()), ("no_proxy", "localhost,127.0.0.1")];
    let said = check_in(gateway.folder.path(), &[], &environment).await;
    said.fails_only(
        "not reached through the proxy that http_proxy names",
        &["lets through to nobody.invalid"],
    );
}

#[tokio::test]
async fn what_strangers_write_is_not_repeated() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    let echo =
        format!("{{\"errcode\":40013,\"errmsg\":\"bad secret={WEBSITE_SECRET}, rid: {WEBSITE_SECRET}\"}}");
    gateway.wechat.script().exchange(Fault::body(echo));
    check(&gateway, &[]).await.fails_only("the AppID is wrong", &["(errcode 40013)"]);
    gateway.wechat.script().exchange(Fault::HtmlBadGateway);
    check(&gateway, &[]).await.fails_only("none of WeChat's (HTTP 502)", &["on the way"]);
}

#[tokio::test]
async fn another_program_at_public_url_is_recognised() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    let other = EchoUpstream::start().await;
    move_to(&gateway, &format!("http://localhost:{}", other.address.port()));
    let said = check(&gateway, &[]).await;
    said.fails_only(
        "another program answers, not wxgate (HTTP 200)",
        &["something listens on", "wxgate snippet"],
    );
}

#[tokio::test]
async fn another_wxgate_at_public_url_is_recognised() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    let other = reachable(Setup { website_only: true, ..Setup::default() }).await;
    move_to(&gateway, &format!("http://localhost:{}", other.address.port()));
    let said = check(&gateway, &[]).await;
    said.fails_only("another wxgate answers, with another session.secret", &["data_dir"]);
}

#[tokio::test]
async fn a_wxgate_that_has_not_read_the_new_secret_yet_is_known_by_the_old_one() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    let key = std::fs::read_to_string(gateway.folder.path().join("data/session.key")).unwrap();
    let (new, old) = ("n".repeat(64), key.trim());
    gateway.edit_config(|text| format!("{text}\n[session]\nsecret = \"{new}\"\nold_secrets = [\"{old}\"]\n"));
    let said = check(&gateway, &[]).await;
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(said.about(&["note ", "former session.secret"]).contains("kill -HUP"), "{}", said.out);
    assert!(!said.out.contains(&new), "{}", said.out);
    gateway.reload();
    check(&gateway, &[]).await.about(&["ok ", "answered by the wxgate of this configuration"]);
}

#[tokio::test]
async fn nobody_at_public_url_is_explained_by_what_runs_here() {
    let mut gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    let free = Port::reserve();
    let here = gateway.url("");
    move_to(&gateway, &format!("http://localhost:{}", free.number));
    let said = check(&gateway, &[]).await;
    said.fails_only("localhost refuses the connection", &["something listens on 127.0.0.1"]);
    move_to(&gateway, "https://nobody.invalid");
    let said = check(&gateway, &[]).await;
    let found = said.about(&["FAILED", "https://nobody.invalid", "cannot be resolved"]);
    assert!(found.contains("Add an A or AAAA record for nobody.invalid"), "{found}");
    move_to(&gateway, &here);
    let address = gateway.address;
    gateway.signal("TERM");
    gateway.exit_code().await;
    let said = check(&gateway, &[]).await;
    let nothing = format!("nothing listens on {address}: start wxgate first");
    said.fails_only("localhost refuses the connection", &[&nothing]);
}

#[tokio::test]
async fn a_redirect_and_a_proxy_without_a_gateway_are_no_answers() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    for (head, what, advice) in [
        (
            "HTTP/1.1 301 Moved\r\nlocation: https://www.a.test/_wxgate/check?nonce=1&secret=x\r\n",
            "redirected to https://www.a.test",
            "Write as public_url the address",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\n",
            "the proxy in front answers HTTP 502",
            "has to be that of server.listen",
        ),
        ("HTTP/1.1 401 No\r\n", "another program answers, not wxgate (HTTP 401)", "pass /_wxgate/"),
    ] {
        let proxy = answering(format!("{head}content-length: 0\r\nconnection: close\r\n\r\n")).await;
        move_to(&gateway, &format!("http://localhost:{proxy}"));
        check(&gateway, &[]).await.fails_only(what, &[advice]);
    }
}

#[tokio::test]
async fn a_proxy_that_changes_the_host_is_found_out() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    move_to(&gateway, &format!("http://127.0.0.1:{}", gateway.address.port()));
    let said = check(&gateway, &[]).await;
    let found = said.about(&["FAILED", "with another host than people ask for"]);
    assert!(found.contains("proxy_set_header Host $host;"), "{found}");
}

#[tokio::test]
async fn every_host_is_asked_for_and_has_to_arrive_as_itself() {
    let tables = "[[routes]]\nhost = \"127.0.0.1\"\n".to_owned();
    let gateway = reachable(Setup { tables, website_only: true, ..Setup::default() }).await;
    let port = gateway.address.port();
    let said = check(&gateway, &[]).await;
    assert_eq!((said.code, said.failures()), (Some(0), 0), "{}", said.out);
    for host in ["localhost", "127.0.0.1"] {
        said.about(&["ok ", &format!("http://{host}:{port}: answered by the wxgate of this configuration")]);
    }
    // As if a proxy wrote another host of ours.
    move_to(&gateway, &format!("http://127.0.0.1:{port}"));
    gateway.edit_config(|text| text.replace("host = \"127.0.0.1\"", "path = \"/more\""));
    let said = check(&gateway, &[]).await;
    let found = said.about(&["FAILED", "with another host than people ask for"]);
    assert!(found.contains("proxy_set_header Host $host;"), "{found}");
    said.about(&["ok ", "answered by the wxgate of this configuration"]);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_no_https() {
    let certificate = Certificate::of(&["localhost"]);
    let port = Port::reserve();
    let public_url = Some(format!("https://localhost:{}", port.number));
    let setup = Setup {
        public_url,
        port: port.number,
        certificate: Some(certificate),
        website_only: true,
        ..Setup::default()
    };
    let gateway = TestGateway::with(setup).await;
    let said = check(&gateway, &[]).await;
    said.fails_only(
        "signed by nobody this computer trusts",
        &["SSL_CERT_FILE", "WeChat's server delivers no"],
    );
    let trusted = gateway.folder.path().join("cert.pem");
    let trusted = [("SSL_CERT_FILE", trusted.to_str().unwrap())];
    let said = check_in(gateway.folder.path(), &[], &trusted).await;
    assert_eq!(said.code, Some(0), "{}", said.out);
    said.about(&["ok ", "answered by the wxgate of this configuration"]);
    said.about(&["ok ", "certificate cert.pem", "good until 4096"]);
    move_to(&gateway, &format!("https://127.0.0.1:{}", port.number));
    let said = check_in(gateway.folder.path(), &[], &trusted).await;
    said.about(&["FAILED", "the certificate is not for this name, only for "]);
}

#[tokio::test]
async fn a_self_signed_certificate_is_called_one_in_both_languages() {
    let port = Port::reserve();
    let setup = Setup {
        public_url: Some(format!("https://localhost:{}", port.number)),
        port: port.number,
        certificate: Some(Certificate::of_an_authority(&["localhost"])),
        website_only: true,
        ..Setup::default()
    };
    let gateway = TestGateway::with(setup).await;
    for (language, words) in [("en", "self-signed"), ("zh", "自签名")] {
        let said = check(&gateway, &["--lang", language]).await;
        assert!(said.out.contains(words) && !said.out.contains("CaUsedAsEndEntity"), "{}", said.out);
    }
    check(&gateway, &[]).await.fails_only("the certificate is self-signed", &["a public authority"]);
}

#[tokio::test]
async fn https_at_a_port_for_http_is_said_to_be_no_tls() {
    let http = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
    let upstream = Some(format!("https://localhost:{http}"));
    let gateway = reachable(Setup { upstream, website_only: true, ..Setup::default() }).await;
    let advice = format!("write upstream = \"http://localhost:{http}\"");
    let said = check(&gateway, &[]).await;
    said.fails_only(&format!("localhost:{http} does not speak TLS"), &[&advice]);

    move_to(&gateway, &format!("https://localhost:{http}"));
    let said = check(&gateway, &[]).await;
    let found = said.about(&["FAILED", &format!("https://localhost:{http}"), "does not speak TLS"]);
    assert!(found.contains("[server.tls]") && found.contains("public_url"), "{found}");
    let chinese = check(&gateway, &["--lang", "zh"]).await;
    chinese.about(&["不是 TLS"]);
    assert!(!said.out.contains("InvalidContentType"), "{}", said.out);
}

#[tokio::test]
async fn a_proxy_that_does_not_say_https_is_found_out() {
    let certificate = Certificate::of(&["localhost"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap().port();
    let public_url = Some(format!("https://localhost:{proxy}"));
    let gateway = TestGateway::with(Setup { public_url, website_only: true, ..Setup::default() }).await;
    let (tls, behind) = (certificate.server(), gateway.address);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                let (mut front, mut back) = (tls.accept(stream).await?, TcpStream::connect(behind).await?);
                copy_bidirectional(&mut front, &mut back).await
            });
        }
    });
    let trusted = gateway.folder.path().join("trusted.pem");
    std::fs::write(&trusted, &certificate.chain).unwrap();
    let trusted = [("SSL_CERT_FILE", trusted.to_str().unwrap())];
    let said = check_in(gateway.folder.path(), &[], &trusted).await;
    said.about(&["ok ", "answered by the wxgate of this configuration"]);
    said.fails_only(
        "browsers come by https, and wxgate sees http",
        &["X-Forwarded-Proto", "trusted_proxies"],
    );
}

#[tokio::test]
async fn messages_that_would_not_arrive_are_found_before_wechat_finds_them() {
    let gateway = with_account("").await;
    gateway.edit_config(|text| text.replace("token = \"messagetoken\"", "token = \"newtoken1\""));
    let said = check(&gateway, &[]).await;
    said.fails_only("does not answer as WeChat wants it (HTTP 403)", &["another token", "kill -HUP"]);
    assert!(!said.out.contains("newtoken1"), "{}", said.out);
    gateway.reload();
    let said = check(&gateway, &[]).await;
    assert_eq!((said.code, said.failures()), (Some(0), 0), "{}", said.out);
}

#[tokio::test]
async fn a_file_that_wechat_would_not_find_is_named() {
    let gateway = reachable(Setup::default()).await;
    let secret = format!("app_secret = \"{ACCOUNT_SECRET}\"\n");
    let more = format!("{secret}verify_files = [\"MP_verify_0123456789abCDEF.txt\"]\n");
    gateway.edit_config(|text| text.replace(&secret, &more));
    let said = check(&gateway, &[]).await;
    said.fails_only(
        "MP_verify_0123456789abCDEF.txt: does not show what WeChat looks for",
        &["HTTP 401", "in front"],
    );
}

#[tokio::test]
async fn an_application_that_is_not_there_is_named() {
    let nobody = Port::reserve();
    let upstream = Some(format!("http://127.0.0.1:{}", nobody.number));
    let gateway = reachable(Setup { upstream, website_only: true, ..Setup::default() }).await;
    let place = format!("application http://127.0.0.1:{}", nobody.number);
    check(&gateway, &[]).await.fails_only(&place, &["refuses the connection", "Start the application"]);
}

#[tokio::test]
async fn before_the_first_start_nothing_is_made() {
    let gateway = reachable(Setup { website_only: true, ..Setup::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(gateway.folder.path().join("config.toml")).unwrap();
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let said = check_in(folder.path(), &[], &[]).await;
    assert_eq!(said.code, Some(0), "{}", said.out);
    let found = said.about(&["note ", "no session.key here yet"]);
    assert!(found.contains("The first start makes it"), "{found}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the configuration is there");
}

#[tokio::test]
async fn which_gateway_answers_is_told_to_nobody_who_does_not_know() {
    let gateway = TestGateway::start().await;
    let nonce = "0123456789abcdef0123456789abcdef";
    let answer = gateway.get(&format!("/_wxgate/check?nonce={nonce}"), "").await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    let json = answer.json();
    assert_eq!((&json["login_host"], &json["https"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!((json.as_object().unwrap().len(), json["proof"].as_str().unwrap().len()), (3, 64));
    let again = gateway.get(&format!("/_wxgate/check?nonce={nonce}"), "").await.json();
    assert_eq!(json["proof"], again["proof"]);
    let other = gateway.get(&format!("/_wxgate/check?nonce={}", nonce.replace('0', "1")), "").await.json();
    assert_ne!(json["proof"], other["proof"]);
    for query in [
        String::new(),
        "?nonce=".to_owned(),
        format!("?nonce={}", &nonce[1..]),
        format!("?nonce={nonce}0"),
        format!("?nonce={}", nonce.to_uppercase()),
        format!("?nonce={nonce}&nonce={nonce}"),
        format!("?nonce={}", nonce.replace('0', "g")),
    ] {
        let answer = gateway.get(&format!("/_wxgate/check{query}"), "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{query}");
    }
    for method in [Method::POST, Method::HEAD, Method::PUT] {
        let mut wire = Wire::to(&gateway).await;
        let head = "Host: a.localhost\r\nContent-Length: 0\r\n\r\n";
        wire.send(format!("{method} /_wxgate/check?nonce={nonce} HTTP/1.1\r\n{head}")).await;
        let answer = wire.answer_to(&method).await.unwrap();
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert_eq!(gateway.wechat.calls_of(EXCHANGE), 0);
}

/// A proxy that gives everybody this answer; its port.
async fn answering(answer: String) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}
