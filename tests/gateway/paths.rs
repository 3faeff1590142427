//! The path that is judged is the path that is forwarded; what can be read in two ways is refused.

use http::{Method, StatusCode};

use crate::support::{Setup, TestGateway};

/// What a browser says when a person opens a page.
const NAVIGATION: &str = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n";

/// Spellings with one meaning, and the path every one of them stands for.
const SPELLINGS: [(&str, &str); 19] = [
    ("/public/../admin", "/admin"),
    ("/public/./../admin", "/admin"),
    ("/public/x/../../admin", "/admin"),
    ("/public/..", "/"),
    ("/public/../", "/"),
    ("/../admin", "/admin"),
    ("/../../../admin", "/admin"),
    ("/.", "/"),
    ("/./admin/.", "/admin/"),
    ("//admin", "/admin"),
    ("//b.localhost/public", "/b.localhost/public"),
    ("/public//../admin", "/admin"),
    ("///", "/"),
    ("/public/%2e%2e/admin", "/admin"),
    ("/public/.%2E/admin", "/admin"),
    ("/%61dmin", "/admin"),
    ("/a%2db", "/a-b"),
    ("/a%2Db%d6%D0", "/a-b%D6%D0"),
    ("/admin;v=1/x", "/admin;v=1/x"),
];

/// Spellings that servers are known to read in different ways.
const AMBIGUOUS: [&str; 36] = [
    "/public/..%2fadmin",
    "/public/..%2Fadmin",
    "%2fadmin",
    "/%2fadmin",
    "/public/..%5cadmin",
    "/public/..\\admin",
    "/public\\..\\admin",
    "\\admin",
    "/public/..;/admin",
    "/public/..;x=1/admin",
    "/public/.;/admin",
    "/public/%2e%2e;/admin",
    "/public/%2e%2e%3b/admin",
    "/public/..%3bx/admin",
    "/public/%252e%252e/admin",
    "/public/..%252fadmin",
    "/public/..%255cadmin",
    "/public/%25%32%65%25%32%65/admin",
    "/public/%c0%ae%c0%ae/admin",
    "/public/..%c0%afadmin",
    "/public/..%e0%80%afadmin",
    "/public/..%f0%80%80%afadmin",
    "/public/%u002e%u002e/admin",
    "/public/%",
    "/public/%2",
    "/public/%zz",
    "/public/x%00.png",
    "/public/x%0a",
    "/public/x%0d%0aX-Injected:%20yes",
    "/public/x%7f",
    "/public/x%1b",
    "public",
    "?x",
    "*",
    "..",
    "a.localhost/public",
];

/// The headers of a person who navigates.
async fn member(gateway: &TestGateway) -> String {
    format!("{NAVIGATION}{}", gateway.signed_in("Lin").await.cookie_line())
}

#[tokio::test]
async fn the_application_sees_the_path_that_was_judged() {
    let gateway = TestGateway::start().await;
    let lin = member(&gateway).await;
    for (sent, canonical) in SPELLINGS {
        let answer = gateway.get(sent, &lin).await;
        assert_eq!(answer.status, StatusCode::OK, "{sent}");
        assert_eq!(gateway.upstream.last().uri.to_string(), canonical, "{sent}");
    }
}

#[tokio::test]
async fn a_detour_through_an_open_path_opens_nothing() {
    let gateway = TestGateway::start().await;
    for (sent, canonical) in SPELLINGS {
        let answer = gateway.get(sent, NAVIGATION).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{sent}");
        assert_eq!(answer.location(), format!("/_wxgate/login?to={canonical}"), "{sent}");
    }
    assert_eq!(gateway.upstream.count(), 0);
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let gateway = TestGateway::start().await;
    let lin = member(&gateway).await;
    let arrived = gateway.upstream.count();
    for target in AMBIGUOUS {
        for visitor in [NAVIGATION, &lin] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: a.localhost\r\n{visitor}\r\n");
            let answer = gateway.raw(request).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
            assert!(!answer.contains("X-Injected: yes"), "{target}");
        }
    }
    assert_eq!(gateway.upstream.count(), arrived);
    assert_eq!(gateway.get("/", &lin).await.status, StatusCode::OK);
}

