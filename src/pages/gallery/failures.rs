//! What went wrong, or is refused.

use super::super::page::{Hindrance, Malformed, Page};
use super::{Named, Said};

const LOGIN: &str = "/_wxgate/login?to=%2Freports";
const PUBLIC: &str = "app.example.com";

pub(super) fn failures(said: Said<'_>) -> Vec<Named<'_>> {
    let Said { host, path, name, .. } = said;
    let bad_request = |detail| Page::BadRequest { detail };
    let cookie = |seen_host, secure_needed| Page::CookieNotReturned {
        login_url: LOGIN,
        public_host: PUBLIC,
        seen_host,
        secure_needed,
    };
    let once_more = |cause| Page::OnceMore { cause, name, target: "/x", fields: &[], token: "token" };
    let busy = |code| Page::WechatBusy { login_url: LOGIN, code };
    vec![
        ("application-timeout", Page::ApplicationTimeout),
        ("application-unavailable", Page::ApplicationUnavailable),
        ("bad-request-address", bad_request(Malformed::Address)),
        ("bad-request-form", bad_request(Malformed::Form)),
        ("bad-request-headers", bad_request(Malformed::Headers)),
        ("bad-request-return-address", bad_request(Malformed::ReturnAddress)),
        ("bad-request-sign-in", bad_request(Malformed::SignIn)),
        ("blocked", Page::Blocked { name: Some(name) }),
        ("blocked-nameless", Page::Blocked { name: None }),
        ("cookie-blocked", cookie(PUBLIC, false)),
        ("cookie-insecure", cookie(PUBLIC, true)),
        ("cookie-of-another-host", cookie(host, true)),
        ("denied", Page::Denied { name: Some(name), path }),
        ("denied-to-everybody", Page::Denied { name: None, path: "/" }),
        ("foreign-origin", Page::ForeignOrigin),
        ("form-expired", Page::FormExpired),
        ("internal", Page::Internal),
        ("method-not-allowed", Page::MethodNotAllowed),
        ("not-found", Page::NotFound),
        ("not-possible", Page::NotPossible),
        ("once-more-stale", once_more(Hindrance::Stale)),
        ("once-more-store-down", once_more(Hindrance::StoreDown)),
        ("overloaded", Page::Overloaded),
        ("sign-in-expired", Page::SignInExpired { login_url: LOGIN }),
        (
            "sign-in-loop",
            Page::SignInLoop { login_url: LOGIN, public_host: PUBLIC, seen_host: host, secure_needed: true },
        ),
        ("sign-in-over", Page::SignInOver { login_url: LOGIN }),
        ("sign-in-refused", Page::SignInRefused { login_url: LOGIN }),
        ("snapshot-page", Page::SnapshotPage),
        ("store-unavailable", Page::StoreUnavailable),
        ("too-large", Page::TooLarge),
        ("unionid-required", Page::UnionidRequired),
        ("uri-too-long", Page::UriTooLong),
        ("wechat-busy", busy(Some(-1))),
        ("wechat-misconfigured", Page::WechatMisconfigured { code: 40125, ways_url: None }),
        (
            "wechat-misconfigured-in-one-way",
            Page::WechatMisconfigured { code: 40164, ways_url: Some("/_wxgate/login?way=choose&to=/") },
        ),
        ("wechat-quota", busy(Some(45009))),
        ("wechat-restricted", Page::WechatRestricted),
        ("wechat-silent", busy(None)),
        ("wrong-host", Page::WrongHost),
    ]
}
