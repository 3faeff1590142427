//! Requests and answers on their way: whole, streamed, honest about what broke.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use http::{Method, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use crate::support::{
    Certificate, Cut, EchoUpstream, PATIENCE, Played, RawUpstream, ScriptedUpstream, Setup, TestGateway, Wire,
};

const MEGABYTES: usize = 10 << 20;

/// An application at `upstream`, everything open.
async fn open_gateway(upstream: String) -> TestGateway {
    open_gateway_with(upstream, "", "").await
}

/// The same with more keys of the one route, and of `[server]`.
async fn open_gateway_with(upstream: String, route: &str, server: &str) -> TestGateway {
    let tables = format!("[[routes]]\naccess = \"public\"\n{route}\n");
    TestGateway::with(Setup {
        upstream: Some(upstream),
        tables,
        server: server.to_owned(),
        ..Setup::default()
    })
    .await
}

/// An application that answers every request on every connection with the same bytes.
async fn saying(answer: impl Into<Vec<u8>>) -> ScriptedUpstream {
    let answer: Arc<Vec<u8>> = Arc::new(answer.into());
    ScriptedUpstream::playing(move |mut application: Played, _| {
        let answer = Arc::clone(&answer);
        async move {
            while application.request().await.is_some() {
                application.answer(answer.as_slice()).await;
            }
        }
    })
    .await
}

fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..MEGABYTES).map(|_| next()).collect()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
}

// ------------------------------------------------------------------------------------------ bodies

#[tokio::test]
async fn a_large_upload_arrives_byte_for_byte() {
    let gateway = TestGateway::start().await;
    let body = noise();
    for chunked in [false, true] {
        let mut wire = Wire::to(&gateway).await;
        if chunked {
            wire.send("POST /public HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await;
            for chunk in body.chunks(70_001) {
                wire.send([format!("{:x};name=value\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
                    .await;
            }
            wire.send("0\r\n\r\n").await;
        } else {
            wire.send(format!(
                "POST /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: {}\r\n\r\n",
                body.len()
            ))
            .await;
            wire.send(&body).await;
        }
        assert_eq!(wire.answer().await.status, StatusCode::OK);
        let seen = gateway.upstream.last();
        assert_eq!(hash(&seen.body), hash(&body));
        let framing = if chunked { "transfer-encoding" } else { "content-length" };
        assert_eq!(seen.all("content-length").len() + seen.all("transfer-encoding").len(), 1);
        assert_eq!(seen.all(framing).len(), 1);
    }
}

#[tokio::test]
async fn a_large_download_arrives_byte_for_byte() {
    let body = noise();
    let plain =
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(70_001) {
        chunked.extend([format!("{:X}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    chunked.extend(b"0\r\n\r\n");
    for answer in [plain, chunked] {
        let application = saying(answer).await;
        let gateway = open_gateway(application.url()).await;
        let answer = gateway.get("/", "").await;
        assert_eq!(hash(&answer.body), hash(&body));
        assert_eq!(
            answer.headers.contains_key("content-length"),
            !answer.headers.contains_key("transfer-encoding")
        );
    }
}

#[tokio::test]
async fn an_answer_without_length_ends_where_the_connection_ends() {
    let application = RawUpstream::answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end").await;
    let gateway = open_gateway(format!("http://{}", application.address)).await;
    assert_eq!(gateway.get("/", "").await.text(), "to the end");
}

#[tokio::test]
async fn events_reach_the_visitor_before_the_answer_ends() {
    let heard = Arc::new(Notify::new());
    let hearing = Arc::clone(&heard);
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        let heard = Arc::clone(&hearing);
        async move {
            application.request().await;
            application.answer("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for event in 0..3 {
                application.answer(format!("9\r\ndata: {event}\n\n\r\n")).await;
                heard.notified().await;
            }
            application.answer("0\r\n\r\n").await;
        }
    })
    .await;
    let gateway = open_gateway(application.url()).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send(get("/events")).await;
    assert!(wire.head().await.unwrap().contains("text/event-stream"));
    for event in 0..3 {
        assert_eq!(wire.chunk().await.unwrap(), format!("data: {event}\n\n"));
        heard.notify_one();
    }
    assert_eq!(wire.chunk().await.unwrap(), "");
}

#[tokio::test]
async fn an_upload_reaches_the_application_before_it_ends() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        let first = application.wire.chunk().await.unwrap();
        assert_eq!(first, "one");
        application.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nONE\r\n").await;
        assert_eq!(application.wire.chunk().await.unwrap(), "two");
        application.answer("3\r\nTWO\r\n0\r\n\r\n").await;
    })
    .await;
    let gateway = open_gateway(application.url()).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("POST / HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(wire.chunk().await.unwrap(), "ONE");
    wire.send("3\r\ntwo\r\n0\r\n\r\n").await;
    assert_eq!(wire.chunk().await.unwrap(), "TWO");
}

/// Nobody reads at the far end: the gateway takes no more than buffers hold, and ends it.
#[tokio::test]
async fn an_upload_that_nobody_reads_is_held_back() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        std::future::pending::<()>().await;
    })
    .await;
    let gateway = open_gateway_with(application.url(), "response_timeout = \"1s\"", "").await;
    let (reader, mut writer) = TcpStream::connect(gateway.address).await.unwrap().into_split();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        let head = format!("POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30);
        writer.write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b'x'; 1 << 16];
        while writer.write_all(&piece).await.is_ok() {
            counted.fetch_add(piece.len(), Ordering::Relaxed);
        }
    });
    let mut wire = Wire::on(tokio::io::join(reader, tokio::io::sink()));
    assert_eq!(wire.answer().await.status, StatusCode::GATEWAY_TIMEOUT);
    let sent = sent.load(Ordering::Relaxed);
    assert!((1 << 16..64 << 20).contains(&sent), "{sent} bytes were taken");
}

