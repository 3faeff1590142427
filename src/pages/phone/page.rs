//! What people see while one of their screens waits for the other: the pages, their status and how they are laid out.

use http::StatusCode;

use super::super::face::{Face, QUOTA, shown};
use super::super::moment::moment;
use super::super::sign::Sign;
use crate::model::clock::Timestamp;

/// A page about a browser that waits for a phone.
#[derive(Clone, Copy, Debug)]
pub enum Phone<'a> {
    /// In the browser that waits.
    Waiting {
        /// What is being opened.
        site: &'a str,
        /// What people see the Official Account is called, if that is known.
        account: &'a str,
        /// How the phone is called.
        by: CalledBy<'a>,
        /// Whether a phone is there already.
        is_scanned: bool,
        /// Names the login in our addresses.
        state: &'a str,
        /// Seconds left.
        left: u64,
        /// Every other way in, if there is one.
        again_url: Option<&'a str>,
    },
    /// In the browser that would wait: too many others do.
    Crowded {
        /// Where to begin again.
        again_url: &'a str,
    },
    /// In the browser that waits: WeChat makes no code to scan.
    NoCode {
        /// What WeChat said.
        code: Option<i64>,
        /// Whether only the administrator can help.
        is_lasting: bool,
        /// Where to get another.
        again_url: &'a str,
        /// Every other way in, if there is one.
        ways_url: Option<&'a str>,
    },
    /// In the browser that waits: the person on the phone said no.
    Refused {
        /// Where to begin again.
        again_url: &'a str,
    },
    /// On the phone: the question.
    Question {
        /// What would be opened.
        site: &'a str,
        /// The login host, where that is another: with it every other site is open, too.
        everywhere: &'a str,
        /// The waiting browser, in words.
        browser: &'a str,
        /// Its address.
        client: &'a str,
        /// When it began to wait.
        begun: Timestamp,
        /// The name that would be told, if WeChat has told us.
        name: &'a str,
        /// What the phone was called with.
        call: &'a str,
        /// Of the form.
        token: &'a str,
        /// Where WeChat is asked for name and picture, if that has not been done.
        share_url: Option<&'a str>,
    },
    /// On the phone: said yes.
    Allowed {
        /// What is being opened.
        site: &'a str,
    },
    /// On the phone: said no.
    NotMe,
    /// On the phone: nobody waits any more, or somebody else answered.
    Over,
}

/// How the phone is called.
#[derive(Clone, Copy, Debug)]
pub enum CalledBy<'a> {
    /// A code to scan, at this address of ours.
    Code(&'a str),
    /// Digits to write into the chat.
    Digits(&'a str),
    /// A link to open in WeChat.
    Link(&'a str),
}

impl Phone<'_> {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Waiting { .. } | Self::Question { .. } | Self::Allowed { .. } | Self::NotMe => {
                StatusCode::OK
            }
            Self::Refused { .. } => StatusCode::FORBIDDEN,
            Self::Crowded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoCode { is_lasting: true, .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoCode { is_lasting: false, .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Over => StatusCode::GONE,
        }
    }

    /// The word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting_for_phone",
            Self::Crowded { .. } => "too_many_waiting",
            Self::NoCode { .. } => "no_code",
            Self::Refused { .. } => "refused_on_phone",
            Self::Question { .. } => "confirm_on_phone",
            Self::Allowed { .. } => "allowed_on_phone",
            Self::NotMe => "not_me",
            Self::Over => "call_over",
        }
    }

    /// Whether the page holds a form.
    pub fn has_form(&self) -> bool {
        matches!(self, Self::Question { .. })
    }
}

impl<'a> Face<'a> {
    /// How a page about a phone is laid out.
    pub(in super::super) fn of_phone(page: &Phone<'a>) -> Self {
        match *page {
            Phone::Waiting { site, account, by, is_scanned, state, left, again_url } => {
                let (title, text, steps): (_, _, &'static [&'static str]) = match by {
                    CalledBy::Code(_) if account.is_empty() => ("call_code.title", "call_code.text", &[]),
                    CalledBy::Code(_) => ("call_code.title", "call_code.text_named", &[]),
                    CalledBy::Digits(_) if account.is_empty() => {
                        ("call_digits.title", "call_digits.text", &[])
                    }
                    CalledBy::Digits(_) => ("call_digits.title", "call_digits.text_named", &[]),
                    CalledBy::Link(_) => (
                        "call_link.title",
                        "call_link.text",
                        &["call_link.copy", "call_link.send", "call_link.allow"],
                    ),
                };
                let title = if is_scanned { "call.scanned_title" } else { title };
                let mut face = Self::notice(Sign::Phone, title, text);
                (face.template, face.sign, face.steps) = ("call.html", None, steps);
                let (code_url, digits, page_url) = match by {
                    CalledBy::Code(url) => (Some(url), None, None),
                    CalledBy::Digits(digits) => (None, Some(digits), None),
                    CalledBy::Link(url) => (None, None, Some(url)),
                };
                face.value("code_url", code_url)
                    .value("digits", digits)
                    .value("page_url", page_url)
                    .value("site", shown(site))
                    .value("account", shown(account))
                    .value("is_scanned", is_scanned)
                    .value("state", state)
                    .value("left", left)
                    .value("again_url", again_url)
            }
            Phone::Crowded { again_url } => {
                Self::failure(Sign::Clock, "call_crowded.title", "call_crowded.text")
                    .action("action.again", again_url)
            }
            Phone::NoCode { code, is_lasting, again_url, ways_url } => {
                let (sign, title, text) = match (is_lasting, code) {
                    (true, _) => (Sign::Broken, "no_code.title", "no_code.lasting"),
                    (false, Some(QUOTA)) => (Sign::Clock, "wechat_busy.quota_title", "wechat_busy.quota"),
                    (false, _) => (Sign::Clock, "no_code.title", "no_code.text"),
                };
                let mut face = Self::failure(sign, title, text)
                    .fact("fact.code", code.map(|code| code.to_string()).as_deref());
                face.texts.push("wechat_busy.more");
                let face = if is_lasting { face } else { face.action("action.retry", again_url) };
                ways_url.into_iter().fold(face, |face, url| face.action("call.other_ways", url))
            }
            Phone::Refused { again_url } => {
                Self::notice(Sign::Lock, "call_refused.title", "call_refused.text")
                    .action("action.again", again_url)
            }
            Phone::Question { site, everywhere, browser, client, begun, name, call, token, share_url } => {
                let mut face = Self::notice(Sign::Lock, "confirm.title", "confirm.text");
                (face.template, face.sign) = ("confirm.html", None);
                face.value("site", shown(site))
                    .value("everywhere", everywhere)
                    .value("browser", shown(browser))
                    .value("client", client)
                    .value("begun", moment(begun))
                    .value("name", shown(name))
                    .value("call", call)
                    .value("token", token)
                    .value("share_url", share_url)
            }
            Phone::Allowed { site } => {
                Self::notice(Sign::Check, "confirm_allowed.title", "confirm_allowed.text")
                    .value("site", shown(site))
            }
            Phone::NotMe => Self::notice(Sign::Lock, "confirm_refused.title", "confirm_refused.text"),
            Phone::Over => Self::notice(Sign::Clock, "confirm_over.title", "confirm_over.text"),
        }
    }
}
