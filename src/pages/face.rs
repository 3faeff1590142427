//! How each page is laid out: its template, its words, its facts and its one obvious action.

use minijinja::Value;

use super::sign::Sign;
use crate::model::legible::legible;
use crate::wechat::user_agent::words;

/// WeChat takes no more calls of this account today: nothing that a moment would help.
pub(super) const QUOTA: i64 = 45009;

/// A page on its way to a template: keys into the words, and values to put into them.
pub(super) struct Face<'a> {
    pub(super) template: &'static str,
    pub(super) title: &'static str,
    pub(super) texts: Vec<&'static str>,
    pub(super) sign: Option<Sign>,
    /// Whether the status belongs at the foot: a failure to report, not a step on the way in.
    pub(super) numbered: bool,
    pub(super) steps: &'static [&'static str],
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) actions: Vec<(&'static str, &'a str)>,
    /// What `{placeholders}` and templates call by name.
    pub(super) values: Vec<(&'static str, Value)>,
}

impl<'a> Face<'a> {
    pub(super) fn notice(sign: Sign, title: &'static str, text: &'static str) -> Self {
        Self {
            template: "notice.html",
            title,
            texts: vec![text],
            sign: Some(sign),
            numbered: false,
            steps: &[],
            facts: Vec::new(),
            actions: Vec::new(),
            values: Vec::new(),
        }
    }

    pub(super) fn failure(sign: Sign, title: &'static str, text: &'static str) -> Self {
        Self { numbered: true, ..Self::notice(sign, title, text) }
    }

    pub(super) fn value(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    pub(super) fn fact(mut self, label: &'static str, value: Option<&str>) -> Self {
        self.facts.extend(value.map(|value| (label, shown(value))));
        self
    }

    pub(super) fn action(mut self, label: &'static str, url: &'a str) -> Self {
        self.actions.push((label, url));
        self
    }

    pub(super) fn home(self) -> Self {
        self.action("action.home", "/")
    }

    /// An empty reference is the current address, asked for again with GET.
    pub(super) fn retry(self) -> Self {
        self.action("action.retry", "")
    }

    /// The page that hands over its own address, to be opened where signing in works.
    pub(super) fn elsewhere(mut self, site: &str, page_url: &str, steps: &'static [&'static str]) -> Self {
        (self.template, self.steps) = ("elsewhere.html", steps);
        self.value("site", shown(site)).value("page_url", page_url)
    }

    pub(super) fn scan(self, label: &'static str, url: Option<&str>) -> Self {
        self.value("qr_label", label).value("qr_way", url)
    }

    /// Names why the cookie did not come back: the host, the scheme, or else the browser.
    pub(super) fn cookie(mut self, public_host: &str, seen_host: &str, secure_needed: bool) -> Self {
        let wrong_host = !public_host.eq_ignore_ascii_case(seen_host);
        if wrong_host {
            self.texts.push("cookie.host");
        }
        if secure_needed {
            self.texts.push("cookie.insecure");
        }
        if !wrong_host && !secure_needed {
            self.texts.push("cookie.blocked");
            return self;
        }
        self.fact("fact.public_host", Some(public_host)).fact("fact.seen_host", Some(seen_host))
    }
}

/// A value from outside as it may be shown: at most 200 characters, none of them invisible or turning the text
/// around (a nickname could otherwise rewrite the sentence it stands in).
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 200;
    let legible = legible(value);
    let mut characters = legible.chars();
    let mut kept: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}

/// Program and system, in two words that are the same in every language; as it was sent if neither is known.
pub(super) fn browser(user_agent: &str) -> String {
    words(user_agent).unwrap_or_else(|| shown(user_agent))
}

#[cfg(test)]
mod tests {
    use super::super::page::Page;
    use super::*;

    #[test]
    pub(super) fn a_value_cannot_turn_or_flood_the_page() {
        assert_eq!(shown("王\u{202e}芳\n\u{7}\u{200b}\u{2800}"), "王芳");
        assert_eq!(shown("👩\u{200d}💻❤\u{fe0f}"), "👩\u{200d}💻❤\u{fe0f}");
        assert_eq!(shown("L\u{200d}i\u{fe0f}n\u{200d}"), "Lin");
        assert_eq!(shown(&"a".repeat(5000)).chars().count(), 201);
    }

    #[test]
    pub(super) fn the_cause_of_a_missing_cookie_is_named() {
        let texts = |seen_host, secure_needed| {
            let page = Page::CookieNotReturned {
                login_url: "/",
                public_host: "a.example",
                seen_host,
                secure_needed,
            };
            Face::of(&page).texts.split_off(1)
        };
        assert_eq!(texts("A.example", false), ["cookie.blocked"]);
        assert_eq!(texts("a.example", true), ["cookie.insecure"]);
        assert_eq!(texts("10.0.0.1", false), ["cookie.host"]);
        assert_eq!(texts("10.0.0.1", true), ["cookie.host", "cookie.insecure"]);
    }
}
