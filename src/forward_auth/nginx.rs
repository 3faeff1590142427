//! nginx's `auth_request`, and HAProxy: the visited address in `X-Original-URL`; 200, 401 or 403, and nothing else.
//!
//! nginx turns any other status into a 500 (`ngx_http_auth_request_module`), and shows visitors nothing of the answer but
//! what its configuration takes out of it.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{Response, StatusCode};

use super::CheckError;
use super::told::{Told, method, one};
use crate::model::visit::Scheme;
use crate::net::body::{Body, empty};

static X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
static X_ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");

/// Where the visitor should go to sign in.
const X_WXGATE_REDIRECT: HeaderName = HeaderName::from_static("x-wxgate-redirect");

/// What nginx asks about.
pub(super) fn told(parts: &Parts) -> Result<Told<'_>, CheckError> {
    let url = one(parts, &X_ORIGINAL_URL)?;
    let method = method(one(parts, &X_ORIGINAL_METHOD)?, X_ORIGINAL_METHOD.as_str())?;
    let (scheme, authority, target) = split(url).ok_or(CheckError::Unreadable(X_ORIGINAL_URL.as_str()))?;
    Ok(Told { method, scheme: Some(scheme), authority, target })
}

/// Scheme, authority and target of an absolute http address.
pub(super) fn split(url: &str) -> Option<(Scheme, &str, &str)> {
    let (scheme, rest) = match url.strip_prefix("https://") {
        Some(rest) => (Scheme::Https, rest),
        None => (Scheme::Http, url.strip_prefix("http://")?),
    };
    let (authority, target) = rest.split_at(rest.bytes().position(|byte| byte == b'/')?);
    Some((scheme, authority, target))
}

/// Whoever must sign in gets 401 with the login address; `Content-Type` says whether a person or a program asked.
/// Everything else is 403.
pub(super) fn deny(mut response: Response<Body>) -> Response<Body> {
    let location = response.headers_mut().remove(LOCATION);
    // nginx takes over one cookie at most, and these belong to pages it never shows.
    response.headers_mut().remove(SET_COOKIE);
    let status = response.status();
    match location {
        Some(login) if status.is_redirection() || status == StatusCode::UNAUTHORIZED => {
            let headers = response.headers_mut();
            headers.insert(X_WXGATE_REDIRECT, login.clone());
            headers.insert(LOCATION, login);
            if status.is_redirection() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                headers.remove(CONTENT_LENGTH);
                *response.body_mut() = empty();
            }
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        _ => *response.status_mut() = StatusCode::FORBIDDEN,
    }
    response
}