#[tokio::test]
async fn a_download_that_nobody_reads_is_held_back() {
    let (report, mut reported) = mpsc::unbounded_channel();
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        let report = report.clone();
        async move {
            application.request().await;
            application.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30)).await;
            let piece = vec![b'x'; 1 << 16];
            let mut sent = 0;
            while sent < 1 << 30 && application.wire.try_send(&piece).await.is_ok() {
                sent += piece.len();
            }
            let _ = report.send(sent);
        }
    })
    .await;
    let gateway = open_gateway_with(application.url(), "", "write_timeout = \"1s\"").await;
    let mut wire = Wire::to(&gateway).await;
    wire.send(get("/")).await;
    wire.head().await.unwrap();
    let sent = tokio::time::timeout(PATIENCE, reported.recv()).await.unwrap().unwrap();
    assert!(sent < 64 << 20, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_the_request_at_the_application() {
    let (report, mut reported) = mpsc::unbounded_channel();
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        let report = report.clone();
        async move {
            application.request().await;
            let _ = report.send("asked");
            application.wire.rest().await;
            let _ = report.send("left");
        }
    })
    .await;
    let gateway = open_gateway(application.url()).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send(get("/slow")).await;
    let mut next = async || tokio::time::timeout(PATIENCE, reported.recv()).await.unwrap();
    assert_eq!(next().await, Some("asked"));
    drop(wire);
    assert_eq!(next().await, Some("left"));
}

#[tokio::test]
async fn answers_without_a_body_stay_without_one_and_keep_their_headers() {
    for (method, answer, kept) in [
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n", Some("1234")),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"x\"\r\n\r\n", None),
        (Method::GET, "HTTP/1.1 204 No Content\r\nETag: \"x\"\r\n\r\n", None),
        (
            Method::GET,
            "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 1234\r\n\r\n",
            Some("1234"),
        ),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"x\"\r\n\r\n", Some("0")),
    ] {
        let application = saying(answer).await;
        let gateway = open_gateway(application.url()).await;
        let mut wire = Wire::to(&gateway).await;
        for _ in 0..3 {
            wire.send(format!("{method} / HTTP/1.1\r\nHost: a.localhost\r\n\r\n")).await;
            let seen = wire.answer_to(&method).await.unwrap();
            assert_eq!(seen.header("etag"), "\"x\"", "{answer}");
            let length = seen.headers.get("content-length").map(|value| value.to_str().unwrap());
            assert!(length.is_none() || length == kept, "{method} {answer}");
            assert!(length == kept || seen.status == StatusCode::NOT_MODIFIED, "{method} {answer}");
        }
    }
}

