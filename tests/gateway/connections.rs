//! Connections to an application: used again where that is safe, given up where it is not, bounded in what they hold.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};
use wxgate::model::clock;

use crate::support::{
    BUSY, Certificate, EchoUpstream, PATIENCE, Played, ScriptedUpstream, Setup, TestGateway, Wire, eventually,
};

async fn before(upstream: String, server: &str) -> TestGateway {
    TestGateway::with(Setup { upstream: Some(upstream), server: server.to_owned(), ..Setup::default() }).await
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
}

/// An application that answers every request with the same bytes, and counts its connections.
async fn counting(answer: &'static str) -> (ScriptedUpstream, Arc<AtomicUsize>) {
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            while application.request().await.is_some() {
                application.answer(answer).await;
            }
        }
    })
    .await;
    (application, accepted)
}

/// How many connections five requests of one visitor took.
async fn taken_by_five(method: &Method, answer: &'static str) -> usize {
    let (application, accepted) = counting(answer).await;
    let gateway = before(application.url(), "").await;
    let mut wire = Wire::to(&gateway).await;
    for _ in 0..5 {
        wire.send(format!("{method} /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n")).await;
        let seen = wire.answer_to(method).await.unwrap();
        assert!(!seen.status.is_server_error(), "{method} {answer}: {}", seen.status);
        assert!(matches!(seen.text().as_str(), "" | "abc"), "{method} {answer}: {}", seen.text());
    }
    assert_eq!(application.heads().len(), 5, "{method} {answer}");
    accepted.load(Ordering::SeqCst)
}

// --------------------------------------------------------------------------------------------- use

