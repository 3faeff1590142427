//! A request target that is accepted reads the same when it is forwarded and read again.

#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use wxgate::model::visit::{Scheme, Visit};

fuzz_target!(|input: &str| {
    // Lines: scheme, authority, path, and perhaps a query.
    let mut lines = input.splitn(4, '\n');
    let mut line = || lines.next();
    let (Some(scheme), Some(authority), Some(path), query) = (line(), line(), line(), line()) else { return };
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let Ok(visit) = Visit::parse(Method::GET, scheme, authority, path, query) else { return };
    let again = Visit::parse(
        Method::GET,
        scheme,
        &visit.authority.to_string(),
        visit.path.as_str(),
        visit.query.as_deref(),
    )
    .expect("what was accepted once is accepted again");
    assert_eq!((&again.authority, &again.path, &again.query), (&visit.authority, &visit.path, &visit.query));
    assert!(!visit.path_and_query().contains(['#', ' ', '\r', '\n', '\0']));
});
