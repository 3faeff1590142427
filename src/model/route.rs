//! What a visit matches: the host's table, then the longest path in whole segments, then the method.

use std::collections::BTreeMap;

use http::Method;

use super::host::Host;
use super::path::{AmbiguousPath, CanonicalPath, decoded_again};
use super::policy::Access;
use super::visit::Visit;

/// Names one route within one configuration; whoever owns more about a route keeps it under this number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RouteId(pub usize);

/// One rule of the routing table.
#[derive(Clone, Debug)]
pub struct Route {
    /// The number of this route.
    pub id: RouteId,
    /// How the route is called in logs and metrics, for example `app.example.com/admin`.
    pub label: String,
    /// The canonical path prefix, without trailing `/` (so the front page is the empty text).
    pub path: String,
    /// The methods it is for; empty means all.
    pub methods: Vec<Method>,
    /// Who may pass.
    pub access: Access,
    /// Whether anonymous visitors always get 401 instead of a redirect.
    pub api: bool,
}

/// All routes of one configuration.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    hosts: BTreeMap<Host, Table>,
}

/// The routes of one host by their paths. Few as they are, comparing is cheaper than hashing.
type Table = BTreeMap<String, Vec<Route>>;

/// What the routes of a prefix are found under. Not the empty text, which has no place in memory: comparing with it, some
/// processors load from nowhere under a mask, and take a thousand cycles over it.
fn key(prefix: &str) -> &str {
    if prefix.is_empty() { "/" } else { prefix }
}

/// What `Routes::find` found.
#[derive(Debug)]
pub enum Found<'a> {
    /// An application might read path or method so that another route matches.
    Ambiguous,
    /// The host is served, but no route covers this path and method.
    Nothing,
    /// The route.
    Route(&'a Route),
    /// The host is not served here.
    UnknownHost,
}

impl Routes {
    /// Adds a route of `host`. Routes of equal path are tried in the order in which they were added.
    pub fn add(&mut self, host: Host, route: Route) {
        let key = key(&route.path).to_owned();
        self.hosts.entry(host).or_default().entry(key).or_default().push(route);
    }

    /// Whether the host is served here.
    pub fn serves(&self, host: &Host) -> bool {
        self.hosts.contains_key(host)
    }

    /// The served hosts, in alphabetical order.
    pub fn hosts(&self) -> Vec<&Host> {
        self.hosts.keys().collect()
    }

    /// The route that `visit` matches, if every way in which applications are known to read it matches the same one:
    /// servlet containers drop `;parameters` before they look at a path, some servers decode twice, and Werkzeug and
    /// Django write every method in capitals (RFC 9110 §9.1 would have it otherwise).
    pub fn find(&self, visit: &Visit) -> Found<'_> {
        let Some(table) = self.hosts.get(&visit.authority.host) else { return Found::UnknownHost };
        let found = longest(table, visit.path.as_str(), &visit.method);
        let is_plain = visit.path.has_one_reading() && visit.as_sent.is_nothing();
        if is_plain && in_capitals(&visit.method).is_none() {
            return found.map_or(Found::Nothing, Found::Route);
        }
        let Ok(paths) = every_reading(visit) else { return Found::Ambiguous };
        let number = |route: Option<&Route>| route.map(|route| route.id);
        for written in std::iter::once(&visit.method).chain(&visit.as_sent.methods) {
            for method in std::iter::once(written).chain(&in_capitals(written)) {
                if paths.iter().any(|path| number(longest(table, path, method)) != number(found)) {
                    return Found::Ambiguous;
                }
            }
        }
        found.map_or(Found::Nothing, Found::Route)
    }
}

/// Every path that an application might take the visited one for, itself included.
fn every_reading(visit: &Visit) -> Result<Vec<String>, AmbiguousPath> {
    let mut all = readings(&visit.path)?;
    for path in &visit.as_sent.paths {
        all.extend(readings(&CanonicalPath::parse(path)?)?);
        all.push(path.clone());
    }
    Ok(all)
}

/// The canonical path, and what is made of it by servers that drop parameters or decode twice.
fn readings(path: &CanonicalPath) -> Result<Vec<String>, AmbiguousPath> {
    let again = decoded_again(path).transpose()?;
    let bare = again.as_ref().and_then(CanonicalPath::without_parameters);
    let readings =
        [Some(path.to_string()), path.without_parameters(), again.map(|again| again.to_string()), bare];
    Ok(readings.into_iter().flatten().collect())
}

/// The method in capitals, where it is written otherwise.
fn in_capitals(method: &Method) -> Option<Method> {
    let is_small = method.as_str().bytes().any(|byte| byte.is_ascii_lowercase());
    is_small.then(|| Method::from_bytes(method.as_str().to_ascii_uppercase().as_bytes()).ok()).flatten()
}

