//! Applications that are spoken to in HTTP/2: the same requests, many on one connection.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{COOKIE, HeaderValue, ORIGIN};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::handshake;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::{Certificate, EchoUpstream, PATIENCE, Seen, Setup, TestGateway, Wire, eventually};

/// An echoing application in HTTP/2 without TLS.
async fn before_h2c() -> (EchoUpstream, TestGateway) {
    let application = EchoUpstream::start().await;
    let gateway = before(format!("h2c://{}", application.address), "").await;
    (application, gateway)
}

async fn before(upstream: String, server: &str) -> TestGateway {
    TestGateway::with(Setup { upstream: Some(upstream), server: server.to_owned(), ..Setup::default() }).await
}

/// Echoing applications with and without HTTP/2 behind TLS.
async fn before_tls(protocols: &[&[u8]]) -> (EchoUpstream, TestGateway) {
    let certificate = Certificate::of(&["localhost"]);
    let application = EchoUpstream::start_tls_offering(&certificate, protocols).await;
    let tables = format!(
        "[[routes]]\npath = \"/public/tls\"\naccess = \"public\"\nupstream = \"https://localhost:{port}\"\nca_file = \"ca.pem\"\n\
         [[routes]]\npath = \"/socket\"\nupstream = \"https://localhost:{port}\"\nca_file = \"ca.pem\"\n",
        port = application.address.port()
    );
    let files = vec![("ca.pem", certificate.chain)];
    let gateway = TestGateway::with(Setup { tables, files, ..Setup::default() }).await;
    (application, gateway)
}

fn connections(seen: &[Seen]) -> HashSet<usize> {
    seen.iter().map(|seen| seen.connection).collect()
}

// ---------------------------------------------------------------------------------------- requests

#[tokio::test]
async fn an_h2c_application_hears_who_is_there_and_nothing_about_connections() {
    let (application, gateway) = before_h2c().await;
    let lin = gateway.signed_in("Lin").await;
    let lines = format!(
        "{}Connection: keep-alive, X-Listed\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nTE: gzip\r\n\
         Upgrade: h2c\r\nX-Listed: 1\r\nX-Kept: 2\r\nRemote-User: forged\r\nX-Forwarded-Host: forged\r\n",
        lin.cookie_line()
    );
    let answer = gateway.get("/x/../page?q=1", &lines).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("x-application"), "echo");
    let seen = application.last();
    assert_eq!(seen.version, Version::HTTP_2);
    assert_eq!(
        seen.uri.to_string(),
        "http://a.localhost/page?q=1",
        ":authority is the host that was visited"
    );
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "upgrade",
        "te",
        "transfer-encoding",
        "host",
        "x-listed",
    ] {
        assert!(seen.all(name).is_empty(), "{name}: {:?}", seen.headers);
    }
    assert_eq!(seen.all("x-kept"), ["2"]);
    assert_eq!(seen.all("remote-name"), ["Lin"]);
    assert_eq!((seen.all("remote-user").len(), seen.all("x-wechat-openid").len()), (1, 1));
    assert!(seen.all("remote-user")[0].starts_with("wx-"));
    assert_eq!(seen.all("x-forwarded-host"), ["a.localhost"]);
    assert!(seen.all("cookie").is_empty());
}

#[tokio::test]
async fn an_h2c_application_can_have_a_host_of_its_own() {
    let application = EchoUpstream::start().await;
    let tables = format!(
        "[[routes]]\npath = \"/own\"\naccess = \"public\"\nupstream = \"h2c://{}\"\nupstream_host = \"app.internal:8080\"\nstrip_prefix = true\n",
        application.address
    );
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    assert_eq!(gateway.get("/own/x?y", "").await.status, StatusCode::OK);
    assert_eq!(application.last().uri.to_string(), "http://app.internal:8080/x?y");
    assert_eq!(application.last().all("x-forwarded-host"), ["a.localhost"]);
}

