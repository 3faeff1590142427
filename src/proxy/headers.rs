//! Header lines on their way: hop-by-hop fields end here, forwarded fields are told anew, our cookies stay with us.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::gate::Admission;
use crate::gate::identity_headers::IdentityHeaders;
use crate::model::alias::Alias;
use crate::model::own_cookie;
use crate::model::visit::{Visit, overrides_method};

/// Which Host the application is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UpstreamHost {
    /// A fixed name.
    Fixed(HeaderValue),
    /// The one the visitor asked for.
    Visited,
}

/// The truth about where a request came from.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// The visitor's own address.
    pub client: IpAddr,
    /// `X-Forwarded-For` to tell: the visitor first, then each trusted proxy on the way.
    pub chain: String,
}

/// How the headers of one route are rewritten.
#[derive(Clone, Debug)]
pub struct Rewriting {
    /// Host for the application.
    pub host: UpstreamHost,
    /// Identity headers.
    pub identity: IdentityHeaders,
    /// Whether methods decide about anything, so that no header may change them afterwards.
    pub keeps_method: bool,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Named by the gateway itself before it comes here, so no client can have it taken off.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Families of names by which proxies speak for a client: what the client itself sent under them is no truth.
const FORWARDED_FAMILIES: [&[u8]; 7] =
    [b"xforwarded", b"xoriginal", b"xrewrite", b"xssl", b"sslclient", b"xaccel", b"xsendfile"];

/// Single names beside the families; `Proxy` because CGI makes `HTTP_PROXY` of it (httpoxy).
const FORWARDED_NAMES: [&[u8]; 19] = [
    b"forwarded",
    b"xrealip",
    b"xclientip",
    b"trueclientip",
    b"xclusterclientip",
    b"proxy",
    b"http2settings",
    b"clientip",
    b"proxyclientip",
    b"wlproxyclientip",
    b"cfconnectingip",
    b"fastlyclientip",
    b"xenvoyexternaladdress",
    b"xscheme",
    b"xurlscheme",
    b"frontendhttps",
    b"xhost",
    b"xhttphostoverride",
    b"xclientcert",
];

/// RFC 9110 §7.6.1, and the fields that hyper writes itself.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRANSFER_ENCODING
            | header::UPGRADE
            | header::PROXY_AUTHENTICATE
            | header::PROXY_AUTHORIZATION
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Fields of a request that hold for the way to us only: what is sent on says it for itself, and has no trailers.
fn is_told_anew(name: &HeaderName) -> bool {
    matches!(*name, header::HOST | header::COOKIE | header::EXPECT | header::CONTENT_LENGTH | header::TRAILER)
}

/// The names that `Connection` lists (RFC 9110 §7.6.1): they end here as well.
fn listed_in_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    tokens(headers, header::CONNECTION)
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .collect()
}

/// The comma separated tokens of all lines of `name`.
pub(super) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

fn speaks_for_a_client(name: &HeaderName) -> bool {
    let alias = Alias::of(name.as_str());
    let bytes = alias.as_bytes();
    FORWARDED_FAMILIES.iter().any(|family| bytes.starts_with(family)) || FORWARDED_NAMES.contains(&bytes)
}

impl Rewriting {
    /// The header lines for the application: the client's, less what ends here, plus what only we may say.
    pub(super) fn request(
        &self,
        received: &HeaderMap,
        visit: &Visit,
        forwarded: &Forwarded,
        prefix: Option<&str>,
        admission: &Admission,
    ) -> HeaderMap {
        let listed = listed_in_connection(received);
        let mut headers = HeaderMap::with_capacity(received.len() + 16);
        for (name, value) in received {
            let ends_here = is_hop_by_hop(name)
                || (listed.contains(name) && *name != X_REQUEST_ID)
                || is_told_anew(name)
                || speaks_for_a_client(name)
                || (self.keeps_method && overrides_method(name.as_str()))
                || self.identity.resembles(name);
            if !ends_here {
                headers.append(name.clone(), value.clone());
            }
        }
        if tokens(received, header::TE).any(|token| token.eq_ignore_ascii_case("trailers")) {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
        if let Some(cookie) = own_cookie::application_cookies(received) {
            headers.insert(header::COOKIE, cookie);
        }
        let visited = text(visit.authority.to_string());
        let host = match &self.host {
            UpstreamHost::Fixed(host) => host.clone(),
            UpstreamHost::Visited => visited.clone(),
        };
        headers.insert(header::HOST, host);
        headers.insert(X_FORWARDED_FOR, text(forwarded.chain.clone()));
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(visit.scheme.as_str()));
        headers.insert(X_FORWARDED_HOST, visited);
        headers.insert(X_REAL_IP, text(forwarded.client.to_string()));
        if let Some(prefix) = prefix {
            headers.insert(X_FORWARDED_PREFIX, text(prefix.to_owned()));
        }
        self.identity.set(admission, &mut headers);
        headers
    }
}

/// Takes hop-by-hop fields and cookies of our names out of an application's answer. Returns how many cookies.
pub(super) fn response(headers: &mut HeaderMap) -> usize {
    let listed = listed_in_connection(headers);
    let mut clean = HeaderMap::with_capacity(headers.len());
    let mut dropped = 0;
    for (name, value) in headers.iter() {
        if is_hop_by_hop(name) || listed.contains(name) {
            continue;
        }
        if name == header::SET_COOKIE && sets_own_cookie(value) {
            dropped += 1;
            continue;
        }
        clean.append(name.clone(), value.clone());
    }
    *headers = clean;
    dropped
}

fn sets_own_cookie(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let pair = bytes.split(|byte| *byte == b';').next().unwrap_or(bytes);
    // Browsers send a cookie without a name (`=wxgate=x`) back as its bare value, and that reads like one of ours.
    let lead = pair.iter().take_while(|byte| **byte == b'=' || byte.is_ascii_whitespace()).count();
    let name = pair[lead..].split(|byte| *byte == b'=').next().unwrap_or(pair).trim_ascii();
    std::str::from_utf8(name).is_ok_and(own_cookie::is_own)
}

/// A header value of text that holds no control characters by construction; anything else is sent as nothing.
fn text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_listed_in_connection_end_here() {
        let mut headers = HeaderMap::new();
        headers.insert("connection", HeaderValue::from_static("close, X-Listed"));
        headers.insert("x-listed", HeaderValue::from_static("1"));
        headers.insert("keep-alive", HeaderValue::from_static("5"));
        headers.insert("x-kept", HeaderValue::from_static("2"));
        response(&mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-kept"], "2");
    }

    #[test]
    fn an_application_cannot_set_our_cookies() {
        let mut headers = HeaderMap::new();
        for cookie in [
            "__Host-wxgate=evil; Path=/",
            " wxgate-login-1=x",
            "__secure-WXGATE=x",
            "=wxgate=x",
            " = =__Host-wxgate=x",
            "session=fine",
        ] {
            headers.append("set-cookie", HeaderValue::from_static(cookie));
        }
        assert_eq!(response(&mut headers), 5);
        assert_eq!(headers["set-cookie"], "session=fine");
    }

    #[test]
    fn every_spelling_of_a_forwarded_header_is_known() {
        for name in
            ["x-forwarded-for", "x_forwarded_proto", "x-real_ip", "forwarded", "x-original-url", "proxy"]
        {
            assert!(speaks_for_a_client(&HeaderName::from_static(name)), "{name}");
        }
        assert!(!speaks_for_a_client(&HeaderName::from_static("x-requested-with")));
    }
}
