//! What operators read: every request on one line with its name, and never a secret, whatever visitors send.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::process::ChildStdout;

use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;
use wxgate::wechat::simulator::{Consent, Fault};

use crate::support::{ACCOUNT_SECRET, Answer, PHONE, Setup, TestGateway, WEBSITE_SECRET, WECHAT, command};

const SECRET: &str = "session-secret-canary-0123456789-0123456789";
const TOKEN: &str = "access-token-canary";

#[tokio::test]
async fn no_secret_is_ever_written_down() {
    for format in ["json", "text"] {
        let tables = format!(
            "[log]\nlevel = \"trace\"\nformat = \"{format}\"\n[session]\nsecret = \"{SECRET}\"\n[[routes]]\nhost = \"b.localhost\"\n"
        );
        let wechat = "timeout = \"1s\"".to_owned();
        let mut gateway = TestGateway::with(Setup { tables, wechat, ..Setup::default() }).await;
        let mut secrets: HashSet<String> = [WEBSITE_SECRET, ACCOUNT_SECRET, SECRET, TOKEN]
            .into_iter()
            .chain([
                "query-canary",
                "bearer-canary",
                "cookie-canary",
                "body-canary",
                "referer-canary",
                "password-canary",
            ])
            .map(str::to_owned)
            .collect();
        let mut pages = Vec::new();

        // A whole login on two hosts, by QR and in WeChat, and every way to fail at it.
        let mut browser = gateway.browser();
        browser.cookies.insert(("a.localhost".to_owned(), "app".to_owned()), "cookie-canary".to_owned());
        gateway.wechat.script().consent(Consent::Allow("王芳 Wang".to_owned()));
        let stops = |next: &Url| next.path() != "/_wxgate/ticket";
        let (_, answer) = browser.follow_while("http://b.localhost/x?query-canary=1", stops).await;
        secrets.insert(answer.location().split_once("t=").unwrap().1.to_owned());
        let ticket = answer.location().to_owned();
        pages.push(gateway.browser().open(&ticket).await);
        browser.follow(&ticket).await;
        pages.push(browser.open(&ticket).await);
        let mut phone = gateway.browser_as(WECHAT);
        pages.push(phone.open(&gateway.url("/_wxgate/login?to=/x")).await);
        phone.follow(&gateway.url("/_wxgate/login?way=wechat&to=/y?query-canary=2")).await;

        for fault in [
            Fault::Errcode(40125),
            Fault::Errcode(40029),
            Fault::Errcode(45011),
            Fault::body(r#"{"errcode":40013,"errmsg":"invalid appid, rid: 1-2-3"}"#),
            Fault::body(format!(r#"{{"access_token":"{TOKEN}","refresh_token":"{TOKEN}","openid":5}}"#)),
            Fault::body(format!("<html>{TOKEN}</html>")),
            Fault::body(format!(r#"{{"access_token":"{TOKEN}","openid":"oABC"}}"#)),
            Fault::body(format!(r#"{{"access_token":"{TOKEN}","openid":"oABC","is_snapshotuser":1}}"#)),
            Fault::ResetAfterConsuming,
            Fault::Slow(std::time::Duration::from_secs(60)),
        ] {
            gateway.wechat.script().next_exchange(fault);
            let mut visitor = gateway.browser();
            let callback = visitor.callback(&gateway, "Lin", "/z?query-canary=3").await;
            let state = Url::parse(&callback)
                .unwrap()
                .query_pairs()
                .find(|pair| pair.0 == "state")
                .unwrap()
                .1
                .into_owned();
            secrets.insert(state);
            secrets.extend(visitor.cookies.values().cloned());
            pages.push(gateway.browser().open(&callback).await);
            pages.push(visitor.open(&callback).await);
            pages.push(visitor.open(&format!("{callback}&code=again")).await);
        }

        // Requests of every kind with something secret in every place.
        let headers = [
            ("authorization", "Bearer bearer-canary"),
            ("referer", "http://a.localhost/x?referer-canary"),
            ("x-api-key", "bearer-canary"),
            ("accept", "text/html"),
        ];
        for path in [
            "/x",
            "/public/x",
            "/closed",
            "/api/x",
            "/a%2fb",
            "/_wxgate/me",
            "/_wxgate/logout",
            "/_wxgate/nothing",
        ] {
            for method in [Method::GET, Method::POST, Method::TRACE] {
                let url = gateway.url(&format!("{path}?password=password-canary&query-canary"));
                pages.push(browser.send(method, &url, &headers, "secret=body-canary").await);
            }
        }
        pages.push(browser.open_with("http://c.localhost/?query-canary", &[]).await);
        for bytes in [
            "GET http://me:password-canary@a.localhost/ HTTP/1.1\r\nhost: a.localhost\r\nconnection: close\r\n\r\n",
            "GET /?query-canary HTTP/1.1\r\ncookie: cookie-canary\r\n\r\n",
            "nonsense query-canary\r\n\r\n",
        ] {
            gateway.raw(bytes).await;
        }
        gateway.reload();
        secrets.extend(
            browser.cookies.values().chain(phone.cookies.values()).filter(|value| value.len() > 8).cloned(),
        );
        secrets
            .extend(gateway.wechat.calls().into_iter().map(|call| call.code).filter(|code| !code.is_empty()));
        assert!(secrets.len() > 30, "{secrets:?}");

        let metrics = gateway.admin("/metrics").await.1;
        gateway.signal("TERM");
        gateway.exit_code().await;
        let log = gateway.log();
        assert!(
            log.contains("signed-in") && log.contains("refused") && log.contains("40125"),
            "everything was logged"
        );
        for secret in &secrets {
            assert!(!log.contains(secret), "{secret} is in the {format} log:\n{}", lines_with(&log, secret));
            assert!(!metrics.contains(secret), "{secret} is in the metrics");
        }
        // A page may lead back to where its own visitor wanted to go.
        let visitors_own = ["query-canary", "password-canary"];
        for page in pages {
            let text = page.html();
            for secret in secrets.iter().filter(|secret| !visitors_own.contains(&secret.as_str())) {
                let echoed = page.headers.contains_key("x-application");
                assert!(echoed || !text.contains(secret), "{secret} is on the page {text}");
            }
        }
    }
}

#[tokio::test]
async fn every_line_is_json_and_every_request_has_one() {
    let tables = "[log]\nlevel = \"trace\"".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let mut browser = gateway.signed_in("Lin").await;
    let user = gateway.upstream.last().all("remote-user")[0].clone();
    for (method, path, status, route, decision, member) in [
        (Method::GET, "/public/a b?x=1", 200, "a.localhost/public/", "admit", user.as_str()),
        (Method::PUT, "/x/../y", 200, "a.localhost/", "admit", &user),
        (Method::GET, "/closed", 403, "a.localhost/closed/", "refuse", &user),
        (Method::GET, "/_wxgate/me", 200, "_wxgate/me", "", ""),
        (Method::GET, "/a%2fb", 400, "-", "", ""),
    ] {
        let answer = browser.send(method.clone(), &gateway.url(path), &[], "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let line = access_line(&gateway, &answer);
        assert_eq!((&line["method"], &line["status"]), (&method.as_str().into(), &status.into()), "{line}");
        assert_eq!((&line["route"], &line["decision"]), (&route.into(), &decision.into()), "{line}");
        assert_eq!((&line["member"], &line["client"]), (&member.into(), &"127.0.0.1".into()), "{line}");
        assert!(
            line["duration_ms"].as_f64().unwrap() > 0.0 && !line["path"].as_str().unwrap().contains('?'),
            "{line}"
        );
    }
    for line in gateway.log().lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_request_has_one_name_in_the_log_on_the_page_and_in_the_answer() {
    let server = "trusted_proxies = [\"127.0.0.1\"]".to_owned();
    let trusting = TestGateway::with(Setup { server, ..Setup::default() }).await;
    let gateway = TestGateway::start().await;
    let mut names = HashSet::new();
    for path in ["/_wxgate/callback", "/_wxgate/nothing", "/public/x", "/x", "/a%2fb"] {
        let answer =
            gateway.browser_as(PHONE).open_with(&gateway.url(path), &[("x-request-id", "mine")]).await;
        let name = answer.header("x-request-id").to_owned();
        assert_ne!(name, "mine", "a stranger names nothing");
        access_line(&gateway, &answer);
        if answer.headers.contains_key("content-security-policy") {
            assert!(answer.html().contains(&name), "{path}");
        }
        assert!(names.insert(name), "each has its own");
    }
    let seen = gateway.upstream.last();
    assert!(names.contains(&seen.all("x-request-id")[0]), "the application hears it too");
    let answer =
        trusting.browser().open_with(&trusting.url("/x"), &[("x-request-id", "from-the-proxy-1")]).await;
    assert_eq!(answer.header("x-request-id"), "from-the-proxy-1");
    for odd in ["a b", "<script>", "\u{e9}", &"x".repeat(1000), ""] {
        let answer = trusting.browser().open_with(&trusting.url("/x"), &[("x-request-id", odd)]).await;
        assert_ne!(answer.header("x-request-id"), odd, "a name that is none");
        assert!(!answer.header("x-request-id").is_empty());
    }
    let json = gateway.browser().fetch(&gateway.url("/api/x")).await;
    assert_eq!(json.json()["request_id"], json.header("x-request-id"));
}

#[tokio::test]
async fn what_happens_on_the_way_to_wechat_bears_the_requests_name() {
    let gateway = TestGateway::start().await;
    gateway.wechat.script().next_exchange(Fault::Errcode(40029)).every_profile(Fault::body("[]"));
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let again = browser.open(&callback).await;
    gateway.log_line(&["asking WeChat once more", again.header("x-request-id"), "40029", "rid: "]);
    let sent_back = browser.open(again.location()).await;
    let signed_in = browser.open(sent_back.location()).await;
    assert_eq!((signed_in.status, signed_in.location()), (StatusCode::SEE_OTHER, "/"));
    let name = signed_in.header("x-request-id");
    gateway.log_line(&["signing in without name and picture", name]);
    gateway.log_line(&["\"signed-in\"", "wxgate::audit", name]);
}

#[tokio::test]
async fn hostile_text_stays_inside_one_line() {
    for format in ["json", "text"] {
        let tables =
            format!("[log]\nlevel = \"trace\"\nformat = \"{format}\"\n[access]\ndefault = \"public\"");
        let mut gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
        let hostile = [
            "\u{1b}[31mred\u{1b}[0m",
            "\u{202e}evil\u{2066}",
            "%0d%0a{\"level\":\"ERROR\",\"message\":\"forged\"}",
            "%1b[2J%07%08",
            "\u{85}\u{2028}\u{2029}",
            "\u{9b}31m",
            "\"}{\"message\":\"forged",
            "\\u001b[31m\\n",
        ];
        for text in hostile {
            let spaceless = text.replace(' ', "+");
            for request in [
                format!("GET /{spaceless} HTTP/1.1\r\nhost: a.localhost\r\n"),
                format!("GET /x?{spaceless} HTTP/1.1\r\nhost: a.localhost\r\n"),
                format!("GET / HTTP/1.1\r\nhost: {spaceless}\r\n"),
                format!("GET http://{spaceless}/ HTTP/1.1\r\nhost: a.localhost\r\n"),
                format!("GET / HTTP/1.1\r\nhost: a.localhost\r\nuser-agent: {text}\r\n"),
                format!(
                    "GET /_wxgate/login HTTP/1.1\r\nhost: a.localhost\r\nuser-agent: MicroMessenger/8 {text}\r\n"
                ),
                format!(
                    "GET / HTTP/1.1\r\nhost: a.localhost\r\nx-request-id: {text}\r\nx-forwarded-for: {text}\r\n"
                ),
                format!(
                    "GET /_wxgate/callback?code={spaceless}&state={spaceless} HTTP/1.1\r\nhost: a.localhost\r\n"
                ),
                format!("{spaceless} / HTTP/1.1\r\nhost: a.localhost\r\n"),
            ] {
                let answer = gateway.raw(format!("{request}connection: close\r\n\r\n")).await;
                assert!(!answer.starts_with("HTTP/1.1 5"), "{answer}");
                let head = answer.split("\r\n\r\n").next().unwrap();
                assert!(head.bytes().all(|byte| byte >= b' ' || b"\r\n".contains(&byte)), "{head:?}");
            }
        }
        let long = "A".repeat(64 * 1024);
        for request in [
            format!("GET /{long} HTTP/1.1\r\nhost: a.localhost\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nhost: {long}\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nhost: a.localhost\r\nuser-agent: {long}\r\n\r\n"),
        ] {
            gateway.raw_or_cut(request).await;
        }
        // Names as WeChat has them, in log and on pages.
        gateway.wechat.script().every_profile(Fault::body(
            "{\"openid\":\"oABC\",\"nickname\":\"\u{202e}<img src=x onerror=1>{{7*7}}\\u001b[31m\"}",
        ));
        gateway.wechat.script().next_exchange(Fault::body(r#"{"access_token":"T","openid":"oABC"}"#));
        let mut browser = gateway.browser();
        let callback = browser.callback(&gateway, "Lin", "/_wxgate/login?to=/").await;
        browser.open(&callback).await;
        let page = browser.open(&gateway.url("/_wxgate/logout")).await;
        assert!(page.text().contains("&lt;img src=x onerror=1&gt;{{7*7}}"), "{}", page.text());
        assert!(!page.text().contains('\u{202e}') && !page.text().contains('\u{1b}'));

        gateway.signal("TERM");
        assert_eq!(gateway.exit_code().await, Some(0));
        for line in gateway.log().lines() {
            let is_plain = |c: char| {
                !c.is_control()
                    && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(line.chars().all(is_plain), "{line:?}");
            assert!(line.len() < 10_000, "{} bytes: {}", line.len(), &line[..200]);
            assert!(!line.contains("panicked"), "{line}");
            match format {
                "json" => {
                    let line: Value =
                        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                    assert_ne!(line["message"], "forged");
                }
                _ => assert!(
                    line.starts_with("20") || line.starts_with(' ') || !line.contains("forged"),
                    "{line:?}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn the_operator_decides_how_much_is_written() {
    let tables = "[log]\naccess = false".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    gateway.signed_in("Lin").await;
    gateway.log_line(&["\"signed-in\"", "wxgate::audit"]);
    assert!(!gateway.log().contains("wxgate::access"));
    let tables = "[log]\nlevel = \"info\"".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let answer = gateway.browser().open(&gateway.url("/_wxgate/nothing")).await;
    access_line(&gateway, &answer);
    assert!(!gateway.log().contains("DEBUG"));
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_no_request() {
    let gateway = TestGateway::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(gateway.folder.path().join("config.toml"), folder.path().join("config.toml")).unwrap();
    let mut silent = command(folder.path()).spawn().unwrap();
    let mut output: BufReader<ChildStdout> = BufReader::with_capacity(1, silent.stdout.take().unwrap());
    let listen = loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ends before it listens");
        if line.contains("\"listening\"") {
            break serde_json::from_str::<Value>(&line).unwrap()["listen"].as_str().unwrap().parse().unwrap();
        }
    };
    let mut browser = crate::support::Browser::new(listen, PHONE, None);
    let path = format!("/public/{}", "x".repeat(7000));
    for _ in 0..100 {
        assert_eq!(
            browser.open(&gateway.url(&path)).await.status,
            StatusCode::OK,
            "700 KB into a pipe of 64"
        );
    }
    silent.kill().unwrap();
    silent.wait().unwrap();
}

/// The access line of this answer's request.
fn access_line(gateway: &TestGateway, answer: &Answer) -> Value {
    let line = gateway.log_line(&[answer.header("x-request-id"), "wxgate::access"]);
    serde_json::from_str(&line).unwrap()
}

fn lines_with(log: &str, words: &str) -> String {
    log.lines().filter(|line| line.contains(words)).collect::<Vec<_>>().join("\n")
}
