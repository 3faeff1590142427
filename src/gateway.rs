//! One request, top to bottom.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header::{EXPECT, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use rustls::ServerConfig;
use tracing::Instrument as _;

use crate::forward_auth::{self, CheckError, Dialect};
use crate::gate::{Admission, Origin, Refusal, Verdict, decide};
use crate::live::{Generation, Held, Lasting, Live};
use crate::members::Unsure;
use crate::model::clock::{self, Timestamp};
use crate::model::person::Who;
use crate::model::policy::Access;
use crate::model::request_id::{self, request_id};
use crate::model::route::{Found, Route};
use crate::model::visit::Visit;
use crate::net::asked;
use crate::net::body::{Body, drain};
use crate::net::connection::Connection;
use crate::net::limits::DRAINED_BYTES;
use crate::net::serve::Handler;
use crate::pages::asking::Asking;
use crate::pages::endpoint::Endpoint;
use crate::pages::failure::Failure;
use crate::proxy::{Anchor, Forwarded, Passage, asks_for_upgrade, forward};
use crate::seal::random_name;
use crate::telemetry::RouteFigures;

/// What access-log lines are told apart by.
const ACCESS: &str = "wxgate::access";

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers the requests of one worker of the public listener.
#[derive(Clone, Debug)]
pub struct Gateway {
    live: Arc<Live>,
    worker: usize,
}

/// What becomes known of a request on its way, for its log line.
#[derive(Debug)]
struct Story<'a> {
    route: &'a str,
    /// Where requests on the route are counted, if it is one of the configuration.
    figures: Option<&'a RouteFigures>,
    decision: &'static str,
    member: String,
}

impl Gateway {
    /// What answers over the live configuration on worker number `worker`.
    pub fn new(live: Arc<Live>, worker: usize) -> Self {
        Self { live, worker }
    }
}

impl Handler for Gateway {
    fn handle(
        &self,
        request: Request<Incoming>,
        connection: Arc<Connection>,
    ) -> impl Future<Output = Response<Body>> + Send {
        let live = self.live.now(self.worker);
        let (mut arrived, body, upgrade) = Arrived::read(request, &connection, &live);
        async move {
            let lasting = self.live.lasting();
            let unclear = arrived.unclear.take();
            let asking = arrived.asking();
            let mut story = Story { route: "-", figures: None, decision: "", member: String::new() };
            let (live, connection, asking) = (&live, &connection, &asking);
            let mut crossing =
                Crossing { live, lasting, connection, asking, arrived: &arrived, body: Some(body), upgrade };

            let answered = match (asking.visit, unclear) {
                (Some(visit), None) => crossing.answer(visit, &mut story).await,
                (_, Some(failure)) if !goes_nowhere(&asking.parts.method) => Err(failure),
                _ => Err(Failure::Method),
            };
            let mut response = match answered {
                Ok(response) => response,
                Err(failure) => {
                    failure.log(asking, story.route);
                    if let Failure::Check(_) = failure {
                        story.decision = "unanswered";
                    }
                    if let Some(kind) = failure.upstream_kind() {
                        lasting.metrics.upstream_error(story.route, kind);
                    }
                    crossing.settle().await;
                    say(live, asking, failure.answer(&live.own.pages, &live.own.site, asking))
                }
            };

            response.headers_mut().insert(X_REQUEST_ID, arrived.request_id.clone());
            self.record(asking, &story, response.status(), arrived.began);
            response
        }
    }

    fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.live.now(self.worker).tls.clone()
    }

    fn count_connection(&self, began: bool) {
        self.live.lasting().metrics.connections(if began { 1 } else { -1 });
    }
}

/// A request as it arrived: everything that is read of it before anything is decided. It stands in a box, for the way
/// of a request is moved as a whole when it begins.
struct Arrived {
    began: Instant,
    now: Timestamp,
    request_id: HeaderValue,
    parts: Parts,
    check: Option<Dialect>,
    client: IpAddr,
    /// The addresses on its way, as the application is told.
    chain: HeaderValue,
    visit: Option<Visit>,
    /// Why there is no visit.
    unclear: Option<Failure>,
}

