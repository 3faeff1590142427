//! One admitted request to its application, and the answer back, streaming both ways.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use thiserror::Error;

use super::answer::{AnswerBody, Held};
use super::connector::{ConnectError, Upstream};
use super::headers::{self, Forwarded, Rewriting};
use super::pool::{Pool, Way};
use super::tunnel::{Tether, Tunnels};
use crate::gate::Admission;
use crate::model::clock;
use crate::model::visit::Visit;
use crate::net::body::{Body, BodyBound, Bounded, Silence, empty};
use crate::net::connection::Connection;
use crate::net::limits::Limits;

/// Where the requests of one route go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The application.
    pub upstream: Upstream,
    /// Its number among the applications; each worker keeps its connections under it.
    pub pool: usize,
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
    /// This worker's connections to the application.
    pub pool: &'a Arc<Pool>,
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
    Connect(#[from] ConnectError),
    /// The visitor's own body stopped or broke.
    #[error("the visitor's request body did not arrive")]
    RequestBody(#[source] hyper::Error),
    /// The visitor's body is larger than allowed.
    #[error("the request body is larger than allowed")]
    TooLarge,
    /// The application broke off, or spoke no HTTP.
    #[error("the application broke off before it answered")]
    Broken(#[source] hyper::Error),
    /// The application closed the connection without a word.
    #[error("the application closed the connection without an answer")]
    Unanswered(#[source] hyper::Error),
    /// The application was silent for too long.
    #[error("the application did not answer in time")]
    Timeout,
    /// The application's answer says in two ways where it ends.
    #[error("the application's answer says in two ways where it ends")]
    Framing,
    /// The path makes no target; it was judged before, so this cannot be.
    #[error("the request has no target")]
    Target,
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
    let prefix = target.strip_prefix.as_deref();
    let path = target.path(passage.visit);
    let rewrite = || {
        let headers = target.rewriting.request(
            &parts.headers,
            passage.visit,
            &passage.forwarded,
            prefix,
            passage.admission,
        );
        Outgoing { method: parts.method.clone(), path: path.clone(), headers }
    };
    let mut outgoing = rewrite();
    let is_bare = body.is_end_stream();
    let mut upload = Upload::default();
    let body = if is_bare { empty() } else { upload.watch(body, passage.limits, &mut outgoing.headers) };
    if passage.upgrade.is_some() {
        keep_upgrade(&parts.headers, &mut outgoing.headers);
    }

    let for_upgrade = passage.upgrade.is_some();
    let known =
        if for_upgrade { None } else { poll_fn(|context| Poll::Ready(passage.pool.known(context))).await };
    let is_reused = known.is_some();
    let way = match known {
        Some(way) => way,
        None => passage.pool.open(for_upgrade).await?,
    };
    let needs_task = for_upgrade || !is_bare;
    let mut arrived = send(way, outgoing, body, target, &upload, needs_task).await;
    // A request without body is sent again when a kept connection dies before a byte came back (RFC 9110 §9.2.2).
    let may_repeat = is_reused && is_bare && matches!(parts.method, Method::GET | Method::HEAD);
    if may_repeat && matches!(arrived, Err(ForwardError::Unanswered(_))) {
        let way = passage.pool.open(false).await?;
        arrived = send(way, rewrite(), empty(), target, &upload, false).await;
    }
    let Arrived { mut response, mut held } = arrived?;

    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(upgrade) = passage.upgrade else { return Err(ForwardError::UnexpectedUpgrade) };
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
    if let Some(held) = &mut held {
        held.pool = (!for_upgrade && persists(&response)).then(|| Arc::clone(passage.pool));
    }
    let (mut parts, body) = response.into_parts();
    let dropped_cookies = headers::response(&mut parts.headers);
    let body = if body.is_end_stream() {
        if let Some(held) = held {
            held.give_back();
        }
        empty()
    } else {
        Body::streamed(AnswerBody::new(body, held, target.idle_timeout))
    };
    Ok(Answer { response: Response::from_parts(parts, body), dropped_cookies })
}

/// A request as the application gets it, less its body.
struct Outgoing {
    method: Method,
    path: PathAndQuery,
    headers: HeaderMap,
}

/// An answer's head, and the connection on which its body comes.
struct Arrived {
    response: Response<Incoming>,
    held: Option<Held>,
}

/// Sends a request and waits for the answer's head. With `needs_task`, bytes must move both ways while nobody looks.
async fn send(
    way: Way,
    outgoing: Outgoing,
    body: Body,
    target: &Target,
    upload: &Upload,
    needs_task: bool,
) -> Result<Arrived, ForwardError> {
    match way {
        Way::Lane(mut lane) => {
            if needs_task {
                lane.detach();
            }
            let sent = lane.send(outgoing.over_http1(body), target.response_timeout, || upload.last_move());
            let response = sent.await?;
            Ok(Arrived { response, held: Some(Held { lane, pool: None }) })
        }
        Way::Shared(mut shared) => {
            let mut silence = Silence::default();
            let mut sent = std::pin::pin!(shared.send_request(outgoing.over_http2(body, &target.upstream)?));
            let response = poll_fn(|context| {
                if let Poll::Ready(answered) = sent.as_mut().poll(context) {
                    return Poll::Ready(answered.map_err(ForwardError::from));
                }
                if let Some(at) = upload.last_move() {
                    silence.begin(at);
                }
                let lasts = silence.poll_lasts(context, target.response_timeout);
                lasts.map(|()| Err(ForwardError::Timeout))
            });
            Ok(Arrived { response: response.await?, held: None })
        }
    }
}

impl Outgoing {
    fn over_http1(self, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = Uri::from(self.path);
        *request.headers_mut() = self.headers;
        request
    }

    /// HTTP/2 names the host in the target, and has no fields about the connection (RFC 9113 §8.2.2, §8.3.1).
    fn over_http2(mut self, body: Body, upstream: &Upstream) -> Result<Request<Body>, ForwardError> {
        for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
            self.headers.remove(name);
        }
        let host = self.headers.remove(header::HOST);
        let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(upstream.scheme.of_urls());
        uri.authority = Some(host.unwrap_or_else(|| upstream.authority.clone()));
        uri.path_and_query = Some(self.path);
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = Uri::from_parts(uri).map_err(|_| ForwardError::Target)?;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

/// A request's body on its way.
#[derive(Default)]
struct Upload(Option<(Instant, Arc<AtomicU64>)>);

impl Upload {
    /// Bounds the body, and remembers when it moves.
    fn watch(&mut self, body: Incoming, limits: &Limits, headers: &mut HeaderMap) -> Body {
        if body.size_hint().exact().is_none() {
            // Said in so many words, because hyper leaves out the body of a GET without length otherwise.
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let started = clock::instant();
        let moved = Arc::new(AtomicU64::new(0));
        self.0 = Some((started, Arc::clone(&moved)));
        let progress = move || {
            let elapsed = clock::instant().duration_since(started).as_millis();
            moved.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        Body::streamed(
            Bounded::new(body, limits.body_idle, limits.body_bytes).with_progress(Box::new(progress)),
        )
    }

    /// When it last moved; `None` without a body.
    fn last_move(&self) -> Option<tokio::time::Instant> {
        let (started, moved) = self.0.as_ref()?;
        Some((*started + Duration::from_millis(moved.load(Ordering::Relaxed))).into())
    }
}

impl Target {
    /// The path and query at the application.
    fn path(&self, visit: &Visit) -> PathAndQuery {
        let mut target = visit.path_and_query();
        if let Some(prefix) = &self.strip_prefix
            && visit.path.is_under(prefix)
        {
            target.drain(..prefix.len());
            if !target.starts_with('/') {
                target.insert(0, '/');
            }
        }
        PathAndQuery::try_from(target).unwrap_or_else(|_| PathAndQuery::from_static("/"))
    }
}

/// Whether the application keeps the connection after this answer.
fn persists<B>(response: &Response<B>) -> bool {
    response.version() == Version::HTTP_11 && !response.headers().contains_key(header::CONNECTION)
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

impl From<hyper::Error> for ForwardError {
    fn from(error: hyper::Error) -> Self {
        let causes =
            || std::iter::successors(Some(&error as &(dyn Error + 'static)), |cause| (*cause).source());
        if causes().any(|cause| cause.downcast_ref() == Some(&BodyBound::TooLarge)) {
            Self::TooLarge
        } else if causes().any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_user)) {
            Self::RequestBody(error)
        } else if causes().any(is_silence) {
            Self::Unanswered(error)
        } else {
            Self::Broken(error)
        }
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
