//! Wherever a browser is sent, it stays with us; and only a person who navigates is sent anywhere.

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use wxgate::wechat::simulator::Consent;

use crate::support::{Answer, Browser, Setup, TestGateway};

const US: &str = "http://a.localhost/";

/// Return targets that lead elsewhere for some reader of addresses.
const HOSTILE: [&str; 74] = [
    "//evil.test",
    "//evil.test/x",
    "///evil.test",
    "////evil.test",
    "/\\evil.test",
    "/\\/evil.test",
    "\\/evil.test",
    "\\\\evil.test",
    "\\evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r/evil.test",
    "\t//evil.test",
    " //evil.test",
    "\u{0}//evil.test",
    "/ /evil.test",
    "/\u{b}/evil.test",
    "/./\\evil.test",
    "/.//evil.test",
    "/..//evil.test",
    "/x/..//evil.test",
    "/%2f/evil.test",
    "/%2fevil.test",
    "/%5cevil.test",
    "%2f%2fevil.test",
    "/%09/evil.test",
    "/%0a/evil.test",
    "/%0d%0aLocation:%20//evil.test",
    "%0d%0aSet-Cookie:%20a=b",
    "/\r\nLocation: //evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https:///evil.test",
    "https:////evil.test",
    "https:\\\\evil.test",
    "http:/\\evil.test",
    "https://evil.test",
    "HTTPS://EVIL.TEST",
    "https://evil.test:443/",
    "https://evil.test?a.localhost",
    "https://evil.test#a.localhost",
    "https://evil.test\\@a.localhost",
    "https://evil.test/a.localhost",
    "https://a.localhost@evil.test",
    "https://a.localhost:x@evil.test",
    "https://a.localhost%40evil.test",
    "https://a.localhost.evil.test",
    "https://evila.localhost",
    "https://a.localhost%2eevil.test",
    "https://a.localhost\\.evil.test",
    "https://a.localhost\t.evil.test",
    "https://a.localhost%00.evil.test",
    "https://a.localhost,evil.test",
    "https://a.localhost;evil.test",
    "https://[::1]",
    "https://127.0.0.1",
    "https://2130706433",
    "https://0x7f.1",
    "https://localhost",
    "http://evil\u{3002}test",
    "//evil\u{ff0e}test",
    "\u{ff0f}\u{ff0f}evil.test",
    "/\u{2215}evil.test",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//a.localhost",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://evil.test",
    "blob:http://evil.test/x",
    "evil.test",
    "@evil.test",
    "?//evil.test",
];

/// What opens an address, and what stands before, between and after: every combination is a return target.
fn combinations() -> Vec<String> {
    let mut all = Vec::new();
    for lead in [
        "",
        "/",
        "//",
        "\\",
        "/\\",
        "http:",
        "https:",
        "http://a.localhost",
        "https://a.localhost",
        "//a.localhost",
        "/.",
    ] {
        for joint in [
            "", "/", "//", "\\", "\\\\", "@", ":@", ".", "\t", "%2f", "%5c", "%00", "#", "?", ";", "/..//",
            "%09", "%40",
        ] {
            for host in ["evil.test", "/evil.test", "\\evil.test"] {
                all.push(format!("{lead}{joint}{host}"));
            }
        }
    }
    all
}

/// Every target as it is, encoded once and encoded twice, in a form that fits into a request line.
fn spellings(target: &str) -> Vec<String> {
    let once = utf8_percent_encode(target, NON_ALPHANUMERIC).to_string();
    let twice = utf8_percent_encode(&once, NON_ALPHANUMERIC).to_string();
    let raw_fits = target.bytes().all(|byte| byte > 0x20 && byte != 0x7f && byte != b'#');
    raw_fits.then(|| target.to_owned()).into_iter().chain([once, twice]).collect()
}

/// Where a browser at our front page ends up that is told to go to `location`.
fn landing(location: &str) -> Url {
    Url::parse(US).unwrap().join(location).unwrap_or_else(|error| panic!("{location:?}: {error}"))
}

