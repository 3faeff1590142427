//! Hostile questions of proxies: whatever is read out of them is one visit, and nothing of it is read in two ways.

#![no_main]

use http::{HeaderName, HeaderValue, Method, Request};
use libfuzzer_sys::fuzz_target;
use wxgate::forward_auth::{Dialect, read};
use wxgate::model::path::CanonicalPath;
use wxgate::model::peer::{Peer, TrustedProxies};
use wxgate::model::visit::Scheme;

fuzz_target!(|input: &str| {
    // The first line is the method and the target, the others are headers.
    let mut lines = input.split('\n');
    let Some((method, target)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let (Ok(method), Ok(request)) = (Method::from_bytes(method.as_bytes()), Request::get(target).body(()))
    else {
        return;
    };
    let (mut parts, ()) = request.into_parts();
    parts.method = method;
    for line in lines {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            parts.headers.append(name, value);
        }
    }
    let stranger = Peer::Address([192, 0, 2, 1].into());
    for dialect in [Dialect::Caddy, Dialect::Envoy, Dialect::Nginx, Dialect::Traefik] {
        let mut asked = parts.clone();
        let mut ask =
            |peer| read(dialect, &mut asked, peer, &TrustedProxies::default(), (Scheme::Https, None));
        assert!(ask(stranger).is_err(), "only whoever is trusted may ask");
        let Ok(Ok(visit)) = ask(Peer::UnixSocket) else { continue };
        assert_eq!(CanonicalPath::parse(visit.path.as_str()).as_ref(), Ok(&visit.path));
        assert_eq!(asked.method, visit.method);
        assert_eq!(asked.uri.path(), visit.path.as_str());
        assert_eq!(asked.headers.get_all("host").iter().count(), 1);
        assert_eq!(asked.headers["host"], visit.authority.to_string());
    }
});
