//! What is being asked for, however it reached us.

use http::Method;
use thiserror::Error;

use super::host::{Authority, InvalidHost};
use super::path::{AmbiguousPath, CanonicalPath};

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
    /// Everything behind the first `?`, untouched; never part of a decision.
    pub query: Option<String>,
}

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
        if query.is_some_and(|query| query.bytes().any(|byte| byte <= 0x20 || byte == 0x7f || byte == b'#')) {
            return Err(AmbiguousVisit::Query);
        }
        Ok(Self { method, scheme, authority, path, query: query.map(str::to_owned) })
    }

    /// Path and query as they are forwarded.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.as_str().to_owned(),
        }
    }
}
