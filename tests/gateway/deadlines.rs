//! Nobody is waited for without end.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::{Certificate, PATIENCE, Played, ScriptedUpstream, Setup, TestGateway, Wire, eventually};

/// Well above one second on a machine with much to do, and below every usual deadline.
const SOON: Duration = Duration::from_secs(8);

async fn with_server(server: &str) -> TestGateway {
    TestGateway::with(Setup { server: server.to_owned(), ..Setup::default() }).await
}

/// The gateway gives up about a second after something that has not been before `began`; what it says until then.
async fn assert_given_up(mut wire: Wire<tokio::net::TcpStream>, began: Instant, what: &str) -> String {
    let said = String::from_utf8_lossy(&wire.rest().await).into_owned();
    let took = began.elapsed();
    assert!(took > Duration::from_millis(700) && took < SOON, "{what}: {took:?}");
    said
}

#[tokio::test]
async fn a_connection_that_never_begins_or_never_ends_its_head_is_closed() {
    let gateway = with_server("header_timeout = \"1s\"").await;
    let mut waits = Vec::new();
    for begun in [
        "",
        "G",
        "GET /public HTTP/1.1\r\n",
        "GET /public HTTP/1.1\r\nHost: a.localhost\r\n",
        "GET /public HTTP/1.1\r\nHost: a.localhost\r\n\r",
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        let began = Instant::now();
        let mut wire = Wire::to(&gateway).await;
        wire.send(begun).await;
        waits.push(assert_given_up(wire, began, begun));
    }
    for said in futures_util::future::join_all(waits).await {
        assert!(!said.contains("200 OK"), "{said}");
    }
    assert_eq!(gateway.upstream.count(), 0);
}

