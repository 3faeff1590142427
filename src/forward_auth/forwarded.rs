//! Traefik and Caddy: the visited address in `X-Forwarded-{Method,Proto,Host,Uri}`.

use http::header::HeaderName;
use http::request::Parts;

use super::CheckError;
use super::told::{Told, X_FORWARDED_PROTO, method, one, scheme, unlisted};

static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
static X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// What Traefik or Caddy asks about.
pub(super) fn told(parts: &Parts) -> Result<Told<'_>, CheckError> {
    let target = one(parts, &X_FORWARDED_URI)?;
    let method = method(one(parts, &X_FORWARDED_METHOD)?, X_FORWARDED_METHOD.as_str())?;
    let authority = unlisted(one(parts, &X_FORWARDED_HOST)?, X_FORWARDED_HOST.as_str())?;
    let scheme = scheme(one(parts, &X_FORWARDED_PROTO)?)?;
    Ok(Told { method, scheme: Some(scheme), authority, target })
}
