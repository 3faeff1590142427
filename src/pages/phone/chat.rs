//! What is written back into the chat: which sign-in a scan or digits mean, and what came of a yes or a no.

use super::super::asking::Asking;
use super::super::language::Language;
use super::super::own::OwnPages;
use super::super::words::{fill, find};
use super::inbox::Inbox;
use super::written::Written;
use crate::login::{Decided, LoginError, SCENE};
use crate::members::Act;
use crate::model::audit::Actor;
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::pairing::{Pairing, PairingState, Proof};
use crate::wechat::message::{Message, What};
use crate::wechat::user_agent::words;

/// A message that is about signing in, or out.
pub(super) enum Ours<'a> {
    /// Something that is answered in the chat.
    Chat(Chat<'a>),
    /// They follow the account no longer, and are to be signed out.
    Unfollow,
}

/// What somebody does with a sign-in.
pub(super) enum Chat<'a> {
    /// A code of ours was scanned: what a phone is called by.
    Call(&'a str),
    /// Digits, a yes or a no.
    Written(Written),
}

impl<'a> Ours<'a> {
    /// What of `message` is ours, told by it alone; everything else is another program's.
    pub(super) fn of(inbox: &Inbox, message: &'a Message) -> Option<Self> {
        match &message.what {
            What::Follow(Some(scene)) | What::Scan(scene) if inbox.by_code => {
                call_in(scene).map(|call| Self::Chat(Chat::Call(call)))
            }
            What::Text(text) if inbox.by_chat => match Written::read(text)? {
                // Where there is a program that answers, it may have asked something.
                Written::Bare if inbox.backend.is_some() => None,
                written => Some(Self::Chat(Chat::Written(written))),
            },
            What::Unfollow if inbox.ends_sessions => Some(Self::Unfollow),
            What::Follow(_) | What::Other | What::Scan(_) | What::Text(_) | What::Unfollow => None,
        }
    }
}

impl OwnPages {
    /// The words for whoever sent it.
    pub(super) async fn answer_in_chat(
        &self,
        chat: Chat<'_>,
        account: Account,
        asking: &Asking<'_>,
    ) -> Result<String, LoginError> {
        match chat {
            Chat::Call(call) => Ok(match self.login.answer_call(call, account, asking.now).await? {
                Some(pairing) => self.about(&pairing, "chat.confirm", call, asking.now),
                None => both("chat.over", &[]),
            }),
            Chat::Written(Written::Bare) => Ok(both("chat.bare", &[])),
            Chat::Written(Written::Digits(digits)) => {
                if !self.login.may_guess(&account, asking.now) {
                    return Ok(both("chat.too_many", &[]));
                }
                Ok(match self.login.answer_call(&digits, account, asking.now).await? {
                    Some(pairing) => self.about(&pairing, "chat.ask", &digits, asking.now),
                    None => both("chat.wrong", &[]),
                })
            }
            Chat::Written(Written::Verdict(is_allowed, digits)) => {
                if !self.login.may_guess(&account, asking.now) {
                    return Ok(both("chat.too_many", &[]));
                }
                self.decide_in_chat(is_allowed, &digits, account, asking).await
            }
        }
    }

    /// `Y` or `N`, and the digits again.
    async fn decide_in_chat(
        &self,
        is_allowed: bool,
        digits: &str,
        account: Account,
        asking: &Asking<'_>,
    ) -> Result<String, LoginError> {
        let say = |key, pairing: &Pairing| both(key, &[("site", &pairing.site)]);
        let called = self.login.called(digits, asking.now).await?;
        // Nobody says yes to what they have not been asked.
        let pairing = match called {
            // WeChat, or they, say it twice.
            Some(pairing) if is_allowed && pairing.was_allowed_by(&account) => {
                return Ok(say("chat.allowed", &pairing));
            }
            Some(pairing) if pairing.state == PairingState::Scanned(account.clone()) => pairing,
            _ => return Ok(both("chat.wrong", &[])),
        };
        let proof = Proof { account: account.clone(), unionid: None, profile: Profile::default() };
        // The address is WeChat's, not the phone's.
        let act = Act { client: None, ..asking.act(Actor::Gateway) };
        Ok(match (self.login.decide(digits, proof, is_allowed, act).await?, is_allowed) {
            (Decided::Done(pairing), true) => say("chat.allowed", &pairing),
            (Decided::Done(pairing), false) => say("chat.refused", &pairing),
            (Decided::Unsettled, _) => both("chat.unsettled", &[]),
            (Decided::Over, false) => say("chat.over", &pairing),
            (Decided::Over, true) => {
                let called = self.login.called(digits, asking.now).await?;
                let is_done = called.is_some_and(|pairing| pairing.was_allowed_by(&account));
                say(if is_done { "chat.allowed" } else { "chat.over" }, &pairing)
            }
        })
    }

    /// What a phone is told of the browser that waits.
    fn about(&self, pairing: &Pairing, key: &str, call: &str, now: Timestamp) -> String {
        let browser = words(&pairing.user_agent).unwrap_or_default();
        let link = format!("{}/_wxgate/confirm?c={call}", self.site.login_origin());
        let client = pairing.client.to_string();
        // Whoever is signed in at one host is at the login host, and so at all.
        let site = match self.site.login_host.as_str() {
            login_host if login_host == pairing.site => pairing.site.clone(),
            login_host => format!("{}, {login_host}", pairing.site),
        };
        // Minutes and seconds, which are the same in every language and time zone.
        let seconds = now.since(pairing.begun).as_secs();
        let age = format!("{}:{:02}", seconds / 60, seconds % 60);
        let values = [
            ("site", site.as_str()),
            ("browser", &browser),
            ("client", &client),
            ("age", &age),
            ("link", &link),
            ("digits", call),
        ];
        both(key, &values)
    }
}

/// What a phone is called by in a scene of ours; others may be another program's.
fn call_in(scene: &str) -> Option<&str> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    scene.strip_prefix(SCENE).filter(|call| call.len() == 32 && call.bytes().all(is_digit))
}

/// In both languages: a message does not say which its sender reads.
pub(super) fn both(key: &str, values: &[(&str, &str)]) -> String {
    let say = |language| {
        let value = |name: &str| match values.iter().find(|(known, _)| *known == name) {
            // What a browser calls itself may be a sentence of its own.
            Some(("browser", "")) => find(language, "confirm.unknown_browser").map(str::to_owned),
            known => known.map(|(_, value)| (*value).to_owned()),
        };
        find(language, key).and_then(|sentence| fill(sentence, value).ok()).unwrap_or_default()
    };
    format!("{}\n\n{}", say(Language::Chinese), say(Language::English))
}
