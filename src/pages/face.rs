//! How each page is laid out: its template, its words, its facts and its one obvious action.

use minijinja::{Value, context};

use super::page::{Hindrance, Malformed, Page};
use super::sign::Sign;

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
    pub(super) fn of(page: &Page<'a>) -> Self {
        match *page {
            Page::ApplicationTimeout => {
                Self::failure(Sign::Clock, "application_timeout.title", "application_timeout.text").retry()
            }
            Page::ApplicationUnavailable => {
                Self::failure(Sign::Broken, "application_unavailable.title", "application_unavailable.text")
                    .retry()
            }
            Page::BadRequest { detail } => {
                let text = match detail {
                    Malformed::Address => "bad_request.address",
                    Malformed::Form => "bad_request.form",
                    Malformed::Headers => "bad_request.headers",
                    Malformed::ReturnAddress => "bad_request.return_address",
                    Malformed::SignIn => "bad_request.sign_in",
                };
                Self::failure(Sign::Alert, "bad_request.title", text).home()
            }
            Page::Blocked { name } => {
                let face = Self::failure(Sign::Lock, "blocked.title", "blocked.text").fact("fact.name", name);
                if name.is_some() { face.action("action.switch", "/_wxgate/logout") } else { face }
            }
            Page::CookieNotReturned { login_url, public_host, seen_host, secure_needed } => {
                Self::notice(Sign::Alert, "cookie.title", "cookie.text")
                    .cookie(public_host, seen_host, secure_needed)
                    .action("action.again", login_url)
            }
            Page::Denied { name, path } => {
                let text = if name.is_some() { "denied.text" } else { "denied.closed" };
                let denied = Self::failure(Sign::Lock, "denied.title", text)
                    .fact("fact.name", name)
                    .fact("fact.path", Some(path));
                let denied = if path == "/" { denied } else { denied.home() };
                if name.is_some() { denied.action("action.switch", "/_wxgate/logout") } else { denied }
            }
            Page::ForeignOrigin => {
                Self::failure(Sign::Lock, "foreign_origin.title", "foreign_origin.text").home()
            }
            Page::FormExpired => Self::notice(Sign::Clock, "form_expired.title", "form_expired.text").retry(),
            Page::HeadersTooLarge => {
                Self::failure(Sign::Alert, "headers_too_large.title", "headers_too_large.text").retry()
            }
            Page::Internal => Self::failure(Sign::Broken, "internal.title", "internal.text").retry(),
            Page::Joining(page) => Self::of_joining(&page),
            Page::MethodNotAllowed => {
                Self::failure(Sign::Alert, "method_not_allowed.title", "method_not_allowed.text").home()
            }
            Page::NeedComputer { site, page_url, qr_way } => {
                Self::notice(Sign::Computer, "need_computer.title", "need_computer.text")
                    .elsewhere(site, page_url, &[])
                    .scan("qr.here", qr_way)
            }
            Page::NeedWechat { site, page_url, qr_way } => {
                Self::notice(Sign::Phone, "need_wechat.title", "need_wechat.text")
                    .elsewhere(site, page_url, &["step.copy", "step.send_computer", "step.tap_phone"])
                    .scan("qr.here", qr_way)
            }
            Page::NotFound => Self::failure(Sign::Search, "not_found.title", "not_found.text").home(),
            Page::NotPossible => Self::failure(Sign::Alert, "not_possible.title", "not_possible.text").home(),
            Page::OnceMore { cause, name, target, fields, token } => {
                let (title, text) = match cause {
                    Hindrance::Stale => ("once_more.title", "once_more.stale"),
                    Hindrance::StoreDown => ("once_more.title", "once_more.down"),
                };
                let kept = fields.iter().map(|(name, value)| context! { name, value });
                let mut face = Self::notice(Sign::Clock, title, text)
                    .fact("fact.name", Some(name))
                    .value("target", target)
                    .value("token", token)
                    .value("fields", kept.collect::<Vec<_>>());
                face.template = "once_more.html";
                face
            }
            Page::OpenInWechat { site, host, page_url, scan_url } => {
                Self::notice(Sign::Link, "open_in_wechat.title", "open_in_wechat.text")
                    .value("host", shown(host))
                    .elsewhere(site, page_url, &["step.copy", "step.send", "step.tap"])
                    .scan("qr.another", scan_url)
            }
            Page::Overloaded => Self::failure(Sign::Clock, "overloaded.title", "overloaded.text").retry(),
            Page::ShuttingDown => {
                Self::failure(Sign::Clock, "shutting_down.title", "shutting_down.text").retry()
            }
            Page::SignInExpired { login_url } => {
                Self::notice(Sign::Clock, "expired.title", "expired.text").action("action.again", login_url)
            }
            Page::SignInInsideWechat { site, host, path, continue_url } => {
                let mut face = Self::notice(Sign::Link, "sign_in.title", "sign_in.text")
                    .value("site", shown(site))
                    .value("host", shown(host))
                    .value("path", if path == "/" { String::new() } else { shown(path) })
                    .action("sign_in.button", continue_url);
                (face.template, face.sign) = ("sign_in.html", None);
                face
            }
            Page::SignInLoop { login_url, public_host, seen_host, secure_needed } => {
                let mut face = Self::notice(Sign::Alert, "loop.title", "loop.text")
                    .cookie(public_host, seen_host, secure_needed)
                    .action("action.again", login_url);
                face.texts.push("loop.more");
                face
            }
            Page::SignInRefused { login_url } => {
                Self::notice(Sign::Lock, "refused.title", "refused.text").action("action.again", login_url)
            }
            Page::SignOutConfirm { site, name } => {
                let mut face =
                    Self::notice(Sign::Leave, "sign_out.title", "sign_out.text").value("site", shown(site));
                face = face.value("everywhere", name.is_some());
                if let Some(name) = name {
                    face.texts.insert(0, "sign_out.named");
                    face = face.value("name", shown(name));
                }
                face.template = "sign_out.html";
                face
            }
            Page::SignedOut { site, login_url } => {
                Self::notice(Sign::Check, "signed_out.title", "signed_out.text")
                    .value("site", shown(site))
                    .action("action.again", login_url)
            }
            Page::SnapshotPage => {
                let mut face = Self::notice(Sign::Tap, "snapshot.title", "snapshot.text");
                face.texts.push("snapshot.more");
                face
            }
            Page::StoreUnavailable => {
                Self::failure(Sign::Broken, "store_unavailable.title", "store_unavailable.text").retry()
            }
            Page::TooLarge => Self::failure(Sign::Alert, "too_large.title", "too_large.text").home(),
            Page::TooManyRequests { seconds } => {
                Self::failure(Sign::Clock, "too_many_requests.title", "too_many_requests.text")
                    .value("seconds", seconds.to_string())
                    .retry()
            }
            Page::UnionidRequired => Self::failure(Sign::Lock, "unionid.title", "unionid.text"),
            Page::UriTooLong => Self::failure(Sign::Alert, "uri_too_long.title", "uri_too_long.text").home(),
            Page::WechatBusy { login_url, code } => {
                let mut face = Self::failure(Sign::Clock, "wechat_busy.title", "wechat_busy.text")
                    .fact("fact.code", code.map(|code| code.to_string()).as_deref())
                    .action("action.again", login_url);
                face.texts.push("wechat_busy.more");
                face
            }
            Page::WechatMisconfigured { code } => {
                Self::failure(Sign::Broken, "wechat_misconfigured.title", "wechat_misconfigured.text")
                    .fact("fact.code", Some(&code.to_string()))
            }
            Page::WechatRestricted => {
                Self::failure(Sign::Lock, "wechat_restricted.title", "wechat_restricted.text")
            }
            Page::WecomNotSupported { site, page_url, scan_url } => {
                Self::notice(Sign::Link, "wecom.title", "wecom.text")
                    .elsewhere(site, page_url, &["step.copy", "step.send", "step.tap"])
                    .scan("qr.another", scan_url)
            }
            Page::WrongHost => Self::failure(Sign::Search, "wrong_host.title", "wrong_host.text"),
        }
    }

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

    fn failure(sign: Sign, title: &'static str, text: &'static str) -> Self {
        Self { numbered: true, ..Self::notice(sign, title, text) }
    }

    pub(super) fn value(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    fn fact(mut self, label: &'static str, value: Option<&str>) -> Self {
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
    fn retry(self) -> Self {
        self.action("action.retry", "")
    }

    /// The page that hands over its own address, to be opened where signing in works.
    fn elsewhere(mut self, site: &str, page_url: &str, steps: &'static [&'static str]) -> Self {
        (self.template, self.steps) = ("elsewhere.html", steps);
        self.value("site", shown(site)).value("page_url", page_url)
    }

    fn scan(self, label: &'static str, url: Option<&str>) -> Self {
        self.value("qr_label", label).value("qr_way", url)
    }

    /// Names why the cookie did not come back: the host, the scheme, or else the browser.
    fn cookie(mut self, public_host: &str, seen_host: &str, secure_needed: bool) -> Self {
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
    let visible = |character: &char| {
        let turns =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !character.is_control() && !turns
    };
    let mut characters = value.chars().filter(visible);
    let mut kept: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_turn_or_flood_the_page() {
        assert_eq!(shown("王\u{202e}芳\n\u{7}"), "王芳");
        assert_eq!(shown("👩\u{200d}💻"), "👩\u{200d}💻");
        assert_eq!(shown(&"a".repeat(5000)).chars().count(), 201);
    }

    #[test]
    fn the_cause_of_a_missing_cookie_is_named() {
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
