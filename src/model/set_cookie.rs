//! Cookies to set, with the attributes every cookie of ours has.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::header::{self, HeaderMap, HeaderValue};

use super::own_cookie::CookieScope;

/// One `Set-Cookie` line: `HttpOnly`, `SameSite=Lax`, `Path=/`, and `Secure` on https.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetCookie(String);

impl SetCookie {
    /// Sets a cookie that lives for `lifetime`.
    pub fn keep(scope: &CookieScope, name: &str, value: &str, lifetime: Duration) -> Self {
        Self::new(scope, name, value, lifetime, false)
    }

    /// Sets a cookie that all hosts below the shared domain see, where the site has one.
    pub fn keep_shared(scope: &CookieScope, name: &str, value: &str, lifetime: Duration) -> Self {
        Self::new(scope, name, value, lifetime, true)
    }

    /// Deletes what `keep` set.
    pub fn forget(scope: &CookieScope, name: &str) -> Self {
        Self::new(scope, name, "", Duration::ZERO, false)
    }

    /// Deletes what `keep_shared` set.
    pub fn forget_shared(scope: &CookieScope, name: &str) -> Self {
        Self::new(scope, name, "", Duration::ZERO, true)
    }

    fn new(scope: &CookieScope, name: &str, value: &str, lifetime: Duration, shared: bool) -> Self {
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let mut cookie = Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(scope.scheme.is_https())
            .max_age(cookie::time::Duration::seconds(seconds))
            .build();
        if let (true, Some(domain)) = (shared, &scope.domain) {
            cookie.set_domain(domain.clone());
        }
        Self(cookie.to_string())
    }

    /// The header line's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds the line to an answer.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// What may surround names and values (RFC 6265 §5.2). A wider blank (U+00A0, U+2000) belongs to the name: browsers
/// see no `__Host-` behind it, so anybody's sibling host may set such a cookie.
pub(super) const BLANKS: [char; 2] = [' ', '\t'];

/// The cookies of a request: name and value, in order, over all `Cookie` lines. What an application keeps beside ours
/// may be in any encoding; only its own pair is skipped then.
pub fn received(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='))
        .map(|(name, value)| (name.trim_matches(BLANKS), value.trim_matches(BLANKS)))
}

#[cfg(test)]
mod tests {
    use super::super::visit::Scheme;
    use super::*;

    #[test]
    fn every_cookie_has_its_guards() {
        let scope = CookieScope { scheme: Scheme::Https, domain: None };
        assert_eq!(
            SetCookie::keep(&scope, &scope.session_name(), "v", Duration::from_secs(60)).as_str(),
            "__Host-wxgate=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        assert_eq!(
            SetCookie::forget(&scope, &scope.session_name()).as_str(),
            "__Host-wxgate=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
        let shared = CookieScope { scheme: Scheme::Https, domain: Some("example.com".to_owned()) };
        let cookie = SetCookie::keep_shared(&shared, &shared.session_name(), "v", Duration::from_secs(60));
        assert!(
            cookie.as_str().starts_with("__Secure-wxgate=v")
                && cookie.as_str().contains("Domain=example.com")
        );
    }

    #[test]
    fn a_cookie_in_another_encoding_hides_no_other() {
        let line = HeaderValue::from_bytes(b"gbk=\xcd\xf5\xb7\xbc; wxgate=x; name=\xe7\x8e\x8b").unwrap();
        let headers = HeaderMap::from_iter([(header::COOKIE, line)]);
        assert_eq!(received(&headers).collect::<Vec<_>>(), [("wxgate", "x"), ("name", "王")]);
    }

    #[test]
    fn a_name_behind_a_wide_blank_is_another_name() {
        for blank in
            ['\u{a0}', '\u{85}', '\u{1680}', '\u{2000}', '\u{2028}', '\u{202f}', '\u{205f}', '\u{3000}']
        {
            let line = format!("{blank}__Host-wxgate=x; __Host-wxgate{blank}=y; \t__Host-wxgate =\tz ");
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(header::COOKIE, line)]);
            let ours: Vec<_> = received(&headers).filter(|(name, _)| *name == "__Host-wxgate").collect();
            assert_eq!(ours, [("__Host-wxgate", "z")], "{blank:?}");
        }
    }
}
