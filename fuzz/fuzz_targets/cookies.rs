//! Hostile `Cookie` headers: ours never reach an application, others stay, and nothing forged opens.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use wxgate::model::clock::Timestamp;
use wxgate::model::host::Host;
use wxgate::model::own_cookie::{CookieScope, is_own, strip};
use wxgate::model::secret::Secret;
use wxgate::model::visit::Scheme;
use wxgate::seal::{KeyRing, Purpose, Sealer, hex, random};
use wxgate::sessions::{SessionSettings, Sessions};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// New in each process: a corpus remembers the sealed values of earlier runs, and they would open.
static RING: LazyLock<KeyRing> =
    LazyLock::new(|| KeyRing::new(Secret::new(hex(&random::<32>())), Vec::new()).expect("a strong secret"));
static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&RING, Purpose::Session));
static SESSIONS: LazyLock<Sessions> = LazyLock::new(|| {
    let settings = SessionSettings {
        lifetime: Duration::from_secs(7 * 86_400),
        idle_timeout: Duration::from_secs(86_400),
        scope: CookieScope { scheme: Scheme::Https, domain: None },
    };
    Sessions::new(settings, &RING, Arc::default())
});
/// A sealed value that opens, to cut and to bend.
static SEALED: LazyLock<String> = LazyLock::new(|| SEALER.seal(&"somebody".to_owned(), "here"));

fuzz_target!(|line: &[u8]| {
    let kept = strip(line).unwrap_or_default();
    assert_eq!(strip(&kept).unwrap_or_default(), kept, "stripping is done in one go");
    let names = kept.split(|byte| *byte == b';').filter_map(|pair| pair.split(|byte| *byte == b'=').next());
    for name in names {
        assert!(!std::str::from_utf8(name.trim_ascii()).is_ok_and(is_own));
    }

    let host = Host::parse("a.test").expect("a host");
    for guard in ["", "__Host-wxgate=", "a=1; __Host-wxgate=v1."] {
        if let Ok(value) = HeaderValue::from_bytes(&[guard.as_bytes(), line].concat()) {
            let headers = HeaderMap::from_iter([(COOKIE, value)]);
            assert!(SESSIONS.read(&headers, &host, NOW).is_none(), "forged a session");
        }
    }

    if let Ok(text) = std::str::from_utf8(line) {
        let cut = SEALED.len().min(line.first().map_or(0, |byte| usize::from(*byte)));
        let bent = format!("{}{text}", &SEALED[..cut]);
        for value in [text, &bent] {
            assert!(
                value == *SEALED || SEALER.open::<String>(value, "here").is_none(),
                "forged a sealed value"
            );
        }
        assert!(text == "here" || SEALER.open::<String>(&SEALED, text).is_none(), "opened for another use");
        if text.len() < 2048 {
            assert_eq!(SEALER.open::<String>(&SEALER.seal(&text, text), text).as_deref(), Some(text));
        }
    }
});