/// Walks from the whole path up to the root, one segment at a time.
fn longest<'a>(table: &'a Table, path: &str, method: &Method) -> Option<&'a Route> {
    let mut prefix = path.strip_suffix('/').unwrap_or(path);
    loop {
        let fits = |route: &&Route| route.methods.is_empty() || route.methods.contains(method);
        if let Some(route) = table.get(key(prefix)).and_then(|routes| routes.iter().find(fits)) {
            return Some(route);
        }
        prefix = &prefix[..prefix.bytes().rposition(|byte| byte == b'/')?];
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::Policy;
    use super::super::visit::Scheme;
    use super::*;

    fn routes() -> Routes {
        let mut routes = Routes::default();
        let rules: [(&str, &str, &[Method]); 5] = [
            ("a.test", "", &[]),
            ("a.test", "/public", &[Method::GET]),
            ("a.test", "/public/admin", &[]),
            ("a.test", "/deep/er/path", &[]),
            ("b.test", "/only", &[]),
        ];
        for (number, (host, path, methods)) in rules.into_iter().enumerate() {
            let route = Route {
                id: RouteId(number),
                label: format!("{host}{path}"),
                path: path.to_owned(),
                methods: methods.to_vec(),
                access: Policy::SignedIn.into(),
                api: false,
            };
            routes.add(Host::parse(host).unwrap(), route);
        }
        routes
    }

    fn find(method: Method, host: &str, path: &str) -> String {
        let visit = Visit::parse(method, Scheme::Http, host, path, None).unwrap();
        match routes().find(&visit) {
            Found::Route(route) => route.label.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_longest_path_in_whole_segments_wins() {
        assert_eq!(find(Method::GET, "A.test.:80", "/public/x"), "a.test/public");
        assert_eq!(find(Method::GET, "a.test", "/publicx"), "a.test");
        assert_eq!(find(Method::GET, "a.test", "/public/admin/"), "a.test/public/admin");
        assert_eq!(find(Method::GET, "a.test", "/deep/er"), "a.test");
        assert_eq!(find(Method::GET, "a.test", "/deep/er/path/below"), "a.test/deep/er/path");
    }

    #[test]
    fn a_route_for_other_methods_is_passed_over() {
        assert_eq!(find(Method::POST, "a.test", "/public/x"), "a.test");
    }

    #[test]
    fn letters_encoded_twice_never_move_a_visit_to_another_route() {
        assert_eq!(find(Method::GET, "a.test", "/public/%2561dmin"), "Ambiguous");
        assert_eq!(find(Method::GET, "a.test", "/public/%2561dmin/100%25"), "Ambiguous");
        assert_eq!(find(Method::GET, "a.test", "/public/%2561dmin;x"), "Ambiguous");
        assert_eq!(find(Method::from_bytes(b"get").unwrap(), "a.test", "/public;x"), "Ambiguous");
        assert_eq!(find(Method::GET, "a.test", "/public/100%25"), "a.test/public");
        assert_eq!(find(Method::GET, "a.test", "/public/50%2520off"), "a.test/public");
    }

    #[test]
    fn a_method_in_small_letters_never_moves_a_visit_to_another_route() {
        let small = |name: &[u8]| Method::from_bytes(name).unwrap();
        assert_eq!(find(small(b"get"), "a.test", "/public/x"), "Ambiguous");
        assert_eq!(find(small(b"gEt"), "a.test", "/public/x"), "Ambiguous");
        assert_eq!(find(small(b"post"), "a.test", "/public/x"), "a.test");
        assert_eq!(find(small(b"get"), "a.test", "/deep/er/path"), "a.test/deep/er/path");
    }

    #[test]
    fn what_a_proxy_passes_on_as_it_was_sent_is_judged_in_every_reading() {
        let find = |path: &str, headers: &[(&'static str, &str)]| {
            let visit = Visit::parse(Method::GET, Scheme::Http, "a.test", path, None).unwrap();
            let lines = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            match visit.passed_on(path, &lines.collect()) {
                Ok(visit) => match routes().find(&visit) {
                    Found::Route(route) => route.label.clone(),
                    other => format!("{other:?}"),
                },
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(find("/x//y", &[]), "a.test");
        assert_eq!(find("//x/y", &[]), "a.test");
        for path in ["//public/x", "/public//admin", "//x/public", "//x/%2570ublic", "/deep//er/path"] {
            assert_eq!(find(path, &[]), "Ambiguous", "{path}");
        }
        for path in ["/public/../x", "/x/./y", "/x/%2e%2E/y"] {
            assert!(find(path, &[]).contains("dot segment"), "{path}");
        }
        assert!(find("//x/_wxgate/me", &[]).contains("own"));
        let overridden = |method| find("/public/x", &[("x_http-method.override", method)]);
        assert_eq!(overridden("GET"), "a.test/public");
        assert_eq!(overridden("DELETE"), "Ambiguous");
        assert!(overridden("no method").contains("no"), "{}", overridden("no method"));
    }

    #[test]
    fn hosts_do_not_share_routes() {
        assert_eq!(find(Method::GET, "b.test", "/public"), "Nothing");
        for host in ["evil-a.test", "a.test.evil", "c.test"] {
            assert_eq!(find(Method::GET, host, "/"), "UnknownHost");
        }
    }

    #[test]
    fn path_parameters_never_move_a_visit_to_another_route() {
        assert_eq!(find(Method::GET, "a.test", "/public/admin;x/y"), "Ambiguous");
        assert_eq!(find(Method::GET, "a.test", "/public/admin%3bx/y"), "Ambiguous");
        assert_eq!(find(Method::GET, "a.test", "/;x/public/admin"), "Ambiguous");
        assert_eq!(find(Method::GET, "a.test", "/app;jsessionid=1/page"), "a.test");
    }
}