#[tokio::test]
async fn a_connection_is_used_again_after_a_whole_answer() {
    for (method, answer) in [
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (Method::GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        (Method::GET, "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc"),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n"),
        (
            Method::GET,
            "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        ),
        (Method::GET, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\n\r\n"),
    ] {
        assert_eq!(taken_by_five(&method, answer).await, 1, "{method} {answer}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_an_answer_with_trailers() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: y\r\n\r\n";
    assert_eq!(taken_by_five(&Method::GET, answer).await, 1);
}

/// As Node.js and nginx say it with every answer.
#[tokio::test]
async fn a_connection_is_used_again_when_the_application_says_that_it_keeps_it() {
    for lines in [
        "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n",
        "Connection: Keep-Alive\r\n",
        "Connection: keep-alive, X-Listed\r\n",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 3\r\n\r\nabc");
        assert_eq!(taken_by_five(&Method::GET, answer.leak()).await, 1, "{lines}");
    }
}

#[tokio::test]
async fn a_connection_that_is_not_kept_or_not_clean_is_not_used_again() {
    for (method, answer) in [
        (Method::GET, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"),
        (Method::GET, "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\nabc"),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"),
        (Method::GET, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        // Bytes nobody asked for.
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\r\n"),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs",
        ),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs",
        ),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs"),
        (Method::GET, "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\ntheirs"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\ntheirs"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs"),
    ] {
        assert_eq!(taken_by_five(&method, answer).await, 5, "{method} {answer}");
    }
}

#[tokio::test]
async fn requests_with_bodies_use_a_connection_again() {
    let (application, accepted) = {
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accepted);
        let application = ScriptedUpstream::playing(move |mut application: Played, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                while let Some(head) = application.request().await {
                    if head.starts_with("POST") {
                        application.wire.exactly(3).await.unwrap();
                    }
                    application.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").await;
                }
            }
        })
        .await;
        (application, accepted)
    };
    let gateway = before(application.url(), "").await;
    let mut wire = Wire::to(&gateway).await;
    for _ in 0..10 {
        wire.send("POST /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc").await;
        assert_eq!(wire.answer().await.text(), "abc");
        wire.send(get("/public")).await;
        assert_eq!(wire.answer().await.text(), "abc");
    }
    assert!(application.heads().iter().all(|head| head.starts_with("POST /") || head.starts_with("GET /")));
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

/// What the application has not read of an upload must not be read as the next visitor's request.
#[tokio::test]
async fn an_upload_answered_before_it_was_read_spoils_nobody_elses_request() {
    let (application, _) = counting("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").await;
    let gateway = before(application.url(), "workers = 1").await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.localhost\r\n\r\n";
    for _ in 0..10 {
        let mut uploading = Wire::to(&gateway).await;
        uploading
            .send("POST /public/early HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1000000\r\n\r\n")
            .await;
        assert_eq!(uploading.answer().await.text(), "abc");
        let mut other = Wire::to(&gateway).await;
        other.send(get("/public/other")).await;
        // The rest of the upload is on its way at the same time.
        uploading.send(smuggled.repeat(1000)).await;
        assert_eq!(other.answer().await.text(), "abc");
        other.send(get("/public/other")).await;
        assert_eq!(other.answer().await.text(), "abc");
    }
    for head in application.heads() {
        let is_whole = head.starts_with("POST /public/early ") || head.starts_with("GET /public/other ");
        // An application that goes on reading where it should not sees the upload; on that connection nobody else is.
        assert!(is_whole || head.starts_with("GET /smuggled "), "{head}");
    }
}

/// An application may refuse an upload at its beginning, read the rest of it all the same, and then say something once
/// more. Nobody else must get that for an answer.
#[tokio::test]
async fn what_is_said_once_more_about_an_upload_is_nobody_elses_answer() {
    for length in ["Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n"] {
        // The rest of the upload has come; it is time to say something once more.
        let (read, late) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let theirs = (Arc::clone(&read), Arc::clone(&late));
        let application = ScriptedUpstream::playing(move |mut application: Played, _| {
            let (read, late) = theirs.clone();
            async move {
                while let Some(head) = application.request().await {
                    if head.starts_with("POST") {
                        application.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
                        let rest = if length.starts_with('C') { "abcdef".len() } else { 21 };
                        application.wire.exactly(rest).await.unwrap();
                        read.notify_one();
                        // To another request, if one comes on this connection.
                        tokio::select! {
                            _ = application.request() => {}
                            () = late.notified() => {}
                        }
                        application.answer("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs").await;
                    } else {
                        application.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").await;
                    }
                }
            }
        })
        .await;
        let gateway = before(application.url(), "workers = 1").await;
        let pieces =
            if length.starts_with('C') { ["abc", "def"] } else { ["3\r\nabc\r\n", "3\r\ndef\r\n0\r\n\r\n"] };
        let mut uploading = Wire::to(&gateway).await;
        uploading
            .send(format!("POST /public HTTP/1.1\r\nHost: a.localhost\r\n{length}\r\n{}", pieces[0]))
            .await;
        assert_eq!(uploading.answer().await.text(), "no");
        uploading.send(pieces[1]).await;
        read.notified().await;
        let mut other = Wire::to(&gateway).await;
        for number in 0..20 {
            other.send(get("/public/other")).await;
            assert_eq!(other.answer().await.text(), "abc", "{length}");
            if number == 9 {
                late.notify_one();
            }
        }
    }
}

/// The same, seen from each connection: behind an upload that was not read comes no request.
#[tokio::test]
async fn a_connection_with_an_unread_upload_carries_no_other_request() {
    let (report, mut reported) = mpsc::unbounded_channel();
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        let report = report.clone();
        async move {
            while let Some(head) = application.request().await {
                application.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").await;
                if head.starts_with("POST") {
                    let _ = report.send(application.wire.rest().await);
                    return;
                }
            }
        }
    })
    .await;
    let gateway = before(application.url(), "workers = 1").await;
    let mut uploading = Wire::to(&gateway).await;
    uploading
        .send("POST /public/early HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1000000\r\n\r\nxxxx")
        .await;
    assert_eq!(uploading.answer().await.text(), "abc");
    let mut other = Wire::to(&gateway).await;
    for _ in 0..5 {
        other.send(get("/public/other")).await;
        assert_eq!(other.answer().await.text(), "abc");
    }
    drop(uploading);
    let behind = tokio::time::timeout(PATIENCE, reported.recv()).await.unwrap().unwrap();
    assert!(behind.iter().all(|byte| *byte == b'x'), "{}", String::from_utf8_lossy(&behind));
}

#[tokio::test]
async fn a_visitor_who_leaves_in_the_middle_of_an_answer_takes_the_connection_with_them() {
    for head in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let (report, mut reported) = mpsc::unbounded_channel();
        let application = ScriptedUpstream::playing(move |mut application: Played, number| {
            let report = report.clone();
            async move {
                application.request().await;
                if number == 0 {
                    application.answer(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n3\r\nabc\r\n")).await;
                    let _ = report.send(application.wire.rest().await.len());
                } else {
                    application.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother").await;
                    application.wire.rest().await;
                }
            }
        })
        .await;
        let gateway = before(application.url(), "workers = 1").await;
        let mut leaving = Wire::to(&gateway).await;
        leaving.send(get("/public/long")).await;
        assert!(leaving.head().await.unwrap().starts_with("HTTP/1.1 200"));
        leaving.exactly(3).await.unwrap();
        drop(leaving);
        let more = tokio::time::timeout(PATIENCE, reported.recv()).await.expect("it is closed").unwrap();
        assert_eq!(more, 0, "{head}: nothing more was sent on it");
        assert_eq!(gateway.get("/public/other", "").await.text(), "other", "{head}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_four_seconds() {
    let (report, mut reported) = mpsc::unbounded_channel();
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        let report = report.clone();
        async move {
            let mut answered = clock::instant();
            while application.request().await.is_some() {
                answered = clock::instant();
                application.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            }
            let _ = report.send(answered.elapsed());
        }
    })
    .await;
    let gateway = before(application.url(), "").await;
    let mut visitors = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::to(&gateway).await;
        wire.send(get("/public")).await;
        visitors.push(wire);
    }
    for wire in &mut visitors {
        assert_eq!(wire.answer().await.status, StatusCode::OK);
    }
    let idle = tokio::time::timeout(PATIENCE, reported.recv()).await.expect("it is closed").unwrap();
    assert!((Duration::from_secs(3)..Duration::from_secs(4) * BUSY).contains(&idle), "{idle:?}");
    visitors[0].send(get("/public")).await;
    assert_eq!(visitors[0].answer().await.status, StatusCode::OK, "a fresh one is opened");
}