#[tokio::test]
async fn bodies_go_both_ways_over_h2c() {
    let (application, gateway) = before_h2c().await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    for framing in [format!("Content-Length: {}", body.len()), "Transfer-Encoding: chunked".to_owned()] {
        for path in ["/public/x", "/public/echo"] {
            let (reader, writer) = TcpStream::connect(gateway.address).await.unwrap().into_split();
            let mut sending = Wire::on(tokio::io::join(tokio::io::empty(), writer));
            let mut wire = Wire::on(tokio::io::join(reader, tokio::io::sink()));
            let is_chunked = framing.starts_with("Transfer");
            let size = if is_chunked { format!("{:x}\r\n", body.len()) } else { String::new() };
            let end = if is_chunked { "\r\n0\r\n\r\n" } else { "" };
            let head = format!("POST {path} HTTP/1.1\r\nHost: a.localhost\r\n{framing}\r\n\r\n{size}");
            let request = [head.as_bytes(), &body, end.as_bytes()].concat();
            let sent = tokio::spawn(async move {
                sending.send(request).await;
                sending
            });
            let answer = wire.answer().await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {framing}");
            let arrived = if path == "/public/echo" { answer.body } else { application.last().body };
            assert!(arrived == body, "{path} {framing}: {} bytes", arrived.len());
            drop(sent.await.unwrap());
        }
    }
    let lengths: Vec<_> = application.seen().iter().map(|seen| seen.all("content-length")).collect();
    assert_eq!(lengths, [vec!["3000000".to_owned()], vec![]]);
}

#[tokio::test]
async fn trailers_of_an_h2c_application_arrive_and_a_visitors_do_not() {
    let (application, gateway) = before_h2c().await;
    let mut wire = Wire::to(&gateway).await;
    wire.send(
        "POST /public/trailers HTTP/1.1\r\nHost: a.localhost\r\nTE: trailers\r\nConnection: TE, close\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Wechat-Openid: forged\r\n\r\n",
    )
    .await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 200"));
    let rest = String::from_utf8(wire.rest().await.to_vec()).unwrap().to_ascii_lowercase();
    assert!(rest.ends_with("0\r\nx-checksum: 900150983cd2\r\n\r\n"), "{rest}");
    let seen = application.last();
    assert_eq!((seen.body.as_ref(), seen.trailers), (b"abc".as_slice(), None));
    assert!(seen.headers.get_all("te").iter().all(|te| te == "trailers"), "{:?}", seen.headers);

    let (mut sender, connection) =
        handshake(TokioExecutor::new(), TokioIo::new(TcpStream::connect(gateway.address).await.unwrap()))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://a.localhost/public/trailers").body(Full::<Bytes>::default()).unwrap();
    let answer = sender.send_request(request).await.unwrap().into_body().collect();
    let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(answer.trailers().unwrap()["x-checksum"], "900150983cd2");
}

