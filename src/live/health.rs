//! The admin listener: alive, ready, figures. On its own port, never on the public one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::Lasting;
use crate::net::body::{Body, full};
use crate::net::connection::Connection;
use crate::net::serve::Handler;

/// Answers on the admin listener.
#[derive(Clone, Debug)]
pub struct Health(Arc<Lasting>);

impl Health {
    /// The health of one process.
    pub fn new(lasting: Arc<Lasting>) -> Self {
        Self(lasting)
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Body> {
        const TEXT: &str = "text/plain; charset=utf-8";
        const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let is_draining = !self.0.ready.load(Ordering::Acquire);
        let is_without_store = self.0.directory.is_down();
        let (status, content_type, text) = match (method, path) {
            (&Method::GET | &Method::HEAD, "/livez" | "/healthz") => {
                (StatusCode::OK, TEXT, "ok\n".to_owned())
            }
            (&Method::GET | &Method::HEAD, "/readyz") if is_draining => {
                (StatusCode::SERVICE_UNAVAILABLE, TEXT, "draining: the process is about to stop\n".to_owned())
            }
            (&Method::GET | &Method::HEAD, "/readyz") if is_without_store => {
                (StatusCode::SERVICE_UNAVAILABLE, TEXT, "the store does not answer\n".to_owned())
            }
            (&Method::GET | &Method::HEAD, "/readyz") => (StatusCode::OK, TEXT, "ok\n".to_owned()),
            (&Method::GET | &Method::HEAD, "/metrics") => {
                (StatusCode::OK, OPEN_METRICS, self.0.metrics.render())
            }
            (_, "/livez" | "/healthz" | "/readyz" | "/metrics") => {
                (StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET only\n".to_owned())
            }
            _ => (StatusCode::NOT_FOUND, TEXT, "/livez /readyz /healthz /metrics\n".to_owned()),
        };
        let mut response = Response::new(full(text));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl Handler for Health {
    async fn handle(&self, request: Request<Incoming>, _connection: Arc<Connection>) -> Response<Body> {
        self.answer(request.method(), request.uri().path())
    }
}
