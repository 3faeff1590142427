//! A path that is accepted has one spelling, no dot segments, and means the same to a browser.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wxgate::model::path::{CanonicalPath, is_under};

fuzz_target!(|raw: &str| {
    let Ok(path) = CanonicalPath::parse(raw) else { return };
    let text = path.as_str();
    assert!(text.starts_with('/') && !text.contains("//"), "{text}");
    assert!(
        text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\#?".contains(&byte)) || text.contains('?')
    );
    assert!(text.split('/').all(|segment| !matches!(segment.split(';').next(), Some("." | ".."))), "{text}");
    assert_eq!(CanonicalPath::parse(text).as_ref(), Ok(&path), "one spelling");
    assert!(path.is_under("") && is_under(text, text));
    assert!(path.without_parameters().is_none_or(|bare| !bare.contains(';')));
    if !text.contains('?') {
        let seen =
            url::Url::parse("http://a.test").and_then(|base| base.join(text)).expect("a browser reads it");
        assert_eq!(seen.path(), text, "a browser keeps it");
    }
});