impl Arrived {
    fn read(
        mut request: Request<Incoming>,
        connection: &Connection,
        live: &Generation,
    ) -> (Box<Self>, Incoming, Option<OnUpgrade>) {
        let (began, unix_millis) = (clock::instant(), clock::unix_millis());
        let now = Timestamp::from_unix_millis(unix_millis);
        let request_id = name(request.headers(), unix_millis, connection, live);
        let check = Dialect::at(request.uri().path());
        let upgrade = asks_for_upgrade(&request).then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let (client, chain) = asked::client(&parts.headers, connection, &live.trusted);
        let (parts, visit) = match check {
            None => {
                let visit = asked::visit(&parts, connection, &live.trusted);
                (parts, visit.map_err(Failure::Ambiguous))
            }
            Some(dialect) => asked_for(dialect, parts, connection, live),
        };
        let (visit, unclear) = match visit {
            Ok(visit) => (Some(visit), None),
            Err(failure) => (None, Some(failure)),
        };
        let arrived = Self { began, now, request_id, parts, check, client, chain, visit, unclear };
        (Box::new(arrived), body, upgrade)
    }

    fn asking(&self) -> Asking<'_> {
        Asking {
            parts: &self.parts,
            check: self.check,
            visit: self.visit.as_ref(),
            request_id: self.request_id.to_str().unwrap_or_default(),
            client: self.client,
            now: self.now,
        }
    }
}

/// A request whose target is clear, on its way.
struct Crossing<'a> {
    live: &'a Arc<Held>,
    lasting: &'a Lasting,
    connection: &'a Arc<Connection>,
    asking: &'a Asking<'a>,
    arrived: &'a Arrived,
    /// Until somebody reads it.
    body: Option<Incoming>,
    upgrade: Option<OnUpgrade>,
}

impl<'a> Crossing<'a> {
    async fn answer(&mut self, visit: &'a Visit, story: &mut Story<'a>) -> Result<Response<Body>, Failure> {
        let Self { live, asking, .. } = *self;
        let host = &visit.authority.host;
        bounds(live, asking, self.body.as_ref(), visit)?;
        if let Some(endpoint) = Endpoint::parse(&visit.path) {
            story.route = endpoint.as_str();
            // At the level of errors, so that it is there whatever level is written.
            let span = tracing::error_span!("page", request_id = asking.request_id);
            // In a box, as all that is rare: a request makes room for the whole of its way when it begins.
            let answered =
                Box::pin(live.own.serve(endpoint, visit, asking, self.body.take())).instrument(span).await;
            self.settle().await;
            return answered.map(|response| say(live, asking, response));
        }
        let ownership = live.own.ownership.at(visit);
        if let (Some(file), None) = (ownership, asking.check) {
            story.route = "MP_verify";
            self.settle().await;
            return Ok(live.own.show(file));
        }
        let route = find(live, visit, asking)?;
        story.route = &route.label;
        story.figures = Some(&live.figures[route.id.0]);
        let headers = &asking.parts.headers;
        let mut cookies = live.recent.read(&live.sessions, headers, host, asking.now);
        let who = live.who(cookies.session.take(), self.arrived.began).await;
        let session = who.person().map(|person| &person.session);
        let renewed = session.and_then(|session| live.sessions.renew(session, host, asking.now));
        if let Some(session) = session.filter(|_| is_logged()) {
            session.member_id().clone_into(&mut story.member);
        }

        // A proxy that asks has such a file from its application, if it does not pass the request on to us.
        let access = if ownership.is_some() { &live.own.ownership.access } else { &route.access };
        let verdict = self.judge(access, who).await;
        story.decision = verdict.as_str();
        match verdict {
            Verdict::Admit(admission) => {
                if let Some(dialect) = asking.check {
                    self.settle().await;
                    let identity = &live.identities[route.id.0];
                    let cookies = cookies.for_application(headers);
                    let request_id = self.arrived.request_id.clone();
                    return Ok(dialect.admit(&admission, identity, headers, request_id, cookies, renewed));
                }
                let cookies = cookies.for_application(headers);
                let mut response = self.pass(visit, route, &admission, cookies).await?;
                if let Some(cookie) = renewed {
                    cookie.add_to(response.headers_mut());
                }
                Ok(response)
            }
            Verdict::Refuse(Refusal::NoMember(_), Some(person)) => {
                self.settle().await;
                let page = live.own.ask_for_access(visit, &person, asking);
                Ok(say(live, asking, page))
            }
            Verdict::Refuse(refusal, person) => {
                if let Some(person) = &person {
                    live.own.directory.refused(person, &route.label, |actor| asking.act(actor));
                }
                Err(Failure::Refused(refusal, person.map(|person| person.name().to_owned())))
            }
            Verdict::Unsure => Err(Unsure.into()),
            Verdict::SignIn => {
                self.settle().await;
                Ok(say(live, asking, live.own.ask_to_sign_in(visit, route.api, asking)))
            }
        }
    }