/// Every path that can be built of these pieces, asked for anonymously: whatever arrives at the application must lie
/// under the open path for even the most lenient reader.
#[tokio::test]
async fn no_combination_of_oddities_leaves_the_open_path() {
    const PIECES: [&str; 18] = [
        "x",
        "..",
        ".",
        "",
        "%2e%2e",
        ".%2e",
        "..;",
        "..;a=b",
        ";",
        ";/..",
        "..%2f",
        "%5c..",
        "..\\",
        "%252e%252e",
        "...",
        "%2e%2e%3b",
        "..%00",
        "%c0%ae.",
    ];
    let gateway = TestGateway::start().await;
    for first in PIECES {
        for second in PIECES {
            for end in ["admin", "_wxgate/me", ""] {
                let target = format!("/public/{first}/{second}/{end}");
                let request =
                    format!("GET {target} HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n");
                let before = gateway.upstream.count();
                let answer = gateway.asked(request).await;
                let arrived = gateway.upstream.count() > before;
                assert_eq!(arrived, answer.headers.contains_key("x-application"), "{target}");
                if arrived {
                    let seen = gateway.upstream.last().uri.path().to_owned();
                    for reading in lenient_readings(&seen) {
                        assert!(
                            is_open(&reading),
                            "{target} arrives as {seen}, which may be read as {reading}"
                        );
                    }
                } else {
                    let refused = [400, 401, 404].contains(&answer.status.as_u16());
                    assert!(refused, "{target}: {}", answer.status);
                }
            }
        }
    }
    assert!(gateway.upstream.count() > 50, "some of the paths are sound");
}

fn is_open(path: &str) -> bool {
    path == "/public" || path.starts_with("/public/")
}

/// How servers that decode once or twice, take `\` for `/`, and drop parameters would resolve a path.
fn lenient_readings(path: &str) -> Vec<String> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (once, twice) = (decode(path), decode(&decode(path)));
    let mut readings = Vec::new();
    for text in [path.to_owned(), once, twice] {
        for drops_parameters in [false, true] {
            let mut segments = Vec::new();
            for segment in text.split(['/', '\\']) {
                let name = if drops_parameters { segment.split(';').next().unwrap() } else { segment };
                match name {
                    "" | "." => {}
                    ".." => _ = segments.pop(),
                    _ => segments.push(name),
                }
            }
            readings.push(format!("/{}", segments.join("/")));
        }
    }
    readings
}

#[tokio::test]
async fn a_query_is_never_part_of_a_match_and_arrives_untouched() {
    let gateway = TestGateway::start().await;
    let lin = member(&gateway).await;
    for query in [
        "x=/public/",
        "/public",
        "",
        "?/public",
        "/../public",
        "a=%2e%2e%2f&b=%00&c=\\&d=;",
        "a=1&".repeat(1900).as_str(),
    ] {
        let anonymous = gateway.get(&format!("/closed?{query}"), NAVIGATION).await;
        assert_eq!(anonymous.status, StatusCode::FORBIDDEN, "{query}");
        let anonymous = gateway.get(&format!("/admin?{query}"), NAVIGATION).await;
        assert_eq!(anonymous.status, StatusCode::FOUND, "{query}");
        assert_eq!(gateway.get(&format!("/admin?{query}"), &lin).await.status, StatusCode::OK, "{query}");
        assert_eq!(gateway.upstream.last().uri.to_string(), format!("/admin?{query}"));
    }
    let pairs = "a=1&".repeat(10_000);
    let status = gateway.get(&format!("/public?{pairs}"), NAVIGATION).await.status.as_u16();
    assert!(matches!(status, 414 | 431), "{status}");
}

