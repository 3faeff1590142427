//! HTTP/2, by prior knowledge and over TLS: the same gate, the same view at the application.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Browser, Certificate, PATIENCE, RawUpstream, Setup, TestGateway, Wire};

type Sender = SendRequest<Full<Bytes>>;

async fn speak<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S) -> Sender {
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// HTTP/2 by prior knowledge.
async fn plain(gateway: &TestGateway) -> Sender {
    speak(TcpStream::connect(gateway.address).await.unwrap()).await
}

/// HTTP/2 as browsers speak it.
async fn encrypted(gateway: &TestGateway) -> Sender {
    let client = gateway.certificate.as_ref().unwrap().client();
    let config = Certificate::offering(&client, b"h2");
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let stream = Certificate::handshake(config, "a.test", stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    speak(stream).await
}

async fn tls_gateway() -> TestGateway {
    let setup = Setup {
        public_url: Some("https://a.test".to_owned()),
        certificate: Some(Certificate::of(&["a.test"])),
        ..Setup::default()
    };
    TestGateway::with(setup).await
}

fn get(url: &str) -> http::request::Builder {
    Request::get(url)
}

async fn ask(
    sender: &mut Sender,
    request: http::request::Builder,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let exchange = async {
        let response = sender.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time")
}

/// Each cookie as its own line, as browsers send them over HTTP/2.
fn with_crumbs(request: http::request::Builder, browser: &Browser, host: &str) -> http::request::Builder {
    browser.cookie_header(host).split("; ").fold(request, |request, crumb| request.header("cookie", crumb))
}

#[tokio::test]
async fn a_person_is_known_over_http2() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await;
    let mut sender = plain(&gateway).await;
    let request =
        with_crumbs(get("http://a.localhost/x/../y?q=1").header("cookie", "a=1"), &lin, "a.localhost");
    let answer = ask(&mut sender, request.header("cookie", "b=2; c=3"), "").await;
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    let seen = gateway.upstream.last();
    assert_eq!(seen.uri.to_string(), "/y?q=1");
    assert_eq!(seen.all("cookie"), ["a=1; b=2; c=3"]);
    assert_eq!(seen.all("host"), ["a.localhost"]);
    assert_eq!(seen.all("remote-name"), ["Lin"]);
}

#[tokio::test]
async fn the_same_gate_stands_before_every_stream() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await;
    let arrived = gateway.upstream.count();
    let mut sender = plain(&gateway).await;
    let navigation = |url: &str| get(url).header("accept", "text/html").header("sec-fetch-mode", "navigate");
    for (url, status) in [
        ("http://a.localhost/x", 302),
        ("http://a.localhost/closed", 403),
        ("http://a.localhost/api", 401),
        ("http://evil.test/public", 421),
        ("http://a.localhost/public/..%2fadmin", 400),
        ("http://a.localhost/%5fwxgate/auth", 404),
        ("http://a.localhost/_wxgate/me", 401),
    ] {
        let answer = ask(&mut sender, navigation(url), "").await;
        assert_eq!(answer.status().as_u16(), status, "{url}");
        assert!(!answer.headers().contains_key("connection"), "{url}");
    }
    assert_eq!(gateway.upstream.count(), arrived);
    // A member and a stranger side by side on one connection.
    let (mut one, mut other) = (sender.clone(), sender.clone());
    let member = with_crumbs(get("http://a.localhost/member"), &lin, "a.localhost");
    let (member, stranger) =
        tokio::join!(ask(&mut one, member, ""), ask(&mut other, get("http://a.localhost/stranger"), ""));
    assert_eq!((member.status().as_u16(), stranger.status().as_u16()), (200, 401));
    assert_eq!(gateway.upstream.last().uri.path(), "/member");
}

#[tokio::test]
async fn bodies_go_both_ways_and_identity_cannot_be_forged() {
    let gateway = TestGateway::start().await;
    let mut sender = plain(&gateway).await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let request = Request::post("http://a.localhost/public")
        .header("x-wechat-openid", "forged")
        .header("remote_user", "forged")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-proto", "https");
    let answer = ask(&mut sender, request, body.clone()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let seen = gateway.upstream.last();
    assert_eq!(seen.body, body);
    assert!(seen.all("x-wechat-openid").is_empty() && seen.all("remote_user").is_empty());
    assert_eq!(
        (seen.all("x-forwarded-for"), seen.all("x-forwarded-proto")),
        (vec!["127.0.0.1".to_owned()], vec!["http".to_owned()])
    );
}

#[tokio::test]
async fn two_names_for_one_host_are_refused() {
    let gateway = TestGateway::start().await;
    let mut sender = plain(&gateway).await;
    for host in ["b.localhost", "evil.test", "a.localhost:81", "a.localhost, evil.test", ""] {
        let answer = ask(&mut sender, get("http://a.localhost/public").header("host", host), "").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{host}");
    }
    assert_eq!(gateway.upstream.count(), 0);
    let answer = ask(&mut sender, get("http://a.localhost/public").header("host", "a.localhost"), "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(gateway.upstream.last().all("host"), ["a.localhost"]);
}

#[tokio::test]
async fn connect_and_trace_go_nowhere() {
    let gateway = TestGateway::start().await;
    let mut sender = plain(&gateway).await;
    let answer =
        ask(&mut sender, Request::builder().method(Method::TRACE).uri("http://a.localhost/public"), "").await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let connect = Request::connect("a.localhost:80")
        .body(Full::new(Bytes::from("GET /public HTTP/1.1\r\n\r\n")))
        .unwrap();
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(connect)).await.unwrap();
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == StatusCode::METHOD_NOT_ALLOWED));
    assert_eq!(gateway.upstream.count(), 0);
}

