//! One decision: whatever is asked, every dialect admits exactly what the gateway admits when requests come to it.

use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::forward_auth::{DIALECTS, asked_with};
use crate::support::{TestGateway, Wire};

/// Beside the usual routes: methods decide, and a refusal below an open path.
const MORE_ROUTES: &str = r#"
[[routes]]
path = "/x"
methods = ["GET"]
access = "public"
[[routes]]
path = "/public/x"
access = "deny"
"#;

/// A visit as a client writes it, and what it says of itself.
#[derive(Clone, Debug)]
struct Asked {
    method: &'static str,
    path: String,
    query: &'static str,
    cookie: Cookie,
    accept: &'static str,
}

#[derive(Clone, Debug)]
enum Cookie {
    None,
    Garbage(String),
    /// The session's, with one character changed.
    Spoiled(usize),
    Session,
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop_oneof![Just("public"), Just("closed"), Just("api"), Just("x"), Just("publicx"), Just("_wxgate")]
            .prop_map(str::to_owned),
        2 => prop_oneof![Just("%70ublic"), Just("public;v=1"), Just("clos%65d"), Just("%2570ublic"), Just("Public")]
            .prop_map(str::to_owned),
        1 => "[a-z%;.2ef5c]{0,4}",
    ]
}

fn odd_segment() -> impl Strategy<Value = String> {
    prop_oneof![3 => segment(), 1 => Just(String::new()), 1 => Just("..".to_owned()), 1 => Just("%2e%2e".to_owned())]
}

fn asked(segments: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = Asked> {
    let method = prop_oneof![4 => Just("GET"), 1 => Just("POST"), 1 => Just("OPTIONS"), 1 => Just("get")];
    let query = prop_oneof![Just(""), Just("?a=/public&b=.."), Just("?")];
    let cookie = prop_oneof![
        3 => Just(Cookie::Session),
        2 => Just(Cookie::None),
        1 => "[!-:<-~]{0,40}".prop_map(Cookie::Garbage),
        1 => (0usize..400).prop_map(Cookie::Spoiled),
    ];
    let accept =
        prop_oneof![Just("Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n"), Just("Accept: */*\r\n")];
    (method, segments, query, cookie, accept).prop_map(|(method, segments, query, cookie, accept)| Asked {
        method,
        path: format!("/{}", segments.join("/")),
        query,
        cookie,
        accept,
    })
}

/// Whether the gateway itself lets the request through to the application.
async fn passes(gateway: &TestGateway, target: &str, asked: &Asked, lines: &str) -> bool {
    let before = gateway.upstream.count();
    let request = format!("{} {target} HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n", asked.method);
    let status = gateway.asked(request).await.status;
    let arrived = gateway.upstream.count() > before;
    assert_eq!(arrived, status == StatusCode::OK && !target.starts_with("/_wxgate"), "{asked:?} {status}");
    arrived
}

fn lines(asked: &Asked, session: &str) -> String {
    let cookie = match &asked.cookie {
        Cookie::None => String::new(),
        Cookie::Garbage(garbage) => format!("Cookie: wxgate={garbage}\r\n"),
        Cookie::Session => format!("Cookie: {session}\r\n"),
        Cookie::Spoiled(at) => {
            let mut bytes = session.as_bytes().to_vec();
            let at = "wxgate=".len() + at % (bytes.len() - "wxgate=".len());
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            format!("Cookie: {}\r\n", String::from_utf8(bytes).unwrap())
        }
    };
    format!("{}{cookie}", asked.accept)
}

/// Runs `check` for many visits against one gateway with one person signed in.
fn for_all(
    cases: u32,
    strategy: impl Strategy<Value = Asked>,
    check: impl AsyncFn(&TestGateway, &Asked, &str) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let gateway = runtime.block_on(asked_with(MORE_ROUTES));
    let session = runtime.block_on(gateway.signed_in("王芳 Wang")).cookie_header("a.localhost");
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let run = runner.run(&strategy, |asked| {
        let lines = lines(&asked, &session);
        runtime.block_on(check(&gateway, &asked, &lines))
    });
    run.unwrap();
}

/// The path as the gateway would forward it.
fn canonical(path: &str) -> Option<String> {
    wxgate::model::path::CanonicalPath::parse(path).ok().map(|path| path.to_string())
}

#[test]
fn every_dialect_admits_exactly_what_the_gateway_forwards() {
    let paths = prop::collection::vec(segment(), 0..4);
    for_all(300, asked(paths), async |gateway, asked, lines| {
        let Some(path) = canonical(&asked.path) else { return Ok(()) };
        let target = format!("{path}{}", asked.query);
        let forwarded = passes(gateway, &target, asked, lines).await;
        for dialect in DIALECTS {
            let mut wire = Wire::to(gateway).await;
            wire.send(dialect.question(asked.method, &target, lines)).await;
            let answer = wire.answer().await;
            prop_assert_eq!(answer.status == StatusCode::OK, forwarded, "{:?} {}", dialect, target);
            let told = answer.headers.get_all("x-wechat-openid").iter().count();
            prop_assert_eq!(told, usize::from(forwarded), "{:?} {}", dialect, target);
        }
        Ok(())
    });
}

#[test]
fn no_dialect_admits_a_spelling_that_the_gateway_would_not_forward() {
    let paths = prop::collection::vec(odd_segment(), 0..6);
    for_all(300, asked(paths), async |gateway, asked, lines| {
        let target = format!("{}{}", asked.path, asked.query);
        let mut forwarded = None;
        for dialect in DIALECTS {
            let mut wire = Wire::to(gateway).await;
            wire.send(dialect.question(asked.method, &target, lines)).await;
            if wire.answer().await.status == StatusCode::OK {
                let forwarded = match forwarded {
                    Some(forwarded) => forwarded,
                    None => *forwarded.insert(passes(gateway, &target, asked, lines).await),
                };
                prop_assert!(forwarded, "{:?} {}", dialect, target);
            }
        }
        Ok(())
    });
}
