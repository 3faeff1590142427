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

    /// Why this process should be sent no new visitors.
    fn obstacle(&self) -> Option<&'static str> {
        match () {
            () if !self.0.ready.load(Ordering::Acquire) => Some("draining: the process is about to stop"),
            () if self.0.directory.is_silent() => Some(
                "the store does not answer: nobody can sign in; people who are signed in go on for a while",
            ),
            () if self.0.directory.is_down() => {
                Some("the store cannot be written: nobody can sign in; people who are signed in go on")
            }
            () => None,
        }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Body> {
        const TEXT: &str = "text/plain; charset=utf-8";
        const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let (status, content_type, text) = match (method, path) {
            (&Method::GET | &Method::HEAD, "/livez" | "/healthz") => {
                (StatusCode::OK, TEXT, "ok\n".to_owned())
            }
            (&Method::GET | &Method::HEAD, "/readyz") => match self.obstacle() {
                None => (StatusCode::OK, TEXT, "ok\n".to_owned()),
                Some(why) => (StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{why}\n")),
            },
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
