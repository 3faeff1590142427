//! TLS ends at the proxy, and browsers speak HTTP/2 with it.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::handshake;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use wxgate::model::visit::Scheme;

use crate::due::session_of_three_hours;
use crate::proxies::Proxy;
use crate::stage::Stage;
use crate::support::{Certificate, PATIENCE};

pub(crate) async fn over_https_cookies_have_every_guard(proxy: Proxy) {
    let stage = Stage::before_https(proxy).await;
    let mut browser = stage.signed_in("Lin").await;
    assert!(
        browser.cookies.keys().all(|(_, name)| name.starts_with("__Host-wxgate")),
        "{:?}",
        browser.cookies
    );
    assert_eq!(browser.open(&stage.url("/x?y=1")).await.status, StatusCode::OK);
    let arrived = stage.application.last();
    assert_eq!(arrived.header("x-forwarded-proto"), "https");
    assert_eq!((arrived.header("remote-name"), arrived.all("cookie").concat().as_str()), ("Lin", ""));

    let due = session_of_three_hours(Scheme::Https, &stage.gateway.somebody().await);
    let headers = [("accept", "*/*"), ("cookie", due.as_str())];
    let answer = stage.browser().send(Method::GET, &stage.url("/set-cookie"), &headers, "").await;
    let mut lines = answer.all("set-cookie");
    lines.sort_unstable();
    let [renewed, one, other] = lines[..] else { panic!("{lines:?}") };
    assert_eq!([one, other], ["application=kept", "theirs=1; Path=/"]);
    let (pair, attributes) = renewed.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-wxgate="), "{pair}");
    let mut attributes: Vec<_> = attributes.split("; ").collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax", "Secure"]);

    assert_eq!(browser.submit(&stage.url("/_wxgate/logout"), "").await.status, StatusCode::OK);
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert_eq!(browser.fetch(&stage.url("/")).await.status, StatusCode::UNAUTHORIZED);
}

/// Browsers send each cookie on a line of its own then.
pub(crate) async fn over_http2_a_person_is_who_they_are(proxy: Proxy) {
    let stage = Stage::before_https(proxy).await;
    let browser = stage.signed_in("Lin").await;
    let session = browser.cookie_header("a.localhost");
    let config = Certificate::offering(stage.tls.as_ref().unwrap(), b"h2");
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let stream = Certificate::handshake(config, "a.localhost", stream).await.unwrap();
    let (mut sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (path, crumbs, status) in [
        ("/x?y=1", &["a=1", session.as_str(), "b=2; c=3"][..], 200),
        ("/public/x", &["a=1", session.as_str(), "b=2; c=3"], 200),
        ("/x", &[session.as_str()], 200),
        ("/x", &["a=1"], 401),
        ("/closed", &[session.as_str()], 403),
        ("/public/../closed", &[session.as_str()], 403),
    ] {
        let request = Request::get(stage.url(path)).header("accept", "*/*").header("remote-user", "forged");
        let request = request.header("x-wechat-openid", "forged").header("x-forwarded-for", "6.6.6.6");
        let request = crumbs.iter().fold(request, |request, crumb| request.header("cookie", *crumb));
        let answer = sender.send_request(request.body(Full::new(Bytes::new())).unwrap());
        let answer = tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time").unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        let answered = answer.status().as_u16();
        answer.into_body().collect().await.unwrap();
        assert!(answered == status || path.contains("..") && answered == 400, "{path}: {answered}");
        let arrived = stage.application.take();
        assert_eq!(arrived.len(), usize::from(status == 200), "{path}");
        for arrived in arrived {
            assert_eq!(arrived.target, path);
            assert_eq!(arrived.header("remote-name"), "Lin");
            assert_ne!(arrived.header("remote-user"), "forged");
            assert_ne!(arrived.header("x-wechat-openid"), "forged");
            assert_eq!(arrived.header("x-forwarded-for"), "127.0.0.1");
            let kept = if crumbs.len() == 1 { "" } else { "a=1; b=2; c=3" };
            assert_eq!(arrived.all("cookie").concat(), kept);
        }
    }
}
