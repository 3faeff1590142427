//! Every key of the configuration, one file per table: what it means, its default, what is impossible.

mod access;
mod addresses;
mod app;
mod headers;
mod official_account;
mod routes;
mod server;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod wechat;

use std::path::PathBuf;
use std::time::Duration;

use crate::config::section::Section;
use crate::members::JoinSettings;
use crate::model::peer::TrustedProxies;
use crate::model::secret::Secret;
use crate::model::site::Site;
use crate::net::limits::Limits;
use crate::net::listen::ListenAddress;
use crate::net::tls::TlsSettings;
use crate::pages::language::Language;
use crate::pages::overrides::Overrides;
use crate::pages::rehearsal::rehearse;
use crate::pages::render::PagesSettings;
use crate::store::StoreSettings;
use crate::telemetry::logs::LogSettings;
use crate::wechat::user_agent::Browser;

pub use official_account::AccountSettings;
pub use routes::RouteSettings;
pub use wechat::WechatSettings;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Most characters of `pages.support`: it stands below every page.
const LONGEST_SUPPORT: usize = 200;

/// A whole configuration, every value checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `public_url` and `session.cookie_domain`.
    pub site: Site,
    /// Where keys are kept.
    pub data_dir: PathBuf,
    /// `[wechat]`.
    pub wechat: WechatSettings,
    /// `[[routes]]`, and the route that the top-level `upstream` makes.
    pub routes: Vec<RouteSettings>,
    /// `session.lifetime` and `session.idle_timeout`.
    pub session_times: (Duration, Duration),
    /// `access.join` and `access.admins`.
    pub joining: JoinSettings,
    /// `session.revocation_grace`: how long people who are signed in go on while the store is down. Default: 5 min.
    pub revocation_grace: Duration,
    /// `store.url` and `store.ca_file`.
    pub store: StoreSettings,
    /// `store.keep_audit`. Default: 180 days.
    pub keep_audit: Duration,
    /// `session.secret`; without it one is kept in `data_dir`.
    pub secret: Option<Secret>,
    /// `session.old_secrets`.
    pub old_secrets: Vec<Secret>,
    /// `[server]`.
    pub server: ServerSettings,
    /// `admin.listen`.
    pub admin_listen: ListenAddress,
    /// `[pages]`.
    pub pages: PagesSettings,
    /// `[log]`.
    pub log: LogSettings,
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where to listen. Default: 127.0.0.1:8480.
    pub listen: ListenAddress,
    /// Whose forwarded headers are believed. Default: nobody's.
    pub trusted_proxies: TrustedProxies,
    /// Deadlines and bounds.
    pub limits: Limits,
    /// Longest drain at the end. Default: 30 s.
    pub shutdown_timeout: Duration,
    /// TLS of our own listener. Default: none.
    pub tls: Option<TlsSettings>,
    /// `workers`: threads that serve requests, one per core unless told otherwise.
    pub workers: usize,
}

/// How far the operator's templates are tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Templates {
    /// In every state of every page: by what shows them to visitors.
    Drawn,
    /// As far as they are read: a command that shows no page must not fail by one, least of all the one that blocks somebody.
    Parsed,
}

/// Reads all keys. Everything is asked for before anything is given up, so that all mistakes are reported at once.
pub fn read(top: &mut Section<'_>, environment: &[(String, String)], templates: Templates) -> Option<Config> {
    let public_url = top.required("public_url", "\"https://app.example.com\"", addresses::public_url);
    let upstream = top.optional("upstream", addresses::upstream);
    let data_dir = data_dir(top, environment);
    let wechat = wechat::read(top, public_url.as_ref());
    let access = access::read(top);
    let (store, keep_audit) = store::read(top, &data_dir);
    let headers = headers::read(top);
    let session = session::read(top, public_url.as_ref());
    let (server, insecure_http) = server::read(top);
    if let Some(url) = &public_url {
        let place = top.place("public_url");
        addresses::complain_about_plain_http(top, &place, url.scheme, &url.authority, insecure_http);
    }
    complain_about_tls(top, public_url.as_ref(), &server);
    let admin_listen = top
        .table("admin")
        .and_then(|mut section| {
            let listen = section.optional("listen", str::parse);
            section.finish();
            listen
        })
        .unwrap_or(ListenAddress::Tcp(([127, 0, 0, 1], 8481).into()));
    let pages = pages(top, wechat.as_ref().is_some_and(|wechat| wechat.simulated), templates);
    let log = log(top);
    // Whoever may speak for visitors may ask about them.
    let asked = !server.trusted_proxies.networks().is_empty() || server.listen.is_unix();
    let routes = routes::read(
        top,
        public_url.as_ref(),
        upstream,
        access.default_policy,
        &headers,
        (insecure_http, asked),
    );
    let site = public_url.map(|url| Site {
        scheme: url.scheme,
        login_host: url.authority.host,
        port: url.authority.port,
        cookie_domain: session.cookie_domain.clone(),
    });
    let wechat = wechat?;
    Some(Config {
        site: site?,
        data_dir,
        pages: PagesSettings { other_ways: wechat.apps.ways(Browser::of("")).len() > 1, ..pages },
        wechat,
        routes: routes?,
        session_times: (session.lifetime, session.idle_timeout),
        joining: access.joining,
        revocation_grace: session.revocation_grace,
        store,
        keep_audit,
        secret: session.secret,
        old_secrets: session.old_secrets,
        server,
        admin_listen,
        log,
    })
}

