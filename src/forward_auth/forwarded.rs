//! Traefik and Caddy: the visited address in `X-Forwarded-{Method,Proto,Host,Uri}`.

use http::request::Parts;

use super::CheckError;
use super::told::{Told, method, one, scheme, unlisted};

/// What Traefik or Caddy asks about.
pub(super) fn told(parts: &Parts) -> Result<Told<'_>, CheckError> {
    let target = one(parts, "x-forwarded-uri")?;
    let method = method(one(parts, "x-forwarded-method")?, "x-forwarded-method")?;
    let authority = unlisted(one(parts, "x-forwarded-host")?, "x-forwarded-host")?;
    let scheme = scheme(one(parts, "x-forwarded-proto")?)?;
    Ok(Told { method, scheme: Some(scheme), authority, target })
}
