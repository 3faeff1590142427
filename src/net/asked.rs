//! What a request asks for, and for whom: the truth of the socket, and the word of trusted proxies only.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use super::connection::Connection;
use crate::model::peer::TrustedProxies;
use crate::model::visit::{AmbiguousVisit, Scheme, Visit};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The visit that a request stands for. The host is never read from a forwarded header: many proxies pass on what a
/// client wrote there, and hosts have different policies.
pub fn visit(
    parts: &Parts,
    connection: &Connection,
    trusted: &TrustedProxies,
) -> Result<Visit, AmbiguousVisit> {
    let believes = trusted.trusts(connection.peer);
    let scheme = match believes.then(|| only(&parts.headers, X_FORWARDED_PROTO)).flatten() {
        Some("https") => Scheme::Https,
        Some("http") => Scheme::Http,
        _ if connection.encrypted => Scheme::Https,
        _ => Scheme::Http,
    };
    let (method, host) = (parts.method.clone(), asked_host(parts)?);
    match parts.uri.path_and_query() {
        Some(target) if !parts.uri.path().is_empty() => Visit::of(method, scheme, host, target),
        _ => Visit::parse(method, scheme, host, parts.uri.path(), None),
    }
}

/// The visitor's address, and the chain of addresses to tell the application.
pub fn client(
    headers: &HeaderMap,
    connection: &Connection,
    trusted: &TrustedProxies,
) -> (IpAddr, HeaderValue) {
    let peer = connection.peer.address();
    if !trusted.trusts(connection.peer) {
        return (peer, connection.address_line.clone());
    }
    let lines = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let client = trusted.client_address(connection.peer, lines);
    let chain = match client == peer {
        true => connection.address_line.clone(),
        // Two addresses are always a header value.
        false => HeaderValue::try_from(format!("{client}, {peer}"))
            .unwrap_or_else(|_| connection.address_line.clone()),
    };
    (client, chain)
}

/// The one host that request line and headers agree on (RFC 9112 §3.2, RFC 9113 §8.3.1).
fn asked_host(parts: &Parts) -> Result<&str, AmbiguousVisit> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let line = match (lines.next(), lines.next()) {
        (_, Some(_)) => return Err(AmbiguousVisit::RepeatedHost),
        (Some(line), None) => Some(line.to_str().map_err(|_| AmbiguousVisit::RepeatedHost)?),
        (None, None) => None,
    };
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    match (target, line) {
        (Some(target), Some(line)) if !target.eq_ignore_ascii_case(line) => Err(AmbiguousVisit::HostMismatch),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(AmbiguousVisit::RepeatedHost),
    }
}

/// The value of a header that must not be repeated or listed to be believed.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok().map(str::trim).filter(|value| !value.contains(',')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::model::peer::Peer;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn asked(uri: &str, headers: &[(&str, &str)], trusted: &[&str]) -> Result<String, AmbiguousVisit> {
        let connection = Connection::new(Peer::Address("127.0.0.1".parse().unwrap()), false);
        let trusted = TrustedProxies::new(trusted.iter().map(|network| network.parse().unwrap()).collect());
        visit(&parts(uri, headers), &connection, &trusted)
            .map(|visit| format!("{}://{}{}", visit.scheme.as_str(), visit.authority, visit.path_and_query()))
    }

    #[test]
    fn the_scheme_is_believed_from_trusted_proxies_and_the_host_from_nobody() {
        let headers = [("host", "a.test"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "b.test")];
        assert_eq!(asked("/x", &headers, &[]).as_deref(), Ok("http://a.test/x"));
        assert_eq!(asked("/x", &headers, &["127.0.0.1/32"]).as_deref(), Ok("https://a.test/x"));
    }

    #[test]
    fn there_is_exactly_one_host() {
        assert_eq!(asked("/", &[], &[]), Err(AmbiguousVisit::RepeatedHost));
        assert_eq!(
            asked("/", &[("host", "a.test"), ("host", "a.test")], &[]),
            Err(AmbiguousVisit::RepeatedHost)
        );
        assert_eq!(asked("http://b.test/", &[("host", "a.test")], &[]), Err(AmbiguousVisit::HostMismatch));
        assert_eq!(asked("http://a.test/", &[("host", "A.test")], &[]).as_deref(), Ok("http://a.test/"));
    }
}
