//! What is being asked for, however it reached us.

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};
use thiserror::Error;

use super::alias::{Alias, Beginning, Lookout, begins_with_x};
use super::host::{Authority, InvalidHost};
use super::path::{AmbiguousPath, CanonicalPath, is_under, readings_as_sent};
use super::return_to::OWN_PREFIX;

/// How the visitor reaches us.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// Plain http.
    Http,
    /// http over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Whether the transport is encrypted.
    pub fn is_https(self) -> bool {
        self == Self::Https
    }
}

/// One canonical request target: the only thing that is judged, and the only thing that is forwarded.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The method as sent; extension methods keep their spelling.
    pub method: Method,
    /// How the visitor reached us.
    pub scheme: Scheme,
    /// Which host was asked, without a default port.
    pub authority: Authority,
    /// The canonical path.
    pub path: CanonicalPath,
    /// What else it may be taken for, when it is not we who forward it.
    pub as_sent: AsSent,
    rest: Rest,
}

/// Everything behind the first `?`, untouched; never part of a decision.
#[derive(Clone, Debug)]
enum Rest {
    /// By itself.
    Query(Option<String>),
    /// In what was received, which holds the canonical path and the query and nothing else.
    In(PathAndQuery),
}

/// A proxy that only asks passes on what it was sent, so every reading that an application might have of it counts.
#[derive(Clone, Debug, Default)]
pub struct AsSent {
    /// Other readings of the path.
    pub paths: Vec<String>,
    /// Methods named by headers such as `X-HTTP-Method-Override`.
    pub methods: Vec<Method>,
}

impl AsSent {
    /// Whether there is no other reading.
    pub fn is_nothing(&self) -> bool {
        self.paths.is_empty() && self.methods.is_empty()
    }
}

/// Names under which applications take another method than the one that was judged.
const METHOD_OVERRIDES: [&[u8]; 3] = [b"xhttpmethodoverride", b"xmethodoverride", b"xhttpmethod"];

/// Why a request target is refused with 400.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum AmbiguousVisit {
    /// The absolute-form target names another host than the Host header (RFC 9112 §3.2.2).
    #[error("the request target and the Host header name different hosts")]
    HostMismatch,
    /// No usable host.
    #[error("the request names no valid host")]
    InvalidHost(#[from] InvalidHost),
    /// The path can be read in two ways.
    #[error(transparent)]
    Path(#[from] AmbiguousPath),
    /// `X-HTTP-Method-Override` or its kind names no method.
    #[error("a header names a method that is none")]
    MethodOverride,
    /// The query holds a control character, a blank or a `#`.
    #[error("invalid character in the query")]
    Query,
    /// Several Host headers, or none.
    #[error("the request must have exactly one Host header")]
    RepeatedHost,
}

impl Visit {
    /// Judges the parts of a request target.
    pub fn parse(
        method: Method,
        scheme: Scheme,
        authority: &str,
        path: &str,
        query: Option<&str>,
    ) -> Result<Self, AmbiguousVisit> {
        let authority = Authority::parse(authority)?.without_default_port(scheme.is_https());
        let path = CanonicalPath::parse(path)?;
        judge(query)?;
        let rest = Rest::Query(query.map(str::to_owned));
        Ok(Self { method, scheme, authority, path, as_sent: AsSent::default(), rest })
    }

    /// The same of a target in one piece, which is kept where that is how it is forwarded.
    pub fn of(
        method: Method,
        scheme: Scheme,
        authority: &str,
        target: &PathAndQuery,
    ) -> Result<Self, AmbiguousVisit> {
        let (path, query) = (target.path(), target.query());
        let mut visit = Self::parse(method, scheme, authority, path, None)?;
        judge(query)?;
        visit.rest = if visit.path.as_str() == path && target.as_str().starts_with('/') {
            Rest::In(target.clone())
        } else {
            Rest::Query(query.map(str::to_owned))
        };
        Ok(visit)
    }

    /// Counts in how an application may read the request when `raw_path` and `headers` reach it as they are.
    pub fn passed_on(mut self, raw_path: &str, headers: &HeaderMap) -> Result<Self, AmbiguousVisit> {
        let paths = readings_as_sent(raw_path)?;
        if paths.iter().any(|path| is_under(path, OWN_PREFIX)) {
            return Err(AmbiguousPath::OwnPage.into());
        }
        let mut methods = Vec::new();
        for (name, value) in headers {
            if overrides_method(name.as_str()) {
                let method = Method::from_bytes(value.as_bytes());
                methods.push(method.map_err(|_| AmbiguousVisit::MethodOverride)?);
            }
        }
        self.as_sent = AsSent { paths, methods };
        Ok(self)
    }

    /// Path and query as they are forwarded.
    pub fn path_and_query(&self) -> String {
        let path = self.path.as_str();
        match &self.rest {
            Rest::In(target) => target.as_str().to_owned(),
            Rest::Query(Some(query)) => [path, "?", query].concat(),
            Rest::Query(None) => path.to_owned(),
        }
    }

    /// The same as the target of a request; `None` for a query that is none.
    pub fn target(&self) -> Option<PathAndQuery> {
        match &self.rest {
            Rest::In(target) => Some(target.clone()),
            Rest::Query(_) => PathAndQuery::from_maybe_shared(Bytes::from(self.path_and_query())).ok(),
        }
    }
}

/// Refuses a query that holds a control character, a blank or a `#`.
fn judge(query: Option<&str>) -> Result<(), AmbiguousVisit> {
    let is_odd = |byte: u8| byte <= 0x20 || byte == 0x7f || byte == b'#';
    // No early end: so the compiler looks at many bytes at a time.
    match query.is_some_and(|query| query.bytes().fold(false, |odd, byte| odd | is_odd(byte))) {
        true => Err(AmbiguousVisit::Query),
        false => Ok(()),
    }
}

/// Whether applications may take the value of a header of this name for the method.
#[inline]
pub fn overrides_method(name: &str) -> bool {
    const LOOKOUT: Lookout = Lookout::of(&METHOD_OVERRIDES);
    begins_with_x(name)
        && LOOKOUT.may_know(Beginning::of(name.as_bytes()))
        && METHOD_OVERRIDES.contains(&Alias::of(name).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_target_in_one_piece_is_judged_as_its_parts_are(
            target in "/?([-a-z.%;0-9]{0,3}/?|/[!-~]{0,4}|/\\PC{0,3}|//|/[.]{1,3}|[?]){0,8}",
        ) {
            let Ok(target) = PathAndQuery::try_from(target) else { return Ok(()) };
            let judged = |visit: Result<Visit, AmbiguousVisit>| {
                visit.map(|visit| (visit.path.to_string(), visit.path_and_query(), visit.target()))
            };
            let whole = judged(Visit::of(Method::GET, Scheme::Http, "a.test", &target));
            let parts = Visit::parse(Method::GET, Scheme::Http, "a.test", target.path(), target.query());
            prop_assert_eq!(&whole, &judged(parts));
            if let Ok((_, text, target)) = whole {
                let target = target.map(|target| target.to_string());
                prop_assert!(target.is_none_or(|target| target == text));
            }
        }
    }
}
