//! `[[routes]]`: which path of which host goes to which application, and who may pass.

use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use http::header::{HeaderName, HeaderValue};

use super::SECOND;
use super::addresses::{self, PublicUrl, UpstreamAddress};
use super::headers::HeaderFields;
use super::session::request_timeout;
use crate::config::section::Section;
use crate::gate::identity_headers::IdentityHeaders;
use crate::model::host::{Authority, Host};
use crate::model::member::Groups;
use crate::model::policy::{Access, Policy};
use crate::proxy::{Rewriting, Upstream, UpstreamHost};

/// What to write where nothing says which application is protected.
const UPSTREAM: &str = "\"http://127.0.0.1:3000\", the application to protect; or, where nginx, Traefik, Caddy, Envoy or HAProxy passes requests on and only asks wxgate, list its address in server.trusted_proxies";

/// What to do about an application without a gate.
const OPEN: &str =
    "if that is not meant, open single paths with [[routes]] and keep \"members\" for the rest";

/// One route, with everything it needs.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// `host`. Default: that of `public_url`.
    pub host: Host,
    /// `path`, canonical, without trailing slash. Default: everything.
    pub path: String,
    /// `methods`. Default: all.
    pub methods: Vec<Method>,
    /// `access` and `groups`. Default: `access.default`, no groups.
    pub access: Access,
    /// `api`: 401 instead of a redirect. Default: no.
    pub api: bool,
    /// `upstream`, `ca_file`, `connect_timeout`; none where another proxy only asks.
    pub upstream: Option<Upstream>,
    /// `upstream_host`, `headers`.
    pub rewriting: Rewriting,
    /// `strip_prefix`: the path is taken off before forwarding. Default: no.
    pub strip_prefix: bool,
    /// `response_timeout`. Default: 60 s.
    pub response_timeout: Duration,
    /// `idle_timeout`. Default: 5 min.
    pub idle_timeout: Duration,
}

/// Reads all routes; the top-level `upstream` makes one for everything else of `public_url`'s host. Where another proxy
/// may ask (`asked`), routes need no application.
pub(super) fn read(
    top: &mut Section<'_>,
    public_url: Option<&PublicUrl>,
    default_upstream: Option<UpstreamAddress>,
    default_policy: Policy,
    headers: &HeaderFields,
    (insecure_http, asked): (bool, bool),
) -> Option<Vec<RouteSettings>> {
    let upstream_given = top.is_given("upstream");
    let sections = top.tables("routes");
    if !upstream_given && sections.is_empty() && !asked {
        top.miss("upstream", UPSTREAM);
        return None;
    }
    let every_name = every_name(headers);
    let mut routes: Vec<RouteSettings> = Vec::new();
    let mut complete = true;
    for section in sections {
        let (place, host_place) = (section.header_place(), section.place("host"));
        let read = route(
            section,
            public_url,
            default_upstream.clone(),
            upstream_given || asked,
            default_policy,
            headers,
            &every_name,
        );
        let Some(route) = read else {
            complete = false;
            continue;
        };
        if let Some(shadow) = routes.iter().find(|earlier| shadows(earlier, &route)) {
            let what = format!("{}{}", shadow.host, shadow.path);
            top.complain(
                &place,
                format!("an earlier route for {what} already covers this one"),
                "remove one of the two",
            );
        }
        if let Some(url) = public_url.filter(|url| url.authority.host != route.host) {
            let host = Authority { host: route.host.clone(), port: url.authority.port };
            addresses::complain_about_plain_http(top, &host_place, url.scheme, &host, insecure_http);
        }
        if route.path.is_empty() && route.access.policy == Policy::Public {
            top.warn(&place, "everything on this host is open to everybody", OPEN);
        }
        routes.push(route);
    }
    let login_host = public_url.map(|url| url.authority.host.clone());
    if upstream_given && default_upstream.is_none() {
        complete = false;
    } else if let Some(host) = login_host.filter(|host| {
        upstream_given || routes.is_empty() || (asked && routes.iter().any(|route| route.host == *host))
    }) {
        let covered = routes
            .iter()
            .any(|route| route.host == host && route.path.is_empty() && route.methods.is_empty());
        if !covered {
            if default_policy == Policy::Public {
                top.warn(&top.place("access"), "everything is open to everybody", OPEN);
            }
            routes.push(RouteSettings {
                host,
                path: String::new(),
                methods: Vec::new(),
                access: default_policy.into(),
                api: false,
                upstream: default_upstream.map(|upstream| to_upstream(upstream, None, None)),
                rewriting: Rewriting::new(UpstreamHost::Visited, identity(headers, None, &every_name)),
                strip_prefix: false,
                response_timeout: SECOND * 60,
                idle_timeout: SECOND * 300,
            });
        }
    }
    let methods_decide = routes.iter().any(|route| !route.methods.is_empty());
    for route in &mut routes {
        route.rewriting.keeps_method = methods_decide;
    }
    let spoken: Vec<HeaderName> =
        routes.iter().flat_map(|route| route.rewriting.identity.names().cloned()).collect();
    for route in &mut routes {
        route.rewriting.identity.also_spoken(&spoken);
    }
    complete.then_some(routes)
}

