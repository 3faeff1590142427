//! Envoy's `ext_authz` over HTTP: the visitor's own request, its path appended to ours.

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use super::CheckError;
use super::told::{Told, X_FORWARDED_PROTO, one, scheme, unlisted};
use crate::model::return_to::OWN_PREFIX;

static HOST_LINE: HeaderName = HOST;

/// Names the headers to take off the visitor's request
/// (Envoy API, `extensions.filters.http.ext_authz.v3.AuthorizationResponse`).
const X_ENVOY_AUTH_HEADERS_TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// What Envoy asks about.
pub(super) fn told(parts: &Parts) -> Result<Told<'_>, CheckError> {
    let whole = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let appended = whole.strip_prefix(OWN_PREFIX).and_then(|rest| rest.strip_prefix("/auth/envoy"));
    let line = match one(parts, &HOST_LINE) {
        Err(CheckError::Missing(_)) => None,
        line => Some(unlisted(line?, HOST.as_str())?),
    };
    let authority = match (parts.uri.authority().map(http::uri::Authority::as_str), line) {
        (Some(target), Some(line)) if !target.eq_ignore_ascii_case(line) => {
            return Err(CheckError::Contradiction("host", HOST));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => return Err(CheckError::Missing(HOST.as_str())),
    };
    let scheme = match one(parts, &X_FORWARDED_PROTO) {
        Err(CheckError::Missing(_)) => None,
        word => Some(scheme(word?)?),
    };
    Ok(Told { method: parts.method.clone(), scheme, authority, target: appended.unwrap_or(whole) })
}

/// An answer without `Cookie` would leave the visitor's as it is.
pub(super) fn remove_cookies(headers: &mut HeaderMap) {
    headers.insert(X_ENVOY_AUTH_HEADERS_TO_REMOVE, HeaderValue::from_static("cookie"));
}