#[tokio::test]
async fn an_answer_that_breaks_off_resets_its_stream_and_no_other() {
    let application = RawUpstream::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").await;
    let tables = format!(
        "[[routes]]\npath = \"/broken\"\naccess = \"public\"\nupstream = \"http://{}\"\n",
        application.address
    );
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let mut sender = plain(&gateway).await;
    let request = get("http://a.localhost/broken").body(Full::default()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert!(tokio::time::timeout(PATIENCE, answer.into_body().collect()).await.unwrap().is_err());
    assert_eq!(ask(&mut sender, get("http://a.localhost/public"), "").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_large_upload_nobody_wants_is_refused_and_the_connection_lives() {
    let gateway = TestGateway::start().await;
    let mut sender = plain(&gateway).await;
    let request =
        Request::post("http://a.localhost/x").body(Full::new(Bytes::from(vec![0; 10 << 20]))).unwrap();
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&mut sender, get("http://a.localhost/public"), "").await.status(), StatusCode::OK);
    assert_eq!(gateway.upstream.count(), 1);
}

#[tokio::test]
async fn a_stop_lets_streams_under_way_finish() {
    let mut gateway = TestGateway::start().await;
    let mut sender = plain(&gateway).await;
    assert_eq!(ask(&mut sender, get("http://a.localhost/public"), "").await.status(), StatusCode::OK);
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code().await, Some(0));
}

// ------------------------------------------------------------------------------- frames by hand

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_uint(payload.len() as u64, 3);
    bytes.put_u8(kind);
    bytes.put_u8(flags);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
    bytes.freeze()
}

/// A header block in which every field is written out (RFC 7541 §6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// What comes back on stream 1, or for the whole connection: the kinds of frames up to the first that ends something.
async fn answer_to_block(gateway: &TestGateway, block: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(4, 0, 0, b"")).await.unwrap();
    stream.write_all(&frame(1, 0x5, 1, block)).await.unwrap();
    let mut kinds = Vec::new();
    loop {
        let mut head = [0; 9];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("some answer");
        if read.is_err() {
            return kinds;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        if matches!(head[3], 4 | 8) {
            continue;
        }
        kinds.push(head[3]);
        // The first field of our answers is :status, an index for 200, 204, 400 and 404.
        if head[3] == 1 && payload.first() == Some(&0x88) {
            kinds.push(b'K');
        }
        if matches!(head[3], 1 | 3 | 7) {
            return kinds;
        }
    }
}

const SOUND: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "http"), (":authority", "a.localhost"), (":path", "/public")];