// ------------------------------------------------------------------------------------------- share

/// Serves one connection until it is closed, and only then takes the next, as simple applications do.
#[tokio::test]
async fn an_application_of_one_connection_at_a_time_serves_visitors_of_all_workers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut wire = Wire::on(stream);
            while let Some(head) = wire.head().await {
                if head.starts_with("POST") {
                    wire.exactly(3).await.unwrap();
                }
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            }
        }
    });
    let gateway = before(url, "workers = 2").await;
    let mut visitors = [Wire::to(&gateway).await, Wire::to(&gateway).await, Wire::to(&gateway).await];
    let began = clock::instant();
    for round in 0..20 {
        for visitor in &mut visitors {
            if round % 5 == 4 {
                visitor
                    .send("POST /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc")
                    .await;
            } else {
                visitor.send(get("/public")).await;
            }
            assert_eq!(visitor.answer().await.text(), "ok", "round {round}");
        }
    }
    // Nobody has waited for an idle connection to be given up: every turn would take four seconds.
    assert!(began.elapsed() < Duration::from_secs(4) * BUSY, "{:?}", began.elapsed());
}

/// Two visitors of two workers, who ask in turn: opening a connection for each request would cost a handshake each time.
#[tokio::test]
async fn visitors_who_ask_in_turn_do_not_cost_each_other_the_connection() {
    let certificate = Certificate::of(&["localhost"]);
    let tls = EchoUpstream::start_tls(&certificate).await;
    let tables = format!(
        "[[routes]]\npath = \"/public/tls\"\naccess = \"public\"\nupstream = \"https://localhost:{}\"\nca_file = \"ca.pem\"\n",
        tls.address.port()
    );
    let files = vec![("ca.pem", certificate.chain)];
    let server = "workers = 2".to_owned();
    let gateway = TestGateway::with(Setup { tables, files, server, ..Setup::default() }).await;
    let mut visitors = Vec::new();
    for _ in 0..2 {
        // The second comes when the first has a worker.
        let mut wire = Wire::to(&gateway).await;
        wire.send(get("/_wxgate/nothing")).await;
        assert_eq!(wire.answer().await.status, StatusCode::NOT_FOUND);
        visitors.push(wire);
    }
    let mut taken = Vec::new();
    for (application, request) in [
        (&gateway.upstream, get("/public/x")),
        (
            &gateway.upstream,
            "POST /public/x HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
        ),
        (&tls, get("/public/tls")),
    ] {
        let before = application.count();
        for _ in 0..10 {
            for visitor in &mut visitors {
                visitor.send(&request).await;
                assert_eq!(visitor.answer().await.status, StatusCode::OK);
            }
        }
        let seen = &application.seen()[before..];
        let used: HashSet<_> = seen.iter().map(|seen| seen.connection).collect();
        taken.push(used.len());
    }
    assert!(taken.iter().all(|taken| *taken <= 4), "{taken:?} connections for 20 requests each");
}