fn assert_ours(answer: &Answer, wish: &str) {
    let landed = landing(answer.location());
    assert_eq!(
        (landed.scheme(), landed.host_str(), landed.port()),
        ("http", Some("a.localhost"), None),
        "{wish:?} leads to {landed}"
    );
    assert!(!landed.path().starts_with("/_wxgate"), "{wish:?} leads to {landed}");
    assert!(
        !answer.headers.contains_key("x-injected") && answer.headers.get_all("location").iter().count() == 1
    );
}

#[tokio::test]
async fn a_signed_in_person_is_sent_nowhere_but_to_us() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let mut wire = crate::support::Wire::to(&gateway).await;
    let hostile = HOSTILE.map(str::to_owned).into_iter().chain(combinations());
    for wish in hostile.flat_map(|target| spellings(&target)) {
        let request = format!(
            "GET /_wxgate/login?to={wish} HTTP/1.1\r\nHost: a.localhost\r\nAccept: text/html\r\n{lin}\r\n"
        );
        wire.send(request).await;
        let answer = wire.answer().await;
        if answer.status == StatusCode::BAD_REQUEST {
            wire = crate::support::Wire::to(&gateway).await;
            continue;
        }
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{wish:?}");
        assert_ours(&answer, &wish);
    }
}

#[tokio::test]
async fn a_finished_login_leads_nowhere_but_to_us() {
    let gateway = TestGateway::start().await;
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    for wish in HOSTILE.iter().flat_map(|target| spellings(target)) {
        let mut browser = gateway.browser();
        let mut url = format!("http://a.localhost/_wxgate/login?to={wish}");
        let last = loop {
            let Ok(parsed) = Url::parse(&url) else { break None };
            let answer = browser.open(parsed.as_str()).await;
            if browser.cookie("wxgate").is_some_and(|value| !value.is_empty()) && is_signed_in(&browser) {
                break Some(answer);
            }
            assert!(answer.status.is_redirection(), "{wish:?}: {}", answer.text());
            url = parsed.join(answer.location()).unwrap().to_string();
        };
        if let Some(last) = last {
            assert_eq!(last.status, StatusCode::SEE_OTHER, "{wish:?}");
            assert_ours(&last, &wish);
        }
    }
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.cookies.keys().any(|(host, name)| host == "a.localhost" && name == "wxgate")
}

/// A page behind the login whose own address looks hostile is still only a page of ours.
#[tokio::test]
async fn the_way_to_the_login_and_back_keeps_a_browser_with_us() {
    let gateway = TestGateway::start().await;
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    for path in [
        "//evil.test/x",
        "///evil.test",
        "/.//evil.test",
        "/x?to=//evil.test",
        "/@evil.test",
        "/x?a=https://evil.test#",
        "/;@evil.test",
    ] {
        let answer = gateway
            .get(path.trim_end_matches('#'), "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n")
            .await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}");
        assert_eq!(landing(answer.location()).host_str(), Some("a.localhost"), "{path}");
        let (end, _) = gateway.browser().follow(landing(answer.location()).as_str()).await;
        assert_eq!(Url::parse(&end).unwrap().host_str(), Some("a.localhost"), "{path}");
    }
}

#[tokio::test]
async fn a_page_of_another_protected_host_is_reached_and_no_other_host() {
    let tables = "[[routes]]\nhost = \"b.localhost\"\n".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let mut lin = gateway.signed_in("Lin").await;
    for (wish, host) in [
        ("http://b.localhost/x", "b.localhost"),
        ("http%3A%2F%2Fb.localhost%2Fx", "b.localhost"),
        ("http://b.localhost.evil.test/x", "a.localhost"),
        ("http://b.localhost@evil.test/x", "a.localhost"),
        ("http://b.localhost:evil.test/x", "a.localhost"),
        ("http://xb.localhost/x", "a.localhost"),
    ] {
        let answer = lin.open(&gateway.url(&format!("/_wxgate/login?to={wish}"))).await;
        assert_eq!(landing(answer.location()).host_str(), Some(host), "{wish}");
    }
}

