//! One generation: everything a request needs, built from one configuration.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use thiserror::Error;
use tokio::runtime::Handle;

use super::keys::{self, KeyError};
use crate::config::fields::{AccountSettings, Config, RouteSettings};
use crate::gate::identity_headers::IdentityHeaders;
use crate::gate::still_admits;
use crate::login::{Attempts, Handoff, LoginFlow, LoginMemory, LoginSettings, Witnesses};
use crate::members::{Directory, Near, Watch};
use crate::model::clock;
use crate::model::own_cookie::CookieScope;
use crate::model::peer::TrustedProxies;
use crate::model::person::{Person, Who};
use crate::model::policy::Access;
use crate::model::route::{Route, RouteId, Routes};
use crate::model::session::Session;
use crate::net::limits::Limits;
use crate::net::tls::TlsError;
use crate::pages::forms::Forms;
use crate::pages::own::OwnPages;
use crate::pages::people::WaitingRoom;
use crate::pages::phone::Inbox;
use crate::pages::render::{Pages, PagesError};
use crate::proxy::{Anchor, Connector, ConnectorError, Pool, Target, Tether, Tunnels, Upstream};
use crate::seal::Prover;
use crate::sessions::{EndedSessions, Recent, SessionSettings, Sessions};
use crate::store::StoreSettings;
use crate::telemetry::RouteFigures;
use crate::telemetry::metrics::Metrics;
use crate::wechat::account::OfficialAccount;
use crate::wechat::api::{ApiSettings, WechatApi, WechatError};
use crate::wechat::message::{Backend, BackendError};

/// What outlives generations.
#[derive(Debug)]
pub struct Lasting {
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Of sign-ins under way.
    pub login: Arc<LoginMemory>,
    /// Where runs what is not done for one visitor alone; where visitors are answered, without it.
    background: Option<Handle>,
    /// Members, and how they stand.
    pub directory: Arc<Directory>,
    /// Sessions ended before their time.
    pub ended: Arc<EndedSessions>,
    /// Upgraded connections.
    pub tunnels: Tunnels,
    /// People who wait for an administrator.
    pub waiting: Arc<WaitingRoom>,
    /// Whether new requests are welcome.
    pub ready: AtomicBool,
}

/// Everything a request needs.
#[derive(Debug)]
pub struct Generation {
    /// Which visit goes where.
    pub routes: Arc<Routes>,
    /// Where each route goes, by its number; nowhere if another proxy only asks about it.
    pub targets: Vec<Option<Target>>,
    /// How each application is reached.
    connectors: Vec<Arc<Connector>>,
    /// Who may pass on each route, by its number.
    accesses: Vec<Access>,
    /// What applications are told about people, by the number of the route.
    pub identities: Vec<IdentityHeaders>,
    /// Where the requests of each route are counted, by its number.
    pub figures: Vec<Arc<RouteFigures>>,
    /// Signed-in browsers.
    pub sessions: Arc<Sessions>,
    /// Our own pages.
    pub own: OwnPages,
    /// Whose forwarded headers count.
    pub trusted: TrustedProxies,
    /// Deadlines and bounds.
    pub limits: Limits,
    /// TLS of our own listener.
    pub tls: Option<Arc<ServerConfig>>,
    /// The store as it is configured, which may not be the one that is open.
    pub(super) store: StoreSettings,
    /// How long the audit trail is to be kept.
    pub(super) keep_audit: Duration,
}

/// One worker's hold on a generation. What a worker uses for every request is its own, so that no two cores share it.
#[derive(Debug)]
pub struct Held {
    generation: Arc<Generation>,
    pools: Vec<Arc<Pool>>,
    /// Cookie lines that were just read.
    pub recent: Recent,
    /// How the people of them stand.
    near: Near,
}

