//! Connections that leave HTTP behind: judged as any request is, and closed with a word.

use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use http::header::{COOKIE, HeaderValue, ORIGIN};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::support::{Browser, PATIENCE, Played, ScriptedUpstream, Setup, TestGateway, Wire};

/// What a WebSocket client says, without cookies.
const ASKS: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// An application's yes to that.
const YES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

const OWN_ORIGIN: &str = "Origin: http://a.localhost\r\n";

/// Opens a WebSocket as a page of ours does.
pub(crate) async fn socket(
    gateway: &TestGateway,
    browser: &Browser,
    path: &str,
) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = format!("ws://a.localhost{path}").into_client_request()?;
    let headers = request.headers_mut();
    headers.insert(ORIGIN, HeaderValue::from_static("http://a.localhost"));
    headers.insert(COOKIE, HeaderValue::from_str(&browser.cookie_header("a.localhost")).unwrap());
    let stream = TcpStream::connect(gateway.address).await?;
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

/// The next message, in time.
pub(crate) async fn next(socket: &mut WebSocketStream<TcpStream>) -> Option<Result<Message, Error>> {
    tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message in time")
}

/// A gateway before an application that speaks WebSocket itself and echoes messages.
async fn before_an_echo() -> TestGateway {
    before_an_echo_for("").await
}

/// The same with more configuration.
pub(crate) async fn before_an_echo_for(tables: &str) -> TestGateway {
    let tables = format!("{tables}[[routes]]\npath = \"/socket\"\nupstream = \"{}\"\n", echo().await);
    TestGateway::with(Setup { tables, ..Setup::default() }).await
}

/// An application that speaks WebSocket itself and echoes messages: its address.
pub(crate) async fn echo() -> String {
    let application = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", application.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = application.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() || message.is_binary() {
                        let _ = socket.send(message).await;
                    }
                }
            });
        }
    });
    upstream
}

#[tokio::test]
async fn a_websocket_carries_messages_both_ways() {
    let gateway = before_an_echo().await;
    let lin = gateway.signed_in("Lin").await;
    let mut socket = socket(&gateway, &lin, "/socket").await.unwrap();
    let large = Message::binary(Bytes::from(vec![7_u8; 4 << 20]));
    for message in [Message::text("hello"), Message::text("王芳"), large, Message::text("")] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(next(&mut socket).await.unwrap().unwrap(), message);
    }
    let (_, figures) = gateway.admin("/metrics").await;
    assert!(figures.contains("wxgate_active_tunnels 1"), "{figures}");
    socket.close(None).await.unwrap();
    while next(&mut socket).await.is_some_and(|message| message.is_ok()) {}
}

#[tokio::test]
async fn a_websocket_of_a_stranger_is_refused() {
    let gateway = before_an_echo().await;
    let Err(Error::Http(answer)) = socket(&gateway, &gateway.browser(), "/socket").await else {
        panic!("a stranger is connected")
    };
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = gateway.get("/closed", &format!("{ASKS}{OWN_ORIGIN}")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(gateway.upstream.count(), 0);
}

/// A page of another site can open a WebSocket with the visitor's cookies, and nothing but `Origin` tells.
#[tokio::test]
async fn a_persons_cookies_count_only_on_a_socket_of_our_own_pages() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let arrived = gateway.upstream.count();
    for origin in [
        "Origin: https://evil.test\r\n",
        "Origin: null\r\n",
        "Origin: https://a.localhost\r\n",
        "Origin: http://a.localhost:8080\r\n",
        "Origin: http://a.localhost.evil.test\r\n",
        "Origin: http://sub.a.localhost\r\n",
        "Origin: http://localhost\r\n",
        "Origin: http://b.localhost\r\n",
        "Origin: http://a.localhost@evil.test\r\n",
        "Origin: http://a.localhost, https://evil.test\r\n",
        "Origin: http://a.localhost\r\nOrigin: https://evil.test\r\n",
        "Origin: http://a.localhost/\r\n",
        "Origin: a.localhost\r\n",
        "Origin:\r\n",
        "",
    ] {
        for path in ["/socket", "/public"] {
            let answer = gateway.get(path, &format!("{ASKS}{origin}{lin}")).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} from {origin}");
        }
    }
    assert_eq!(gateway.upstream.count(), arrived);
    for origin in [OWN_ORIGIN, "Origin: http://A.Localhost:80\r\n"] {
        let answer = gateway.get("/socket", &format!("{ASKS}{origin}{lin}")).await;
        assert_eq!(answer.status, StatusCode::SWITCHING_PROTOCOLS, "{origin}");
    }
    // On an open page a stranger has no cookies to abuse.
    let answer = gateway.get("/public", &format!("{ASKS}Origin: https://elsewhere.test\r\n")).await;
    assert_eq!(answer.status, StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test]
async fn bytes_right_behind_the_request_go_through_the_tunnel_once_it_stands() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let mut wire = Wire::to(&gateway).await;
    wire.send(format!("GET /socket HTTP/1.1\r\nHost: a.localhost\r\n{ASKS}{OWN_ORIGIN}{lin}\r\nearly bytes"))
        .await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 101 "));
    assert_eq!(wire.exactly(11).await.unwrap(), "early bytes");
    wire.send("late bytes").await;
    assert_eq!(wire.exactly(10).await.unwrap(), "late bytes");
}