    /// The verdict. Before somebody is refused for their standing it is read anew: another node may have let them in a moment
    /// ago.
    async fn judge(&self, access: &Access, who: Who) -> Verdict {
        let verdict = decide(access, who, self.origin());
        let Verdict::Refuse(Refusal::NoMember(_) | Refusal::Group, Some(person)) = &verdict else {
            return verdict;
        };
        let who = Box::pin(self.live.who_anew(&person.session, self.arrived.began)).await;
        decide(access, who, self.origin())
    }

    /// Where a request that leaves HTTP behind comes from. A proxy that asks keeps the way out to itself.
    fn origin(&self) -> Origin {
        let leaves_http = match self.asking.check {
            None => self.upgrade.is_some(),
            Some(_) => self.asking.parts.headers.contains_key(UPGRADE),
        };
        if leaves_http { self.asking.origin(&self.live.own.site) } else { Origin::Irrelevant }
    }

    /// Hands an admitted request to its application.
    async fn pass(
        &mut self,
        visit: &Visit,
        route: &Route,
        admission: &Admission,
        cookies: Option<HeaderValue>,
    ) -> Result<Response<Body>, Failure> {
        let Self { live, lasting, asking, arrived, .. } = *self;
        let target = live.targets[route.id.0].as_ref().ok_or(Failure::NoApplication)?;
        let upgrade = self.upgrade.take();
        let (chain, request_id) = (arrived.chain.clone(), arrived.request_id.clone());
        let forwarded = Forwarded { client: asking.client, chain, request_id, cookies };
        let mut passage = Passage {
            visit,
            admission,
            began: arrived.began,
            forwarded,
            connection: self.connection,
            limits: &live.limits,
            pool: live.pool(target),
            tunnels: &lasting.tunnels,
            anchor: Arc::clone(live) as Arc<dyn Anchor>,
            route: route.id,
            upgrade,
        };
        let answer = forward(asking.parts, self.body.take(), target, &mut passage).await?;
        for _ in 0..answer.dropped_cookies {
            lasting.metrics.dropped_cookie();
            tracing::warn!(
                request_id = asking.request_id,
                route = route.label,
                "the application tried to set a cookie of the gateway; it was taken out"
            );
        }
        Ok(answer.response)
    }

    /// Reads a little of a body that nobody wants, so that the visitor sees the answer; more of it closes the
    /// connection. A proxy that asks is not kept waiting: some announce a body and send none.
    async fn settle(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        let parts = self.asking.parts;
        // A visitor who waits for a word before the body (RFC 9110 §10.1.1) would take the reading of it for that word.
        let is_unread = self.asking.check.is_some()
            || parts.headers.contains_key(EXPECT)
            || !Box::pin(drain(body, DRAINED_BYTES)).await;
        if is_unread && (self.asking.check.is_some() || parts.version < Version::HTTP_2) {
            self.connection.close_after_this();
        }
    }
}

impl Gateway {
    /// One line and one count per request.
    fn record(&self, asking: &Asking<'_>, story: &Story<'_>, status: StatusCode, began: Instant) {
        let took = clock::instant().duration_since(began);
        let (worker, code, decision) = (self.worker, status.as_u16(), story.decision);
        match story.figures {
            Some(figures) => figures.count(worker, code, took, decision),
            None => self.live.lasting().metrics.route(story.route).count(worker, code, took, decision),
        }
        if !is_logged() {
            return;
        }
        let host = asking.visit.map(|visit| visit.authority.to_string()).unwrap_or_default();
        let path = asking.visit.map(|visit| visit.path.as_str()).unwrap_or_default();
        tracing::info!(
            target: ACCESS,
            request_id = asking.request_id,
            client = %asking.client,
            method = %asking.parts.method,
            host,
            path,
            status = status.as_u16(),
            duration_ms = took.as_secs_f64() * 1000.0,
            route = story.route,
            decision = story.decision,
            check = asking.check.map(Dialect::as_str),
            member = story.member,
            "request"
        );
    }
}

