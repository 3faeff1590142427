//! What goes through: every method, large bodies, long addresses, WebSockets.

use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{COOKIE, HeaderValue, ORIGIN};
use http::{Method, StatusCode};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use wxgate::wechat::simulator::Consent;

use crate::proxies::Proxy;
use crate::stage::Stage;
use crate::support::{Browser, PATIENCE};

pub(crate) async fn every_method_is_judged_as_itself(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        let length = if ["POST", "PUT", "PATCH"].contains(&method) { "Content-Length: 0\r\n" } else { "" };
        for overriding in ["", "X-HTTP-Method-Override: DELETE\r\nX-Method-Override: PUT\r\n"] {
            let lines = format!("Accept: */*\r\n{length}{overriding}");
            let answer = stage.asked(stage.request(method, "/x?y=1", &lines)).await.unwrap();
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method}");
            assert_eq!(stage.count(), 0, "{method}");
            let answer =
                stage.asked(stage.request(method, "/x?y=1", &format!("{lines}{cookies}"))).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK, "{method}");
            let [arrived] = &stage.application.take()[..] else { panic!("not one request for {method}") };
            assert_eq!((arrived.method.as_str(), arrived.target.as_str()), (method, "/x?y=1"));
            assert_eq!(arrived.header("remote-name"), "Lin");
        }
    }
    for method in ["TRACE", "CONNECT", "GET\\", "G ET"] {
        let answer = stage.asked(stage.request(method, "/public", "")).await;
        let status = answer.map_or(0, |answer| answer.status.as_u16());
        assert!(status != 200 && status < 500 || status == 501, "{method}: {status}");
    }
    assert_eq!(stage.count(), 0);
    // Only reading is open there.
    for (method, status) in
        [("GET", 200), ("HEAD", 200), ("POST", 401), ("DELETE", 401), ("get", 0), ("hEAD", 0), ("post", 0)]
    {
        for overriding in ["", "X-HTTP-Method-Override: GET\r\n", "X-Forwarded-Method: GET\r\n"] {
            let lines = format!("Content-Length: 0\r\n{overriding}");
            let answer = stage.asked(stage.request(method, "/readable", &lines)).await;
            let answered = answer.map_or(0, |answer| answer.status.as_u16());
            let may_refuse = status == 0 || !overriding.is_empty();
            let refused = may_refuse && [400, 401, 403, 405, 501].contains(&answered);
            assert!(answered == status || refused, "{method} {overriding}: {answered}");
            let arrived = stage.application.take();
            assert_eq!(arrived.len(), usize::from(answered == 200), "{method} {overriding}");
            assert!(arrived.iter().all(|arrived| arrived.method == method), "{arrived:?}");
        }
    }
}

/// Bytes of which no two stretches are the same.
fn large_text() -> String {
    let text: String = (0..10_u32 << 17).map(|number| format!("{number:07x}\n")).collect();
    assert_eq!(text.len(), 10 << 20);
    text
}

