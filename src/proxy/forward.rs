//! One admitted request to its application, and the answer back, streaming both ways.

use std::future::poll_fn;
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

use super::answer_body::{AnswerBody, Held};
use super::connector::Upstream;
use super::error::ForwardError;
use super::headers::{Forwarded, Rewriting};
use super::pool::{Pool, Way};
use super::response_head;
use super::tunnel::{Tether, Tunnels};
use crate::gate::Admission;
use crate::model::clock;
use crate::model::visit::Visit;
use crate::net::body::{Body, Bounded, Silence, empty};
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
    /// When the request arrived.
    pub began: Instant,
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
    body: Option<Incoming>,
    target: &Target,
    passage: Passage<'_>,
) -> Result<Answer, ForwardError> {
    let body = body.filter(|body| !body.is_end_stream());
    let (is_bare, for_upgrade) = (body.is_none(), passage.upgrade.is_some());
    let mut request = rewrite(parts, target, &passage);
    if for_upgrade {
        keep_upgrade(&parts.headers, request.headers_mut());
    }

    let known = if for_upgrade { None } else { passage.pool.known() };
    let is_reused = known.is_some();
    let way = match known {
        Some(way) => way,
        None => Box::pin(passage.pool.open(for_upgrade)).await?,
    };
    let upload = body.map(|body| Upload::watch(body, passage.limits, &way, &mut request));
    let sent = if is_reused { passage.began } else { clock::instant() };
    let mut arrived = send(way, request, sent, target, upload, for_upgrade).await;
    // A request without body is sent again when a kept connection dies before a byte came back (RFC 9110 §9.2.2).
    let may_repeat = is_reused && is_bare && matches!(parts.method, Method::GET | Method::HEAD);
    if may_repeat && matches!(arrived, Err(ForwardError::Unanswered(_))) {
        let way = Box::pin(passage.pool.open(false)).await?;
        let request = rewrite(parts, target, &passage);
        arrived = Box::pin(send(way, request, clock::instant(), target, None, false)).await;
    }
    let Arrived { mut response, mut held, is_early } = arrived?;

    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(upgrade) = passage.upgrade else { return Err(ForwardError::UnexpectedUpgrade) };
        let asked = parts.headers.get(header::UPGRADE);
        let accepted = passage
            .tunnels
            .join(&mut response, asked, upgrade, passage.connection, passage.tether)
            .ok_or(ForwardError::UnexpectedUpgrade)?;
        return Ok(Answer { response: accepted, dropped_cookies: 0 });
    }
    let passed = response_head::pass(&mut response).ok_or(ForwardError::Framing)?;
    if let Held::Lane(_, pool) = &mut held {
        // Who answers before the request has ended may answer once more at its end, and that would be taken for the answer
        // to the next visitor.
        let is_kept = !for_upgrade && !is_early && passed.persists;
        *pool = is_kept.then(|| Arc::clone(passage.pool));
    }
    let (parts, body) = response.into_parts();
    let body = if body.is_end_stream() {
        held.give_back();
        empty()
    } else {
        Body::streamed(AnswerBody::new(body, Some(held), target.idle_timeout))
    };
    let dropped_cookies = passed.dropped_cookies;
    Ok(Answer { response: Response::from_parts(parts, body), dropped_cookies })
}

/// The request as the application gets it, less its body.
fn rewrite(parts: &Parts, target: &Target, passage: &Passage<'_>) -> Request<Body> {
    let prefix = target.strip_prefix.as_deref();
    let Passage { visit, forwarded, admission, .. } = passage;
    let mut request = Request::new(empty());
    request.method_mut().clone_from(&parts.method);
    *request.uri_mut() = Uri::from(target.path(visit));
    *request.headers_mut() = target.rewriting.request(&parts.headers, visit, forwarded, prefix, admission);
    request
}

/// An answer's head, and what its body comes on.
struct Arrived {
    response: Response<Incoming>,
    held: Held,
    /// Whether it came before the request's body had ended.
    is_early: bool,
}