#[tokio::test]
async fn requests_without_a_body_are_forwarded_without_one() {
    let gateway = TestGateway::start().await;
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT"] {
        for (lines, body) in [
            ("", ""),
            ("Content-Length: 0\r\n", ""),
            ("Content-Length: 3\r\n", "abc"),
            ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ] {
            let mut wire = Wire::to(&gateway).await;
            wire.send(format!("{method} /public HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n{body}")).await;
            let answer = wire.answer_to(&Method::from_bytes(method.as_bytes()).unwrap()).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK, "{method} {lines}");
            let seen = gateway.upstream.last();
            assert_eq!(seen.body, if body.contains("abc") { "abc" } else { "" }, "{method} {lines}");
            if seen.body.is_empty() && !lines.starts_with("Transfer") {
                assert!(seen.all("transfer-encoding").is_empty(), "{method} {lines}");
            }
        }
    }
}

#[tokio::test]
async fn a_visitor_who_waits_for_a_go_ahead_gets_it() {
    let gateway = TestGateway::start().await;
    let mut wire = Wire::to(&gateway).await;
    wire.send(
        "POST /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
    )
    .await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 100 "));
    wire.send("abc").await;
    assert_eq!(wire.answer().await.status, StatusCode::OK);
    let seen = gateway.upstream.last();
    assert_eq!((seen.body.as_ref(), seen.all("expect").len()), (b"abc".as_slice(), 0));
}

#[tokio::test]
async fn a_visitor_who_may_not_upload_gets_no_go_ahead() {
    let gateway = TestGateway::start().await;
    let mut wire = Wire::to(&gateway).await;
    wire.send(
        "POST /x HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 10000000\r\nExpect: 100-continue\r\n\r\n",
    )
    .await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 401 "));
    wire.rest().await;
}

#[tokio::test]
async fn trailers_of_an_answer_arrive() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n3\r\nabc\r\n0\r\nX-Checksum: 900150983cd2\r\n\r\n";
    let application = saying(answer).await;
    let gateway = open_gateway(application.url()).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("GET / HTTP/1.1\r\nHost: a.localhost\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n").await;
    assert!(wire.head().await.unwrap().to_ascii_lowercase().contains("trailer: x-checksum"));
    let rest = String::from_utf8(wire.rest().await.to_vec()).unwrap();
    assert_eq!(rest.to_ascii_lowercase(), "3\r\nabc\r\n0\r\nx-checksum: 900150983cd2\r\n\r\n");
    let asked = application.heads()[0].to_ascii_lowercase();
    assert!(asked.contains("\r\nte: trailers\r\n") && asked.contains("\r\nconnection: te\r\n"), "{asked}");
}

// ----------------------------------------------------------------------------------------- headers

#[tokio::test]
async fn conditional_and_range_requests_pass_untouched() {
    let application = saying("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/9\r\nAccept-Ranges: bytes\r\nCache-Control: max-age=9\r\nVary: X\r\nContent-Length: 3\r\n\r\nabc").await;
    let gateway = open_gateway(application.url()).await;
    let lines = "Range: bytes=0-2\r\nIf-None-Match: W/\"x\", \"y\"\r\nIf-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT\r\n\
                 If-Range: \"x\"\r\nCache-Control: no-cache\r\nAuthorization: Basic eDp5\r\nAccept-Encoding: br, gzip;q=0.5\r\n";
    let answer = gateway.get("/x", lines).await;
    let asked = application.heads()[0].to_ascii_lowercase();
    for line in lines.lines() {
        assert!(asked.contains(&format!("\r\n{}\r\n", line.to_ascii_lowercase())), "{line}: {asked}");
    }
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    for (name, value) in [
        ("content-range", "bytes 0-2/9"),
        ("accept-ranges", "bytes"),
        ("cache-control", "max-age=9"),
        ("vary", "X"),
        ("content-length", "3"),
    ] {
        assert_eq!(answer.header(name), value);
    }
}

