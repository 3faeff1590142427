//! The waiting side of a login whose person is on a phone: the phone allows it, and this browser, nobody else, is signed in.
//!
//! What the browser knows (its attempt) is never shown; what the phone is called by (a scene, a link, digits) is derived
//! from it one way. So whoever photographs the screen can call a phone, and gets nothing.

use std::sync::Arc;

use http::HeaderMap;

use super::attempts::{Attempt, Lookup, Stage};
use super::callback::Finished;
use super::channel::Channel;
use super::exchanges::Led;
use super::failure::{LoginError, LoginFailure};
use super::flow::{LoginFlow, Visitor};
use crate::model::clock::Timestamp;
use crate::model::pairing::{LIFETIME, Pairing, PairingKey, PairingState, Proof};
use crate::seal::{digest, hex};
use crate::wechat::api::{Arrival, WechatError};

/// What the scenes of our codes begin with: an account may have other programs' codes, too.
pub const SCENE: &str = "wxgate_";

/// Digits that are written into the chat.
const DIGITS: u64 = 1_000_000;

/// Longest User-Agent that the phone is told about, in characters.
const LONGEST_USER_AGENT: usize = 300;

impl Attempt {
    /// Known to the browser alone.
    fn waiting_key(&self) -> PairingKey {
        digest(&[b"wxgate waiting\0", &self.state[..]].concat())
    }

    /// What the phone is called by: 32 hexadecimal digits in a link (and in a code, behind [`SCENE`]), six digits in the chat.
    pub fn call(&self) -> String {
        let bytes = digest(&[b"wxgate calling\0", &self.state[..]].concat());
        match self.channel {
            Channel::Chat => {
                let mut number = [0; 8];
                number.copy_from_slice(&bytes[..8]);
                format!("{:06}", u64::from_be_bytes(number) % DIGITS)
            }
            Channel::Follow | Channel::InApp | Channel::Link | Channel::Qr => hex(&bytes[..16]),
        }
    }
}

/// The key of what a phone brings.
pub(super) fn call_key(call: &str) -> PairingKey {
    digest(&[b"wxgate call\0", call.as_bytes()].concat())
}

impl LoginFlow {
    /// The attempt that a waiting page is about, if it is this browser's and goes on.
    ///
    /// # Errors
    /// When it is over, or this is not the browser that began.
    pub fn waiting(
        &self,
        state: &str,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Attempt, LoginFailure> {
        let fail = |error, attempt: Option<&Attempt>| LoginFailure {
            error,
            cookies: Vec::new(),
            to: attempt.map(Attempt::to),
        };
        match self.attempts.find(state, visitor.headers, now) {
            Lookup::Open(attempt) if !attempt.channel.waits_for_phone() => {
                Err(fail(LoginError::Expired, Some(&attempt)))
            }
            Lookup::Open(attempt) if now.since(attempt.begun) < LIFETIME => Ok(attempt),
            Lookup::Open(attempt) | Lookup::Answered(attempt) => {
                Err(fail(LoginError::Expired, Some(&attempt)))
            }
            Lookup::Expired(attempt) => Err(fail(LoginError::Expired, attempt.as_ref())),
            Lookup::NoCookies => Err(fail(LoginError::CookieNotReturned, None)),
        }
    }

    /// The attempt of this browser that a phone has allowed while nobody looked: who writes digits into the chat or opens a link
    /// in WeChat leaves the page that waits, and comes back by another address.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn allowed(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<Attempt>, LoginError> {
        for attempt in self.attempts.waiting(headers, now) {
            let pairing = self.directory.pairing_of(attempt.waiting_key(), now).await?;
            if pairing.is_some_and(|pairing| matches!(pairing.state, PairingState::Allowed(_))) {
                return Ok(Some(attempt));
            }
        }
        Ok(None)
    }

