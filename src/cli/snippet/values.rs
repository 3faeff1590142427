//! What the templates know of a configuration.

use std::collections::BTreeSet;
use std::iter::once;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::spellings;
use crate::config::fields::{Config, RouteSettings};
use crate::model::host::Host;
use crate::model::own_cookie::CookieScope;
use crate::model::policy::Policy;
use crate::proxy::{Upstream, UpstreamHost, UpstreamScheme};

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
    pub(super) hosts: Vec<ProtectedHost>,
    /// The identity headers, in usual capitals.
    headers: Vec<String>,
    /// A regular expression that finds them, and names of other gateways, in every spelling.
    pattern: String,
    /// Its alternatives.
    patterns: Vec<String>,
    /// How their names begin.
    families: Vec<String>,
    /// Names in which visitors could speak for a proxy.
    forwarded: Vec<&'static str>,
    /// The name of the session's cookie.
    session_cookie: String,
    /// The line of the configuration that lets the proxy be believed.
    trusted: String,
}

/// A host with its application, if it has one: on a login host there may be none.
#[derive(Debug, Default, Serialize)]
pub(super) struct ProtectedHost {
    pub(super) name: String,
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
            patterns: spellings::patterns(&headers),
            families: spellings::families(&headers),
            forwarded: spellings::forwarded(&headers),
            headers,
            session_cookie: CookieScope { scheme: site.scheme, domain: site.cookie_domain.clone() }
                .session_name(),
            trusted,
        }
    }

    /// The hosts whose application only the proxy knows.
    pub(super) fn hosts_with_examples(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().filter(|host| host.upstream_is_example).map(|host| host.name.as_str())
    }
}

/// Where an application is in examples.
pub(super) fn example() -> String {
    format!("{}:{}", EXAMPLE.0, EXAMPLE.1)
}

impl ProtectedHost {
    fn of(host: &Host, routes: &[RouteSettings]) -> Self {
        let name = host.to_string();
        if !routes.iter().any(|route| route.host == *host) {
            return Self { name, ..Self::default() };
        }
        let main = main(host, routes);
        let (application, port, https) = main.map_or(EXAMPLE, address);
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

/// The application of everything else on this host, if there is one.
fn main<'a>(host: &Host, routes: &'a [RouteSettings]) -> Option<&'a Upstream> {
    let own = routes.iter().filter(|route| route.host == *host);
    own.filter_map(|route| Some((route, route.upstream.as_ref()?)))
        .min_by_key(|(route, _)| (!route.path.is_empty(), !route.methods.is_empty()))
        .map(|(_, upstream)| upstream)
}

/// Routes that a file cannot say, because it passes a whole host on to one application as it is.
pub(super) fn left_out(routes: &[RouteSettings]) -> impl Iterator<Item = String> {
    routes.iter().filter_map(|route| {
        let (upstream, main) = (route.upstream.as_ref()?, main(&route.host, routes)?);
        let is_open = route.access.policy != Policy::Deny;
        let goes_elsewhere = upstream.authority != main.authority || upstream.scheme != main.scheme;
        let is_rewritten = route.strip_prefix || matches!(route.rewriting.host, UpstreamHost::Fixed(_));
        (is_open && (goes_elsewhere || is_rewritten))
            .then(|| format!("{}{}/ goes to {upstream}", route.host, route.path))
    })
}

/// Host, port (not every proxy knows the scheme's own), and whether it is https.
fn address(upstream: &Upstream) -> (&str, u16, bool) {
    let https = upstream.scheme == UpstreamScheme::Https;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::ConfigFile;
    use crate::live::ConfigSource;

    /// Host, application, and whether that is an example, of each host.
    fn hosts(text: &str) -> Vec<(String, Option<String>, bool)> {
        let text = format!(
            "public_url = \"https://login.test\"\n{text}[wechat.website]\napp_id = \"wx1\"\napp_secret = \"s\"\n\
             [server]\ntrusted_proxies = [\"127.0.0.1\"]\n"
        );
        let source = ConfigSource::Fixed(ConfigFile { path: "config.toml".into(), text });
        let (config, _) = source.read(&[]).unwrap();
        let values = Values::of(&config, ([127, 0, 0, 1], 8480).into(), String::new());
        let face = |host: ProtectedHost| (host.name, host.upstream, host.upstream_is_example);
        values.hosts.into_iter().map(face).collect()
    }

    #[test]
    fn the_login_host_comes_first_and_no_host_twice() {
        let route = |(host, path)| format!("[[routes]]\nhost = \"{host}.test\"\npath = \"{path}\"\n");
        let routes = [("b", "/x"), ("a", "/"), ("login", "/"), ("b", "/")].map(route);
        let names: Vec<String> = hosts(&routes.concat()).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["login.test", "a.test", "b.test"]);
    }

    #[test]
    fn an_application_that_only_the_proxy_knows_is_an_example() {
        let example = Some("127.0.0.1:3000".to_owned());
        assert_eq!(hosts(""), [("login.test".to_owned(), example.clone(), true)]);
        assert_eq!(
            hosts("[[routes]]\nhost = \"wiki.test\"\n"),
            [("login.test".to_owned(), None, false), ("wiki.test".to_owned(), example, true)]
        );
    }

    #[test]
    fn an_applications_port_is_always_written() {
        for (upstream, written) in [
            ("http://app.internal", "app.internal:80"),
            ("https://app.internal", "app.internal:443"),
            ("http://[::1]:3000", "[::1]:3000"),
        ] {
            let text = format!("upstream = \"{upstream}\"\n");
            assert_eq!(hosts(&text), [("login.test".to_owned(), Some(written.to_owned()), false)]);
        }
    }
}
