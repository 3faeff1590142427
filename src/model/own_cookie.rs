//! The names of the gateway's own cookies, and how applications never see them.

use bytes::Bytes;
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
    let name = name.trim().as_bytes();
    let bare = GUARDS.iter().find_map(|guard| behind(name, guard)).unwrap_or(name);
    behind(bare, STEM).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"-"))
}

/// What follows `start`, in capitals or not.
fn behind<'a>(name: &'a [u8], start: &str) -> Option<&'a [u8]> {
    let (found, rest) = name.split_at_checked(start.len())?;
    found.eq_ignore_ascii_case(start.as_bytes()).then_some(rest)
}

/// A `Cookie` header value without our cookies; `None` when nothing is left. All other bytes stay as they are, in
/// order.
pub fn strip(value: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    keep_others(value, &mut kept);
    (!kept.is_empty()).then_some(kept)
}

/// Adds to `kept` what is left of one `Cookie` line.
fn keep_others(line: &[u8], kept: &mut Vec<u8>) {
    let mut is_first = true;
    let mut begin = 0;
    let has_commas = memchr::memchr(b',', line).is_some();
    for end in memchr::memchr_iter(b';', line).chain([line.len()]) {
        let mut pair = &line[begin..end];
        begin = end + 1;
        if has_commas {
            pair = without_ours_behind_a_comma(pair);
        }
        let text = pair.trim_ascii_start();
        if text.is_empty() || begins_as_ours(text) {
            continue;
        }
        if kept.capacity() == 0 {
            kept.reserve_exact(line.len());
        }
        match (is_first, kept.is_empty()) {
            (true, true) => kept.extend_from_slice(text),
            (true, false) => {
                kept.extend_from_slice(b"; ");
                kept.extend_from_slice(text);
            }
            (false, _) => {
                kept.push(b';');
                kept.extend_from_slice(pair);
            }
        }
        is_first = false;
    }
}

fn begins_as_ours(pair: &[u8]) -> bool {
    match pair.first() {
        // Nothing is trimmed before it, so it begins the name.
        Some(b'_' | b'w' | b'W') => {
            let bare = GUARDS.iter().find_map(|guard| behind(pair, guard)).unwrap_or(pair);
            behind(bare, STEM).is_some_and(|rest| rest.first() == Some(&b'=') || does_begin_as_ours(pair))
        }
        // Nearly every cookie.
        Some(b'!'..=b'~') | None => false,
        Some(_) => does_begin_as_ours(pair),
    }
}

fn does_begin_as_ours(pair: &[u8]) -> bool {
    let end = memchr::memchr2(b'=', b',', pair).unwrap_or(pair.len());
    let name = pair[..end].trim_ascii();
    std::str::from_utf8(name).is_ok_and(is_own)
}

/// Envoy asks about a visitor's two `Cookie` lines with one, joined by a comma.
fn without_ours_behind_a_comma(pair: &[u8]) -> &[u8] {
    let mut commas = memchr::memchr_iter(b',', pair);
    let end = commas.find(|at| begins_as_ours(&pair[at + 1..]));
    &pair[..end.unwrap_or(pair.len())]
}

/// All `Cookie` lines as one (RFC 9113 §8.2.3: HTTP/2 splits them into crumbs), without ours: what an application is to
/// see. `None` when nothing is left.
pub fn application_cookies(received: &HeaderMap) -> Option<HeaderValue> {
    let lines = received.get_all(COOKIE);
    let mut kept = Vec::new();
    lines.iter().for_each(|line| keep_others(line.as_bytes(), &mut kept));
    if kept.is_empty() { None } else { HeaderValue::from_maybe_shared(Bytes::from(kept)).ok() }
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
        fn a_quick_look_at_a_cookie_says_what_a_close_one_says(
            pair in "[ \t\u{b}\u{2000}]{0,2}(__host-|__SECURE-|__Sec)?(wxgate|Wx|WXGATE-x|wxgateway|a|é)?[ \u{3000}]?([=,][a-z]{0,3}){0,2}",
        ) {
            prop_assert_eq!(begins_as_ours(pair.as_bytes()), does_begin_as_ours(pair.as_bytes()));
        }

        #[test]
        fn what_is_left_is_every_other_pair(
            line in "(([ \t]{0,2}(__host-|__SECURE-)?(wxgate|a|é|wxgate-x|wxgateway)?[ ]?[=,;]{0,2}){0,3};?){0,5}",
        ) {
            let is_kept = |pair: &&[u8]| !pair.trim_ascii().is_empty() && !begins_as_ours(pair);
            let pairs = line.as_bytes().split(|byte| *byte == b';').map(without_ours_behind_a_comma);
            let all = pairs.filter(is_kept).collect::<Vec<_>>().join(&b';').trim_ascii_start().to_vec();
            prop_assert_eq!(strip(line.as_bytes()).unwrap_or_default(), all);
        }

        #[test]
        fn no_cookie_of_ours_survives(value in "(( ?(__Host-)?(a|wxgate|wxgate-x|b)(=[a-z]{0,3})?);){0,6}") {
            let seen = stripped(&value).unwrap_or_default();
            prop_assert!(seen.split(';').all(|pair| !is_own(pair.split('=').next().unwrap().trim())));
        }
    }
}