    /// Begins to wait for a phone, or goes on waiting.
    ///
    /// # Errors
    /// When too many wait, another browser has the same digits, or the store does not answer.
    pub async fn wait(
        &self,
        attempt: &Attempt,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Pairing, LoginError> {
        let key = attempt.waiting_key();
        if let Some(pairing) = self.directory.pairing_of(key, now).await? {
            return Ok(pairing);
        }
        let site = attempt.return_host.clone().unwrap_or_else(|| self.settings.login_host.to_string());
        let pairing = Pairing {
            browser: key,
            call: call_key(&attempt.call()),
            site,
            user_agent: visitor.browser.chars().take(LONGEST_USER_AGENT).collect(),
            client: visitor.client,
            begun: attempt.begun,
            expires: attempt.begun + LIFETIME,
            state: PairingState::Waiting,
        };
        if !self.directory.begin_pairing(pairing).await? {
            return Err(LoginError::Crowded);
        }
        self.directory.pairing_of(key, now).await?.ok_or(LoginError::DigitsTaken)
    }

    /// How far it has come; `None` when nobody waits, or no longer.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn progress(&self, attempt: &Attempt, now: Timestamp) -> Result<Option<Pairing>, LoginError> {
        Ok(self.directory.pairing_of(attempt.waiting_key(), now).await?)
    }

    /// The address that the code on the waiting page stands for. It is made at WeChat when it is first looked at,
    /// once, and not after a phone has come.
    ///
    /// # Errors
    /// When it is over, WeChat does not make one, too many wait, or the store does not answer.
    pub async fn code(
        &self,
        attempt: &Attempt,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Arc<String>, LoginError> {
        let Some(account) = self.account.clone() else { return Err(LoginError::NoApp) };
        let (scene, key) = (format!("{SCENE}{}", attempt.call()), attempt.waiting_key());
        let network = match self.wait(attempt, visitor, now).await {
            Ok(pairing) if pairing.state != PairingState::Waiting => return Err(LoginError::Expired),
            Ok(pairing) => pairing.network(),
            Err(LoginError::Crowded) => {
                // Kept for the page that shows the picture.
                let crowded = async { Err(Arc::new(WechatError::Crowded)) };
                let _ = self.memory.codes.join(attempt.state, key, crowded).await;
                return Err(LoginError::Crowded);
            }
            Err(error) => return Err(error),
        };
        let left = LIFETIME.saturating_sub(now.since(attempt.begun));
        let memory = Arc::clone(&self.memory);
        let make = async move {
            // Rows that make room for others bound no codes: they are counted where they are made.
            if !memory.made.may(&network, now) {
                return Err(Arc::new(WechatError::Crowded));
            }
            account.make_code(&scene, left).await
        };
        self.memory.codes.join(attempt.state, key, make).await.0.map_err(|error| match error.as_ref() {
            WechatError::Crowded => LoginError::Crowded,
            _ => LoginError::Wechat(error),
        })
    }

    /// Why no code could be made for this page a moment ago.
    pub fn code_failure(&self, attempt: &Attempt) -> Option<Arc<WechatError>> {
        self.memory.codes.failure(attempt.waiting_key())
    }

    /// Signs the waiting browser in, if the phone has allowed it: one browser, once. `None` when another window of it was
    /// faster.
    ///
    /// # Errors
    /// As a callback's.
    pub async fn take(
        &self,
        attempt: &Attempt,
        pairing: &Pairing,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Option<Finished>, LoginFailure> {
        let fail = |error| LoginFailure {
            error,
            cookies: vec![self.attempts.answer(attempt, Stage::Failed)],
            to: Some(attempt.to()),
        };
        let PairingState::Allowed(proof) = &pairing.state else { return Ok(None) };
        let taken = self.directory.take_pairing(attempt.waiting_key(), now).await;
        if !taken.map_err(|error| LoginFailure { cookies: Vec::new(), ..fail(error.into()) })? {
            return Ok(None);
        }
        let Proof { account, unionid, profile } = proof.clone();
        let arrival = Arrival { account, unionid, profile };
        let arrival = self.recall(&arrival, now).await.unwrap_or(arrival);
        let finished = self.sign_in(attempt, &arrival, &Led::default(), visitor, now).await;
        self.metrics.login(attempt.channel.as_str(), if finished.is_ok() { "signed-in" } else { "failed" });
        finished.map(Some).map_err(fail)
    }
}
