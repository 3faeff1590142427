//! Connections that left HTTP behind: WebSocket and any other GET upgrade.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, copy_bidirectional};
use tokio::sync::watch;
use tokio::time::Instant;

use super::headers::tokens;
use super::response_head;
use super::tether::Leash;
use crate::net::body::{Body, empty};
use crate::net::connection::Connection;
use crate::telemetry::metrics::Metrics;

/// Both ends must leave HTTP within this time.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A tunnel in which nothing moves is closed after this time; applications that ping live on.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// The WebSocket close frame "going away" (RFC 6455 §7.4.1, 1001), as a server sends it.
const GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xe9];

/// The same for "policy violation" (1008): the session has ended.
const SIGNED_OUT: [u8; 4] = [0x88, 0x02, 0x03, 0xf0];

/// All tunnels of the process.
#[derive(Debug)]
pub struct Tunnels {
    closing: watch::Sender<bool>,
    open: Arc<AtomicUsize>,
    most: usize,
    metrics: Arc<Metrics>,
}

/// Whether the request wants to leave HTTP behind: a GET without body, with `Connection: upgrade` and a protocol to change to. A
/// protocol that carries HTTP again is none to tunnel: it would hide requests from the gate.
pub fn asks_for_upgrade<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && headers.contains_key(header::UPGRADE)
        && tokens(headers.get_all(header::CONNECTION)).any(|token| token.eq_ignore_ascii_case(b"upgrade"))
        && headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
        && !headers.contains_key(header::TRANSFER_ENCODING)
        && headers.get_all(header::UPGRADE).iter().all(|line| line.to_str().is_ok())
        && !tokens(headers.get_all(header::UPGRADE)).any(carries_http)
}

/// `h2c`, `h2`, `HTTP/2.0`, and `TLS/1.2` with HTTP inside (RFC 2817).
fn carries_http(protocol: &[u8]) -> bool {
    let protocol = protocol.to_ascii_lowercase();
    [&b"h2"[..], b"h3", b"http", b"tls"].iter().any(|family| protocol.starts_with(family))
}

impl Tunnels {
    /// No tunnels yet; at most `most` at a time.
    pub fn new(most: usize, metrics: Arc<Metrics>) -> Self {
        Self { closing: watch::Sender::new(false), open: Arc::default(), most, metrics }
    }

