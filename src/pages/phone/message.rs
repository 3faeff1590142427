//! `/_wxgate/wechat/message`: WeChat's server tells what happened with the Official Account, and reads what to write back.
//!
//! It waits five seconds, then asks again, twice; so whatever the store does, there is an answer before that. Everything here
//! may come twice or out of order: the steps of a pairing allow that.

use std::time::Duration;

use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::super::answer;
use super::super::asking::Asking;
use super::super::failure::Failure;
use super::super::language::Language;
use super::super::own::OwnPages;
use super::super::query;
use super::super::words::{fill, find};
use super::written::Written;
use crate::login::{Decided, LoginError};
use crate::members::Act;
use crate::model::audit::Actor;
use crate::model::clock::Timestamp;
use crate::model::host::Host;
use crate::model::identity::{Account, Profile};
use crate::model::pairing::{Pairing, PairingState, Proof};
use crate::net::body::Body;
use crate::store::StoreError;
use crate::wechat::message::{Backend, InboxSettings, Mode, Opened, Query, Unwelcome, What};
use crate::wechat::user_agent::words;

/// Longest body that is read; WeChat's messages have a few kilobytes.
const LONGEST: usize = 64 * 1024;

/// How long a message may take from its first byte to its answer: WeChat waits five seconds.
pub const PATIENCE: Duration = Duration::from_secs(4);

/// What of the Official Account's messages is answered.
#[derive(Debug)]
pub struct Inbox {
    /// How messages are known to be WeChat's.
    pub settings: InboxSettings,
    /// What people see the account is called.
    pub name: Option<String>,
    /// Whether codes are scanned to sign in.
    pub by_code: bool,
    /// Whether digits are written into the chat to sign in.
    pub by_chat: bool,
    /// Whether somebody who does not follow the account any longer is signed out.
    pub ends_sessions: bool,
    /// Where messages go that are not ours.
    pub backend: Option<Backend>,
}

impl OwnPages {
    /// Answers WeChat's server.
    pub(in super::super) async fn message(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let inbox = self.inbox.as_ref().filter(|_| *host == self.site.login_host).ok_or(Failure::NotFound)?;
        let query = asked(asking.query());
        if asking.parts.method == Method::GET {
            return match inbox.settings.greet(&query, asking.now) {
                Ok(echo) => {
                    // Its signature would do for a message, too. To ask once more is harmless.
                    self.is_first(inbox, &query, asking).await?;
                    Ok(answer::text(&self.site, StatusCode::OK, echo))
                }
                Err(error) => Ok(self.unwelcome(error, asking)),
            };
        }
        if asking.is_from_browser() {
            return Ok(self.unwelcome(Unwelcome::Browser, asking));
        }
        let deadline = Instant::now() + PATIENCE;
        let Some(body) = body else { return Ok(self.unwelcome(Unwelcome::Unreadable, asking)) };
        let read = timeout_at(deadline, Limited::new(body, LONGEST).collect()).await;
        let Ok(Ok(bytes)) = read else { return Ok(self.unwelcome(Unwelcome::Unreadable, asking)) };
        let bytes = bytes.to_bytes();
        let opened = match inbox.settings.open(&query, &bytes, asking.now) {
            Ok(opened) => opened,
            Err(error) => return Ok(self.unwelcome(error, asking)),
        };
        let answered = timeout_at(deadline, self.answer_message(inbox, &query, &opened, asking)).await;
        let words = match answered {
            Ok(Ok(Said::Nothing)) => return Ok(answer::text(&self.site, StatusCode::OK, String::new())),
            Ok(Ok(Said::NotOurs)) => return Ok(self.pass_on(inbox, asking, &bytes, deadline).await),
            Ok(Ok(Said::Words(words))) => words,
            Ok(Err(error)) => {
                tracing::warn!(request_id = asking.request_id, error = %error, "a message could not be answered");
                both("chat.busy", &[])
            }
            Err(_) => both("chat.busy", &[]),
        };
        match inbox.settings.reply(&opened, &words, asking.now) {
            Ok(reply) => Ok(answer::typed(&self.site, reply.content_type, reply.body)),
            Err(error) => Ok(self.unwelcome(error, asking)),
        }
    }

    async fn answer_message(
        &self,
        inbox: &Inbox,
        query: &Query,
        opened: &Opened,
        asking: &Asking<'_>,
    ) -> Result<Said, LoginError> {
        let message = &opened.message;
        if !self.is_first(inbox, query, asking).await? {
            return Ok(Said::Nothing);
        }
        let account = Account { app_id: inbox.settings.app_id.clone(), openid: message.from.clone() };
        match &message.what {
            What::Follow(Some(scene)) | What::Scan(scene) if inbox.by_code && is_call(scene) => {
                let pairing = self.login.answer_call(scene, account, asking.now).await?;
                Ok(Said::Words(match pairing {
                    Some(pairing) => self.about(&pairing, "chat.confirm", scene, asking.now),
                    None => both("chat.over", &[]),
                }))
            }
            What::Text(text) if inbox.by_chat => self.answer_text(inbox, text, account, asking).await,
            What::Unfollow if inbox.ends_sessions => {
                self.directory.unfollowed(account, &asking.act(Actor::Gateway)).await?;
                Ok(Said::Nothing)
            }
            _ => Ok(Said::NotOurs),
        }
    }

