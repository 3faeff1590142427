//! What a proxy says in its own headers: each of them exactly once, and of the right kind.

use http::Method;
use http::header::HeaderName;
use http::request::Parts;

use super::CheckError;
use crate::model::visit::Scheme;

/// What a proxy says of a request, in its own headers.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) method: Method,
    /// `None` when it does not say.
    pub(super) scheme: Option<Scheme>,
    pub(super) authority: &'a str,
    /// Path and query, as the application will get them.
    pub(super) target: &'a str,
}

/// The value of a header that must be there exactly once.
pub(super) fn one<'a>(parts: &'a Parts, header: &'static HeaderName) -> Result<&'a str, CheckError> {
    let name = header.as_str();
    let mut lines = parts.headers.get_all(header).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Err(CheckError::Missing(name)),
        (_, Some(_)) => Err(CheckError::Repeated(name)),
        (Some(line), None) if line.is_empty() => Err(CheckError::Missing(name)),
        (Some(line), None) => std::str::from_utf8(line.as_bytes()).map_err(|_| CheckError::Unreadable(name)),
    }
}

/// A value that must not be a list.
pub(super) fn unlisted<'a>(value: &'a str, name: &'static str) -> Result<&'a str, CheckError> {
    if value.contains(',') { Err(CheckError::Repeated(name)) } else { Ok(value) }
}

/// A method's name.
pub(super) fn method(word: &str, name: &'static str) -> Result<Method, CheckError> {
    Method::from_bytes(unlisted(word, name)?.as_bytes()).map_err(|_| CheckError::Unreadable(name))
}

pub(super) static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// `ws` and `wss` are what Traefik calls http and https under a WebSocket.
pub(super) fn scheme(word: &str) -> Result<Scheme, CheckError> {
    match unlisted(word, "x-forwarded-proto")? {
        "https" | "wss" => Ok(Scheme::Https),
        "http" | "ws" => Ok(Scheme::Http),
        _ => Err(CheckError::Unreadable("x-forwarded-proto")),
    }
}