#[tokio::test]
async fn a_foreign_host_gets_no_page_and_no_address() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    for path in [
        "/",
        "/public",
        "/_wxgate/login",
        "/_wxgate/login?to=/x",
        "/_wxgate/callback?code=x&state=y",
        "/_wxgate/ticket?t=x",
        "/_wxgate/logout",
        "/_wxgate/me",
        "/_wxgate/x",
    ] {
        for host in [
            "evil.test",
            "evil.test:80",
            "a.localhost.evil.test",
            "a.localhost@evil.test",
            "evil.test/a.localhost",
            "a.localhost evil.test",
        ] {
            for visitor in ["", &lin] {
                let request =
                    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n{visitor}\r\n");
                let answer = gateway.asked(request).await;
                assert!(matches!(answer.status.as_u16(), 400 | 421), "{path} on {host}: {}", answer.status);
                assert!(
                    !answer.headers.contains_key("location") && !answer.headers.contains_key("set-cookie")
                );
                assert!(
                    !answer.text().contains("://evil") && !answer.text().contains("//evil"),
                    "{path} on {host}"
                );
            }
        }
    }
}

#[tokio::test]
async fn forged_forwarded_headers_change_no_address() {
    let gateway = TestGateway::start().await;
    let forged = "X-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /evil\r\n\
                  X-Forwarded-Port: 666\r\nForwarded: host=evil.test;proto=https\r\nX-Original-URL: //evil.test\r\n\
                  X-Forwarded-Uri: //evil.test\r\nX-Host: evil.test\r\n";
    let navigation = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n";
    for path in ["/x?y=1", "/_wxgate/login?to=/x", "/_wxgate/logout", "/public"] {
        let (honest, spoofed) =
            (gateway.get(path, navigation).await, gateway.get(path, &format!("{forged}{navigation}")).await);
        assert_eq!(honest.status, spoofed.status, "{path}");
        let place = |answer: &Answer| {
            let location = answer.headers.get("location")?.to_str().unwrap();
            let url = Url::parse(US).unwrap().join(location).unwrap();
            let redirect = url
                .query_pairs()
                .find(|(name, _)| name == "redirect_uri")
                .map(|(_, value)| value.into_owned());
            Some((url[..url::Position::AfterPath].to_owned(), redirect))
        };
        assert_eq!(place(&honest), place(&spoofed), "{path}");
        assert!(!spoofed.text().contains("evil.test") || path == "/public");
    }
    let api = gateway.get("/api/x", forged).await;
    assert_eq!(api.json()["login_url"], "http://a.localhost/_wxgate/login?to=/api/x");
}

/// Line breaks in whatever spelling end up in no header and split no answer.
#[tokio::test]
async fn no_parameter_breaks_a_header_line() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let injections = [
        "%0d%0aX-Injected:%20yes",
        "%0aX-Injected:%20yes",
        "%0dX-Injected:%20yes",
        "%E5%98%8A%E5%98%8DX-Injected:%20yes",
        "\u{560a}\u{560d}X-Injected:yes",
        "%00X-Injected:yes",
        "%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0a",
        "%250d%250aX-Injected:%20yes",
        "%u000d%u000aX-Injected:yes",
        "\rX-Injected:yes",
        "\nX-Injected:yes",
        "\u{0}X-Injected:yes",
    ];
    let places = [
        "/x{}",
        "/x?y={}",
        "/public/{}",
        "/_wxgate/login?to={}",
        "/_wxgate/login?to=/{}",
        "/_wxgate/login?way={}&to=/",
        "/_wxgate/login?n={}&to=/",
        "/_wxgate/login?lang={}&to=/",
        "/_wxgate/callback?code={}&state=x",
        "/_wxgate/callback?code=x&state={}",
        "/_wxgate/ticket?t={}",
        "/_wxgate/logout?{}",
        "/_wxgate/me?{}",
        "/_wxgate/{}",
        "/{}",
    ];
    for place in places {
        for injection in injections {
            for visitor in ["", &lin] {
                let target = place.replace("{}", injection);
                let request = format!(
                    "GET {target} HTTP/1.1\r\nHost: a.localhost\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n{visitor}Connection: close\r\n\r\n"
                );
                let text = gateway.raw(request).await;
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                let split = head.lines().any(|line| line.to_ascii_lowercase().starts_with("x-injected"));
                assert!(
                    !split && !head.contains("\r\n\r\n") && !body.contains("HTTP/1.1 200 OK\r\n"),
                    "{target:?}: {text}"
                );
                assert!(
                    head.split("\r\n").all(|line| !line.contains(['\r', '\n', '\0'])),
                    "{target:?}: {head}"
                );
                assert!(!head.starts_with("HTTP/1.1 5"), "{target:?}: {head}");
            }
        }
    }
}

