//! Point 11: callbacks that come once, twice, again, or late.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

use super::*;

/// A callback host that notes who came: address and whether there was a cookie.
async fn callback_host() -> (SocketAddr, mpsc::UnboundedReceiver<(std::net::IpAddr, bool)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (note, notes) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let note = note.clone();
            let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
                _ = note.send((peer.ip(), request.headers().contains_key("cookie")));
                async { Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::default())) }
            });
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, notes)
}

fn plain(link: &str) -> String {
    link.replace("https%3A", "http%3A")
}

#[tokio::test]
async fn normally_only_the_browser_fetches_the_callback() {
    let world = World::start().await;
    world.in_app(&plain(&authorize("snsapi_base"))).await.code();
    assert!(world.simulator.early_deliveries().is_empty());
}

#[tokio::test]
async fn a_fetcher_without_cookies_comes_first_from_another_address() {
    let world = World::start().await;
    let (address, mut visits) = callback_host().await;
    world.simulator.script().delivery(Delivery::FetchedBefore).callback_address(address);
    let page = world.in_app(&plain(&authorize("snsapi_base"))).await;
    let early = EarlyDelivery { url: page.location.unwrap(), status: Some(200) };
    assert_eq!(world.simulator.early_deliveries(), [early]);
    let (ip, had_cookie) = visits.recv().await.unwrap();
    assert!(!had_cookie);
    if cfg!(target_os = "linux") {
        assert_eq!(ip, SocketAddr::from(([127, 0, 0, 2], 0)).ip());
    }
}

#[tokio::test]
async fn in_parallel_the_browser_does_not_wait_for_the_fetcher() {
    let world = World::start().await;
    let (address, mut visits) = callback_host().await;
    world.simulator.script().delivery(Delivery::FetchedInParallel).callback_address(address);
    world.in_app(&plain(&authorize("snsapi_base"))).await.code();
    assert!(!visits.recv().await.unwrap().1);
}

#[tokio::test]
async fn a_scanned_login_is_fetched_early_too_but_once() {
    let world = World::start().await;
    let (address, mut visits) = callback_host().await;
    world.simulator.script().delivery(Delivery::FetchedBefore).callback_address(address);
    world.page(&plain(&qr_connect())).await;
    let uuid = world.simulator.waiting_scans()[0].uuid.clone();
    world.simulator.scan(&uuid, LIN).unwrap();
    world.simulator.confirm(&uuid).unwrap();
    for _ in 0..2 {
        let answer = world.page(&format!("/connect/l/qrconnect?uuid={uuid}")).await;
        assert!(answer.text.contains("405"));
    }
    assert!(visits.recv().await.is_some());
    assert_eq!(world.simulator.early_deliveries().len(), 1);
}

#[tokio::test]
async fn the_back_button_brings_a_used_code_and_after_ten_minutes_an_invalid_one() {
    let world = World::start().await;
    let code = world.in_app(&authorize("snsapi_base")).await.code();
    assert!(world.exchange(&code).await.get("errcode").is_none());
    assert_eq!(world.exchange(&code).await["errcode"], 40163);
    world.simulator.advance(Duration::from_secs(600));
    assert_eq!(world.exchange(&code).await["errcode"], 40029);
    assert_eq!(world.simulator.exchanges(), 3);
}
