//! Forward-auth: another proxy asks whether a visitor may pass. What it asks about comes in, its dialect goes out.
//!
//! The decision is the same as for requests that come by themselves; only where the visit is read from and how the
//! verdict is said differ.

mod asked_for;
mod envoy;
mod forwarded;
mod nginx;
mod told;

use std::net::IpAddr;

use http::header::{CONNECTION, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use thiserror::Error;

use crate::gate::Admission;
use crate::gate::identity_headers::IdentityHeaders;
use crate::model::return_to::OWN_PREFIX;
use crate::model::set_cookie::SetCookie;
use crate::net::body::{Body, empty};

pub use asked_for::read;

/// Who asks, and so how it asks and what it makes of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// Caddy's `forward_auth`: 2xx admits, everything else goes to the visitor whole.
    Caddy,
    /// Envoy's `ext_authz` over HTTP: exactly 200 admits, everything else goes to the visitor.
    Envoy,
    /// nginx's `auth_request`, and HAProxy: 200 admits, 401 and 403 refuse, anything else is an error to them.
    Nginx,
    /// Traefik's `ForwardAuth`: 2xx admits, everything else goes to the visitor whole.
    Traefik,
}

/// Why a check is not answered with a verdict. The words are for whoever set the proxy up.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum CheckError {
    /// Two headers name different requests.
    #[error("{1} names another {0} than the one asked about")]
    Contradiction(&'static str, HeaderName),
    /// A header could be taken for an identity header, and the proxy would pass it on.
    #[error("the visitor sent {0}, which an application may take for an identity header")]
    Disguised(HeaderName),
    /// A header that says what is asked about is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Nobody answers questions there.
    #[error(
        "questions about visitors are answered at /_wxgate/auth/nginx (HAProxy too), traefik, caddy and envoy/"
    )]
    Nowhere,
    /// nginx and HAProxy cannot show the visitor one of our pages in place of the application's.
    #[error("asked about one of wxgate's own pages, which must be passed to wxgate instead")]
    OwnPage,
    /// A header that says what is asked about is there more than once, or lists several values.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// A header holds nothing of the kind it should.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// The visitor wants to leave HTTP for something other than WebSocket.
    #[error("upgrade asks for another protocol than WebSocket, in which nobody would judge requests")]
    Upgrade,
    /// The asking address may not speak for visitors.
    #[error("{0} asks about visitors and is not in server.trusted_proxies")]
    Untrusted(IpAddr),
}

impl Dialect {
    /// The dialect that is spoken at `path`, which is the request's own, byte for byte: what Envoy appends to it must
    /// not be resolved against it.
    pub fn at(path: &str) -> Option<Self> {
        match path.strip_prefix(OWN_PREFIX)?.strip_prefix("/auth/")? {
            "caddy" => Some(Self::Caddy),
            "nginx" => Some(Self::Nginx),
            "traefik" => Some(Self::Traefik),
            rest if rest.strip_prefix("envoy").is_some_and(|asked| asked.starts_with('/')) => {
                Some(Self::Envoy)
            }
            _ => None,
        }
    }

    /// The word for logs, for endpoints and for `wxgate snippet`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
        }
    }

    /// Whether the visitor sees our own answers, cookies included; nginx only takes the status from them.
    pub fn shows_answers(self) -> bool {
        self != Self::Nginx
    }

    /// 200: the visitor may pass. Every identity header is there exactly once, so that the proxy overwrites what the
    /// visitor sent; so is `Cookie` without our own cookies, if anything is left of it.
    pub fn admit(
        self,
        admission: &Admission,
        identity: &IdentityHeaders,
        received: &HeaderMap,
        request_id: HeaderValue,
        cookies: Option<HeaderValue>,
        renewed: Option<SetCookie>,
    ) -> Response<Body> {
        let mut response = Response::new(empty());
        let hides_cookies = cookies.is_none() && self == Self::Envoy && received.contains_key(COOKIE);
        let no_store = HeaderValue::from_static("no-store");
        *response.headers_mut() =
            identity.tell_beside(admission, [Some(no_store), Some(request_id), cookies]);
        let headers = response.headers_mut();
        if hides_cookies {
            envoy::remove_cookies(headers);
        }
        if let Some(cookie) = renewed {
            cookie.add_to(headers);
        }
        response
    }

    /// Anything but an admission. `origin` is that of the host asked about.
    pub fn deny(self, mut response: Response<Body>, origin: &str) -> Response<Body> {
        // That is between the visitor and the proxy.
        response.headers_mut().remove(CONNECTION);
        if self == Self::Nginx {
            return nginx::deny(response);
        }
        if response.status().is_success() {
            // A page of ours; a success would let the visitor pass to the application.
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let relative = location.filter(|location| location.starts_with('/'));
        // Traefik resolves a relative address against that of the gateway.
        if let Some(Ok(absolute)) = relative.map(|path| HeaderValue::try_from(format!("{origin}{path}"))) {
            response.headers_mut().insert(LOCATION, absolute);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_spoken_at_its_own_address_only() {
        assert_eq!(Dialect::at("/_wxgate/auth/nginx"), Some(Dialect::Nginx));
        assert_eq!(Dialect::at("/_wxgate/auth/traefik"), Some(Dialect::Traefik));
        assert_eq!(Dialect::at("/_wxgate/auth/caddy"), Some(Dialect::Caddy));
        assert_eq!(Dialect::at("/_wxgate/auth/envoy/"), Some(Dialect::Envoy));
        assert_eq!(Dialect::at("/_wxgate/auth/envoy//x/../y"), Some(Dialect::Envoy));
        for path in [
            "/_wxgate/auth/envoy",
            "/_wxgate/auth/envoyx/",
            "/_wxgate/auth/nginx/",
            "/_wxgate/auth/Nginx",
            "/_wxgate/auth/",
            "/_wxgate//auth/nginx",
            "/auth/nginx",
        ] {
            assert_eq!(Dialect::at(path), None, "{path}");
        }
    }
}