/// The request that a proxy asks about, in place of the one that asks.
fn asked_for(
    dialect: Dialect,
    mut parts: Parts,
    connection: &Connection,
    live: &Generation,
) -> (Parts, Result<Visit, Failure>) {
    let site = &live.own.site;
    let public = (site.scheme, site.port);
    match forward_auth::read(dialect, &mut parts, connection.peer, &live.trusted, public) {
        Ok(visit) => (parts, visit.map_err(Failure::Ambiguous)),
        Err(error) => (parts, Err(error.into())),
    }
}

/// An answer of ours as whoever asked understands it.
fn say(live: &Generation, asking: &Asking<'_>, response: Response<Body>) -> Response<Body> {
    let Some(dialect) = asking.check else { return response };
    let site = &live.own.site;
    let host = asking.visit.map_or(&site.login_host, |visit| &visit.authority.host);
    dialect.deny(response, &site.origin(host))
}

/// Whether requests are lines of the log.
fn is_logged() -> bool {
    tracing::enabled!(target: ACCESS, tracing::Level::INFO)
}

/// What no request may be, wherever it goes.
fn bounds(
    live: &Generation,
    asking: &Asking<'_>,
    body: Option<&Incoming>,
    visit: &Visit,
) -> Result<(), Failure> {
    let target = asking.parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let declared = body.map_or(0, |body| body.size_hint().lower());
    if target > live.limits.target_bytes {
        Err(Failure::UriTooLong)
    } else if goes_nowhere(&visit.method) {
        Err(Failure::Method)
    } else if asking.check.is_some_and(|dialect| !dialect.shows_answers()) && asking.is_own_page() {
        Err(CheckError::OwnPage.into())
    } else if !live.own.serves(&visit.authority.host) {
        // A proxy asks by its own name for us.
        let asks_nowhere = asking.check.is_none() && visit.path.is_under("/_wxgate/auth");
        Err(if asks_nowhere { CheckError::Nowhere.into() } else { Failure::WrongHost })
    } else if asking.check.is_none() && live.limits.body_bytes.is_some_and(|most| declared > most) {
        Err(Failure::TooLarge)
    } else {
        Ok(())
    }
}

/// TRACE would show the application's headers to a script; CONNECT is for forward proxies, and its target is no path.
fn goes_nowhere(method: &Method) -> bool {
    matches!(*method, Method::TRACE | Method::CONNECT)
}

fn find<'a>(live: &'a Generation, visit: &Visit, asking: &Asking<'_>) -> Result<&'a Route, Failure> {
    let route = match live.routes.find(visit) {
        Found::Ambiguous => return Err(Failure::AmbiguousRoute),
        Found::Nothing => return Err(Failure::NotFound),
        Found::Route(route) => route,
        Found::UnknownHost => return Err(Failure::WrongHost),
    };
    // We take such headers out ourselves; a proxy that asks would pass them on.
    let disguised = || live.identities[route.id.0].disguised(&asking.parts.headers);
    match asking.check.and_then(|_| disguised()) {
        Some(name) => Err(CheckError::Disguised(name.clone()).into()),
        None => Ok(route),
    }
}

/// Gives the request its name: a trusted proxy's, or a new one.
fn name(headers: &HeaderMap, unix_millis: u64, connection: &Connection, live: &Generation) -> HeaderValue {
    let given = headers
        .get(X_REQUEST_ID)
        .filter(|id| id.to_str().is_ok_and(request_id::is_sound) && live.trusted.trusts(connection.peer));
    given.cloned().unwrap_or_else(|| {
        let new = request_id(unix_millis, random_name());
        HeaderValue::try_from(new).unwrap_or_else(|_| HeaderValue::from_static(""))
    })
}
