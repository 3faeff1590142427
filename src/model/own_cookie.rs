//! The names of the gateway's own cookies, and how applications never see them.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::host::Host;
use super::site::is_within;
use super::visit::Scheme;

/// The stem of every cookie of ours; with a purpose behind it and, on https, a browser-enforced prefix before it.
const STEM: &str = "wxgate";

/// The prefixes with which browsers guard a cookie (RFC 6265bis §4.1.3).
const GUARDS: [&str; 2] = ["__Host-", "__Secure-"];

/// How cookies are named and scoped on one site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CookieScope {
    /// Whether browsers reach the site by https.
    pub scheme: Scheme,
    /// The parent domain all protected hosts share; `None` keeps cookies to their host.
    pub domain: Option<String>,
}

impl CookieScope {
    /// `__Host-wxgate` on https, `__Secure-wxgate` with a shared domain, `wxgate` on plain http.
    pub fn session_name(&self) -> String {
        let guard = match (self.scheme, &self.domain) {
            (Scheme::Http, _) => "",
            (Scheme::Https, None) => GUARDS[0],
            (Scheme::Https, Some(_)) => GUARDS[1],
        };
        format!("{guard}{STEM}")
    }

    /// Whether a cookie for the shared domain reaches `host`; without such a domain, none does.
    pub fn reaches(&self, host: &Host) -> bool {
        self.domain.as_deref().is_some_and(|domain| is_within(host, domain))
    }

    /// The name of a host-only cookie for `purpose`.
    pub fn host_only_name(&self, purpose: &str) -> String {
        let guard = if self.scheme.is_https() { GUARDS[0] } else { "" };
        format!("{guard}{STEM}-{purpose}")
    }
}

/// Whether a cookie of this name is ours on any kind of site, however it is written. Wider blanks than HTTP knows are
/// no part of the name for applications that trim them.
pub fn is_own(name: &str) -> bool {
    let lower = name.trim().to_ascii_lowercase();
    let bare =
        GUARDS.iter().find_map(|guard| lower.strip_prefix(&guard.to_ascii_lowercase())).unwrap_or(&lower);
    bare == STEM || bare.strip_prefix(STEM).is_some_and(|rest| rest.starts_with('-'))
}

/// A `Cookie` header value without our cookies; `None` when nothing is left. All other bytes stay as they are, in
/// order.
pub fn strip(value: &[u8]) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = value
        .split(|byte| *byte == b';')
        .map(without_ours_behind_a_comma)
        .filter(|pair| !pair.trim_ascii().is_empty() && !begins_as_ours(pair))
        .collect();
    (!kept.is_empty()).then(|| kept.join(&b';').trim_ascii_start().to_vec())
}

fn begins_as_ours(pair: &[u8]) -> bool {
    let name = pair.split(|byte| matches!(byte, b'=' | b',')).next().unwrap_or(pair).trim_ascii();
    std::str::from_utf8(name).is_ok_and(is_own)
}

/// Envoy asks about a visitor's two `Cookie` lines with one, joined by a comma.
fn without_ours_behind_a_comma(pair: &[u8]) -> &[u8] {
    let mut commas = pair.iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(at, _)| at);
    let end = commas.find(|at| begins_as_ours(&pair[at + 1..]));
    &pair[..end.unwrap_or(pair.len())]
}

/// All `Cookie` lines as one (RFC 9113 §8.2.3: HTTP/2 splits them into crumbs), without ours: what an application is to
/// see. `None` when nothing is left.
pub fn application_cookies(received: &HeaderMap) -> Option<HeaderValue> {
    let lines: Vec<Vec<u8>> =
        received.get_all(COOKIE).iter().filter_map(|line| strip(line.as_bytes())).collect();
    if lines.is_empty() { None } else { HeaderValue::from_bytes(&lines.join(&b"; "[..])).ok() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stripped(value: &str) -> Option<String> {
        strip(value.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn our_cookies_go_and_all_others_stay_in_order() {
        for (sent, seen) in [
            ("a=1; __Host-wxgate=x; b=2", Some("a=1; b=2")),
            ("__Host-wxgate=x; a=1", Some("a=1")),
            ("a=1;wxgate=x;b=\"2\" ;  c", Some("a=1;b=\"2\" ;  c")),
            ("__HOST-WXGATE-login-12=x", None),
            ("__Secure-wxgate=x;;", None),
            ("  wxgate = x ; a=1", Some("a=1")),
            ("\u{2000}__Host-wxgate=x; wxgate-login-1\u{3000}=y; a=1", Some("a=1")),
            ("wxgateway=1; my-wxgate=2", Some("wxgateway=1; my-wxgate=2")),
            ("a=wxgate=x", Some("a=wxgate=x")),
            ("a=1,2,wxgateway; b=,x", Some("a=1,2,wxgateway; b=,x")),
            ("a=1,b=2, __Host-wxgate=x,c=3; d=4", Some("a=1,b=2; d=4")),
            (",wxgate-login-1=x", None),
            ("a,wxgate,wxgate=x; b=1", Some("a; b=1")),
            ("", None),
        ] {
            assert_eq!(stripped(sent).as_deref(), seen, "{sent}");
        }
    }

    #[test]
    fn cookie_crumbs_become_one_line() {
        let mut headers = HeaderMap::new();
        for crumb in ["a=1", "__Host-wxgate=x", "b=2; c=3"] {
            headers.append(COOKIE, HeaderValue::from_static(crumb));
        }
        assert_eq!(application_cookies(&headers).unwrap(), "a=1; b=2; c=3");
    }

    proptest! {
        #[test]
        fn no_cookie_of_ours_survives(value in "(( ?(__Host-)?(a|wxgate|wxgate-x|b)(=[a-z]{0,3})?);){0,6}") {
            let seen = stripped(&value).unwrap_or_default();
            prop_assert!(seen.split(';').all(|pair| !is_own(pair.split('=').next().unwrap().trim())));
        }
    }
}