/// Sends a request, about at the moment `sent`, and waits for the answer's head.
async fn send(
    way: Way,
    request: Request<Body>,
    sent: Instant,
    target: &Target,
    upload: Option<Upload>,
    for_upgrade: bool,
) -> Result<Arrived, ForwardError> {
    let patience = target.response_timeout;
    let moved = || upload.as_ref().map(Upload::last_move);
    match way {
        Way::Lane(mut lane) => {
            if for_upgrade || upload.is_some() {
                // Bytes must move both ways while nobody looks.
                lane.detach();
            }
            let response = lane.send(request, sent.into(), patience, moved).await?;
            let is_early = upload.is_some_and(|upload| !upload.has_ended());
            Ok(Arrived { response, held: Held::Lane(lane, None), is_early })
        }
        Way::Shared(mut sender, under_way) => {
            let mut silence = Silence::default();
            silence.begin(sent.into());
            let mut answer = Box::pin(sender.send_request(over_http2(request, &target.upstream)?));
            let response = poll_fn(|context| {
                if let Poll::Ready(answered) = answer.as_mut().poll(context) {
                    return Poll::Ready(answered.map_err(ForwardError::from));
                }
                if let Some(at) = moved() {
                    silence.begin(at);
                }
                silence.poll_lasts(context, patience).map(|()| Err(ForwardError::Timeout))
            });
            let response = response.await?;
            under_way.is_answered();
            Ok(Arrived { response, held: Held::Shared(under_way), is_early: false })
        }
    }
}

/// HTTP/2 names the host in the target, and has no fields about the connection (RFC 9113 §8.2.2, §8.3.1).
fn over_http2(mut request: Request<Body>, upstream: &Upstream) -> Result<Request<Body>, ForwardError> {
    let headers = request.headers_mut();
    for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let host = headers.remove(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(upstream.scheme.of_urls());
    uri.authority = Some(host.unwrap_or_else(|| upstream.authority.clone()));
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| ForwardError::Target)?;
    *request.version_mut() = Version::HTTP_2;
    Ok(request)
}

/// A request's body on its way.
struct Upload {
    started: Instant,
    /// Milliseconds since then, and `ENDED`.
    moved: Arc<AtomicU64>,
}

impl Upload {
    /// All of the body has been given to the connection.
    const ENDED: u64 = 1 << 63;

    /// Gives `body` to the request, bounded, and remembers when it moves. On a connection shared with others it has a
    /// place until it has ended.
    fn watch(body: Incoming, limits: &Limits, way: &Way, request: &mut Request<Body>) -> Self {
        if body.size_hint().exact().is_none() {
            // Said in so many words, because hyper leaves out the body of a GET without length otherwise.
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
        }
        let upload = Self { started: clock::instant(), moved: Arc::default() };
        let (started, moved) = (upload.started, Arc::clone(&upload.moved));
        let under_way = match way {
            Way::Lane(_) => None,
            Way::Shared(_, under_way) => Some(under_way.again()),
        };
        let progress = move |has_ended: bool| {
            let _held = &under_way;
            let elapsed = clock::instant().duration_since(started).as_millis();
            let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX) & !Self::ENDED;
            moved.store(if has_ended { elapsed | Self::ENDED } else { elapsed }, Ordering::Relaxed);
        };
        let body = Bounded::new(body, limits.body_idle, limits.body_bytes);
        *request.body_mut() = Body::streamed(body.with_progress(Box::new(progress)));
        upload
    }

    /// When it last moved.
    fn last_move(&self) -> tokio::time::Instant {
        let elapsed = self.moved.load(Ordering::Relaxed) & !Self::ENDED;
        (self.started + Duration::from_millis(elapsed)).into()
    }

    /// Whether nothing of it is left to send.
    fn has_ended(&self) -> bool {
        self.moved.load(Ordering::Relaxed) & Self::ENDED != 0
    }
}

impl Target {
    /// The path and query at the application.
    fn path(&self, visit: &Visit) -> PathAndQuery {
        if let (None, Some(target)) = (&self.strip_prefix, visit.target()) {
            return target;
        }
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

/// An upgrade is hop-by-hop, so it is asked for anew.
fn keep_upgrade(received: &HeaderMap, headers: &mut HeaderMap) {
    if let Some(protocol) = received.get(header::UPGRADE) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol.clone());
    }
}