/// A byte now and then does not prolong the deadline: it is for the whole head.
#[tokio::test]
async fn a_head_that_drips_is_not_waited_for() {
    let gateway = with_server("header_timeout = \"1s\"").await;
    let mut wire = Wire::to(&gateway).await;
    let began = Instant::now();
    let mut drops = "GET /public HTTP/1.1\r\nHost: a.localhost\r\nX: ".bytes().chain(std::iter::repeat(b'x'));
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    while wire.try_send([drops.next().unwrap()]).await.is_ok() {
        pace.tick().await;
        assert!(began.elapsed() < SOON, "still waited for");
    }
    assert!(began.elapsed() > Duration::from_millis(700), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_second_head_has_its_deadline_too() {
    let gateway = with_server("header_timeout = \"1s\"").await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("GET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    wire.answer().await;
    let began = Instant::now();
    wire.send("GET /public HTTP/1.1\r\nHo").await;
    assert!(assert_given_up(wire, began, "a second head").await.is_empty());
    assert_eq!(gateway.upstream.count(), 1);
}

#[tokio::test]
async fn a_second_head_begun_with_the_first_request_is_not_waited_for_either() {
    let gateway = with_server("header_timeout = \"1s\"\nkeep_alive_timeout = \"1s\"").await;
    let mut wire = Wire::to(&gateway).await;
    let began = Instant::now();
    wire.send("GET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\nGET /public HTTP/1.1\r\nHo").await;
    wire.answer().await;
    assert!(assert_given_up(wire, began, "a second head").await.is_empty());
}

#[tokio::test]
async fn a_connection_without_a_next_request_is_closed() {
    let gateway = with_server("keep_alive_timeout = \"1s\"").await;
    let mut wire = Wire::to(&gateway).await;
    let mut began = Instant::now();
    for _ in 0..3 {
        began = Instant::now();
        wire.send("GET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
        wire.answer().await;
    }
    assert!(assert_given_up(wire, began, "an idle connection").await.is_empty());
}

#[tokio::test]
async fn an_http2_connection_without_a_next_request_is_closed() {
    let gateway = with_server("keep_alive_timeout = \"1s\"").await;
    let stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let ended = tokio::spawn(connection);
    let request = http::Request::get("http://a.localhost/public").body(String::new()).unwrap();
    let began = Instant::now();
    assert_eq!(sender.send_request(request).await.unwrap().status(), http::StatusCode::OK);
    let _ = tokio::time::timeout(PATIENCE, ended).await.expect("the connection ends");
    assert!(began.elapsed() > Duration::from_millis(700) && began.elapsed() < SOON, "{:?}", began.elapsed());
}

/// A window of no bytes: HTTP/2 lets a visitor ask for much and take nothing, while the socket takes every byte there is.
#[tokio::test]
async fn a_visitor_who_opens_no_window_is_given_up() {
    let setup = Setup { server: "write_timeout = \"1s\"".to_owned(), ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0");
    for (stream, path) in [(1, "/public/x"), (3, "/_wxgate/nothing")] {
        let mut fields = vec![0x82, 0x86, 0x01, 11];
        fields.extend(b"a.localhost\x04");
        fields.push(u8::try_from(path.len()).unwrap());
        fields.extend(path.bytes());
        bytes.extend([0, 0, u8::try_from(fields.len()).unwrap(), 1, 5, 0, 0, 0, stream]);
        bytes.extend(fields);
    }
    gateway.raw(bytes).await;
    assert_eq!(gateway.upstream.count(), 1);
    eventually("no connection is left", async || {
        gateway.admin("/metrics").await.1.contains("wxgate_active_connections 0")
    })
    .await;
}

/// Silence while the application thinks is no silence of the visitor.
#[tokio::test]
async fn a_visitor_who_waits_for_an_answer_is_not_given_up() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        application.answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").await;
    })
    .await;
    let server = "header_timeout = \"1s\"\nkeep_alive_timeout = \"1s\"\nbody_timeout = \"1s\"".to_owned();
    let gateway =
        TestGateway::with(Setup { upstream: Some(application.url()), server, ..Setup::default() }).await;
    assert_eq!(gateway.get("/public", "").await.text(), "late");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let gateway = with_server("body_timeout = \"1s\"").await;
    let mut waits = Vec::new();
    for framing in ["Content-Length: 100\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let began = Instant::now();
        let mut wire = Wire::to(&gateway).await;
        wire.send(format!("POST /public HTTP/1.1\r\nHost: a.localhost\r\n{framing}")).await;
        waits.push(assert_given_up(wire, began, framing));
    }
    for said in futures_util::future::join_all(waits).await {
        assert!(said.starts_with("HTTP/1.1 40"), "{said}");
    }
    assert!(gateway.upstream.seen().iter().all(|seen| seen.body.is_empty()));
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_not_waited_for() {
    let gateway = TestGateway::start().await;
    for framing in [
        "Content-Length: 100\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "Content-Length: 10000000\r\n\r\nabc",
    ] {
        let mut wire = Wire::to(&gateway).await;
        wire.send(format!("POST /x HTTP/1.1\r\nHost: a.localhost\r\n{framing}")).await;
        assert_eq!(wire.answer().await.status, http::StatusCode::UNAUTHORIZED, "{framing}");
        assert!(wire.rest().await.is_empty());
    }
}

#[tokio::test]
async fn a_visitor_who_reads_nothing_is_given_up() {
    let (report, mut reported) = tokio::sync::mpsc::unbounded_channel();
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        let report = report.clone();
        async move {
            application.request().await;
            application.answer("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
            let event = vec![b'x'; 1 << 16];
            while application.wire.try_send(&event).await.is_ok() {}
            let _ = report.send(());
        }
    })
    .await;
    let server = "write_timeout = \"1s\"".to_owned();
    let gateway =
        TestGateway::with(Setup { upstream: Some(application.url()), server, ..Setup::default() }).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("GET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    tokio::time::timeout(PATIENCE, reported.recv()).await.expect("the application is let go");
}

#[tokio::test]
async fn a_tls_handshake_that_does_not_come_or_does_not_end_is_given_up() {
    let setup = Setup {
        public_url: Some("https://a.test".to_owned()),
        server: "header_timeout = \"1s\"".to_owned(),
        certificate: Some(Certificate::of(&["a.test"])),
        ..Setup::default()
    };
    let gateway = TestGateway::with(setup).await;
    let mut waits = Vec::new();
    for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let began = Instant::now();
        let mut wire = Wire::to(&gateway).await;
        wire.send(begun).await;
        waits.push(assert_given_up(wire, began, "a handshake"));
    }
    futures_util::future::join_all(waits).await;
    let mut browser = gateway.browser();
    assert_eq!(browser.open(&gateway.url("/public")).await.status, http::StatusCode::OK);
}
