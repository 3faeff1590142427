//! The visitor's own request, as a proxy tells it: exactly one answer to which method, host and path, or none.

use std::cell::LazyCell;

use http::header::{HOST, HeaderMap, HeaderValue, UPGRADE};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};

use super::told::Told;
use super::{CheckError, Dialect, envoy, forwarded, nginx};
use crate::model::alias::{Alias, Beginning, Lookout, begins_with_x};
use crate::model::host::Authority;
use crate::model::peer::{Peer, TrustedProxies};
use crate::model::visit::{AmbiguousVisit, Scheme, Visit};

/// Reads what `parts` asks about, and makes them the head of the visitor's request, to be read as if it had come to us.
/// Only trusted peers may ask; `public` holds the port of `public_url`, because proxies do not tell it reliably. A
/// question that is no good leaves `parts` as they are.
pub fn read(
    dialect: Dialect,
    parts: &mut Parts,
    peer: Peer,
    trusted: &TrustedProxies,
    public: (Scheme, Option<u16>),
) -> Result<Result<Visit, AmbiguousVisit>, CheckError> {
    if !trusted.trusts(peer) {
        return Err(CheckError::Untrusted(peer.address()));
    }
    let told = match dialect {
        Dialect::Caddy | Dialect::Traefik => forwarded::told(parts),
        Dialect::Envoy => envoy::told(parts),
        Dialect::Nginx => nginx::told(parts),
    }?;
    refuse_contradictions(&told, &parts.headers)?;
    refuse_other_protocols(&parts.headers)?;
    let read = visit(&told, &parts.headers, public);
    parts.method = told.method;
    let visit = match read {
        Err(unclear) => Err(unclear),
        Ok((visit, target)) => {
            parts.headers.insert(HOST, told_host(&visit, &parts.headers));
            parts.uri = Uri::from(target);
            Ok(visit)
        }
    };
    tell_of_upgrade(parts);
    Ok(visit)
}

/// What is visited, and the same as the target of a request.
fn visit(
    told: &Told<'_>,
    headers: &HeaderMap,
    (scheme, port): (Scheme, Option<u16>),
) -> Result<(Visit, PathAndQuery), AmbiguousVisit> {
    let (path, query) = match told.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (told.target, None),
    };
    let scheme = told.scheme.unwrap_or(scheme);
    let mut visit = Visit::parse(told.method.clone(), scheme, told.authority, path, query)?;
    visit.authority.port = port;
    let target = visit.target().ok_or(AmbiguousVisit::Query)?;
    Ok((visit.passed_on(path, headers)?, target))
}

fn told_host(visit: &Visit, headers: &HeaderMap) -> HeaderValue {
    match headers.get(HOST) {
        Some(line) if visit.authority.is_written(line.as_bytes()) => line.clone(),
        _ => HeaderValue::try_from(visit.authority.to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("")),
    }
}

/// Most proxies keep `Upgrade` to themselves, but pass on what only a WebSocket handshake carries
/// (RFC 6455 §4.1).
fn tell_of_upgrade(parts: &mut Parts) {
    let headers = &mut parts.headers;
    let is_websocket = headers.contains_key(UPGRADE)
        || headers.keys().any(|name| name.as_str().starts_with("sec-websocket-"));
    if is_websocket {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
}

/// A proxy that passes `Upgrade` on may open a tunnel to the application; behind any protocol but WebSocket there can be
/// HTTP again (`h2c`, RFC 9113 §3.1), in which nobody would be asked about anything.
fn refuse_other_protocols(headers: &HeaderMap) -> Result<(), CheckError> {
    let mut lines = headers.get_all(UPGRADE).iter();
    if lines.all(|line| line.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket")) {
        Ok(())
    } else {
        Err(CheckError::Upgrade)
    }
}

/// What a visitor sends under another proxy's names, in whatever spelling, must say the same, or nobody knows what the
/// application believes.
fn refuse_contradictions(told: &Told<'_>, headers: &HeaderMap) -> Result<(), CheckError> {
    const LOOKOUT: Lookout = Lookout::of(&[b"xoriginalmethod", b"xforwardedmethod", b"xrewriteurl"]);
    let host = |text: &str| Authority::parse(text.trim()).ok().map(|authority| authority.host);
    let asked_host = LazyCell::new(|| host(told.authority));
    let is_other = |authority: &str| authority != told.authority && host(authority) != *asked_host;
    for (name, value) in headers {
        if !begins_with_x(name.as_str()) || !LOOKOUT.may_know(Beginning::of(name.as_str().as_bytes())) {
            continue;
        }
        let word = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
        let contradiction = match Alias::of(name.as_str()).as_bytes() {
            b"xoriginalmethod" | b"xforwardedmethod" => (word != told.method.as_str()).then_some("method"),
            b"xforwardedhost" => word.split(',').any(is_other).then_some("host"),
            b"xoriginalurl" | b"xoriginaluri" | b"xforwardeduri" | b"xrewriteurl" => match nginx::split(word)
            {
                Some((_, authority, _)) if is_other(authority) => Some("host"),
                Some((_, _, target)) => (target != told.target).then_some("path"),
                None => (word != told.target).then_some("path"),
            },
            _ => None,
        };
        if let Some(part) = contradiction {
            return Err(CheckError::Contradiction(part, name.clone()));
        }
    }
    Ok(())
}