// ------------------------------------------------------------------------------------------ bounds

/// A connection to the gateway that takes little at a time.
async fn slow_reader(gateway: &TestGateway) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(gateway.address).await.unwrap()
}

/// Ten megabytes go up while they come down, through buffers that hold a fraction of them.
#[tokio::test]
async fn an_upload_and_its_answer_do_not_wait_for_each_other() {
    const LENGTH: usize = 10 << 20;
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        application.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n")).await;
        let mut left = LENGTH;
        while left > 0 {
            let piece = application.wire.exactly(left.min(4096)).await.unwrap();
            left -= piece.len();
            application.answer(&piece).await;
        }
        application.wire.rest().await;
    })
    .await;
    let gateway = before(application.url(), "").await;
    let body: Vec<u8> = (0..LENGTH).map(|number| (number / 7 % 251) as u8).collect();
    let (reader, mut writer) = slow_reader(&gateway).await.into_split();
    let upload = body.clone();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let sending = tokio::spawn(async move {
        let head = format!("POST /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: {LENGTH}\r\n\r\n");
        writer.write_all(head.as_bytes()).await.unwrap();
        for piece in upload.chunks(16 * 1024) {
            writer.write_all(piece).await.unwrap();
            counted.fetch_add(piece.len(), Ordering::Relaxed);
        }
        writer
    });
    let mut wire = Wire::on(tokio::io::join(reader, tokio::io::sink()));
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 200"));
    let mut came = Vec::with_capacity(LENGTH);
    while came.len() < LENGTH {
        came.extend_from_slice(&wire.exactly(4096.min(LENGTH - came.len())).await.unwrap());
    }
    assert!(came == body);
    let _writer = sending.await.unwrap();
    assert_eq!(sent.load(Ordering::Relaxed), LENGTH);
}

#[tokio::test]
async fn readers_who_take_nothing_cost_a_bounded_amount_of_memory() {
    const READERS: usize = 200;
    const MOST: u64 = 300;
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let application = ScriptedUpstream::playing(move |mut application: Played, _| {
        let sent = Arc::clone(&counted);
        async move {
            application.request().await;
            application.answer("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n").await;
            let piece = vec![b'x'; 16 * 1024];
            loop {
                // For as long as the test lasts.
                let Ok(written) = application.wire.stream().write(&piece).await else { return };
                sent.fetch_add(written as u64, Ordering::Relaxed);
            }
        }
    })
    .await;
    let gateway = before(application.url(), "workers = 2").await;
    gateway.admin("/metrics").await;
    let before = gateway.resident();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = slow_reader(&gateway).await;
        reader.write_all(get("/public").as_bytes()).await.unwrap();
        let mut first = [0; 12];
        tokio::time::timeout(PATIENCE, reader.read_exact(&mut first)).await.unwrap().unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        readers.push(reader);
    }
    let (mut most, mut last, mut still) = (0, 0, 0);
    eventually("everything between the application and the readers is full", async || {
        most = most.max(gateway.resident());
        let now = sent.load(Ordering::Relaxed);
        still = if now == last { still + 1 } else { 0 };
        last = now;
        still == 50
    })
    .await;
    assert!(last > READERS as u64 * 100 * 1024, "{last} bytes");
    let each = (most - before) / READERS as u64;
    println!("{each} KiB for each reader, {before} KiB before");
    assert!(each < MOST, "{each} KiB for each of {READERS} readers, {before} KiB before");
    assert_eq!(gateway.get("/_wxgate/nothing", "").await.status, StatusCode::NOT_FOUND, "others are served");
}
