//! WeChat looks for a file on every host, to see whose it is: it finds those of the configuration, and nothing else changes.

use http::{Method, StatusCode};

use crate::forward_auth::{DIALECTS, Dialect};
use crate::support::{Answer, Setup, TestGateway, Wire, command};

const FILE: &str = "/MP_verify_0123456789abCDEF.txt";
const TEXT: &str = "0123456789abCDEF";
const NAVIGATION: &str = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n";

/// A gateway that shows two files; `b.localhost` is open to nobody and `c.localhost` to everybody.
async fn gateway() -> TestGateway {
    let tables = "[[routes]]\nhost = \"b.localhost\"\naccess = \"deny\"\n\
                  [[routes]]\nhost = \"c.localhost\"\naccess = \"public\"\n";
    let names = "MP_verify_0123456789abCDEF.txt, MP_verify_aaaaaaaaaaaaaaaa.txt".to_owned();
    let variable = ("WXGATE_WECHAT__OFFICIAL_ACCOUNT__VERIFY_FILES".to_owned(), names);
    let server = "trusted_proxies = [\"127.0.0.1\"]".to_owned();
    let setup = Setup { tables: tables.to_owned(), environment: vec![variable], server, ..Setup::default() };
    TestGateway::with(setup).await
}

/// What comes of `method target` on `host`.
async fn ask(gateway: &TestGateway, method: &Method, host: &str, target: &str, lines: &str) -> Answer {
    let mut wire = Wire::to(gateway).await;
    wire.send(format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")).await;
    wire.answer_to(method).await.expect("a whole answer")
}

#[tokio::test]
async fn every_host_shows_the_files_to_everybody() {
    let gateway = gateway().await;
    for host in ["a.localhost", "b.localhost", "c.localhost"] {
        for lines in ["", NAVIGATION, "Accept: application/json\r\n", "Cookie: wxgate=garbage\r\n"] {
            for target in [FILE, "/MP_verify_0123456789abCDEF.txt?x=1", "/%4DP_verify_0123456789abCDEF.txt"] {
                let answer = ask(&gateway, &Method::GET, host, target, lines).await;
                assert_eq!(
                    (answer.status, answer.text().as_str()),
                    (StatusCode::OK, TEXT),
                    "{host} {target}"
                );
                assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
                assert_eq!(answer.header("cache-control"), "no-store");
                assert!(answer.headers.get("set-cookie").is_none());
            }
        }
        let head = ask(&gateway, &Method::HEAD, host, FILE, "").await;
        assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, "16"), "{host}");
        assert!(head.body.is_empty());
    }
    let second = gateway.get("/MP_verify_aaaaaaaaaaaaaaaa.txt", "").await;
    assert_eq!(second.text(), "aaaaaaaaaaaaaaaa");
    assert_eq!(gateway.upstream.count(), 0);
    let line = gateway.log_line(&["MP_verify_aaaaaaaaaaaaaaaa.txt"]);
    assert!(line.contains("\"route\":\"MP_verify\""), "{line}");
    let nowhere = ask(&gateway, &Method::GET, "evil.test", FILE, "").await;
    assert_eq!(nowhere.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn whatever_is_not_exactly_such_a_file_goes_where_it_always_went() {
    let gateway = gateway().await;
    for target in [
        "/MP_verify_0000000000000000.txt",
        "/MP_verify_0123456789abcdef.txt",
        "/mp_verify_0123456789abCDEF.txt",
        "/MP_verify_0123456789abCDEF.txt/",
        "/MP_verify_0123456789abCDEF.txt;x",
        "/MP_verify_0123456789abCDEF.txt.bak",
        "/MP_verify_0123456789abCDEF",
        "/MP_verify_",
        "/x/MP_verify_0123456789abCDEF.txt",
    ] {
        let open = ask(&gateway, &Method::GET, "c.localhost", target, NAVIGATION).await;
        assert_eq!(open.status, StatusCode::OK, "{target}");
        assert_eq!(gateway.upstream.last().uri.to_string(), target);
        let guarded = ask(&gateway, &Method::GET, "a.localhost", target, NAVIGATION).await;
        assert_eq!(guarded.status, StatusCode::FOUND, "{target}");
        let closed = ask(&gateway, &Method::GET, "b.localhost", target, NAVIGATION).await;
        assert_eq!(closed.status, StatusCode::FORBIDDEN, "{target}");
    }
    let arrived = gateway.upstream.count();
    let posted = ask(&gateway, &Method::POST, "c.localhost", FILE, "Content-Length: 0\r\n").await;
    assert_eq!((posted.status, gateway.upstream.count()), (StatusCode::OK, arrived + 1));
    let posted = ask(&gateway, &Method::POST, "b.localhost", FILE, "Content-Length: 0\r\n").await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_proxy_that_asks_is_let_through_to_exactly_such_a_file() {
    let gateway = gateway().await;
    for dialect in DIALECTS {
        let check = async |method: &str, target: &str, lines: &str| {
            let question = dialect.question(method, target, lines);
            let mut wire = Wire::to(&gateway).await;
            wire.send(question).await;
            let method = if dialect == Dialect::Envoy { method.parse().unwrap() } else { Method::GET };
            wire.answer_to(&method).await.expect("a whole answer").status
        };
        for method in ["GET", "HEAD"] {
            assert_eq!(check(method, FILE, NAVIGATION).await, StatusCode::OK, "{dialect:?}");
        }
        assert_ne!(check("POST", FILE, "").await, StatusCode::OK, "{dialect:?}");
        // As an application may read it, that is the page `/`.
        assert_ne!(check("GET", &format!("/{FILE}"), "").await, StatusCode::OK, "{dialect:?}");
        assert_ne!(
            check("GET", FILE, "X-HTTP-Method-Override: DELETE\r\n").await,
            StatusCode::OK,
            "{dialect:?}"
        );
        assert_ne!(check("GET", "/MP_verify_0000000000000000.txt", "").await, StatusCode::OK, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_reload_shows_other_files() {
    let gateway = TestGateway::start().await;
    assert_eq!(gateway.get(FILE, NAVIGATION).await.status, StatusCode::FOUND);
    let secret = format!("app_secret = \"{}\"\n", crate::support::ACCOUNT_SECRET);
    let more = format!("{secret}verify_files = [\"{}\"]\n", &FILE[1..]);
    gateway.edit_config(|text| text.replace(&secret, &more));
    assert!(gateway.reload().contains("new configuration is"));
    assert_eq!(gateway.get(FILE, NAVIGATION).await.text(), TEXT);
}

#[test]
fn the_command_line_says_what_the_files_and_messages_do() {
    let folder = tempfile::tempdir().unwrap();
    let text = "public_url = \"https://app.example.com\"\nupstream = \"http://127.0.0.1:3000\"\n\
                [wechat.official_account]\napp_id = \"wxaccount\"\napp_secret = \"s\"\n\
                original_id = \"gh_0123456789ab\"\ntoken = \"aToken1\"\n\
                encoding_aes_key = \"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\"\n\
                verify_files = [\"MP_verify_0123456789abCDEF.txt\"]\n";
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let said = |arguments: &[&str]| {
        let output = command(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let check = said(&["check"]);
    assert!(check.contains("https://app.example.com/_wxgate/wechat/message\n"), "{check}");
    assert!(check.contains("服务器配置") && !check.contains("aToken1"), "{check}");
    let explained = said(&["explain", &format!("https://app.example.com{FILE}")]);
    assert!(explained.contains("everybody gets the file"), "{explained}");
    let other = said(&["explain", "https://app.example.com/MP_verify_0000000000000000.txt"]);
    assert!(other.contains("route ") && !other.contains("the file"), "{other}");
}