/// The configuration reads well and cannot be run all the same.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The client for messages that are passed on.
    #[error("wechat.official_account.message_backend: {0}")]
    Backend(#[from] BackendError),
    /// A CA file or the system's roots.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The key for sealing.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The templates.
    #[error(transparent)]
    Pages(#[from] PagesError),
    /// Certificate and key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client for WeChat's API.
    #[error(transparent)]
    Wechat(#[from] WechatError),
}

impl Lasting {
    /// The beginning of a process with `workers`; `tunnels` may be open at a time. What is not done for one visitor alone
    /// runs on `background`.
    pub fn new(
        workers: usize,
        tunnels: usize,
        directory: Arc<Directory>,
        background: Option<Handle>,
    ) -> Arc<Self> {
        let metrics = Arc::new(Metrics::new(workers));
        Arc::new(Self {
            login: Arc::new(LoginMemory::new(background.clone())),
            background,
            directory,
            ended: Arc::default(),
            tunnels: Tunnels::new(tunnels, Arc::clone(&metrics)),
            waiting: Arc::default(),
            ready: AtomicBool::new(true),
            metrics,
        })
    }
}

impl Generation {
    /// Builds the generation that `config` describes. With `create_key`, a missing key file is created.
    pub fn build(config: &Config, lasting: &Lasting, create_key: bool) -> Result<Self, BuildError> {
        let ring = keys::ring(config, create_key)?;
        let scope = CookieScope { scheme: config.site.scheme, domain: config.site.cookie_domain.clone() };
        let (lifetime, idle_timeout) = config.session_times;
        let session_settings = SessionSettings { lifetime, idle_timeout, scope: scope.clone() };
        let sessions = Arc::new(Sessions::new(session_settings, &ring, Arc::clone(&lasting.ended)));
        let metrics = &lasting.metrics;

        let wechat = &config.wechat;
        let api_settings = ApiSettings { api_bases: wechat.api_bases.clone(), timeout: wechat.timeout };
        let api = WechatApi::new(api_settings, Arc::clone(metrics))?;
        let account = wechat.official_account.as_ref().map(|settings| {
            let source = settings.token_source.clone();
            OfficialAccount::new(api.clone(), settings.app.clone(), source, lasting.background.clone())
        });
        let login_host = config.site.login_host.to_string();
        let login = LoginFlow::new(
            LoginSettings {
                apps: wechat.apps.clone(),
                open_base: wechat.open_base.clone(),
                callback_url: format!("{}/_wxgate/callback", config.site.login_origin()),
                login_host: config.site.login_host.clone(),
                website: wechat.website.clone(),
                require_unionid: wechat.require_unionid,
            },
            (Attempts::new(&scope, login_host.clone(), &ring), Witnesses::new(&scope, login_host, &ring)),
            Arc::clone(&sessions),
            Arc::clone(&lasting.login),
            (api, account),
            Arc::clone(metrics),
            (Arc::clone(&lasting.directory), config.joining.clone()),
        );

        let routes = Arc::new(route_table(&config.routes));
        let mut hosts: Vec<_> = routes.hosts().into_iter().cloned().collect();
        hosts.push(config.site.login_host.clone());
        let own = OwnPages {
            pages: Pages::new(&config.pages)?,
            site: config.site.clone(),
            ownership: wechat
                .official_account
                .as_ref()
                .map(|account| account.ownership.clone())
                .unwrap_or_default(),
            handoff: Handoff::new(&scope, &ring),
            scope,
            hosts,
            sessions: Arc::clone(&sessions),
            login,
            directory: Arc::clone(&lasting.directory),
            joining: config.joining.clone(),
            revocation_grace: config.revocation_grace,
            near: Near::default(),
            forms: Forms::new(&ring),
            routes: Arc::clone(&routes),
            waiting: Arc::clone(&lasting.waiting),
            inbox: inbox(wechat.official_account.as_ref())?,
            prover: Prover::new(&ring),
        };
        let (targets, connectors) = targets(&config.routes)?;
        Ok(Self {
            routes,
            targets,
            connectors,
            accesses: config.routes.iter().map(|route| route.access.clone()).collect(),
            identities: config.routes.iter().map(|route| route.rewriting.identity.clone()).collect(),
            figures: config.routes.iter().map(|route| metrics.route(&label(route))).collect(),
            sessions,
            own,
            trusted: config.server.trusted_proxies.clone(),
            limits: config.server.limits.clone(),
            tls: config.server.tls.as_ref().map(crate::net::tls::TlsSettings::load).transpose()?,
            store: config.store.clone(),
            keep_audit: config.keep_audit,
        })
    }
}

/// What WeChat's server may tell us, if it tells us anything.
fn inbox(account: Option<&AccountSettings>) -> Result<Option<Inbox>, BackendError> {
    let Some((account, settings)) = account.and_then(|account| Some((account, account.inbox.clone()?)))
    else {
        return Ok(None);
    };
    Ok(Some(Inbox {
        settings,
        name: account.name.clone(),
        by_code: account.ways.qr && account.ways.in_app,
        by_chat: account.ways.chat,
        ends_sessions: account.end_sessions_on_unfollow,
        backend: account.message_backend.as_ref().map(|url| Backend::new(url.to_string())).transpose()?,
    }))
}

impl Held {
    /// Each of `workers` takes hold, with no connection to any application yet.
    pub(super) fn by_workers(generation: Generation, workers: usize) -> Vec<Self> {
        let generation = Arc::new(generation);
        let take = |_| Self {
            generation: Arc::clone(&generation),
            pools: Vec::new(),
            recent: Recent::default(),
            near: Near::default(),
        };
        let mut held: Vec<Self> = (0..workers).map(take).collect();
        for connector in &generation.connectors {
            for (held, pool) in held.iter_mut().zip(Pool::for_workers(connector, workers)) {
                held.pools.push(pool);
            }
        }
        held
    }

    /// Who a request comes from that arrived at `now`.
    pub async fn who(&self, session: Option<Arc<Session>>, now: Instant) -> Who {
        self.own.directory.who(session, &self.near, now, self.own.revocation_grace).await
    }

    /// The same for a person who is about to be refused.
    pub async fn who_anew(&self, session: &Arc<Session>, now: Instant) -> Who {
        self.own.directory.who_anew(session, &self.near, now, self.own.revocation_grace).await
    }

    /// This worker's connections to the application of `target`.
    pub fn pool(&self, target: &Target) -> &Arc<Pool> {
        &self.pools[target.pool]
    }
}

impl Deref for Held {
    type Target = Generation;

    fn deref(&self) -> &Generation {
        &self.generation
    }
}

impl Anchor for Held {
    fn tether(&self, person: &Person, route: RouteId) -> Tether {
        let (now, wall) = (clock::instant(), clock::now());
        let sessions = Arc::clone(&self.sessions);
        let access = self.accesses[route.0].clone();
        let mut watch = self.own.directory.watch(person, self.own.revocation_grace, now);
        let ends = now + self.sessions.time_left(&person.session, wall);
        let person = person.clone();
        let goes_on = move |now| {
            let is_kept =
                |watch: &mut Watch| watch.goes_on(&person, now, |person| still_admits(&access, &person));
            !sessions.has_ended(&person.session) && watch.as_mut().is_some_and(is_kept)
        };
        Tether { ends, goes_on: Box::new(goes_on) }
    }
}

/// How a route is called in logs and figures.
fn label(settings: &RouteSettings) -> String {
    format!("{}{}/", settings.host, settings.path)
}

fn route_table(settings: &[RouteSettings]) -> Routes {
    let mut routes = Routes::default();
    for (number, settings) in settings.iter().enumerate() {
        let route = Route {
            id: RouteId(number),
            label: label(settings),
            path: settings.path.clone(),
            methods: settings.methods.clone(),
            access: settings.access.clone(),
            api: settings.api,
        };
        routes.add(settings.host.clone(), route);
    }
    routes
}

/// Where the requests of each route go, and a connector for each application.
type Targets = (Vec<Option<Target>>, Vec<Arc<Connector>>);

/// Routes to one application share its connections.
fn targets(settings: &[RouteSettings]) -> Result<Targets, BuildError> {
    let mut upstreams: Vec<&Upstream> = Vec::new();
    let target = |settings: &RouteSettings, upstream: &Upstream, pool| Target {
        upstream: upstream.clone(),
        pool,
        rewriting: settings.rewriting.clone(),
        strip_prefix: settings.strip_prefix.then(|| settings.path.clone()),
        response_timeout: settings.response_timeout,
        idle_timeout: settings.idle_timeout,
    };
    let targets = settings.iter().map(|settings| {
        let upstream = settings.upstream.as_ref()?;
        let known = upstreams.iter().position(|known| *known == upstream);
        let pool = known.unwrap_or_else(|| {
            upstreams.push(upstream);
            upstreams.len() - 1
        });
        Some(target(settings, upstream, pool))
    });
    let targets = targets.collect();
    let connectors = upstreams.iter().map(|upstream| Ok(Arc::new(Connector::new(upstream)?)));
    Ok((targets, connectors.collect::<Result<_, ConnectorError>>()?))
}