#[tokio::test]
async fn malformed_heads_reset_the_stream_or_are_refused() {
    let gateway = TestGateway::start().await;
    assert_eq!(answer_to_block(&gateway, &block(&SOUND)).await, [1, b'K']);
    assert_eq!(gateway.upstream.count(), 1);
    let with = |extra: &[(&'static str, &'static str)]| [SOUND.as_slice(), extra].concat();
    let replaced = |name: &'static str, value: &'static str| {
        SOUND.map(|(known, sound)| if known == name { (known, value) } else { (known, sound) }).to_vec()
    };
    let without = |name: &str| SOUND.into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    for fields in [
        with(&[("transfer-encoding", "chunked")]),
        with(&[("connection", "close")]),
        with(&[("proxy-connection", "close")]),
        with(&[("keep-alive", "5")]),
        with(&[("upgrade", "websocket")]),
        with(&[("te", "gzip")]),
        with(&[("X-Capital", "y")]),
        with(&[("X-Wechat-Openid", "forged")]),
        with(&[("x", "a\r\nremote-user: forged")]),
        with(&[("x", "a\nb")]),
        with(&[("x", "a\0b")]),
        with(&[("x\r\ny", "z")]),
        with(&[("x\0", "z")]),
        with(&[("x:y", "z")]),
        with(&[("x y", "z")]),
        with(&[("", "z")]),
        with(&[(":unknown", "z")]),
        with(&[(":path", "/x")]),
        with(&[(":authority", "b.localhost")]),
        with(&[(":status", "200")]),
        with(&[("x", "y"), (":method", "POST")]),
        with(&[(":protocol", "websocket")]),
        with(&[("content-length", "5")]),
        with(&[("content-length", "5"), ("content-length", "6")]),
        with(&[("host", "b.localhost")]),
        replaced(":path", ""),
        replaced(":path", "public"),
        replaced(":path", "*"),
        replaced(":path", "/pub lic"),
        replaced(":path", "/public\r\nx: y"),
        replaced(":path", "http://b.localhost/public"),
        replaced(":path", "//b.localhost/\0"),
        replaced(":method", "GE T"),
        replaced(":method", ""),
        replaced(":method", "GET /closed HTTP/1.1\r\nx: y"),
        replaced(":scheme", "ht tp"),
        replaced(":authority", "a.localhost/x"),
        replaced(":authority", "u@a.localhost"),
        replaced(":authority", "a.localhost\r\nx: y"),
        replaced(":authority", ""),
        without(":method"),
        without(":path"),
        without(":authority"),
    ] {
        let kinds = answer_to_block(&gateway, &block(&fields)).await;
        assert!(!kinds.contains(&b'K'), "{fields:?} is let through: {kinds:?}");
        assert_eq!(gateway.upstream.count(), 1, "{fields:?}");
    }
    // A fragment is cut off before anybody judges: the application sees what was judged.
    assert_eq!(answer_to_block(&gateway, &block(&replaced(":path", "/public#/../x"))).await, [1, b'K']);
    assert_eq!(gateway.upstream.last().uri.to_string(), "/public");
}

// ------------------------------------------------------------------------------------------- TLS

#[tokio::test]
async fn a_person_signs_in_over_tls_and_is_known_over_both_protocols() {
    let gateway = tls_gateway().await;
    let mut lin = gateway.signed_in("Lin").await;
    assert_eq!(gateway.upstream.last().all("x-forwarded-proto"), ["https"]);
    assert!(lin.cookie("__Host-wxgate").is_some(), "{:?}", lin.cookies);
    let mut sender = encrypted(&gateway).await;
    let answer = ask(&mut sender, with_crumbs(get("https://a.test/x"), &lin, "a.test"), "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let seen = gateway.upstream.last();
    assert_eq!((seen.all("remote-name"), seen.all("cookie")), (vec!["Lin".to_owned()], vec![]));
    assert_eq!(seen.all("x-forwarded-proto"), ["https"]);
    let answer = lin.open(&gateway.url("/x")).await;
    assert_eq!(answer.status, StatusCode::OK);
    // The name cookies have without TLS is not read with it.
    let request = with_crumbs(get("https://a.test/x"), &lin, "a.test").header("x", "y");
    let stripped = lin.cookie_header("a.test").replace("__Host-", "");
    let answer = ask(&mut sender, get("https://a.test/x").header("cookie", stripped), "").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&mut sender, request, "").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn cookies_and_pages_over_tls_carry_their_guards() {
    let gateway = tls_gateway().await;
    let mut browser = gateway.browser();
    let answer = browser.open(&gateway.url("/_wxgate/login?to=/x")).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    for cookie in answer.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        for guard in ["__Host-wxgate", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(guard), "{guard}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn a_client_without_alpn_or_with_http11_is_served_http11() {
    let gateway = tls_gateway().await;
    let client = gateway.certificate.as_ref().unwrap().client();
    for config in [client.clone(), Certificate::offering(&client, b"http/1.1")] {
        let stream = TcpStream::connect(gateway.address).await.unwrap();
        let mut wire = Wire::on(Certificate::handshake(config, "a.test", stream).await.unwrap());
        wire.send("GET /public HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        assert_eq!(wire.answer().await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_request_over_tls_is_bound_to_its_host_like_any_other() {
    let gateway = tls_gateway().await;
    let mut sender = encrypted(&gateway).await;
    assert_eq!(
        ask(&mut sender, get("https://evil.test/public"), "").await.status(),
        StatusCode::MISDIRECTED_REQUEST
    );
    assert_eq!(ask(&mut sender, get("https://a.test:443/public"), "").await.status(), StatusCode::OK);
    assert_eq!(gateway.upstream.last().all("host"), ["a.test"]);
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_closed() {
    let gateway = tls_gateway().await;
    for spoken in ["GET /public HTTP/1.1\r\nHost: a.test\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let answer = gateway.raw(spoken).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert_eq!(gateway.upstream.count(), 0);
}

#[tokio::test]
async fn tls_on_the_plain_port_is_closed() {
    let gateway = TestGateway::start().await;
    let client = Certificate::of(&["a.localhost"]).client();
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let handshake = Certificate::handshake(client, "a.localhost", stream);
    assert!(tokio::time::timeout(PATIENCE, handshake).await.unwrap().is_err());
}
