//! One admitted request to its application, and the answer back, streaming both ways.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::answer_body::{AnswerBody, Held};
use super::connector::Upstream;
use super::error::ForwardError;
use super::exchange::{Arrived, Sent, send};
use super::headers::{Forwarded, Rewriting};
use super::pool::{Pool, Way};
use super::response_head;
use super::tether::{Anchor, Leash};
use super::tunnel::Tunnels;
use super::upload::Upload;
use crate::gate::Admission;
use crate::model::clock;
use crate::model::route::RouteId;
use crate::model::visit::Visit;
use crate::net::body::{Body, empty};
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
    /// Who knows how long the person may have what is sent to them.
    pub anchor: Arc<dyn Anchor>,
    /// The route they were admitted to.
    pub route: RouteId,
    /// The way out of HTTP, when the request asks for one.
    pub upgrade: Option<OnUpgrade>,
}

impl Passage<'_> {
    /// What a long answer hangs on; nothing where nobody in particular was admitted.
    fn leash(&self) -> Option<Leash> {
        let person = self.admission.person()?.clone();
        Some(Leash::new(Arc::clone(&self.anchor), person, self.route))
    }
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
    passage: &mut Passage<'_>,
) -> Result<Answer, ForwardError> {
    let for_upgrade = passage.upgrade.is_some();
    let known = if for_upgrade { None } else { passage.pool.known() };
    let is_reused = known.is_some();
    let is_bare = body.as_ref().is_none_or(Incoming::is_end_stream);
    let way = match known {
        Some(way) => way,
        None => Box::pin(passage.pool.open(for_upgrade)).await?,
    };
    let since = if is_reused { passage.began } else { clock::instant() };
    let sent = prepare(parts, body.filter(|_| !is_bare), target, passage, &way, since);
    let mut arrived = send(way, sent).await;
    // A request without body is sent again when a kept connection dies before a byte came back (RFC 9110 §9.2.2).
    let may_repeat = is_reused && is_bare && matches!(parts.method, Method::GET | Method::HEAD);
    if may_repeat && matches!(arrived, Err(ForwardError::Unanswered(_))) {
        let way = Box::pin(passage.pool.open(false)).await?;
        let sent = prepare(parts, None, target, passage, &way, clock::instant());
        arrived = Box::pin(send(way, sent)).await;
    }
    answered(arrived?, parts, target, passage)
}

/// What the visitor is told of an application's answer.
fn answered(
    arrived: Arrived,
    asked: &Parts,
    target: &Target,
    passage: &mut Passage<'_>,
) -> Result<Answer, ForwardError> {
    let Arrived { mut response, mut held, is_early } = arrived;
    let upgrade = passage.upgrade.take();
    let for_upgrade = upgrade.is_some();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let upgrade = upgrade.ok_or(ForwardError::UnexpectedUpgrade)?;
        let protocol = asked.headers.get(header::UPGRADE);
        let accepted = passage
            .tunnels
            .join(&mut response, protocol, upgrade, passage.connection, passage.leash())
            .ok_or(ForwardError::UnexpectedUpgrade)?;
        return Ok(Answer { response: accepted, dropped_cookies: 0 });
    }
    let passed = response_head::pass(&mut response).ok_or(ForwardError::Framing)?;
    if let Some(Held::Lane(_, pool)) = &mut held {
        // Who answers before the request has ended may answer once more at its end, and that would be taken for the answer
        // to the next visitor.
        let is_kept = !for_upgrade && !is_early && passed.persists;
        *pool = is_kept.then(|| Arc::clone(passage.pool));
    }
    let response = response.map(|body| {
        if !body.is_end_stream() {
            return Body::streamed(AnswerBody::new(body, held, target.idle_timeout, passage.leash()));
        }
        if let Some(held) = held {
            held.give_back();
        }
        empty()
    });
    Ok(Answer { response, dropped_cookies: passed.dropped_cookies })
}

/// A request as it goes to the application on `way`.
fn prepare<'a>(
    parts: &Parts,
    body: Option<Incoming>,
    target: &'a Target,
    passage: &Passage<'_>,
    way: &Way,
    since: Instant,
) -> Sent<'a> {
    let prefix = target.strip_prefix.as_deref();
    let Passage { visit, forwarded, admission, .. } = passage;
    let mut request = Request::new(empty());
    request.method_mut().clone_from(&parts.method);
    *request.uri_mut() = Uri::from(target.path(visit));
    *request.headers_mut() = target.rewriting.request(&parts.headers, visit, forwarded, prefix, admission);
    let for_upgrade = passage.upgrade.is_some();
    if for_upgrade {
        keep_upgrade(&parts.headers, request.headers_mut());
    }
    let upload = body.map(|body| Upload::watch(body, passage.limits, way, &mut request, passage.leash()));
    Sent {
        request,
        upload,
        upstream: &target.upstream,
        for_upgrade,
        since,
        patience: target.response_timeout,
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