fn route(
    mut section: Section<'_>,
    public_url: Option<&PublicUrl>,
    default_upstream: Option<UpstreamAddress>,
    upstream_known: bool,
    default_policy: Policy,
    headers: &HeaderFields,
    every_name: &[HeaderName],
) -> Option<RouteSettings> {
    let host = section.optional("host", |text| {
        Host::parse(text)
            .map_err(|_| format!("`{text}` is not a host name; write \"wiki.example.com\", without port"))
    });
    let host = if section.is_given("host") { host } else { public_url.map(|url| url.authority.host.clone()) };
    let path = section.optional("path", addresses::path_prefix);
    let path = if section.is_given("path") { path } else { Some(String::new()) };
    let methods = section.texts("methods", method).unwrap_or_default();
    let access = access(&mut section, default_policy);
    let api = section.boolean("api").unwrap_or(false);
    let upstream = section.optional("upstream", addresses::upstream);
    let ca_file = section.optional("ca_file", |text| Ok(PathBuf::from(text)));
    let connect_timeout = section.duration("connect_timeout", request_timeout());
    let upstream_host = section.optional("upstream_host", |text| {
        let host = Authority::parse(text).ok();
        host.and_then(|host| HeaderValue::from_str(&host.to_string()).ok())
            .ok_or_else(|| format!("`{text}` is not a host; write \"app.internal\""))
    });
    let preset = section.optional("headers", str::parse);
    let strip_prefix = section.boolean("strip_prefix").unwrap_or(false);
    let response_timeout = section.duration("response_timeout", request_timeout()).unwrap_or(SECOND * 60);
    let idle_timeout = section.duration("idle_timeout", request_timeout()).unwrap_or(SECOND * 300);
    let upstream = match upstream {
        None if section.is_given("upstream") => None,
        None if upstream_known => Some(default_upstream),
        None => {
            let help = format!("write upstream = {UPSTREAM}");
            section.complain(&section.header_place(), "missing key `upstream`", help);
            None
        }
        given => Some(given),
    };
    section.finish();
    Some(RouteSettings {
        host: host?,
        path: path?,
        methods,
        access: access?,
        api,
        upstream: upstream?.map(|upstream| to_upstream(upstream, ca_file, connect_timeout)),
        rewriting: Rewriting::new(
            upstream_host.map_or(UpstreamHost::Visited, UpstreamHost::Fixed),
            identity(headers, preset, every_name),
        ),
        strip_prefix,
        response_timeout,
        idle_timeout,
    })
}

/// Who may pass. Groups are a matter of members: where they are given, a route is for members unless it says otherwise.
fn access(section: &mut Section<'_>, default_policy: Policy) -> Option<Access> {
    let groups = section.texts("groups", |name| Groups::of([name]).map(|_| name.to_owned()));
    let groups_given = section.is_given("groups");
    let policy = match section.optional("access", str::parse::<Policy>) {
        None if section.is_given("access") => return None,
        None if groups_given && !default_policy.knows_members() => Policy::Members,
        policy => policy.unwrap_or(default_policy),
    };
    if groups_given && !policy.knows_members() {
        let title = format!("`groups` on a route of access = \"{}\"", policy.as_str());
        let help = "only members are in groups: write access = \"members\", or take groups out";
        section.complain(&section.place("groups"), title, help);
        return None;
    }
    let groups = if groups_given { groups? } else { Vec::new() };
    if groups_given && groups.is_empty() {
        let help = "name groups of which a member must be in one, or take the key out for all members";
        section.complain(&section.place("groups"), "`groups` names none", help);
        return None;
    }
    match Groups::of(groups.iter().map(String::as_str)) {
        Ok(groups) => Some(Access { policy, groups }),
        Err(wish) => {
            section.complain(&section.place("groups"), "too many `groups`", wish);
            None
        }
    }
}

fn to_upstream(
    address: UpstreamAddress,
    ca_file: Option<PathBuf>,
    connect_timeout: Option<Duration>,
) -> Upstream {
    let (scheme, authority) = address;
    Upstream { scheme, authority, ca_file, connect_timeout: connect_timeout.unwrap_or(SECOND * 5) }
}

/// Whether no visit can reach `later` past `earlier`.
fn shadows(earlier: &RouteSettings, later: &RouteSettings) -> bool {
    let covers_methods = earlier.methods.is_empty()
        || (!later.methods.is_empty() && later.methods.iter().all(|method| earlier.methods.contains(method)));
    earlier.host == later.host && earlier.path == later.path && covers_methods
}

fn identity(
    headers: &HeaderFields,
    preset: Option<crate::gate::identity_headers::Preset>,
    every_name: &[HeaderName],
) -> IdentityHeaders {
    IdentityHeaders::new(headers.spoken(preset), every_name, headers.email_domain.clone())
}

/// Every identity header that any route may speak: a client's copy is removed on all of them.
fn every_name(headers: &HeaderFields) -> Vec<HeaderName> {
    use crate::gate::identity_headers::Preset::*;
    [None, Some(Authelia), Some(Authentik), Some(Grafana), Some(Jenkins), Some(Oauth2Proxy)]
        .into_iter()
        .flat_map(|preset| headers.spoken(preset))
        .map(|spoken| spoken.name)
        .collect()
}

fn method(text: &str) -> Result<Method, String> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') => Ok(method),
        _ => Err("write methods in capitals, such as \"GET\"".to_owned()),
    }
}