#[tokio::test]
async fn what_concerns_one_connection_only_ends_at_it() {
    let application = saying(
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Listed\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n\
         Proxy-Authenticate: Basic\r\nUpgrade: h2\r\nX-Listed: 1\r\nX-Kept: 2\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let gateway = open_gateway(application.url()).await;
    let answer = gateway
        .get("/", "Connection: keep-alive, X-Listed\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nProxy-Authorization: Basic eDp5\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nX-Listed: 1\r\nX-Kept: 2\r\n")
        .await;
    let asked = application.heads()[0].to_ascii_lowercase();
    for name in [
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "upgrade",
        "http2-settings",
        "x-listed",
        "connection",
    ] {
        assert!(!asked.contains(&format!("\r\n{name}:")), "{name}: {asked}");
    }
    assert!(asked.contains("\r\nx-kept: 2\r\n"));
    for name in ["keep-alive", "proxy-connection", "proxy-authenticate", "upgrade", "x-listed", "connection"]
    {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    assert_eq!(answer.header("x-kept"), "2");
}

#[tokio::test]
async fn every_cookie_an_application_sets_arrives() {
    let application = saying("HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; HttpOnly\r\nSet-Cookie: a=3; Path=/x; Expires=Wed, 21 Oct 2030 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n").await;
    let gateway = open_gateway(application.url()).await;
    let answer = gateway.get("/", "").await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set, ["a=1; Path=/", "b=2; HttpOnly", "a=3; Path=/x; Expires=Wed, 21 Oct 2030 07:28:00 GMT"]);
}

#[tokio::test]
async fn early_hints_and_other_interim_answers_do_not_disturb() {
    let mut answer = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(200);
    answer += "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let application = saying(answer).await;
    let gateway = open_gateway(application.url()).await;
    assert_eq!(gateway.get("/", "").await.text(), "ok");
}

// ------------------------------------------------------------------------------------------ routes

#[tokio::test]
async fn a_route_has_its_own_application_host_and_prefix() {
    let own = EchoUpstream::start().await;
    let tables = format!(
        "[[routes]]\npath = \"/legacy\"\nupstream = \"http://{}\"\nupstream_host = \"app.internal:8080\"\nstrip_prefix = true\naccess = \"public\"\n",
        own.address
    );
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    for (asked, arrives) in [
        ("/legacy", "/"),
        ("/legacy?q=1", "/?q=1"),
        ("/legacy/", "/"),
        ("/legacy/x/y?q=/legacy", "/x/y?q=/legacy"),
        ("/legacy//x", "/x"),
        ("/x/../legacy/%41", "/A"),
        ("/legacy/legacy/x", "/legacy/x"),
    ] {
        assert_eq!(gateway.get(asked, "").await.status, StatusCode::OK, "{asked}");
        let seen = own.last();
        assert_eq!(seen.uri.to_string(), arrives, "{asked}");
        assert_eq!(seen.all("host"), ["app.internal:8080"]);
        assert_eq!(seen.all("x-forwarded-host"), ["a.localhost"]);
        assert_eq!(seen.all("x-forwarded-prefix"), ["/legacy"]);
    }
    assert_eq!(gateway.upstream.count(), 0);
    gateway.get("/public/legacy", "").await;
    assert_eq!((gateway.upstream.last().uri.path(), own.count()), ("/public/legacy", 7));
}

#[tokio::test]
async fn an_application_behind_tls_is_reached_when_its_authority_is_known() {
    let certificate = Certificate::of(&["localhost"]);
    let application = EchoUpstream::start_tls(&certificate).await;
    let port = application.address.port();
    let tables = format!(
        "[[routes]]\npath = \"/known\"\naccess = \"public\"\nupstream = \"https://localhost:{port}\"\nca_file = \"ca.pem\"\n\
         [[routes]]\npath = \"/unknown\"\naccess = \"public\"\nupstream = \"https://localhost:{port}\"\n\
         [[routes]]\npath = \"/misnamed\"\naccess = \"public\"\nupstream = \"https://127.0.0.1:{port}\"\nca_file = \"ca.pem\"\n\
         [[routes]]\npath = \"/plain\"\naccess = \"public\"\nupstream = \"http://localhost:{port}\"\n"
    );
    let files = vec![("ca.pem", certificate.chain.clone())];
    let gateway = TestGateway::with(Setup { tables, files, ..Setup::default() }).await;
    assert_eq!(gateway.get("/known", "").await.status, StatusCode::OK);
    assert_eq!(application.last().uri.to_string(), "/known");
    for path in ["/unknown", "/misnamed", "/plain"] {
        assert_eq!(gateway.get(path, "").await.status, StatusCode::BAD_GATEWAY, "{path}");
    }
    assert_eq!(application.count(), 1);
}

// ---------------------------------------------------------------------------------------- failures

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn an_application_that_is_down_is_named_as_the_cause() {
    let gateway = open_gateway(nobody().await).await;
    let mut browser = gateway.browser();
    let page = browser.open(&gateway.url("/x")).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.text().to_lowercase().contains("application") || page.text().contains("应用"),
        "{}",
        page.text()
    );
    let fetched = browser.fetch(&gateway.url("/x")).await;
    assert_eq!(fetched.status, StatusCode::BAD_GATEWAY);
    assert_eq!(fetched.json()["request_id"], fetched.header("x-request-id"));
    assert_eq!(fetched.json()["error"], "upstream_unavailable");
    assert_eq!(fetched.header("cache-control"), "no-store");
    let (_, figures) = gateway.admin("/metrics").await;
    assert!(
        figures.contains("wxgate_upstream_errors_total{route=\"a.localhost/\",kind=\"connect\"} 2"),
        "{figures}"
    );
    let logged = gateway.log_line(&["the application gave no answer", "refused"]);
    assert!(logged.contains("WARN"), "{logged}");
}