/// Any protocol may be upgraded to, and the application's first words may come with its yes.
#[tokio::test]
async fn another_protocol_than_websocket_is_carried_as_well() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        application
            .answer(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: Custom/1\r\n\r\nfirst",
            )
            .await;
        let said = application.wire.exactly(4).await.unwrap();
        application.answer([b"you said ", said.as_ref()].concat()).await;
    })
    .await;
    let gateway = TestGateway::with(Setup { upstream: Some(application.url()), ..Setup::default() }).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send("GET /public HTTP/1.1\r\nHost: a.localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: custom/1\r\n\r\n").await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 101 "));
    wire.send("ping").await;
    assert_eq!(wire.rest().await, "firstyou said ping");
    assert!(application.heads()[0].to_ascii_lowercase().contains("\r\nupgrade: custom/1\r\n"));
}

/// Nothing is tunnelled before a sound yes: what follows a no is a request, judged for itself.
#[tokio::test]
async fn behind_a_no_the_next_bytes_are_a_request_again() {
    let inner = "GET /x HTTP/1.1\r\nHost: a.localhost\r\n\r\n";
    for (status, answer) in [
        (200, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
        (400, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"),
        (426, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno"),
        (502, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        (502, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
        (502, "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    ] {
        let application = ScriptedUpstream::playing(move |mut application: Played, _| async move {
            application.request().await;
            application.answer(answer).await;
            application.request().await;
        })
        .await;
        let gateway =
            TestGateway::with(Setup { upstream: Some(application.url()), ..Setup::default() }).await;
        let mut wire = Wire::to(&gateway).await;
        wire.send(format!("GET /public HTTP/1.1\r\nHost: a.localhost\r\n{ASKS}\r\n{inner}")).await;
        assert_eq!(wire.answer().await.status.as_u16(), status, "{answer}");
        if let Ok(second) = wire.answer_to(&http::Method::GET).await {
            assert_eq!(second.status, StatusCode::UNAUTHORIZED, "{answer}");
        }
        assert_eq!(application.heads().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_request_smuggled_behind_an_upgrade_is_inspected_as_any_other() {
    let gateway = TestGateway::start().await;
    let odd = "GET /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut wire = Wire::to(&gateway).await;
    // Refused: the answer is the gateway's own, and HTTP goes on.
    wire.send(format!("GET /socket HTTP/1.1\r\nHost: a.localhost\r\n{ASKS}\r\n{odd}")).await;
    assert_eq!(wire.answer().await.status, StatusCode::UNAUTHORIZED);
    let rest = String::from_utf8_lossy(&wire.rest().await).into_owned();
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400 "), "{rest}");
    assert_eq!(gateway.upstream.count(), 0);
}

/// HTTP/2 inside a tunnel would hide requests from the gate.
#[tokio::test]
async fn http2_is_never_upgraded_to() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    for upgrade in [
        "h2c",
        "H2C",
        "h2c, websocket",
        "websocket, h2c",
        "h2",
        "websocket\r\nUpgrade: h2c",
        "HTTP/2.0",
        "TLS/1.2, HTTP/1.1",
    ] {
        let lines = format!(
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n{OWN_ORIGIN}{lin}"
        );
        let answer = gateway.get("/x", &lines).await;
        assert_ne!(answer.status, StatusCode::SWITCHING_PROTOCOLS, "{upgrade}");
        let asked = gateway.upstream.last();
        assert!(asked.headers.get("upgrade").is_none(), "{upgrade}");
        assert!(asked.headers.get("http2-settings").is_none() && asked.headers.get("connection").is_none());
    }
}

#[tokio::test]
async fn only_a_get_that_asks_properly_is_an_upgrade() {
    let gateway = TestGateway::start().await;
    for request in [
        "POST /public HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
        "GET /public HTTP/1.1\r\nHost: a.localhost\r\nUpgrade: websocket\r\n\r\n",
        "GET /public HTTP/1.1\r\nHost: a.localhost\r\nConnection: upgraded\r\nUpgrade: websocket\r\n\r\n",
        "GET /public HTTP/1.0\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ] {
        assert_eq!(gateway.asked(request).await.status, StatusCode::OK, "{request}");
        assert!(gateway.upstream.last().headers.get("upgrade").is_none(), "{request}");
    }
}

#[tokio::test]
async fn an_end_that_closes_closes_the_other() {
    let application = ScriptedUpstream::playing(|mut application: Played, _| async move {
        application.request().await;
        application.answer(YES).await;
        application.wire.exactly(4).await.unwrap();
    })
    .await;
    let gateway = TestGateway::with(Setup { upstream: Some(application.url()), ..Setup::default() }).await;
    let mut wire = Wire::to(&gateway).await;
    wire.send(format!("GET /public HTTP/1.1\r\nHost: a.localhost\r\n{ASKS}\r\n")).await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 101 "));
    wire.send("done").await;
    assert!(wire.rest().await.is_empty());
}

#[tokio::test]
async fn when_the_gateway_stops_sockets_are_told_goodbye() {
    let mut gateway = before_an_echo().await;
    let lin = gateway.signed_in("Lin").await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = socket(&gateway, &lin, "/socket").await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::text("hello"));
        sockets.push(socket);
    }
    gateway.signal("TERM");
    for socket in &mut sockets {
        match next(socket).await {
            Some(Ok(Message::Close(Some(frame)))) => assert_eq!(frame.code, CloseCode::Away),
            other => panic!("no goodbye: {other:?}"),
        }
    }
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_websocket_does_not_outlive_the_sign_out() {
    let gateway = before_an_echo().await;
    let mut browser = gateway.signed_in("Lin").await;
    let mut socket = socket(&gateway, &browser, "/socket").await.unwrap();
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::text("still here"));
    assert_eq!(browser.submit(&gateway.url("/_wxgate/logout"), "").await.status, StatusCode::OK);
    let Some(Ok(Message::Close(Some(word)))) = next(&mut socket).await else {
        panic!("closed without a word")
    };
    assert_eq!(word.code, CloseCode::Policy);
}
