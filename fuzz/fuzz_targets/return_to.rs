//! Whatever return address is wished for, a browser that follows it stays on a host of ours.

#![no_main]

use libfuzzer_sys::fuzz_target;
use url::Url;
use wxgate::model::host::Host;
use wxgate::model::path::CanonicalPath;
use wxgate::model::return_to::{OWN_PREFIX, ReturnTo, is_own_page};

fuzz_target!(|wish: &str| {
    let present = Host::parse("a.test").expect("a host");
    let target = ReturnTo::parse(wish, &present, |host| host.as_str() == "b.test");
    let text = &target.path_and_query;
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");

    let base = Url::parse("https://a.test/_wxgate/callback?code=x").expect("an address");
    let relative = base.join(text).expect("a browser reads it");
    assert_eq!((relative.scheme(), relative.host_str(), relative.port()), ("https", Some("a.test"), None));
    let host = target.host.as_ref().map_or("a.test", Host::as_str);
    let absolute = base.join(&format!("https://{host}{text}")).expect("a browser reads it");
    assert_eq!(absolute.host_str(), Some(host));
    assert!(host == "a.test" || host == "b.test");
    assert!(absolute.username().is_empty() && absolute.password().is_none());
    let path = CanonicalPath::parse(absolute.path()).expect("a path with one reading");
    assert!(!path.is_under(OWN_PREFIX) || is_own_page(path.as_str()), "{text}");
});