/// The data folder, with its whole path: whoever reads of it in a message has to find it. All paths of the file start from
/// the folder that wxgate was started in, as shells and systemd resolve them. For this one that is a trap: started
/// elsewhere, the gateway would begin anew with no members.
fn data_dir(top: &mut Section<'_>, environment: &[(String, String)]) -> PathBuf {
    let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    if let Some(named) = top.optional("data_dir", |text| Ok(PathBuf::from(text))) {
        let path = whole(named.clone());
        if named.is_relative() {
            let help = format!("write the whole path, such as data_dir = {path:?}");
            let title =
                format!("`data_dir` starts from the folder wxgate is started in: now {}", path.display());
            top.warn(&top.place("data_dir"), title, help);
        }
        return path;
    }
    let state = environment.iter().find(|(name, _)| name == "STATE_DIRECTORY").map(|(_, value)| value);
    // systemd may name several folders, separated by colons.
    whole(state.and_then(|folders| folders.split(':').next()).map_or_else(|| "data".into(), PathBuf::from))
}

/// With TLS of our own, browsers come by https, whatever `public_url` says.
fn complain_about_tls(top: &Section<'_>, public_url: Option<&addresses::PublicUrl>, server: &ServerSettings) {
    if let Some(url) = public_url.filter(|url| server.tls.is_some() && !url.scheme.is_https()) {
        let help = format!("write \"https://{}\", or take [server.tls] out", url.authority);
        top.complain(&top.place("public_url"), "`public_url` is http and [server.tls] is https", help);
    }
}

fn pages(top: &mut Section<'_>, simulated: bool, templates: Templates) -> PagesSettings {
    let mut pages = PagesSettings { simulated, ..PagesSettings::default() };
    if let Some(mut section) = top.table("pages") {
        pages.title = section.optional("title", |text| Ok(text.to_owned()));
        let language = section.optional("language", |text| match text {
            "auto" => Ok(None),
            _ => Language::named(text).map(Some).ok_or_else(|| "write \"auto\", \"zh\" or \"en\"".to_owned()),
        });
        pages.language = language.flatten();
        pages.support = section.optional("support", |text| match text.chars().count() {
            0..=LONGEST_SUPPORT => Ok(text.to_owned()),
            _ => Err(format!("write at most {LONGEST_SUPPORT} characters; an address can lead to the rest")),
        });
        pages.privacy_url = section.optional("privacy_url", |text| {
            if text.starts_with("https://") || text.starts_with("http://") || text.starts_with('/') {
                Ok(text.to_owned())
            } else {
                Err("write a whole address, such as \"https://example.com/privacy\", or a path".to_owned())
            }
        });
        if let Some(folder) = section.optional("templates_dir", |text| Ok(PathBuf::from(text))) {
            let errors = match Overrides::load(&folder) {
                Ok(overrides) => {
                    pages.overrides = overrides;
                    match templates {
                        Templates::Drawn => rehearse(&pages),
                        Templates::Parsed => Vec::new(),
                    }
                }
                Err(errors) => errors,
            };
            let place = section.place("templates_dir");
            for error in errors {
                section.complain(&place, "a file of `templates_dir` cannot be used", error.to_string());
            }
        }
        section.finish();
    }
    pages
}

fn log(top: &mut Section<'_>) -> LogSettings {
    let mut log = LogSettings::default();
    if let Some(mut section) = top.table("log") {
        let level = section.optional("level", |text| {
            text.parse().map_err(|_| "write \"error\", \"warn\", \"info\", \"debug\" or \"trace\"".to_owned())
        });
        log.level = level.unwrap_or(log.level);
        log.format = section.optional("format", str::parse).unwrap_or(log.format);
        log.access = section.boolean("access").unwrap_or(log.access);
        section.finish();
    }
    log
}