#[tokio::test]
async fn rules_end_on_a_whole_segment_and_know_capitals() {
    let gateway = TestGateway::start().await;
    for (path, status) in [
        ("/public", 200),
        ("/public/", 200),
        ("/public/x", 200),
        ("/publicx", 302),
        ("/public.html", 302),
        ("/public-x/y", 302),
        ("/PUBLIC", 302),
        ("/Public/x", 302),
        ("/closed", 403),
        ("/closed/", 403),
        ("/closed/x", 403),
        ("/closedx", 302),
        ("/x/public", 302),
    ] {
        assert_eq!(gateway.get(path, NAVIGATION).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn path_parameters_never_move_a_visit_to_another_rule() {
    let gateway = TestGateway::start().await;
    let lin = member(&gateway).await;
    for (path, status) in [
        ("/public;x", 400),
        ("/public;x/y", 400),
        ("/closed;x", 400),
        ("/closed%3bx", 400),
        ("/public%3bx/y", 400),
        ("/public/y;x", 200),
        ("/public/y;jsessionid=1?q", 200),
    ] {
        assert_eq!(gateway.get(path, &lin).await.status.as_u16(), status, "{path}");
    }
}

/// A gateway for two hosts of different policy, with `others` more besides.
async fn two_hosts(others: usize) -> TestGateway {
    let mut tables = "[[routes]]\nhost = \"b.localhost\"\naccess = \"public\"\n".to_owned();
    for number in 0..others {
        tables += &format!("[[routes]]\nhost = \"h{number}.localhost\"\naccess = \"deny\"\n");
    }
    TestGateway::with(Setup { tables, ..Setup::default() }).await
}

#[tokio::test]
async fn every_spelling_of_a_host_is_the_same_host_however_many_there_are() {
    for others in [0, 150] {
        let gateway = two_hosts(others).await;
        for (host, status) in [
            ("a.localhost", 302),
            ("A.LOCALHOST", 302),
            ("a.localhost.", 302),
            ("a.localhost:80", 302),
            ("A.Localhost.:80", 302),
            ("a.localhost:8480", 302),
            ("b.localhost", 200),
            ("B.localhost.", 200),
            ("b.localhost:80", 200),
            ("evil-a.localhost", 421),
            ("a.localhost.evil.test", 421),
            ("xb.localhost", 421),
            ("localhost", 421),
            ("127.0.0.1", 421),
            ("[::1]", 421),
            ("a_localhost", 421),
        ] {
            let request = format!("GET /x HTTP/1.1\r\nHost: {host}\r\n{NAVIGATION}\r\n");
            let answer = gateway.asked(request).await;
            assert_eq!(answer.status.as_u16(), status, "{host} among {others} others");
        }
        assert_eq!(gateway.upstream.count(), 3);
    }
}

#[tokio::test]
async fn what_is_no_host_is_refused() {
    let gateway = two_hosts(0).await;
    for lines in [
        "",
        "Host:\r\n",
        "Host: b.localhost\r\nHost: a.localhost\r\n",
        "Host: b.localhost\r\nhost: b.localhost\r\n",
        "Host: b.localhost, a.localhost\r\n",
        "Host: b.localhost,a.localhost\r\n",
        "Host: b.localhost a.localhost\r\n",
        "Host: b.localhost/x\r\n",
        "Host: b.localhost?x\r\n",
        "Host: b.localhost#x\r\n",
        "Host: b.localhost\\x\r\n",
        "Host: u@b.localhost\r\n",
        "Host: a.localhost@b.localhost\r\n",
        "Host: b.localhost:0\r\n",
        "Host: b.localhost:99999\r\n",
        "Host: b.localhost:\r\n",
        "Host: b.localhost:80:80\r\n",
        "Host: b.localhost:x\r\n",
        "Host: b%2elocalhost\r\n",
        "Host: b..localhost\r\n",
        "Host: [::1\r\n",
        "Host: b\u{3002}localhost\r\n",
    ] {
        let answer = gateway.raw(format!("GET /x HTTP/1.1\r\n{lines}{NAVIGATION}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lines}: {answer}");
    }
    let old = gateway.raw("GET /x HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 400 ") || old.starts_with("HTTP/1.1 400 "), "{old}");
    assert_eq!(gateway.upstream.count(), 0);
}

#[tokio::test]
async fn a_target_in_absolute_form_is_judged_by_the_one_host_it_names() {
    let gateway = two_hosts(0).await;
    let ask = async |target: &str, host: &str| {
        gateway
            .asked(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{NAVIGATION}\r\n"))
            .await
            .status
            .as_u16()
    };
    assert_eq!(ask("http://b.localhost/x", "b.localhost").await, 200);
    assert_eq!(gateway.upstream.last().uri.to_string(), "/x");
    assert_eq!(gateway.upstream.last().all("host"), ["b.localhost"]);
    assert_eq!(ask("http://B.LOCALHOST/public/../y", "b.localhost").await, 200);
    assert_eq!(gateway.upstream.last().uri.to_string(), "/y");
    assert_eq!(ask("http://a.localhost/x", "a.localhost").await, 302);
    let arrived = gateway.upstream.count();
    for (target, host) in [
        ("http://b.localhost/x", "a.localhost"),
        ("http://a.localhost/x", "b.localhost"),
        ("http://b.localhost:81/x", "b.localhost"),
        ("http://u@b.localhost/x", "b.localhost"),
        ("http://b.localhost@a.localhost/x", "b.localhost"),
        ("http:///x", "b.localhost"),
    ] {
        assert_eq!(ask(target, host).await, 400, "{target} of {host}");
    }
    assert_eq!(gateway.upstream.count(), arrived);
}

#[tokio::test]
async fn every_method_passes_the_same_gate() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let arrived = gateway.upstream.count();
    let methods =
        ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "get", "FOO", "PROPFIND", "X-_.~!"];
    for (number, method) in methods.into_iter().enumerate() {
        let ask = async |path: &str, lines: &str| {
            let mut wire = crate::support::Wire::to(&gateway).await;
            wire.send(format!(
                "{method} {path} HTTP/1.1\r\nHost: a.localhost\r\n{lines}Connection: close\r\n\r\n"
            ))
            .await;
            wire.answer_to(&Method::from_bytes(method.as_bytes()).unwrap()).await.unwrap().status.as_u16()
        };
        assert_eq!(ask("/admin", "").await, 401, "{method}");
        assert_eq!(ask("/closed", "").await, 403, "{method}");
        assert_eq!(ask("/closed", &lin).await, 403, "{method}");
        assert_eq!(gateway.upstream.count(), arrived + number, "{method}");
        assert_eq!(ask("/admin", &lin).await, 200, "{method}");
        assert_eq!(gateway.upstream.last().method.as_str(), method);
    }
}

#[tokio::test]
async fn trace_and_connect_go_nowhere() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let arrived = gateway.upstream.count();
    for line in [
        "TRACE /public",
        "TRACE /admin",
        "TRACE /_wxgate/me",
        "CONNECT /public",
        "CONNECT a.localhost:80",
        "CONNECT evil.test:443",
        "CONNECT 127.0.0.1:22",
    ] {
        let host =
            line.strip_prefix("CONNECT ").filter(|host| !host.starts_with('/')).unwrap_or("a.localhost");
        let answer = gateway.asked(format!("{line} HTTP/1.1\r\nHost: {host}\r\n{lin}\r\n")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{line}");
    }
    assert_eq!(gateway.upstream.count(), arrived);
}

#[tokio::test]
async fn a_question_about_the_whole_server_is_refused() {
    let gateway = TestGateway::start().await;
    let answer = gateway.raw("OPTIONS * HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(gateway.upstream.count(), 0);
}

#[tokio::test]
async fn the_reserved_prefix_never_reaches_the_application() {
    let tables = "[[routes]]\nhost = \"b.localhost\"\naccess = \"public\"\n".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let lin = member(&gateway).await;
    let arrived = gateway.upstream.count();
    for path in [
        "/_wxgate",
        "/_wxgate/",
        "/_wxgate/auth",
        "/_wxgate/me/x",
        "/_wxgate/x/../y",
        "/_WXGATE/auth",
        "/%5fwxgate/auth",
        "/%5Fwxgat%65/auth",
        "/_wxgate;x/auth",
        "/_wxgate;/auth",
        "/_wxgate%3bx/auth",
        "//_wxgate/auth",
        "/./_wxgate/auth",
        "/public/../_wxgate/auth",
        "/_wxgate%2fauth",
        "/_wxgate%5cauth",
        "/_wxgate\\auth",
        "/%255fwxgate%252fauth",
        "/_wxgate%00/auth",
        "/_wxgate//auth",
        "/_wxgate/%2e/auth",
    ] {
        for host in ["a.localhost", "b.localhost"] {
            for visitor in [NAVIGATION, &lin] {
                let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{visitor}\r\n");
                let status = gateway.asked(request).await.status.as_u16();
                assert!(matches!(status, 400 | 404), "{path} on {host}: {status}");
            }
        }
    }
    assert_eq!(gateway.upstream.count(), arrived);
    // Out of the reserved prefix again: an ordinary path.
    assert_eq!(gateway.get("/_wxgate/../admin", &lin).await.status, StatusCode::OK);
    assert_eq!(gateway.upstream.last().uri.to_string(), "/admin");
}

#[tokio::test]
async fn methods_choose_between_rules_of_one_path() {
    let tables = r#"
[[routes]]
path = "/form"
methods = ["GET", "HEAD"]
access = "public"
[[routes]]
path = "/form"
access = "deny"
[[routes]]
path = "/public/write"
methods = ["POST"]
access = "deny"
"#;
    let gateway = TestGateway::with(Setup { tables: tables.to_owned(), ..Setup::default() }).await;
    for (method, path, status) in [
        ("GET", "/form", 200),
        ("HEAD", "/form", 200),
        ("POST", "/form", 403),
        ("OPTIONS", "/form", 403),
        ("GET", "/public/write", 200),
        ("POST", "/public/write", 403),
    ] {
        let mut browser = gateway.browser();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = browser.send(method.clone(), &gateway.url(path), &[], "").await;
        assert_eq!(answer.status.as_u16(), status, "{method}");
    }
    // Some applications write every method in capitals before they look at it.
    let before = gateway.upstream.count();
    for (method, path) in
        [("get", "/form"), ("Get", "/form"), ("post", "/public/write"), ("pOST", "/public/write")]
    {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = gateway.browser().send(method.clone(), &gateway.url(path), &[], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method}");
    }
    assert_eq!(gateway.upstream.count(), before);
}
