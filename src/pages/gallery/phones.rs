//! What people see while one of their screens waits for the other.

use super::super::page::Page;
use super::super::phone::page::{CalledBy, Phone};
use super::{NOW, Named, Said};

const AGAIN: &str = "/_wxgate/login?way=follow&to=/";
const CHOOSE: Option<&str> = Some("/_wxgate/login?way=choose&to=/");

pub(super) fn about_phones(said: Said<'_>) -> Vec<Named<'_>> {
    let Said { site, name, browser, page_url, .. } = said;
    let waiting_or = |again_url, account, by, is_scanned| Phone::Waiting {
        site,
        account,
        by,
        is_scanned,
        state: "00",
        left: 299,
        again_url,
    };
    let waiting = |account, by, is_scanned| waiting_or(CHOOSE, account, by, is_scanned);
    let code = CalledBy::Code("/_wxgate/login/code?a=00");
    let question = |name, share_url: Option<&'static str>| Phone::Question {
        site,
        everywhere: if share_url.is_some() { "" } else { "login.example.com" },
        browser,
        client: "192.0.2.1",
        begun: NOW,
        name,
        call: "00",
        token: "token",
        share_url,
    };
    let no_code = |code, is_lasting, ways_url| Phone::NoCode { code, is_lasting, again_url: AGAIN, ways_url };
    [
        ("phone-code", waiting("", code, false)),
        ("phone-code-of-a-named-account", waiting(name, code, false)),
        ("phone-code-scanned", waiting("", code, true)),
        ("phone-digits", waiting("", CalledBy::Digits("123456"), false)),
        ("phone-digits-and-no-other-way", waiting_or(None, "", CalledBy::Digits("123456"), false)),
        ("phone-digits-to-a-named-account", waiting(name, CalledBy::Digits("123456"), false)),
        ("phone-digits-sent", waiting("", CalledBy::Digits("123456"), true)),
        ("phone-link", waiting("", CalledBy::Link(page_url), false)),
        ("phone-link-opened", waiting("", CalledBy::Link(page_url), true)),
        ("phone-no-code", no_code(None, false, CHOOSE)),
        ("phone-no-code-for-today", no_code(Some(45009), false, CHOOSE)),
        ("phone-no-code-ever", no_code(Some(48001), true, CHOOSE)),
        ("phone-no-code-and-no-other-way", no_code(Some(48001), true, None)),
        ("phone-crowded", Phone::Crowded { again_url: AGAIN }),
        ("phone-refused", Phone::Refused { again_url: AGAIN }),
        ("phone-question", question("", Some("/_wxgate/confirm?c=00&share=1"))),
        ("phone-question-named", question(name, None)),
        ("phone-allowed", Phone::Allowed { site }),
        ("phone-not-me", Phone::NotMe),
        ("phone-over", Phone::Over),
    ]
    .map(|(name, page)| (name, Page::Phone(page)))
    .into()
}