#[tokio::test]
async fn one_application_that_is_down_takes_no_other_with_it() {
    let tables =
        format!("[[routes]]\npath = \"/down\"\naccess = \"public\"\nupstream = \"{}\"\n", nobody().await);
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    assert_eq!(gateway.get("/down", "").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(gateway.get("/public", "").await.status, StatusCode::OK);
    assert_eq!(gateway.admin("/readyz").await.0, 200);
}

#[tokio::test]
async fn an_application_that_says_nothing_is_given_up_in_time() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        application.wire.rest().await;
    })
    .await;
    let gateway = open_gateway_with(application.url(), "response_timeout = \"1s\"", "").await;
    let began = tokio::time::Instant::now();
    let mut browser = gateway.browser();
    let page = browser.open(&gateway.url("/x")).await;
    assert_eq!(page.status, StatusCode::GATEWAY_TIMEOUT);
    assert!(page.text().to_lowercase().contains("application") || page.text().contains("应用"));
    assert!(
        began.elapsed() > std::time::Duration::from_millis(900) && began.elapsed() < PATIENCE,
        "{:?}",
        began.elapsed()
    );
    assert_eq!(application.heads().len(), 1, "no second try");
    let posted = browser.send(Method::POST, &gateway.url("/x"), &[], "abc").await;
    assert_eq!(posted.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(application.heads().len(), 2);
}

#[tokio::test]
async fn an_application_that_stops_in_the_middle_is_given_up_and_the_visitor_sees_it() {
    for head in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let application = ScriptedUpstream::playing(move |mut application: Played, _| async move {
            application.request().await;
            application.answer(format!("HTTP/1.1 200 OK\r\n{head}")).await;
            application.wire.rest().await;
        })
        .await;
        let gateway = open_gateway_with(application.url(), "idle_timeout = \"1s\"", "").await;
        let mut wire = Wire::to(&gateway).await;
        wire.send(get("/")).await;
        assert_eq!(wire.answer_to(&Method::GET).await.map(|answer| answer.text()), Err(Cut), "{head}");
    }
}

