//! One admitted request to its application, and the answer back, streaming both ways.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy;
use thiserror::Error;

use super::client::{Upstream, UpstreamClient};
use super::headers::{self, Forwarded, Rewriting};
use super::tunnel::{Tether, Tunnels};
use crate::gate::Admission;
use crate::model::clock;
use crate::model::visit::Visit;
use crate::net::body::{Body, BodyBound, Bounded, empty};
use crate::net::connection::Connection;
use crate::net::limits::Limits;

/// Where the requests of one route go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The application.
    pub upstream: Upstream,
    /// Its connections.
    pub client: UpstreamClient,
    /// How headers are rewritten.
    pub rewriting: Rewriting,
    /// A path prefix taken off before forwarding.
    pub strip_prefix: Option<String>,
    /// Longest silence before the answer's head, counted from the last byte of the request.
    pub response_timeout: Duration,
    /// Longest silence within the answer's body.
    pub idle_timeout: Duration,
}

/// What a request needs on its way besides itself.
#[derive(Debug)]
pub struct Passage<'a> {
    /// What was judged.
    pub visit: &'a Visit,
    /// The proof that it was admitted.
    pub admission: &'a Admission,
    /// Where it came from.
    pub forwarded: Forwarded,
    /// The connection it came on.
    pub connection: &'a Arc<Connection>,
    /// Bounds of the request body.
    pub limits: &'a Limits,
    /// Upgraded connections.
    pub tunnels: &'a Tunnels,
    /// What an upgraded connection must not outlive.
    pub tether: Option<Tether>,
    /// The way out of HTTP, when the request asks for one.
    pub upgrade: Option<OnUpgrade>,
}