#[tokio::test]
async fn only_a_person_who_navigates_is_sent_to_the_login() {
    let gateway = TestGateway::start().await;
    let html = "Accept: text/html,*/*;q=0.8\r\n";
    for (method, path, lines, status) in [
        ("GET", "/x", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n", 302),
        ("HEAD", "/x", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n", 302),
        ("GET", "/x", html, 302),
        ("POST", "/x", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n", 303),
        ("PUT", "/x", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n", 303),
        ("POST", "/x", html, 401),
        ("DELETE", "/x", html, 401),
        ("OPTIONS", "/x", html, 401),
        ("GET", "/x", "", 401),
        ("GET", "/x", "Accept: */*\r\n", 401),
        ("GET", "/x", "Accept: application/json\r\n", 401),
        ("GET", "/x", "Accept: text/html\r\nSec-Fetch-Mode: cors\r\n", 401),
        ("GET", "/x", "Accept: text/html\r\nSec-Fetch-Mode: same-origin\r\n", 401),
        ("GET", "/x", "Accept: text/html\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n", 401),
        ("GET", "/x", "Accept: image/avif,image/*\r\nSec-Fetch-Mode: no-cors\r\n", 401),
        ("GET", "/x", "Accept: text/html\r\nX-Requested-With: XMLHttpRequest\r\n", 401),
        ("GET", "/x", "Accept: text/event-stream\r\n", 401),
        ("GET", "/x", "Accept: text/html\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", 401),
        ("GET", "/x", "Accept: text/html\r\nSec-Fetch-Mode: websocket\r\n", 401),
        ("GET", "/api/x", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n", 401),
        ("POST", "/api", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n", 401),
        ("GET", "/closed", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n", 403),
        ("GET", "/closed", "", 403),
    ] {
        let mut wire = crate::support::Wire::to(&gateway).await;
        wire.send(format!("{method} {path} HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n")).await;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = wire.answer_to(&method).await.unwrap();
        assert_eq!(answer.status.as_u16(), status, "{method} {path} with {lines}");
        assert_eq!(
            answer.headers.contains_key("location"),
            matches!(status, 302 | 303),
            "{method} {path} with {lines}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        if status == 401 && method != Method::HEAD {
            assert_eq!(answer.json()["error"], "login_required", "{method} {path} with {lines}");
            assert!(
                answer.json()["login_url"]
                    .as_str()
                    .unwrap()
                    .starts_with("http://a.localhost/_wxgate/login?to=/")
            );
        }
    }
    assert_eq!(gateway.upstream.count(), 0);
}

/// What was posted is not asked for as a page afterwards: back to where the form was.
#[tokio::test]
async fn a_form_that_lost_its_session_leads_back_to_its_page_and_not_to_its_target() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    for (referer, to) in [
        ("http://a.localhost/form?step=2", "/form?step=2"),
        ("http://evil.test/form", "/"),
        ("http://a.localhost/_wxgate/logout", "/"),
        ("//evil.test", "/"),
    ] {
        let headers = [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("referer", referer)];
        let answer = browser.send(Method::POST, &gateway.url("/delete?id=1"), &headers, "a=b").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.location(), format!("/_wxgate/login?to={to}"), "{referer}");
    }
    let answer = browser.submit(&gateway.url("/delete?id=1"), "a=b").await;
    assert_eq!(answer.location(), "/_wxgate/login?to=/");
    assert_eq!(gateway.upstream.count(), 0);
}

/// What is signed out at is a page of ours too.
#[tokio::test]
async fn signing_out_redirects_nowhere() {
    let gateway = TestGateway::start().await;
    for parameter in ["rd", "to", "redirect", "return_to", "next"] {
        let mut lin = gateway.signed_in("Lin").await;
        let answer =
            lin.submit(&gateway.url(&format!("/_wxgate/logout?{parameter}=https://evil.test")), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{parameter}");
        assert!(
            !answer.headers.contains_key("location") && !answer.text().contains("https://evil.test"),
            "{parameter}"
        );
    }
}