pub(crate) async fn ten_megabytes_arrive_whole(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let mut browser = stage.signed_in("Lin").await;
    let text = large_text();
    let headers = [("accept", "*/*"), ("content-type", "application/octet-stream")];
    for (method, path) in [(Method::POST, "/upload?x=1"), (Method::PUT, "/public/upload")] {
        let answer = browser.send(method.clone(), &stage.url(path), &headers, &text).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let arrived = stage.application.last();
        assert_eq!((arrived.method.as_str(), arrived.target.as_str()), (method.as_str(), path));
        assert!(arrived.body == text.as_bytes(), "{} bytes arrive", arrived.body.len());
    }
    let mut wire = stage.wire().await;
    let lines = format!("Transfer-Encoding: chunked\r\n{}", browser.cookie_line());
    wire.send(stage.request("POST", "/chunked", &lines)).await;
    for part in text.as_bytes().chunks(100_000) {
        wire.send([format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat()).await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, StatusCode::OK);
    let arrived = stage.application.last();
    assert!(arrived.body == text.as_bytes(), "{} bytes arrive of the chunks", arrived.body.len());
    assert_eq!(arrived.header("remote-name"), "Lin");
}

pub(crate) async fn a_strangers_body_goes_nowhere(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let text = large_text();
    for body in ["a=b", &text] {
        for path in ["/", "/api/x"] {
            let request = stage.request("POST", path, &format!("Content-Length: {}\r\n", body.len()));
            let answer = stage.asked(request + body).await;
            // While somebody still sends, the answer may be lost with the connection.
            let lost = body.len() > 3;
            let refused = answer.map_or(lost, |answer| answer.status == StatusCode::UNAUTHORIZED);
            assert!(refused, "{path}");
        }
    }
    // It is not waited for to its end either.
    let request = stage.request("POST", "/", &format!("Content-Length: {}\r\n", text.len()));
    let answer = stage.asked(request + &text[..300_000]).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // What hides in a body is no request.
    let inner = stage.request("GET", "/public/hidden", "");
    let request = stage.request("POST", "/", &format!("Content-Length: {}\r\n", inner.len()));
    assert_eq!(stage.asked(request + &inner).await.unwrap().status, StatusCode::UNAUTHORIZED);
    assert_eq!(stage.count(), 0);
}

/// Opens a WebSocket as a page of this origin does.
async fn socket(
    stage: &Stage,
    browser: &Browser,
    path: &str,
    origin: &str,
) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = format!("ws://{}{path}", stage.authority).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
    headers.insert(COOKIE, HeaderValue::from_str(&browser.cookie_header("a.localhost")).unwrap());
    let stream = TcpStream::connect(stage.address).await?;
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

pub(crate) async fn a_websocket_carries_messages(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let lin = stage.signed_in("Lin").await;
    let mut socket = socket(&stage, &lin, "/socket?x=1", &stage.url("")).await.unwrap();
    let arrived = stage.application.last();
    assert_eq!((arrived.target.as_str(), arrived.header("remote-name")), ("/socket?x=1", "Lin"));
    assert_eq!(arrived.all("cookie").concat(), "");
    let large = Message::binary(Bytes::from(vec![7_u8; 1 << 20]));
    for message in [Message::text("hello"), Message::text("王芳"), large, Message::text("")] {
        socket.send(message.clone()).await.unwrap();
        let next = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message in time");
        assert_eq!(next.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = tokio::time::timeout(PATIENCE, socket.next()).await.expect("an end in time") {}
}

pub(crate) async fn a_websocket_of_a_stranger_or_another_site_is_refused(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let (lin, stranger) = (stage.signed_in("Lin").await, stage.browser());
    let own = stage.url("");
    for (browser, path, origin, status) in [
        (&stranger, "/socket", own.as_str(), 401),
        (&stranger, "/closed", &own, 403),
        (&lin, "/closed", &own, 403),
        (&lin, "/socket", "https://evil.test", 403),
        (&lin, "/socket", "null", 403),
        (&lin, "/public", "https://evil.test", 403),
        (&lin, "/socket", &stage.second_url(""), 403),
    ] {
        let Err(Error::Http(answer)) = socket(&stage, browser, path, origin).await else {
            panic!("{path} from {origin} is connected")
        };
        assert_eq!(answer.status(), status, "{path} from {origin}");
    }
    assert_eq!(stage.count(), 0);
}

/// In any other protocol, HTTP/2 first of all, there could be requests that nobody is asked about.
pub(crate) async fn nothing_but_a_websocket_leaves_http(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    for upgrade in [
        "h2c",
        "H2C",
        "h2c ;x",
        "h2c, websocket",
        "websocket, h2c",
        "websocket\r\nUpgrade: h2c",
        "h2c\r\nUpgrade: websocket",
        "websocket/13",
        "HTTP/2.0",
        "TLS/1.2",
        "tcp",
    ] {
        for connection in
            ["Upgrade", "Upgrade, HTTP2-Settings", "HTTP2-Settings, Upgrade\r\nConnection: Upgrade"]
        {
            let lines = format!(
                "Connection: {connection}\r\nUpgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
            );
            for (path, who) in [("/public", ""), ("/x", cookies.as_str())] {
                let _ = stage.asked(stage.request("GET", path, &format!("{lines}{who}"))).await;
                for arrived in stage.application.take() {
                    let protocols = arrived.all("upgrade");
                    let is_usual =
                        protocols.is_empty() || protocols.concat().eq_ignore_ascii_case("websocket");
                    assert!(is_usual, "{upgrade} arrives as {protocols:?}");
                    assert!(arrived.all("http2-settings").is_empty(), "{upgrade}: {:?}", arrived.headers);
                }
            }
        }
    }
}

pub(crate) async fn a_great_many_header_lines_harm_nobody(proxy: Proxy) {
    let mut stage = Stage::before(proxy).await;
    for count in (60..=130).step_by(1) {
        let lines: String = (0..count).map(|number| format!("X-Line-{number}: 1\r\n")).collect();
        let status = stage.asked(stage.request("GET", "/public", &lines)).await;
        let status = status.map_or(0, |answer| answer.status.as_u16());
        assert!([200, 400, 431].contains(&status), "{count}: {status}");
        assert!(count > 70 || status == 200, "{count}: {status}");
        assert!(!stage.has_ended(), "{count} lines end it");
    }
    for length in [20_000, 28_000, 36_000, 44_000, 52_000] {
        let lines = format!("X-Line: {}\r\n", "x".repeat(length));
        let status = stage.asked(stage.request("GET", "/public", &lines)).await;
        let status = status.map_or(0, |answer| answer.status.as_u16());
        assert!([0, 200, 400, 431].contains(&status), "{length} bytes: {status}");
    }
    assert_eq!(stage.get("/public", "").await.status, StatusCode::OK);
}

pub(crate) async fn long_addresses_and_cookies_pass(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let long = "0123456789".repeat(600);
    let path = format!("/reports?q={long}");
    let mut browser = stage.browser();
    // So long a way back is not kept.
    stage.gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let (end, answer) = browser.follow(&stage.url(&path)).await;
    assert_eq!((end, answer.status), (stage.url("/"), StatusCode::OK));
    assert_eq!(stage.browser().fetch(&stage.url(&path)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.open(&stage.url(&path.replacen("/reports", "/closed", 1))).await.status, 403);
    for number in 0..2 {
        let name = format!("application{number}");
        browser.cookies.insert(("a.localhost".to_owned(), name), long[..3000].to_owned());
    }
    for path in ["/", &path] {
        assert_eq!(browser.open(&stage.url(path)).await.status, StatusCode::OK);
        let arrived = stage.application.last();
        assert_eq!(arrived.target, path);
        assert_eq!(arrived.header("cookie").len(), 2 * 3000 + "application0=; application1=".len());
    }
}