/// Why the application gave no answer.
#[derive(Debug, Error)]
pub enum ForwardError {
    /// No connection to the application.
    #[error("cannot connect to the application")]
    Connect(#[source] legacy::Error),
    /// The visitor's own body stopped or broke.
    #[error("the visitor's request body did not arrive")]
    RequestBody(#[source] legacy::Error),
    /// The visitor's body is larger than allowed.
    #[error("the request body is larger than allowed")]
    TooLarge,
    /// The application broke off, or spoke no HTTP.
    #[error("the application broke off before it answered")]
    Broken(#[source] legacy::Error),
    /// The application closed the connection without a word.
    #[error("the application closed the connection without an answer")]
    Unanswered(#[source] legacy::Error),
    /// The application was silent for too long.
    #[error("the application did not answer in time")]
    Timeout,
    /// The application's answer says in two ways where it ends.
    #[error("the application's answer says in two ways where it ends")]
    Framing,
    /// The application switched protocols unasked or wrongly.
    #[error("the application answered 101 in a way that was not asked for")]
    UnexpectedUpgrade,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The answer for the visitor.
    pub response: Response<Body>,
    /// Cookies under our names that the application tried to set.
    pub dropped_cookies: usize,
}

/// Sends a request to `target` as the visit that was judged, and returns the answer once its head is there.
pub async fn forward(
    parts: &Parts,
    body: Incoming,
    target: &Target,
    passage: Passage<'_>,
) -> Result<Answer, ForwardError> {
    let upgrade = passage.upgrade;
    let uri = target.uri(passage.visit);
    let prefix = target.strip_prefix.as_deref();
    let mut headers = target.rewriting.request(
        &parts.headers,
        passage.visit,
        &passage.forwarded,
        prefix,
        passage.admission,
    );
    if upgrade.is_some() {
        keep_upgrade(&parts.headers, &mut headers);
    }

    // A request without body can be sent again when a pooled connection dies before a byte came back (RFC 9110 §9.2.2).
    let again =
        (body.is_end_stream() && matches!(parts.method, Method::GET | Method::HEAD) && upgrade.is_none())
            .then(|| (parts.method.clone(), uri.clone(), headers.clone()));
    let started = clock::instant();
    let moved = Arc::new(AtomicU64::new(0));
    let progress = Arc::clone(&moved);
    let body = if body.is_end_stream() {
        empty()
    } else {
        if body.size_hint().exact().is_none() {
            // Said in so many words, because hyper leaves out the body of a GET without length otherwise.
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        Bounded::new(body, passage.limits.body_idle, passage.limits.body_bytes)
            .with_progress(Box::new(move || {
                progress.store(millis(started.elapsed()), Ordering::Relaxed);
            }))
            .boxed_unsync()
    };
    let sent = target.client.0.request(build(parts.method.clone(), uri, headers, body));
    let mut answer = await_head(sent, target.response_timeout, started, &moved).await;
    if let (Err(ForwardError::Unanswered(_)), Some((method, uri, headers))) = (&answer, again) {
        let sent = target.client.0.request(build(method, uri, headers, empty()));
        answer = await_head(sent, target.response_timeout, clock::instant(), &AtomicU64::new(0)).await;
    }
    let mut response = answer?;

    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(upgrade) = upgrade else { return Err(ForwardError::UnexpectedUpgrade) };
        let asked = parts.headers.get(header::UPGRADE);
        let accepted = passage
            .tunnels
            .join(&mut response, asked, upgrade, passage.connection, passage.tether)
            .ok_or(ForwardError::UnexpectedUpgrade)?;
        return Ok(Answer { response: accepted, dropped_cookies: 0 });
    }
    if !ends_in_one_way(&response) {
        return Err(ForwardError::Framing);
    }
    let (mut parts, body) = response.into_parts();
    let dropped_cookies = headers::response(&mut parts.headers);
    let body = Bounded::new(body, target.idle_timeout, None).with_trailers().boxed_unsync();
    Ok(Answer { response: Response::from_parts(parts, body), dropped_cookies })
}

impl Target {
    /// The application's address of the visit.
    fn uri(&self, visit: &Visit) -> Uri {
        let mut target = visit.path_and_query();
        if let Some(prefix) = &self.strip_prefix
            && visit.path.is_under(prefix)
        {
            target.drain(..prefix.len());
            if !target.starts_with('/') {
                target.insert(0, '/');
            }
        }
        Uri::builder()
            .scheme(self.upstream.scheme.clone())
            .authority(self.upstream.authority.clone())
            .path_and_query(target)
            .build()
            .unwrap_or_default()
    }
}

fn build(method: Method, uri: Uri, headers: HeaderMap, body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    request
}

/// Waits for the answer's head. The deadline counts from the last byte of the request, so a long upload is not cut.
async fn await_head(
    sent: legacy::ResponseFuture,
    patience: Duration,
    started: std::time::Instant,
    moved: &AtomicU64,
) -> Result<Response<Incoming>, ForwardError> {
    let mut sent = std::pin::pin!(sent);
    loop {
        let last_move = Duration::from_millis(moved.load(Ordering::Relaxed));
        let deadline = started + last_move + patience;
        tokio::select! {
            answer = &mut sent => return answer.map_err(classify),
            () = tokio::time::sleep_until(deadline.into()) => {
                if millis(last_move) == moved.load(Ordering::Relaxed) {
                    return Err(ForwardError::Timeout);
                }
            }
        }
    }
}

/// Whether an answer has one length, or one `chunked`, or neither (RFC 9112 §6.3). hyper chooses one where there are
/// several, and the visitor would be told the other.
fn ends_in_one_way<B>(response: &Response<B>) -> bool {
    let mut codings = response.headers().get_all(header::TRANSFER_ENCODING).iter();
    let mut lengths = response.headers().get_all(header::CONTENT_LENGTH).iter();
    match (codings.next(), lengths.next()) {
        (None, None) => true,
        (Some(coding), None) => {
            coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && codings.next().is_none()
                && response.version() == Version::HTTP_11
        }
        (None, Some(length)) => length.as_bytes().iter().all(u8::is_ascii_digit) && lengths.next().is_none(),
        (Some(_), Some(_)) => false,
    }
}

fn classify(error: legacy::Error) -> ForwardError {
    if error.is_connect() {
        return ForwardError::Connect(error);
    }
    let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
    let is_user = |cause: &hyper::Error| cause.is_user();
    if causes().any(|cause| cause.downcast_ref() == Some(&BodyBound::TooLarge)) {
        ForwardError::TooLarge
    } else if causes().any(|cause| cause.downcast_ref().is_some_and(is_user)) {
        ForwardError::RequestBody(error)
    } else if causes().any(is_silence) {
        ForwardError::Unanswered(error)
    } else {
        ForwardError::Broken(error)
    }
}

/// Whether the connection ended before anything of an answer could be read; a wrong answer is none of that.
fn is_silence(cause: &(dyn Error + 'static)) -> bool {
    let is_gone =
        |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    let is_reset = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
        )
    };
    cause.downcast_ref().is_some_and(is_gone) || cause.downcast_ref().is_some_and(is_reset)
}

/// An upgrade is hop-by-hop, so it is asked for anew.
fn keep_upgrade(received: &HeaderMap, headers: &mut HeaderMap) {
    if let Some(protocol) = received.get(header::UPGRADE) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol.clone());
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
