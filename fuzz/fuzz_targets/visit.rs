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
    let again = Visit::parse(Method::GET, scheme, &visit.authority.to_string(), visit.path.as_str(), query)
        .expect("what was accepted once is accepted again");
    assert_eq!((&again.authority, &again.path), (&visit.authority, &visit.path));
    assert_eq!(again.path_and_query(), visit.path_and_query());
    if let Some(target) = visit.target() {
        let kept = Visit::of(Method::GET, scheme, &visit.authority.to_string(), &target)
            .expect("a target in one piece is accepted as it is in two");
        assert_eq!((&kept.path, kept.path_and_query()), (&visit.path, visit.path_and_query()));
    }
    assert!(!visit.path_and_query().contains(['#', ' ', '\r', '\n', '\0']));
});