    /// Joins visitor and application after a 101, and gives the 101 to pass on. `None` when the application's answer
    /// is not what was asked for, or too many tunnels are open.
    pub(super) fn join(
        &self,
        answer: &mut Response<Incoming>,
        asked: Option<&HeaderValue>,
        visitor: OnUpgrade,
        connection: &Arc<Connection>,
        leash: Option<Leash>,
    ) -> Option<Response<Body>> {
        let protocol = answer.headers().get(header::UPGRADE).cloned()?;
        let is_websocket = protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
        let asked = asked?.as_bytes();
        let unaccepted = is_websocket && !answer.headers().contains_key(header::SEC_WEBSOCKET_ACCEPT);
        if !asked.eq_ignore_ascii_case(protocol.as_bytes()) || unaccepted {
            return None;
        }
        response_head::pass(answer)?;
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let application = hyper::upgrade::on(&mut *answer);
        let mut headers = std::mem::take(answer.headers_mut());
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
        let mut response = Response::new(empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = headers;

        connection.become_tunnel();
        let held = Held {
            connection: connection.begin(),
            open: Arc::clone(&self.open),
            metrics: Arc::clone(&self.metrics),
        };
        self.metrics.tunnels(1);
        let closing = self.closing.subscribe();
        tokio::spawn(async move {
            let ends =
                tokio::time::timeout(HANDSHAKE, async { tokio::try_join!(visitor, application) }).await;
            if let Ok(Ok((visitor, application))) = ends {
                carry(visitor, application, is_websocket, closing, leash).await;
            }
            drop(held);
        });
        Some(response)
    }

    /// Tells every tunnel to close, and waits for at most `patience`. Returns how many are still open.
    pub async fn close(&self, patience: Duration) -> usize {
        self.closing.send_replace(true);
        let all_gone = async {
            while self.open.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(patience, all_gone).await;
        self.open.load(Ordering::Relaxed)
    }
}

/// What a tunnel holds until it ends.
struct Held {
    #[expect(dead_code, reason = "held for its Drop: the connection stays busy")]
    connection: crate::net::connection::InFlight,
    open: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.metrics.tunnels(-1);
    }
}

/// Copies both ways until an end closes, nothing moves any more, the session ends, or the gateway stops.
async fn carry(
    visitor: Upgraded,
    application: Upgraded,
    is_websocket: bool,
    mut closing: watch::Receiver<bool>,
    leash: Option<Leash>,
) {
    let sight = Arc::new(Mutex::new(Sight { frames: Frames::default(), moved: Instant::now() }));
    let mut visitor = Watched { inner: TokioIo::new(visitor), sight: Arc::clone(&sight) };
    let mut application = TokioIo::new(application);
    let goodbye = {
        let mut copy = std::pin::pin!(copy_bidirectional(&mut visitor, &mut application));
        let mut signed_out = std::pin::pin!(signed_out(leash));
        loop {
            tokio::select! {
                _ = &mut copy => return,
                _ = closing.wait_for(|closing| *closing) => break GOING_AWAY,
                () = &mut signed_out => break SIGNED_OUT,
                () = tokio::time::sleep_until(seen(&sight).moved + IDLE) => {}
            }
            if seen(&sight).moved + IDLE <= Instant::now() {
                break GOING_AWAY;
            }
        }
    };
    let between_frames = seen(&sight).frames.at_boundary();
    if is_websocket && between_frames {
        let goodbye = async {
            visitor.inner.write_all(&goodbye).await?;
            visitor.inner.shutdown().await
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }
}

/// Resolves when the person may no longer have the tunnel; never without one.
async fn signed_out(leash: Option<Leash>) {
    let Some(mut leash) = leash else { return std::future::pending().await };
    while leash.holds() {
        tokio::time::sleep_until(leash.asks_at().into()).await;
    }
}

/// The visitor's end, with an eye on when bytes move and where the application's WebSocket frames end.
struct Watched<S> {
    inner: S,
    sight: Arc<Mutex<Sight>>,
}

/// What was seen of a tunnel.
#[derive(Debug)]
struct Sight {
    frames: Frames,
    moved: Instant,
}

fn seen(sight: &Mutex<Sight>) -> MutexGuard<'_, Sight> {
    sight.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_read(context, buffer);
        if result.is_ready() {
            seen(&this.sight).moved = Instant::now();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = result {
            let mut sight = seen(&this.sight);
            sight.moved = Instant::now();
            sight.frames.pass(&bytes[..count]);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Follows WebSocket framing (RFC 6455 §5.2) just enough to know whether a frame is under way.
#[derive(Debug, Default)]
struct Frames {
    head: Vec<u8>,
    payload_left: u64,
}

impl Frames {
    fn at_boundary(&self) -> bool {
        self.head.is_empty() && self.payload_left == 0
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload_left > 0 {
                let count = self.payload_left.min(bytes.len() as u64);
                self.payload_left -= count;
                bytes = &bytes[usize::try_from(count).unwrap_or(bytes.len())..];
                continue;
            }
            self.head.push(*first);
            bytes = rest;
            if let Some(payload) = payload_length(&self.head) {
                self.payload_left = payload;
                self.head.clear();
            }
        }
    }
}

/// The payload length once the frame's head is complete.
fn payload_length(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let extended = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    if head.len() < 2 + extended + mask {
        return None;
    }
    let length = head[2..2 + extended].iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    Some(if extended == 0 { u64::from(second & 0x7f) } else { length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_boundaries_are_seen_however_the_bytes_are_cut() {
        let mut stream = vec![0x81, 0x03, b'a', b'b', b'c', 0x82, 126, 0x01, 0x00];
        stream.extend([7; 256]);
        stream.extend([0x89, 0x80, 1, 2, 3, 4]);
        let boundaries = |cut: usize| {
            let mut frames = Frames::default();
            stream.chunks(cut).for_each(|chunk| frames.pass(chunk));
            frames.at_boundary()
        };
        assert!((1..stream.len()).all(boundaries));
        let mut frames = Frames::default();
        frames.pass(&stream[..100]);
        assert!(!frames.at_boundary());
    }

    #[test]
    fn only_a_get_that_names_a_protocol_is_an_upgrade() {
        let request = |method: &str, connection: &str, upgrade: &str| {
            let request =
                Request::builder().method(method).header("connection", connection).header("upgrade", upgrade);
            asks_for_upgrade(&request.body(()).unwrap())
        };
        assert!(request("GET", "keep-alive, Upgrade", "websocket"));
        assert!(!request("POST", "upgrade", "websocket"));
        assert!(!request("GET", "close", "websocket"));
        let with_body = Request::get("/").header("connection", "upgrade").header("upgrade", "websocket");
        assert!(!asks_for_upgrade(&with_body.header("content-length", "5").body(()).unwrap()));
        for protocol in ["h2c", "H2", "websocket, h2c", "HTTP/2.0", "TLS/1.2, HTTP/1.1", "h2c, \u{ff}"] {
            assert!(!request("GET", "upgrade, HTTP2-Settings", protocol), "{protocol}");
        }
    }
}
