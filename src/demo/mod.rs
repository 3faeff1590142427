//! The demo: gateway, example application, simulated WeChat and pretend phone in one process.

pub mod application;
mod clock_socket;
pub mod phone;

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::wechat::simulator::{Reply, Simulator, listen};

/// Answers on `listener`: `/phone` is the pretend phone, everything else the simulated WeChat it belongs to.
pub async fn serve_wechat(
    simulator: Arc<Simulator>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    listen::serve(listener, shutdown, move |request| route(Arc::clone(&simulator), request)).await;
}

async fn route(simulator: Arc<Simulator>, request: Request<Incoming>) -> Reply {
    let path = request.uri().path();
    if path == "/phone" || path.starts_with("/phone/") {
        phone::handle(simulator, request).await
    } else {
        simulator.handle(request).await
    }
}
