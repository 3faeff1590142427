//! One generation: everything a request needs, built from one configuration.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustls::ServerConfig;
use thiserror::Error;

use super::keys::{self, KeyError};
use crate::config::fields::{Config, RouteSettings};
use crate::gate::identity_headers::IdentityHeaders;
use crate::login::{Attempts, Exchanges, Handoff, LoginFlow, LoginSettings, SpentTickets};
use crate::model::own_cookie::CookieScope;
use crate::model::peer::TrustedProxies;
use crate::model::route::{Route, RouteId, Routes};
use crate::net::limits::Limits;
use crate::net::tls::TlsError;
use crate::pages::own::OwnPages;
use crate::pages::render::{Pages, PagesError};
use crate::proxy::{ClientError, Target, Tunnels, Upstream, UpstreamClient};
use crate::sessions::{EndedSessions, SessionSettings, Sessions};
use crate::telemetry::metrics::Metrics;
use crate::wechat::api::{ApiSettings, WechatApi, WechatError};

/// What outlives generations.
#[derive(Debug)]
pub struct Lasting {
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Code exchanges under way.
    pub exchanges: Arc<Exchanges>,
    /// Sessions ended before their time.
    pub ended: Arc<EndedSessions>,
    /// Hand-off tickets that were used.
    pub spent_tickets: Arc<SpentTickets>,
    /// Upgraded connections.
    pub tunnels: Tunnels,
    /// Whether new requests are welcome.
    pub ready: AtomicBool,
}

/// Everything a request needs.
#[derive(Debug)]
pub struct Generation {
    /// Which visit goes where.
    pub routes: Routes,
    /// Where each route goes, by its number; nowhere if another proxy only asks about it.
    pub targets: Vec<Option<Target>>,
    /// What applications are told about people, by the number of the route.
    pub identities: Vec<IdentityHeaders>,
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
}

/// The configuration reads well and cannot be run all the same.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A CA file or the system's roots.
    #[error(transparent)]
    Client(#[from] ClientError),
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
    /// The beginning of a process; `tunnels` may be open at a time.
    pub fn new(tunnels: usize) -> Arc<Self> {
        let metrics = Arc::new(Metrics::new());
        Arc::new(Self {
            exchanges: Arc::default(),
            ended: Arc::default(),
            spent_tickets: Arc::default(),
            tunnels: Tunnels::new(tunnels, Arc::clone(&metrics)),
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
        let login = LoginFlow::new(
            LoginSettings {
                apps: wechat.apps.clone(),
                open_base: wechat.open_base.clone(),
                callback_url: format!("{}/_wxgate/callback", config.site.login_origin()),
                login_host: config.site.login_host.clone(),
                language: wechat.language.clone(),
                require_unionid: wechat.require_unionid,
            },
            Attempts::new(&scope, config.site.login_host.to_string(), &ring),
            Arc::clone(&sessions),
            Arc::clone(&lasting.exchanges),
            WechatApi::new(api_settings, Arc::clone(metrics))?,
            Arc::clone(metrics),
        );

        let routes = route_table(&config.routes);
        let mut hosts: Vec<_> = routes.hosts().into_iter().cloned().collect();
        hosts.push(config.site.login_host.clone());
        let own = OwnPages {
            pages: Pages::new(&config.pages)?,
            site: config.site.clone(),
            handoff: Handoff::new(&scope, &ring),
            scope,
            hosts,
            sessions: Arc::clone(&sessions),
            login,
            spent_tickets: Arc::clone(&lasting.spent_tickets),
        };
        Ok(Self {
            routes,
            targets: targets(&config.routes)?,
            identities: config.routes.iter().map(|route| route.rewriting.identity.clone()).collect(),
            sessions,
            own,
            trusted: config.server.trusted_proxies.clone(),
            limits: config.server.limits.clone(),
            tls: config.server.tls.as_ref().map(crate::net::tls::TlsSettings::load).transpose()?,
        })
    }
}

fn route_table(settings: &[RouteSettings]) -> Routes {
    let mut routes = Routes::default();
    for (number, settings) in settings.iter().enumerate() {
        let route = Route {
            id: RouteId(number),
            label: format!("{}{}/", settings.host, settings.path),
            path: settings.path.clone(),
            methods: settings.methods.clone(),
            policy: settings.policy,
            api: settings.api,
        };
        routes.add(settings.host.clone(), route);
    }
    routes
}

/// Routes to one application share its connections.
fn targets(settings: &[RouteSettings]) -> Result<Vec<Option<Target>>, BuildError> {
    let mut clients: Vec<(Upstream, UpstreamClient)> = Vec::new();
    let mut targets = Vec::with_capacity(settings.len());
    for settings in settings {
        let Some(upstream) = &settings.upstream else {
            targets.push(None);
            continue;
        };
        let known = clients.iter().find(|(known, _)| known == upstream);
        let client = match known.map(|(_, client)| client.clone()) {
            Some(client) => client,
            None => {
                let client = UpstreamClient::new(upstream)?;
                clients.push((upstream.clone(), client.clone()));
                client
            }
        };
        targets.push(Some(Target {
            upstream: upstream.clone(),
            client,
            rewriting: settings.rewriting.clone(),
            strip_prefix: settings.strip_prefix.then(|| settings.path.clone()),
            response_timeout: settings.response_timeout,
            idle_timeout: settings.idle_timeout,
        }));
    }
    Ok(targets)
}
