//! What the templates know of a configuration.

use std::collections::BTreeSet;
use std::iter::once;
use std::net::{IpAddr, SocketAddr};

use http::uri;
use serde::Serialize;

use super::spellings;
use crate::config::fields::{Config, RouteSettings};
use crate::model::host::Host;
use crate::model::own_cookie::CookieScope;
use crate::proxy::Upstream;

/// Where applications are in examples: host, port, and whether it is https.
const EXAMPLE: (&str, u16, bool) = ("127.0.0.1", 3000, false);

/// The variables of the templates.
#[derive(Debug, Serialize)]
pub(super) struct Values {
    /// `https` or `http`, as browsers come.
    scheme: &'static str,
    /// Whether that is https.
    https: bool,
    /// The port browsers come to.
    port: u16,
    /// Address and port of the gateway.
    wxgate: SocketAddr,
    /// Its address alone, without brackets.
    wxgate_host: IpAddr,
    /// Its port.
    wxgate_port: u16,
    /// The login host, then all others.
    hosts: Vec<ProtectedHost>,
    /// The identity headers, in usual capitals.
    headers: Vec<String>,
    /// A regular expression that finds them in every spelling.
    pattern: String,
    /// How their names begin.
    families: Vec<String>,
    /// The name of the session's cookie.
    session_cookie: String,
    /// The line of the configuration that lets the proxy be believed.
    trusted: String,
}

/// A host with its application, if it has one: on a login host there may be none.
#[derive(Debug, Default, Serialize)]
struct ProtectedHost {
    name: String,
    /// Host and port of the application.
    upstream: Option<String>,
    /// Its host alone, and without brackets.
    upstream_host: Option<String>,
    /// Its port.
    upstream_port: Option<u16>,
    /// Whether it speaks https.
    upstream_https: bool,
    /// Whether the configuration names no application, because the proxy knows it.
    upstream_is_example: bool,
}

impl Values {
    /// The values for a gateway that is found at `wxgate`.
    pub(super) fn of(config: &Config, wxgate: SocketAddr, trusted: String) -> Self {
        let (site, routes) = (&config.site, &config.routes);
        let https = site.scheme.is_https();
        let others: BTreeSet<&Host> = routes.iter().map(|route| &route.host).collect();
        let others = others.into_iter().filter(|host| **host != site.login_host);
        let headers = headers(routes);
        Self {
            scheme: site.scheme.as_str(),
            https,
            port: site.port.unwrap_or(if https { 443 } else { 80 }),
            wxgate,
            wxgate_host: wxgate.ip(),
            wxgate_port: wxgate.port(),
            hosts: once(&site.login_host).chain(others).map(|host| ProtectedHost::of(host, routes)).collect(),
            pattern: spellings::pattern(&headers),
            families: spellings::families(&headers),
            headers,
            session_cookie: CookieScope { scheme: site.scheme, domain: site.cookie_domain.clone() }
                .session_name(),
            trusted,
        }
    }
}

impl ProtectedHost {
    fn of(host: &Host, routes: &[RouteSettings]) -> Self {
        let own = || routes.iter().filter(|route| route.host == *host);
        let name = host.to_string();
        if own().next().is_none() {
            return Self { name, ..Self::default() };
        }
        // The application of everything else on this host, if there is one.
        let main = own()
            .filter_map(|route| Some((route, upstream(route)?)))
            .min_by_key(|(route, _)| (!route.path.is_empty(), !route.methods.is_empty()));
        let (application, port, https) = match main {
            Some((_, upstream)) => address(upstream),
            None => EXAMPLE,
        };
        Self {
            name,
            upstream: Some(format!("{application}:{port}")),
            upstream_host: Some(application.trim_matches(['[', ']']).to_owned()),
            upstream_port: Some(port),
            upstream_https: https,
            upstream_is_example: main.is_none(),
        }
    }
}

/// Where this route's application is.
fn upstream(route: &RouteSettings) -> Option<&Upstream> {
    route.upstream.as_ref()
}

/// Host, port (not every proxy knows the scheme's own), and whether it is https.
fn address(upstream: &Upstream) -> (&str, u16, bool) {
    let https = upstream.scheme == uri::Scheme::HTTPS;
    let port = upstream.authority.port_u16().unwrap_or(if https { 443 } else { 80 });
    (upstream.authority.host(), port, https)
}

/// Every identity header that is spoken on any route, once.
fn headers(routes: &[RouteSettings]) -> Vec<String> {
    let mut headers = Vec::new();
    for name in routes.iter().flat_map(|route| route.rewriting.identity.names()) {
        let name = spellings::in_capitals(name.as_str());
        if !headers.contains(&name) {
            headers.push(name);
        }
    }
    headers
}