    /// Whether this signature was not taken before: without encryption it does not cover the body, and counts once.
    async fn is_first(&self, inbox: &Inbox, query: &Query, asking: &Asking<'_>) -> Result<bool, StoreError> {
        match inbox.settings.mode {
            Mode::Plaintext => self.directory.claim_message(&query.timestamp, &query.nonce, asking.now).await,
            Mode::Compatible(_) | Mode::Secure(_) => Ok(true),
        }
    }

    /// Digits say which browser; `Y` or `N` before them, whether it may.
    async fn answer_text(
        &self,
        inbox: &Inbox,
        text: &str,
        account: Account,
        asking: &Asking<'_>,
    ) -> Result<Said, LoginError> {
        let (verdict, digits) = match Written::read(text) {
            Some(Written::Digits(digits)) => (None, digits),
            Some(Written::Verdict(verdict, digits)) => (Some(verdict), digits),
            // Where there is a program that answers, it may have asked something.
            Some(Written::Bare) if inbox.backend.is_none() => return Ok(Said::Words(both("chat.bare", &[]))),
            Some(Written::Bare) | None => return Ok(Said::NotOurs),
        };
        let digits = digits.as_str();
        if !self.login.may_guess(&account, asking.now) {
            return Ok(Said::Words(both("chat.too_many", &[])));
        }
        let Some(is_allowed) = verdict else {
            let pairing = self.login.answer_call(digits, account, asking.now).await?;
            return Ok(Said::Words(match pairing {
                Some(pairing) => self.about(&pairing, "chat.ask", digits, asking.now),
                None => both("chat.wrong", &[]),
            }));
        };
        // Nobody says yes to what they have not been asked.
        let called = self.login.called(digits, asking.now).await?;
        let was_asked = |pairing: &Pairing| pairing.state == PairingState::Scanned(account.clone());
        let Some(pairing) = called.filter(was_asked) else { return Ok(Said::Words(both("chat.wrong", &[]))) };
        let proof = Proof { account: account.clone(), unionid: None, profile: Profile::default() };
        // The address is WeChat's, not the phone's.
        let act = Act { client: None, ..asking.act(Actor::Gateway) };
        let decided = self.login.decide(digits, proof, is_allowed, act).await?;
        let key = match (&decided, is_allowed) {
            (Decided::Done(_), true) => "chat.allowed",
            (Decided::Done(_), false) => "chat.refused",
            (Decided::Over, _) => "chat.over",
            (Decided::Unsettled, _) => "chat.busy",
        };
        Ok(Said::Words(both(key, &[("site", &pairing.site)])))
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

    /// Hands a message that is not ours to the program that wants it, and its answer back.
    async fn pass_on(
        &self,
        inbox: &Inbox,
        asking: &Asking<'_>,
        bytes: &[u8],
        deadline: Instant,
    ) -> Response<Body> {
        let empty = || answer::text(&self.site, StatusCode::OK, String::new());
        let Some(backend) = &inbox.backend else { return empty() };
        let content_type = asking.header(http::header::CONTENT_TYPE);
        let passed =
            timeout_at(deadline, backend.pass_on(asking.query(), content_type, bytes.to_vec())).await;
        let error = match passed {
            Ok(Ok((content_type, body))) => return answer::foreign(&self.site, &content_type, body),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it takes longer than WeChat waits".to_owned(),
        };
        tracing::warn!(
            request_id = asking.request_id,
            error,
            "message_backend did not answer a message that was passed on"
        );
        empty()
    }

    /// One answer for everything that is not right: one that tells more is an oracle.
    fn unwelcome(&self, error: Unwelcome, asking: &Asking<'_>) -> Response<Body> {
        tracing::warn!(request_id = asking.request_id, client = %asking.client, error = %error, "not a message of WeChat's");
        answer::text(&self.site, StatusCode::FORBIDDEN, "forbidden\n".to_owned())
    }
}

/// What there is to say about a message.
enum Said {
    Nothing,
    NotOurs,
    Words(String),
}

/// Scenes of ours; others may be another program's.
fn is_call(scene: &str) -> bool {
    scene.len() == 32 && scene.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// In both languages: a message does not say which its sender reads.
fn both(key: &str, values: &[(&str, &str)]) -> String {
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

/// What stands behind the `?`; each at most once.
fn asked(query: Option<&str>) -> Query {
    let one = |name| query::single(query, name).unwrap_or_default();
    Query {
        signature: one("signature"),
        timestamp: one("timestamp"),
        nonce: one("nonce"),
        msg_signature: one("msg_signature"),
        echostr: one("echostr"),
    }
}
