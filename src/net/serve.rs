//! One connection's life: first byte, TLS, protocol, requests, drain.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::body::Body;
use super::connection::Connection;
use super::head_guard::{HTTP2_PREFACE, HeadGuard};
use super::limits::Limits;
use super::listen::{Listener, Stream};
use super::outgoing::Outgoing;
use super::timed::Timed;
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

/// The connections of all listeners of one kind: how many there may be, and when they have to end.
#[derive(Debug)]
pub struct Connections {
    limits: Arc<Limits>,
    slots: Arc<Semaphore>,
    draining: watch::Sender<bool>,
    /// The same for those who need not be woken: looked at with every turn of a connection.
    drains: Arc<AtomicBool>,
}

impl Connections {
    /// None yet.
    pub fn new(limits: Limits) -> Arc<Self> {
        let slots = Arc::new(Semaphore::new(limits.connections));
        Arc::new(Self {
            limits: Arc::new(limits),
            slots,
            draining: watch::Sender::new(false),
            drains: Arc::default(),
        })
    }

    /// Waits until there is room for one more.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// Room for one more, if there is any.
    pub(super) fn free_slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Serves one connection in a task of the worker that calls.
    pub(super) fn serve<H: Handler, K: Send + 'static>(
        &self,
        (stream, peer): (Stream, Peer),
        handler: H,
        held: K,
    ) {
        let limits = Arc::clone(&self.limits);
        let end = End { draining: self.draining.subscribe(), drains: Arc::clone(&self.drains) };
        // Shared by the requests of this connection alone: a count that all cores write would be slow.
        let handler = Arc::new(handler);
        tokio::spawn(async move {
            handler.count_connection(true);
            live(stream, peer, &handler, limits, end).await;
            handler.count_connection(false);
            drop(held);
        });
    }

    /// Lets every connection finish what is under way, for at most `patience`. Returns how many were cut. Nobody may
    /// accept any more.
    pub async fn drain(&self, patience: Duration) -> usize {
        self.drains.store(true, Ordering::Release);
        self.draining.send_replace(true);
        let everything = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        match tokio::time::timeout(patience, self.slots.acquire_many(everything)).await {
            Ok(_) => 0,
            Err(_) => self.limits.connections.saturating_sub(self.slots.available_permits()),
        }
    }
}

/// Serves one listener until `stop` resolves, then drains for at most `patience`. Returns the number of connections that
/// were cut.
pub async fn serve<H: Handler>(
    listener: Listener,
    handler: H,
    limits: Limits,
    stop: impl Future<Output = ()>,
    patience: Duration,
) -> usize {
    let connections = Connections::new(limits);
    let accept = async {
        loop {
            let accepted = listener.next().await;
            let slot = connections.slot().await;
            connections.serve(accepted, handler.clone(), slot);
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
    drop(listener);
    connections.drain(patience).await
}

/// One connection from accept to close.
async fn live<H: Handler>(stream: Stream, peer: Peer, handler: &Arc<H>, limits: Arc<Limits>, end: End) {
    let result = match handler.tls() {
        None => {
            let connection = Connection::new(peer, false);
            let timed = Timed::new(stream, Arc::clone(&connection), Arc::clone(&limits));
            Box::pin(speak(timed, false, connection, handler, &limits, end)).await
        }
        Some(config) => {
            let handshake = Box::pin(TlsAcceptor::from(config).accept(stream));
            let stream = match tokio::time::timeout(limits.tls_handshake, handshake).await {
                Ok(Ok(stream)) => Box::new(stream),
                Ok(Err(error)) => {
                    return tracing::debug!(peer = %peer.address(), %error, "TLS handshake failed");
                }
                Err(_) => return tracing::debug!(peer = %peer.address(), "TLS handshake took too long"),
            };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let connection = Connection::new(peer, true);
            let timed = Timed::new(stream, Arc::clone(&connection), Arc::clone(&limits));
            Box::pin(speak(timed, is_http2, connection, handler, &limits, end)).await
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
    handler: &Arc<H>,
    limits: &Limits,
    end: End,
) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let first = tokio::select! {
        first = read_first(&mut stream) => first,
        () = end.clone().told(SPECULATIVE) => return Ok(()),
    };
    let Ok((first, has_preface)) = first else { return Ok(()) };
    let answer = |request| Box::pin(answer(Arc::clone(handler), request, Arc::clone(&connection)));
    if negotiated_http2 || has_preface {
        stream.speaks_http2();
        let guarded = HeadGuard::http2(stream, first, Arc::clone(&connection));
        let server = http2(limits).serve_connection(TokioIo::new(guarded), service_fn(answer));
        until_told(Box::pin(server), end, |server| server.graceful_shutdown()).await
    } else {
        let guarded = HeadGuard::http1(stream, first, Arc::clone(&connection), limits.head_bytes);
        let server =
            http1(limits).serve_connection(TokioIo::new(guarded), service_fn(answer)).with_upgrades();
        until_told(Box::pin(server), end, |server| server.graceful_shutdown()).await
    }
}

/// Tells a connection that it has to end.
#[derive(Clone)]
struct End {
    draining: watch::Receiver<bool>,
    drains: Arc<AtomicBool>,
}

impl End {
    /// Resolves `grace` after the listener began to drain.
    async fn told(mut self, grace: Duration) {
        if self.draining.wait_for(|draining| *draining).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(grace).await;
    }
}

/// Runs `server` to its end, which it is told to come to when the listener drains.
async fn until_told<S: Future>(mut server: Pin<Box<S>>, end: End, finish: impl Fn(Pin<&mut S>)) -> S::Output {
    let drains = Arc::clone(&end.drains);
    let mut told = pin!(end.told(Duration::ZERO));
    let (mut waits, mut is_told) = (false, false);
    poll_fn(|context| {
        loop {
            if let Poll::Ready(output) = server.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            // It was asked once and will wake this task; before, there is nothing to hear.
            let asks = !is_told && (!waits || drains.load(Ordering::Acquire));
            if !asks || told.as_mut().poll(context).is_pending() {
                waits = true;
                return Poll::Pending;
            }
            is_told = true;
            finish(server.as_mut());
        }
    })
    .await
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
    handler: Arc<H>,
    request: Request<Incoming>,
    connection: Arc<Connection>,
) -> impl Future<Output = Result<Response<Outgoing>, std::convert::Infallible>> {
    let in_flight = connection.begin();
    async move {
        // Nothing is read of the request before: what goes wrong over HTTP/2 stays within its stream.
        let is_http1 = request.version() < Version::HTTP_2;
        let mut response = handler.handle(request, Arc::clone(&connection)).await;
        if is_http1 && connection.closes_after_this() && !connection.is_tunnel() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let connection = (!is_http1).then_some(connection);
        Ok(response.map(|body| Outgoing::new(body, in_flight, connection)))
    }
}

/// At most 100 header lines, as hyper has it by itself; said to it, each request would pay for room made anew.
fn http1(limits: &Limits) -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(None).half_close(false);
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