/// Answers that are no HTTP, or HTTP that can be read in two ways: 502, and never a byte of them.
#[tokio::test]
async fn an_answer_that_cannot_be_trusted_is_no_answer() {
    let many = "X: y\r\n".repeat(10_000);
    let answers = [
        "".to_owned(),
        "HTTP/1.1".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Le".to_owned(),
        "<html>marker</html>".to_owned(),
        "HTTP/0.9 200 OK\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 099 Low\r\nContent-Length: 6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 1000 High\r\nContent-Length: 6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nmarker\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 30\r\n\r\n6\r\nmarker\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 5\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 6, 6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: -6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: +6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n6\r\nmarker\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n6\r\nmarker\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nmarker\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nmarker\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 6\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 6\r\n\r\nmarker".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 6\r\n\r\nmarker"),
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nmarker".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\n\r\nmarker".to_owned(),
    ];
    for answer in answers {
        let application = ScriptedUpstream::playing({
            let answer = answer.clone();
            move |mut application: Played, _| {
                let answer = answer.clone();
                async move {
                    application.request().await;
                    application.answer(&answer).await;
                    application.wire.finish_sending().await;
                    application.wire.rest().await;
                }
            }
        })
        .await;
        let gateway = open_gateway(application.url()).await;
        for method in ["GET", "POST"] {
            let seen = gateway
                .raw(format!("{method} / HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n"))
                .await;
            assert!(seen.starts_with("HTTP/1.1 502 "), "{method} {answer:.200?}: {seen}");
            assert!(!seen.contains("marker"), "{answer:.200?}: {seen}");
        }
        let posts = application.heads().iter().filter(|head| head.starts_with("POST")).count();
        assert_eq!(posts, 1, "{answer:.200?}");
    }
}

/// What breaks in the body has begun already: the visitor must see that it is not whole.
#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_whole() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    ] {
        let application = RawUpstream::answering(answer.as_bytes()).await;
        let gateway = open_gateway(format!("http://{}", application.address)).await;
        let mut wire = Wire::to(&gateway).await;
        wire.send(get("/")).await;
        let seen = wire.answer_to(&Method::GET).await;
        let refused = seen.as_ref().is_ok_and(|answer| answer.status == StatusCode::BAD_GATEWAY);
        assert!(seen.is_err() || refused, "{answer:?}: {seen:?}");
    }
}

/// Bytes behind the end of an answer belong to nobody, least of all to the next visitor.
#[tokio::test]
async fn bytes_behind_an_answer_reach_nobody() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        while application.request().await.is_some() {
            application.answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nminetheirsHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs").await;
        }
    })
    .await;
    let gateway = open_gateway(application.url()).await;
    let mut wire = Wire::to(&gateway).await;
    for number in 0..20 {
        wire.send(get(&format!("/{number}"))).await;
        assert_eq!(wire.answer().await.text(), "mine", "{number}");
    }
    assert_eq!(application.heads().len(), 20);
}

/// The first connection answers once and dies with the second request on it; every other answers.
async fn dying() -> ScriptedUpstream {
    ScriptedUpstream::playing(|mut application: Played, number| async move {
        let mut answered = 0;
        while application.request().await.is_some() {
            if number == 0 && answered == 1 {
                return;
            }
            application.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            answered += 1;
        }
    })
    .await
}

#[tokio::test]
async fn a_read_on_a_dying_connection_is_repeated_once_on_a_fresh_one() {
    let application = dying().await;
    let gateway = open_gateway(application.url()).await;
    assert_eq!(gateway.get("/1", "").await.text(), "ok");
    assert_eq!(gateway.get("/2", "").await.text(), "ok");
    let paths: Vec<_> =
        application.heads().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(paths, ["/1", "/2", "/2"]);
}

