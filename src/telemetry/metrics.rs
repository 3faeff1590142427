//! The figures behind `/metrics`, in plain label words. No label ever names a person.

use std::fmt::Write as _;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Seconds; from a cached page to a report that takes its time.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// All figures of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabel, Histogram, fn() -> Histogram>,
    decisions: Family<DecisionLabel, Counter>,
    logins: Family<LoginLabels, Counter>,
    wechat: Family<WechatLabels, Counter>,
    upstream_errors: Family<UpstreamLabels, Counter>,
    dropped_cookies: Counter,
    connections: Gauge,
    tunnels: Gauge,
    reload_ok: Gauge,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    route: String,
    code: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RouteLabel {
    route: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct DecisionLabel {
    decision: &'static str,
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
    /// Registers every figure at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("wxgate");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered, by route and status", requests.clone());
        let durations: Family<RouteLabel, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register(
            "http_request_duration_seconds",
            "Time to the answer's head, by route",
            durations.clone(),
        );
        let decisions = Family::default();
        registry.register("auth_decisions", "Verdicts of the gate", decisions.clone());
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
        registry.register(
            "build",
            "The running version",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            registry,
            requests,
            durations,
            decisions,
            logins,
            wechat,
            upstream_errors,
            dropped_cookies,
            connections,
            tunnels,
            reload_ok,
        }
    }

    /// A request on `route` was answered with `code` after `duration`.
    pub fn request(&self, route: &str, code: u16, duration: Duration) {
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), code }).inc();
        self.durations.get_or_create(&RouteLabel { route: route.to_owned() }).observe(duration.as_secs_f64());
    }

    /// The gate said `decision`.
    pub fn decision(&self, decision: &'static str) {
        self.decisions.get_or_create(&DecisionLabel { decision }).inc();
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

    /// The figures as OpenMetrics text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = writeln!(text, "# cannot encode");
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
