//! Where a browser goes after signing in: always a page of ours, whatever was asked for.

use super::host::{Authority, Host};
use super::path::CanonicalPath;

/// The prefix of the gateway's own pages.
pub const OWN_PREFIX: &str = "/_wxgate";

/// Pages of our own that a browser may come back to: reading them changes nothing.
const OWN_PAGES: [&str; 4] = ["/_wxgate/admin", "/_wxgate/invite", "/_wxgate/request", "/_wxgate/setup"];

/// Longest return address that is kept; a longer one falls back to `/`.
pub const LONGEST: usize = 1024;

/// A checked return address: a host that is served here, a canonical path and a query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReturnTo {
    /// The other protected host, or `None` for the host the browser is on.
    pub host: Option<Host>,
    /// Canonical path and query; begins with exactly one `/`.
    pub path_and_query: String,
}

impl ReturnTo {
    /// The front page of the present host.
    pub fn front_page() -> Self {
        Self { host: None, path_and_query: "/".to_owned() }
    }

    /// Reads a wished-for return address. Whatever is not plainly a page of a host for which `serves` holds becomes
    /// the front page. Accepts `/path?query`, `http(s)://host/path?query`, and both percent-encoded once.
    pub fn parse(wish: &str, present: &Host, serves: impl Fn(&Host) -> bool) -> Self {
        Self::read(wish, present, &serves)
            .or_else(|| {
                let decoded = percent_encoding::percent_decode_str(wish).decode_utf8().ok()?;
                let was_encoded = wish.starts_with('%') || wish.to_ascii_lowercase().starts_with("http%3a");
                if was_encoded || wish.to_ascii_lowercase().contains("%2f%2f") {
                    Self::read(&decoded, present, &serves)
                } else {
                    None
                }
            })
            .unwrap_or_else(Self::front_page)
    }

    fn read(wish: &str, present: &Host, serves: &impl Fn(&Host) -> bool) -> Option<Self> {
        if wish.len() > LONGEST || !wish.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return None;
        }
        let wish = wish.split('#').next().unwrap_or(wish);
        let (host, target) = match wish.strip_prefix("http://").or_else(|| wish.strip_prefix("https://")) {
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, target) = rest.split_at(end);
                let host = Authority::parse(authority).ok()?.host;
                if host == *present {
                    (None, target)
                } else if serves(&host) {
                    (Some(host), target)
                } else {
                    return None;
                }
            }
            None => (None, wish),
        };
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let relative = host.is_none() && !wish.starts_with("http");
        if relative && (!path.starts_with('/') || path.starts_with("//")) {
            return None;
        }
        let path = CanonicalPath::parse(if path.is_empty() { "/" } else { path }).ok()?;
        if path.is_under(OWN_PREFIX) && !is_own_page(path.as_str()) {
            return None;
        }
        let path_and_query = match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_string(),
        };
        Some(Self { host, path_and_query })
    }
}

/// Whether a path of ours is one to come back to, in its one spelling.
pub fn is_own_page(path: &str) -> bool {
    OWN_PAGES.contains(&path) || path.starts_with("/_wxgate/admin/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(wish: &str) -> String {
        let present = Host::parse("a.test").unwrap();
        let target = ReturnTo::parse(wish, &present, |host| host.as_str() == "b.test");
        match target.host {
            Some(host) => format!("{host}{}", target.path_and_query),
            None => target.path_and_query,
        }
    }

    #[test]
    fn pages_of_ours_are_kept_with_their_query() {
        for (wish, target) in [
            ("/x?a=1&b=2", "/x?a=1&b=2"),
            ("%2Fx%3Fa%3D1", "/x?a=1"),
            ("https://a.test/x?to=/y", "/x?to=/y"),
            ("http://a.test:8480", "/"),
            ("https://b.test/x", "b.test/x"),
            ("https%3A%2F%2Fb.test%2Fx", "b.test/x"),
            ("/a/../x#part", "/x"),
            ("/_wxgate/admin/members/wx-0?a=1", "/_wxgate/admin/members/wx-0?a=1"),
            ("https://b.test/_wxgate/request?to=/x", "b.test/_wxgate/request?to=/x"),
            ("/_wxgate/setup?code=ab", "/_wxgate/setup?code=ab"),
        ] {
            assert_eq!(parse(wish), target, "{wish}");
        }
    }

    #[test]
    fn everything_else_is_the_front_page() {
        for wish in [
            "",
            "x",
            "//evil",
            "/\\evil",
            "/\t/evil",
            "https:evil",
            "https:///evil",
            "\\\\evil",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a.test@evil",
            "https://a.test.evil",
            "https://evil#a.test",
            "https://evil\\@a.test",
            "%2F%2Fevil",
            "/%2f/evil",
            "/%5cevil",
            "https://evil.test/",
            "HTTPS://a.test@evil/",
            "/_wxgate/logout",
            "/%5fwxgate/login",
            "/_wxgate/administration",
            "/_wxgate/invite/",
            "/_wxgate/login/status",
            "/_wxgate/request;x",
            "https://b.test/_wxgate/ticket",
            "/a\r\nLocation: x",
            "/%0d%0aX: y",
            "%0d%0a/x",
            "https://a.test:b/x",
            "///evil",
            "/.//evil/../../_wxgate/x",
        ] {
            assert_eq!(parse(wish), "/", "{wish}");
        }
    }

    proptest! {
        #[test]
        fn no_wish_leaves_our_hosts(wish in "\\PC{0,60}") {
            let target = ReturnTo::parse(&wish, &Host::parse("a.test").unwrap(), |host| host.as_str() == "b.test");
            prop_assert!(target.path_and_query.starts_with('/') && !target.path_and_query.starts_with("//"));
            let base = url::Url::parse("https://a.test/").unwrap();
            let landed = base.join(&target.path_and_query).unwrap();
            prop_assert_eq!(landed.host_str(), Some("a.test"));
            prop_assert!(target.host.is_none_or(|host| host.as_str() == "b.test"));
        }
    }
}