/// Whoever drives the connection by then: a request's body gives it a task.
#[tokio::test]
async fn a_read_of_whose_answer_something_came_is_not_repeated() {
    for first in [
        "GET /1 HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
        "POST /1 HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc",
    ] {
        let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
            application.request().await;
            application.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            application.request().await;
            application.answer("HTTP/1.1 200 OK\r\nX-Pa").await;
        })
        .await;
        let gateway = open_gateway(application.url()).await;
        assert_eq!(gateway.asked(first.to_owned()).await.text(), "ok");
        assert_eq!(gateway.get("/2", "").await.status, StatusCode::BAD_GATEWAY, "{first}");
        assert_eq!(application.heads().len(), 2, "{first}");
    }
}

#[tokio::test]
async fn a_post_is_delivered_at_most_once() {
    for (lines, body) in [("Content-Length: 3\r\n", "abc"), ("Content-Length: 0\r\n", ""), ("", "")] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "FOO"] {
            let application = dying().await;
            let gateway = open_gateway(application.url()).await;
            assert_eq!(gateway.get("/1", "").await.text(), "ok");
            let request = format!("{method} /2 HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n{body}");
            assert_eq!(gateway.asked(request).await.status, StatusCode::BAD_GATEWAY, "{method}");
            assert_eq!(application.heads().len(), 2, "{method}");
        }
    }
}

#[tokio::test]
async fn a_read_that_was_answered_wrongly_is_not_repeated() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        while application.request().await.is_some() {
            application.answer("no answer of HTTP\r\n\r\n").await;
        }
    })
    .await;
    let gateway = open_gateway(application.url()).await;
    assert_eq!(gateway.get("/1", "").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(application.heads().len(), 1);
}

#[tokio::test]
async fn where_methods_decide_no_header_changes_the_method_afterwards() {
    let lines = "X-HTTP-Method-Override: DELETE\r\nX-Method-Override: DELETE\r\nX_HTTP_Method: DELETE\r\n";
    let plain = TestGateway::start().await;
    plain.get("/public/x", lines).await;
    assert_eq!(plain.upstream.last().all("x-http-method-override"), ["DELETE"], "an application may want it");
    let tables = "[[routes]]\npath = \"/read\"\nmethods = [\"GET\"]\naccess = \"public\"\n".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    gateway.get("/read/x", lines).await;
    let seen = gateway.upstream.last();
    assert!(seen.headers.keys().all(|name| !name.as_str().contains("method")), "{:?}", seen.headers);
}

/// An application that closes idle connections at once: no visitor notices.
#[tokio::test]
async fn connections_closed_by_the_application_are_not_used_again() {
    let application = RawUpstream::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let gateway = open_gateway(format!("http://{}", application.address)).await;
    let mut wire = Wire::to(&gateway).await;
    for number in 0..200 {
        wire.send(get(&format!("/{number}"))).await;
        assert_eq!(wire.answer().await.text(), "ok", "{number}");
    }
}

#[tokio::test]
async fn an_application_that_answers_before_it_has_read_everything_is_heard() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        application
            .answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch")
            .await;
        application.wire.rest().await;
    })
    .await;
    let gateway = open_gateway(application.url()).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1000000\r\n\r\nabc").await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "much"));
}

// ------------------------------------------------------------------------------------------ limits

