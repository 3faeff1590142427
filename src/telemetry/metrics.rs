//! The figures behind `/metrics`, in plain label words. No label ever names a person.

use std::fmt::Write as _;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::requests::{Requests, RouteFigures};

/// All figures of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Requests,
    logins: Family<LoginLabels, Counter>,
    wechat: Family<WechatLabels, Counter>,
    upstream_errors: Family<UpstreamLabels, Counter>,
    dropped_cookies: Counter,
    connections: Gauge,
    tunnels: Gauge,
    reload_ok: Gauge,
    store_up: Gauge,
    members: Family<MemberLabels, Gauge>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct MemberLabels {
    status: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct LoginLabels {
    channel: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct WechatLabels {
    api: &'static str,
    errcode: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct UpstreamLabels {
    route: String,
    kind: &'static str,
}

impl Metrics {
    /// Registers every figure at zero, for a process with `workers`.
    pub fn new(workers: usize) -> Self {
        let mut registry = Registry::with_prefix("wxgate");
        let requests = Requests::new(workers);
        registry.register_collector(Box::new(requests.clone()));
        let logins = Family::default();
        registry.register("logins", "Sign-ins by channel and how they ended", logins.clone());
        let wechat = Family::default();
        registry.register(
            "wechat_requests",
            "Calls to WeChat, by API and errcode (0 is success)",
            wechat.clone(),
        );
        let upstream_errors = Family::default();
        registry.register(
            "upstream_errors",
            "Failures of applications, by route and kind",
            upstream_errors.clone(),
        );
        let dropped_cookies = Counter::default();
        let help = "Cookies under the gateway's own names that applications tried to set";
        registry.register("upstream_cookies_dropped", help, dropped_cookies.clone());
        let connections = Gauge::default();
        registry.register("active_connections", "Client connections held now", connections.clone());
        let tunnels = Gauge::<i64>::default();
        registry.register("active_tunnels", "Upgraded connections (WebSocket) held now", tunnels.clone());
        let reload_ok = Gauge::<i64>::default();
        reload_ok.set(1);
        let help = "1 when the last reload of the configuration succeeded";
        registry.register("config_last_reload_success", help, reload_ok.clone());
        let store_up = Gauge::<i64>::default();
        store_up.set(1);
        let help = "1 while the store can be read and written; else nobody can sign in, and standings may grow stale";
        registry.register("store_up", help, store_up.clone());
        let members = Family::default();
        registry.register("members", "People in the directory, by status", members.clone());
        registry.register(
            "build",
            "The running version",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            registry,
            requests,
            logins,
            wechat,
            upstream_errors,
            dropped_cookies,
            connections,
            tunnels,
            reload_ok,
            store_up,
            members,
        }
    }

    /// The figures of the route that is called `label`.
    pub fn route(&self, label: &str) -> Arc<RouteFigures> {
        self.requests.route(label)
    }

    /// A sign-in by `channel` ended with `result`.
    pub fn login(&self, channel: &'static str, result: &'static str) {
        self.logins.get_or_create(&LoginLabels { channel, result }).inc();
    }

    /// WeChat's `api` answered with `errcode` (or a word for a failure without one).
    pub fn wechat(&self, api: &'static str, errcode: String) {
        self.wechat.get_or_create(&WechatLabels { api, errcode }).inc();
    }

    /// The application behind `route` failed.
    pub fn upstream_error(&self, route: &str, kind: &'static str) {
        self.upstream_errors.get_or_create(&UpstreamLabels { route: route.to_owned(), kind }).inc();
    }

    /// An application tried to set a cookie of ours.
    pub fn dropped_cookie(&self) {
        self.dropped_cookies.inc();
    }

    /// Connections began (positive) or ended (negative).
    pub fn connections(&self, change: i64) {
        self.connections.inc_by(change);
    }

    /// Tunnels began (positive) or ended (negative).
    pub fn tunnels(&self, change: i64) {
        self.tunnels.inc_by(change);
    }

    /// The last reload succeeded or not.
    pub fn reloaded(&self, ok: bool) {
        self.reload_ok.set(i64::from(ok));
    }

    /// Whether the store answers.
    pub fn store(&self, answers: bool) {
        self.store_up.set(i64::from(answers));
    }

    /// How many people of a status there are.
    pub fn members(&self, status: &'static str, count: u64) {
        self.members.get_or_create(&MemberLabels { status }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The figures as OpenMetrics text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = writeln!(text, "# cannot encode");
        }
        text
    }
}