#[tokio::test]
async fn many_requests_share_one_connection_to_an_h2c_application() {
    const AT_ONCE: usize = 50;
    let (all_here, mut arrived) = watch::channel(0);
    let all_here = Arc::new(all_here);
    let accepted = Arc::new(Mutex::new(HashSet::new()));
    let application = serving({
        let accepted = Arc::clone(&accepted);
        move |request: Request<Incoming>, connection| {
            let (here, accepted) = (Arc::clone(&all_here), Arc::clone(&accepted));
            let mut arrived = here.subscribe();
            async move {
                accepted.lock().unwrap().insert(connection);
                if request.uri().path().ends_with("/together") {
                    // Nobody is answered before everybody has asked.
                    here.send_modify(|count| *count += 1);
                    let _ = arrived.wait_for(|count| *count == AT_ONCE).await;
                }
                Response::new(Full::new(Bytes::from("ok")))
            }
        }
    })
    .await;
    let gateway = before(format!("h2c://{}", application.address), "workers = 1").await;
    assert_eq!(gateway.get("/public/first", "").await.text(), "ok");
    let mut asked = Vec::new();
    for _ in 0..AT_ONCE {
        let mut wire = Wire::to(&gateway).await;
        wire.send("GET /public/together HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
        asked.push(wire);
    }
    tokio::time::timeout(PATIENCE, arrived.wait_for(|count| *count == AT_ONCE)).await.unwrap().unwrap();
    for mut wire in asked {
        assert_eq!(wire.answer().await.text(), "ok");
    }
    assert_eq!(accepted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_only_the_own_stream() {
    let (left, mut leaving) = watch::channel(false);
    let left = Arc::new(left);
    let application = serving(move |request: Request<Incoming>, connection| {
        let left = Arc::clone(&left);
        async move {
            if request.uri().path().ends_with("/held") {
                let _told = Told(left);
                std::future::pending::<()>().await;
            }
            Response::new(Full::new(Bytes::from(connection.to_string())))
        }
    })
    .await;
    let gateway = before(format!("h2c://{}", application.address), "workers = 1").await;
    let mut other = Wire::to(&gateway).await;
    other.send("GET /public/x HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    assert_eq!(other.answer().await.text(), "0");
    let mut wire = Wire::to(&gateway).await;
    wire.send("GET /public/held HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    application.has_heard(2).await;
    drop(wire);
    tokio::time::timeout(PATIENCE, leaving.wait_for(|left| *left))
        .await
        .expect("the stream is reset")
        .unwrap();
    other.send("GET /public/x HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    assert_eq!(other.answer().await.text(), "0", "on the connection that was there");
}

/// Many streams share a connection and its window: who takes nothing may hold up nobody but themselves.
#[tokio::test]
async fn visitors_who_take_nothing_hold_up_no_others_of_an_h2c_application() {
    let (held, sent) = (4, Arc::new(AtomicU64::new(0)));
    let application = endless(&sent).await;
    let gateway = before(format!("h2c://{}", application.address), "workers = 1").await;
    let mut others = Wire::to(&gateway).await;
    let mut readers = Vec::new();
    for _ in 0..held {
        readers.push(reader_of_nothing(&gateway).await);
    }
    nothing_moves(&sent).await;
    for _ in 0..10 {
        others.send("GET /public/short HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
        assert_eq!(others.answer().await.text().len(), 1000);
    }
}

/// Pages that wait for news are open for hours, and an application allows so many requests on one connection.
#[tokio::test]
async fn long_answers_leave_others_a_way_to_an_h2c_application() {
    const AT_ONCE: usize = 4;
    let application = serving_at_once(AT_ONCE as u32, |request: Request<Incoming>, _| async move {
        if request.uri().path().ends_with("/long") {
            std::future::pending::<()>().await;
        }
        Response::new(Full::new(Bytes::from("ok")))
    })
    .await;
    let gateway = before(format!("h2c://{}", application.address), "workers = 1").await;
    assert_eq!(gateway.get("/public/first", "").await.text(), "ok");
    let mut waiting = Vec::new();
    for _ in 0..AT_ONCE {
        let mut wire = Wire::to(&gateway).await;
        wire.send("GET /public/long HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
        waiting.push(wire);
    }
    application.has_heard(1 + AT_ONCE).await;
    assert_eq!(gateway.get("/public/other", "").await.text(), "ok");
}

/// The places of answers that have ended, or whose visitors have left, are free again.
#[tokio::test]
async fn ended_answers_leave_their_places_on_the_connection_to_an_h2c_application() {
    const AT_ONCE: usize = 8;
    let taken = Arc::new(Mutex::new(HashSet::new()));
    let connections = Arc::clone(&taken);
    let application = serving_at_once(AT_ONCE as u32, move |request: Request<Incoming>, number| {
        connections.lock().unwrap().insert(number);
        async move {
            match request.uri().path() {
                "/public/held" => std::future::pending::<()>().await,
                "/public/upload" => drop(request.into_body().collect().await),
                _ => {}
            }
            Response::new(Full::new(Bytes::from(vec![b'x'; 1000])))
        }
    })
    .await;
    let gateway = before(format!("h2c://{}", application.address), "workers = 1").await;
    let mut wire = Wire::to(&gateway).await;
    for round in 1..=3 * AT_ONCE {
        wire.send("GET /public/short HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
        assert_eq!(wire.answer().await.text().len(), 1000);
        wire.send("POST /public/upload HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc").await;
        assert_eq!(wire.answer().await.text().len(), 1000);
        let mut leaving = Wire::to(&gateway).await;
        leaving.send("GET /public/held HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
        application.has_heard(3 * round).await;
    }
    assert_eq!(taken.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn readers_of_an_h2c_application_who_take_nothing_cost_a_bounded_amount_of_memory() {
    const READERS: u64 = 100;
    const MOST: u64 = 400;
    let sent = Arc::new(AtomicU64::new(0));
    let application = endless(&sent).await;
    let gateway = before(format!("h2c://{}", application.address), "workers = 2").await;
    let before = gateway.resident();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(reader_of_nothing(&gateway).await);
    }
    nothing_moves(&sent).await;
    let each = gateway.resident().saturating_sub(before) / READERS;
    assert!(each < MOST, "{each} KiB for each of {READERS} readers");
}

/// Answers `/endless` without end, and everything else with a thousand bytes.
async fn endless(sent: &Arc<AtomicU64>) -> Serving {
    let sent = Arc::clone(sent);
    serving(move |request: Request<Incoming>, _| {
        let sent = Arc::clone(&sent);
        async move {
            if !request.uri().path().ends_with("/endless") {
                return Response::new(Full::new(Bytes::from(vec![b'x'; 1000])).boxed_unsync());
            }
            let pieces = futures_util::stream::repeat_with(move || {
                sent.fetch_add(16 * 1024, Ordering::Relaxed);
                Ok(Frame::data(Bytes::from_static(&[b'x'; 16 * 1024])))
            });
            Response::new(StreamBody::new(pieces).boxed_unsync())
        }
    })
    .await
}

async fn reader_of_nothing(gateway: &TestGateway) -> Wire<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut wire = Wire::on(socket.connect(gateway.address).await.unwrap());
    wire.send("GET /public/endless HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
    wire
}

/// Waits until every buffer is full.
async fn nothing_moves(sent: &AtomicU64) {
    let (mut last, mut still) = (0, 0);
    eventually("every buffer is full", async || {
        let now = sent.load(Ordering::Relaxed);
        still = if now > 0 && now == last { still + 1 } else { 0 };
        last = now;
        still == 100
    })
    .await;
}

/// Says when it is dropped.
struct Told(Arc<watch::Sender<bool>>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

// -------------------------------------------------------------------------------------------- ALPN

#[tokio::test]
async fn an_application_behind_tls_is_spoken_to_in_what_it_offers() {
    for (protocols, version) in [
        (&[b"h2".as_slice(), b"http/1.1".as_slice()][..], Version::HTTP_2),
        (&[b"h2"], Version::HTTP_2),
        (&[b"http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let (application, gateway) = before_tls(protocols).await;
        let mut wire = Wire::to(&gateway).await;
        for number in 0..5 {
            wire.send(format!(
                "POST /public/tls/{number} HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc"
            ))
            .await;
            assert_eq!(wire.answer().await.status, StatusCode::OK, "{protocols:?}");
            let seen = application.last();
            assert_eq!((seen.version, seen.body.as_ref()), (version, b"abc".as_slice()), "{protocols:?}");
            let uri = seen.uri.to_string();
            assert!(uri.ends_with(&format!("/public/tls/{number}")), "{uri}");
            if version == Version::HTTP_2 {
                assert!(uri.starts_with("https://a.localhost/"), "{uri}");
            } else {
                assert_eq!(seen.all("host"), ["a.localhost"]);
            }
        }
        if version == Version::HTTP_2 {
            assert_eq!(connections(&application.seen()).len(), 1, "{protocols:?}");
        }
    }
}

// -------------------------------------------------------------------------------------- WebSocket

async fn echoes(gateway: &TestGateway, browser: &crate::support::Browser, text: &str) {
    let mut request = "ws://a.localhost/socket".into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert(ORIGIN, HeaderValue::from_static("http://a.localhost"));
    headers.insert(COOKIE, HeaderValue::from_str(&browser.cookie_header("a.localhost")).unwrap());
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    // The application echoes bytes, and frames of a client are masked: what comes back is no message, but it comes back
    // only if the tunnel stands.
    socket.send(Message::text(text)).await.unwrap();
    assert!(tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_websocket_to_an_http2_application_has_an_http1_connection_of_its_own() {
    let (h2c, gateway) = before_h2c().await;
    let lin = gateway.signed_in("Lin").await;
    gateway.get("/public/before", "").await;
    echoes(&gateway, &lin, "hello").await;
    gateway.get("/public/after", "").await;
    assert_websocket_apart(&h2c);

    let (tls, gateway) = before_tls(&[b"h2", b"http/1.1"]).await;
    let lin = gateway.signed_in("Lin").await;
    gateway.get("/public/tls/before", "").await;
    echoes(&gateway, &lin, "hello").await;
    gateway.get("/public/tls/after", "").await;
    assert_websocket_apart(&tls);
}

fn assert_websocket_apart(application: &EchoUpstream) {
    let (sockets, others): (Vec<_>, Vec<_>) =
        application.seen().into_iter().partition(|seen| seen.uri.path() == "/socket");
    assert_eq!(sockets.len(), 1);
    assert_eq!(sockets[0].version, Version::HTTP_11);
    assert_eq!(sockets[0].all("remote-name"), ["Lin"]);
    assert_eq!(sockets[0].all("host"), ["a.localhost"]);
    assert!(others.len() >= 2);
    assert!(others.iter().all(|seen| seen.version == Version::HTTP_2), "{others:?}");
    assert!(!connections(&others).contains(&sockets[0].connection));
}

// ------------------------------------------------------------------------------------------ an end

/// An HTTP/2 application of which a test says what it answers, and when its connections end.
struct Serving {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    goodbye: watch::Sender<Goodbye>,
}

/// How the connections that are open now end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Goodbye {
    #[default]
    Not,
    /// GOAWAY, and what is under way is answered.
    Announced(u32),
    /// Cut.
    Cut(u32),
}

async fn serving<A, F, B>(answer: A) -> Serving
where
    A: Fn(Request<Incoming>, usize) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    serving_at_once(200, answer).await
}

/// The same with so many requests at a time on each connection.
async fn serving_at_once<A, F, B>(streams: u32, answer: A) -> Serving
where
    A: Fn(Request<Incoming>, usize) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (goodbye, said) = watch::channel(Goodbye::Not);
    let serving = Serving { address: listener.local_addr().unwrap(), heard: Arc::default(), goodbye };
    let heard = Arc::clone(&serving.heard);
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let (answer, heard, mut said) = (answer.clone(), Arc::clone(&heard), said.clone());
            said.mark_unchanged();
            let service = service_fn(move |request: Request<Incoming>| {
                heard.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
                let answered = answer(request, number);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            tokio::spawn(async move {
                let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                builder.max_concurrent_streams(streams);
                let mut connection = Box::pin(builder.serve_connection(TokioIo::new(stream), service));
                tokio::select! {
                    _ = &mut connection => return,
                    _ = said.changed() => {}
                }
                if matches!(*said.borrow(), Goodbye::Announced(_)) {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            });
        }
    });
    serving
}

impl Serving {
    async fn has_heard(&self, count: usize) {
        eventually("the requests arrive", async || self.heard.lock().unwrap().len() >= count).await;
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Says which connection a request came on.
async fn numbered() -> Serving {
    serving(|_, number: usize| async move { Response::new(Full::new(Bytes::from(number.to_string()))) }).await
}

#[tokio::test]
async fn an_h2c_application_that_says_goodbye_is_connected_to_anew() {
    let application = numbered().await;
    let gateway = before(format!("h2c://{}", application.address), "").await;
    let mut wire = Wire::to(&gateway).await;
    let mut over = Vec::new();
    for round in 0..6 {
        for method in ["GET", "GET", "HEAD"] {
            wire.send(format!("{method} /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n")).await;
            let method = method.parse().unwrap();
            let answer = wire.answer_to(&method).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK, "{method} in round {round}");
            over.push(answer.text());
        }
        application.goodbye.send_replace(match round % 2 {
            0 => Goodbye::Announced(round),
            _ => Goodbye::Cut(round),
        });
    }
    let over: HashSet<_> = over.into_iter().filter(|number| !number.is_empty()).collect();
    assert!(over.len() >= 6, "{over:?}");
}

#[tokio::test]
async fn what_is_under_way_when_an_h2c_application_says_goodbye_is_answered() {
    let (go, going) = watch::channel(false);
    let application = serving(move |request: Request<Incoming>, number: usize| {
        let mut going = going.clone();
        async move {
            if request.uri().path().ends_with("/held") {
                let _ = going.wait_for(|going| *going).await;
            }
            Response::new(Full::new(Bytes::from(number.to_string())))
        }
    })
    .await;
    let gateway = before(format!("h2c://{}", application.address), "workers = 1").await;
    let mut held = Wire::to(&gateway).await;
    held.send("POST /public/held HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc").await;
    application.has_heard(1).await;
    application.goodbye.send_replace(Goodbye::Announced(0));
    // The goodbye is read once a request goes elsewhere.
    let mut others = Wire::to(&gateway).await;
    eventually("others go over a new connection", async || {
        others.send("GET /public/x HTTP/1.1\r\nHost: a.localhost\r\n\r\n").await;
        others.answer().await.text() == "1"
    })
    .await;
    go.send_replace(true);
    assert_eq!(held.answer().await.text(), "0");
}

/// The connection ends while a request is at the application, which may have done what it was asked.
#[tokio::test]
async fn a_connection_that_ends_under_a_request_repeats_a_read_once_and_a_post_never() {
    for (method, lines, body) in [
        ("GET", "", ""),
        ("HEAD", "", ""),
        ("POST", "Content-Length: 3\r\n", "abc"),
        ("POST", "Content-Length: 0\r\n", ""),
        ("DELETE", "", ""),
        ("GET", "Content-Length: 3\r\n", "abc"),
    ] {
        let application = serving(|request: Request<Incoming>, number: usize| async move {
            if number == 0 && request.uri().path().ends_with("/2") {
                std::future::pending::<()>().await;
            }
            Response::new(Full::new(Bytes::from("ok")))
        })
        .await;
        let gateway = before(format!("h2c://{}", application.address), "workers = 1").await;
        assert_eq!(gateway.get("/public/1", "").await.text(), "ok");
        let mut wire = Wire::to(&gateway).await;
        wire.send(format!("{method} /public/2 HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n{body}")).await;
        application.has_heard(2).await;
        application.goodbye.send_replace(Goodbye::Cut(0));
        let status = wire.answer_to(&method.parse().unwrap()).await.unwrap().status;
        let second = format!("{method} /public/2");
        let times = application.heard().iter().filter(|heard| **heard == second).count();
        let may_repeat = matches!(method, "GET" | "HEAD") && body.is_empty();
        let expected = if may_repeat { (StatusCode::OK, 2) } else { (StatusCode::BAD_GATEWAY, 1) };
        assert_eq!((status, times), expected, "{method} {lines}");
    }
}

#[tokio::test]
async fn an_h2c_application_that_is_down_or_speaks_something_else_is_named_as_the_cause() {
    let silent =
        crate::support::RawUpstream::answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = closed.local_addr().unwrap();
    drop(closed);
    for address in [silent.address, nobody] {
        let gateway = before(format!("h2c://{address}"), "").await;
        for method in ["GET", "POST"] {
            let answer =
                gateway.asked(format!("{method} /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n")).await;
            assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{method}");
        }
    }
}

// ---------------------------------------------------------------------------------- frames by hand

/// An answer's field that HTTP/2 forbids reaches no visitor.
#[tokio::test]
async fn a_header_about_connections_from_an_h2c_application_reaches_nobody() {
    let mut frames = BytesMut::new();
    let mut frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        frames.put_uint(payload.len() as u64, 3);
        frames.put_slice(&[kind, flags]);
        frames.put_u32(stream);
        frames.put_slice(payload);
    };
    let field = |name: &str, value: &str| {
        [&[0, name.len() as u8], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
    };
    frame(4, 0, 0, b"");
    let block = [vec![0x88], field("connection", "close"), field("transfer-encoding", "chunked")].concat();
    frame(1, 0x4, 1, &block);
    frame(0, 0x1, 1, b"5\r\nhello\r\n0\r\n\r\n");
    let frames = Box::leak(frames.freeze().to_vec().into_boxed_slice());
    let application = crate::support::RawUpstream::answering(frames).await;
    let gateway = before(format!("h2c://{}", application.address), "").await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("GET /public HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n").await;
    let answer = wire.answer_to(&http::Method::GET).await;
    if let Ok(answer) = answer {
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{:?}", answer.headers);
    }
}