#[tokio::test]
async fn a_body_larger_than_allowed_is_refused_however_it_is_framed() {
    let server = "max_body_size = \"1KiB\"".to_owned();
    let gateway = TestGateway::with(Setup { server, ..Setup::default() }).await;
    let post =
        |lines: &str, body: &str| format!("POST /public HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n{body}");
    let (fits, exceeds) = ("x".repeat(1024), "x".repeat(1025));
    let chunked = |body: &str| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let status = async |request: String| gateway.asked(request).await.status.as_u16();
    assert_eq!(status(post("Content-Length: 1024\r\n", &fits)).await, 200);
    assert_eq!(status(post("Transfer-Encoding: chunked\r\n", &chunked(&fits))).await, 200);
    assert_eq!(status(post("Content-Length: 1025\r\n", &exceeds)).await, 413);
    assert_eq!(gateway.upstream.count(), 2);
    assert_eq!(status(post("Transfer-Encoding: chunked\r\n", &chunked(&exceeds))).await, 413);
    let whole = gateway.upstream.seen().into_iter().filter(|seen| seen.body.len() > 1024).count();
    assert_eq!(whole, 0);
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_at_once() {
    let gateway = TestGateway::start().await;
    let lines = |count: usize| (0..count).map(|number| format!("X-{number}: y\r\n")).collect::<String>();
    for (what, target, extra) in [
        ("a long target", format!("/public?{}", "x".repeat(9 * 1024)), String::new()),
        ("many lines", "/public".to_owned(), lines(100)),
        ("many long lines", "/public".to_owned(), format!("X: {}\r\n", "y".repeat(1024)).repeat(33)),
        ("one long line", "/public".to_owned(), format!("X: {}\r\n", "y".repeat(33 * 1024))),
        ("a long name", "/public".to_owned(), format!("{}: y\r\n", "x".repeat(33 * 1024))),
        ("an endless line", "/public".to_owned(), format!("X: {}", "y".repeat(100 * 1024))),
        (
            "a smuggled length",
            "/public".to_owned(),
            format!(
                "{}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                format!("X: {}\r\n", "y".repeat(1024)).repeat(32)
            ),
        ),
    ] {
        let mut wire = Wire::to(&gateway).await;
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: a.localhost\r\n{extra}\r\n")).await;
        let status = wire.answer().await.status.as_u16();
        assert!(matches!(status, 400 | 414 | 431), "{what}: {status}");
    }
    assert_eq!(gateway.upstream.count(), 0);
    // Just below the limits.
    assert_eq!(
        gateway.get(&format!("/public?{}", "x".repeat(8 * 1024 - 8)), "").await.status,
        StatusCode::OK
    );
    // The application has a limit of its own, and the gateway adds some lines.
    assert_eq!(gateway.get("/public", &lines(90)).await.status, StatusCode::OK);
    assert_eq!(
        gateway.get("/public", &format!("X: {}\r\n", "y".repeat(1024)).repeat(30)).await.status,
        StatusCode::OK
    );
}

/// What nobody may upload is not read; what hides in it is not a request.
#[tokio::test]
async fn a_request_hidden_in_a_refused_body_never_runs() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let arrived = gateway.upstream.count();
    let inner = format!("GET /hidden HTTP/1.1\r\nHost: a.localhost\r\n{lin}\r\n");
    let body = inner.repeat((10 << 20) / inner.len());
    for path in ["/x", "/closed", "/_wxgate/me", "/_wxgate/logout", "/_wxgate/x"] {
        for chunked in [false, true] {
            let mut wire = Wire::to(&gateway).await;
            let framing = if chunked {
                "Transfer-Encoding: chunked".to_owned()
            } else {
                format!("Content-Length: {}", body.len())
            };
            let size = if chunked { format!("{:x}\r\n", body.len()) } else { String::new() };
            wire.send(format!("POST {path} HTTP/1.1\r\nHost: a.localhost\r\n{framing}\r\n\r\n{size}")).await;
            wire.send(&body).await;
            let answer = wire.answer().await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            assert!(wire.rest().await.is_empty(), "{path}: a second answer");
        }
    }
    assert_eq!(gateway.upstream.count(), arrived);
    assert_eq!(gateway.get("/honest", &lin).await.status, StatusCode::OK);
}

/// A small refused body is read away, and the connection goes on with the request behind it, judged for itself.
#[tokio::test]
async fn a_request_behind_a_refused_body_is_judged_for_itself() {
    let gateway = TestGateway::start().await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("POST /x HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 5\r\n\r\nGET /GET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wire.answer().await.status, StatusCode::OK);
    assert_eq!(gateway.upstream.last().uri.path(), "/public");
    assert_eq!(gateway.upstream.count(), 1);
}
