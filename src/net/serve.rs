//! The accept loop and one connection's life: first byte, TLS, protocol, requests, drain.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::body::{Awaiting, Body, Holding};
use super::connection::Connection;
use super::deadlines::Timed;
use super::head_guard::{HTTP2_PREFACE, HeadGuard};
use super::limits::{HEADER_LINES, Limits};
use super::listen::{Listener, Stream};
use crate::model::peer::Peer;

/// How long a draining listener waits for the first byte: browsers open connections on speculation.
const SPECULATIVE: Duration = Duration::from_secs(1);

/// Answers requests.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Answers one request; there is always an answer.
    fn handle(
        &self,
        request: Request<Incoming>,
        connection: Arc<Connection>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// The TLS side in force, asked anew for each connection; `None` serves plain http.
    fn tls(&self) -> Option<Arc<ServerConfig>> {
        None
    }

    /// A connection began (`true`) or ended (`false`).
    fn count_connection(&self, _began: bool) {}
}

/// Serves until `stop` resolves, then drains for at most `patience`. Returns the number of connections that were cut.
pub async fn serve<H: Handler>(
    listener: Listener,
    handler: H,
    limits: Limits,
    stop: impl Future<Output = ()>,
    patience: Duration,
) -> usize {
    let limits = Arc::new(limits);
    let (drain, draining) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            listener.accept().await.map(|accepted| (accepted, slot))
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok(((stream, peer), slot)) => {
                let (handler, limits, draining) = (handler.clone(), Arc::clone(&limits), draining.clone());
                tokio::spawn(async move {
                    handler.count_connection(true);
                    live(stream, peer, &handler, limits, draining).await;
                    handler.count_connection(false);
                    drop(slot);
                });
            }
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    drain.send_replace(true);
    let everything = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    match tokio::time::timeout(patience, slots.acquire_many(everything)).await {
        Ok(_) => 0,
        Err(_) => limits.connections.saturating_sub(slots.available_permits()),
    }
}

/// Out of descriptors or memory: wait, so that the loop does not spin. Other errors concern one connection only.
async fn pause_after(error: &io::Error) {
    let is_of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !is_of_one_connection {
        tracing::error!(%error, "cannot accept connections; trying again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// One connection from accept to close.
async fn live<H: Handler>(
    stream: Stream,
    peer: Peer,
    handler: &H,
    limits: Arc<Limits>,
    draining: watch::Receiver<bool>,
) {
    let result = match handler.tls() {
        None => {
            let connection = Connection::new(peer, false);
            let timed = Timed::new(stream, Arc::clone(&connection), Arc::clone(&limits));
            speak(timed, false, connection, handler, &limits, draining).await
        }
        Some(config) => {
            let handshake = TlsAcceptor::from(config).accept(stream);
            let stream = match tokio::time::timeout(limits.tls_handshake, handshake).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    return tracing::debug!(peer = %peer.address(), %error, "TLS handshake failed");
                }
                Err(_) => return tracing::debug!(peer = %peer.address(), "TLS handshake took too long"),
            };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let connection = Connection::new(peer, true);
            let timed = Timed::new(stream, Arc::clone(&connection), Arc::clone(&limits));
            speak(timed, is_http2, connection, handler, &limits, draining).await
        }
    };
    if let Err(error) = result {
        tracing::debug!(peer = %peer.address(), %error, "connection ended");
    }
}

/// Finds out which protocol is spoken, and speaks it.
async fn speak<S, H>(
    mut stream: Timed<S>,
    negotiated_http2: bool,
    connection: Arc<Connection>,
    handler: &H,
    limits: &Limits,
    draining: watch::Receiver<bool>,
) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let first = tokio::select! {
        first = read_first(&mut stream) => first,
        () = told(draining.clone(), SPECULATIVE) => return Ok(()),
    };
    let Ok((first, has_preface)) = first else { return Ok(()) };
    let answer = |request| answer(handler.clone(), request, Arc::clone(&connection));
    if negotiated_http2 || has_preface {
        stream.speaks_http2();
        let guarded = HeadGuard::http2(stream, first, Arc::clone(&connection));
        let server = http2(limits).serve_connection(TokioIo::new(guarded), service_fn(answer));
        let mut server = std::pin::pin!(server);
        tokio::select! {
            result = &mut server => return result,
            () = told(draining, Duration::ZERO) => server.as_mut().graceful_shutdown(),
        }
        server.await
    } else {
        let guarded = HeadGuard::http1(stream, first, Arc::clone(&connection), limits.head_bytes);
        let server =
            http1(limits).serve_connection(TokioIo::new(guarded), service_fn(answer)).with_upgrades();
        let mut server = std::pin::pin!(server);
        tokio::select! {
            result = &mut server => return result,
            () = told(draining, Duration::ZERO) => server.as_mut().graceful_shutdown(),
        }
        server.await
    }
}

/// Resolves `grace` after the listener began to drain.
async fn told(mut draining: watch::Receiver<bool>, grace: Duration) {
    if draining.wait_for(|draining| *draining).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(grace).await;
}

/// Reads until it is clear whether the client speaks HTTP/2 by prior knowledge (RFC 9113 §3.3).
async fn read_first<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(Vec<u8>, bool)> {
    let mut first = Vec::with_capacity(HTTP2_PREFACE.len());
    while first.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&first) {
        let missing = (HTTP2_PREFACE.len() - first.len()) as u64;
        if (&mut *stream).take(missing).read_buf(&mut first).await? == 0 {
            break;
        }
    }
    let has_preface = first == HTTP2_PREFACE;
    Ok((first, has_preface))
}

/// Counts the request while it and its answer are under way. It counts from the call, not from the first poll: hyper
/// looks for more bytes in between, and the head guard must know by then that they are not the next request's.
fn answer<H: Handler>(
    handler: H,
    request: Request<Incoming>,
    connection: Arc<Connection>,
) -> impl Future<Output = Result<Response<Body>, std::convert::Infallible>> {
    let in_flight = connection.begin();
    async move {
        let is_http1 = request.version() < Version::HTTP_2;
        let mut response = handler.handle(request, Arc::clone(&connection)).await;
        if is_http1 && connection.closes_after_this() && !connection.is_tunnel() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| {
            let body = Holding::new(body, in_flight);
            if is_http1 { body.boxed_unsync() } else { Awaiting::new(body, connection).boxed_unsync() }
        }))
    }
}

fn http1(limits: &Limits) -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_headers(HEADER_LINES).half_close(false);
    builder.max_buf_size(limits.head_bytes.max(8192));
    builder
}

/// Bounds against floods and stalls: fewer streams and smaller windows than hyper's own.
fn http2(limits: &Limits) -> hyper::server::conn::http2::Builder<TokioExecutor> {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_send_buf_size(64 * 1024)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
