//! What is being asked for, however it reached us.

use http::{HeaderMap, Method};
use thiserror::Error;

use super::alias::{Alias, Beginning, Lookout};
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
    /// Everything behind the first `?`, untouched; never part of a decision.
    pub query: Option<String>,
    /// What else it may be taken for, when it is not we who forward it.
    pub as_sent: AsSent,
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
        if query.is_some_and(|query| query.bytes().any(|byte| byte <= 0x20 || byte == 0x7f || byte == b'#')) {
            return Err(AmbiguousVisit::Query);
        }
        let as_sent = AsSent::default();
        Ok(Self { method, scheme, authority, path, query: query.map(str::to_owned), as_sent })
    }

    /// Counts in how an application may read the request when `raw_path` and `headers` reach it as they are.
    pub fn passed_on(mut self, raw_path: &str, headers: &HeaderMap) -> Result<Self, AmbiguousVisit> {
        let paths = readings_as_sent(raw_path)?;
        if paths.iter().any(|path| is_under(path, OWN_PREFIX)) {
            return Err(AmbiguousPath::OwnPage.into());
        }
        let overrides = headers.iter().filter(|(name, _)| overrides_method(name.as_str()));
        let methods = overrides
            .map(|(_, value)| {
                Method::from_bytes(value.as_bytes()).map_err(|_| AmbiguousVisit::MethodOverride)
            })
            .collect::<Result<_, _>>()?;
        self.as_sent = AsSent { paths, methods };
        Ok(self)
    }

    /// Path and query as they are forwarded.
    pub fn path_and_query(&self) -> String {
        let path = self.path.as_str();
        match &self.query {
            Some(query) => [path, "?", query].concat(),
            None => path.to_owned(),
        }
    }
}

/// Whether applications may take the value of a header of this name for the method.
pub fn overrides_method(name: &str) -> bool {
    const LOOKOUT: Lookout = Lookout::of(&METHOD_OVERRIDES);
    LOOKOUT.may_know(Beginning::of(name.as_bytes())) && METHOD_OVERRIDES.contains(&Alias::of(name).as_bytes())
}
