//! A login whose person is on a phone: this browser waits, the phone allows it, and this browser, nobody else, is signed in.
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
use crate::members::Act;
use crate::model::audit::{Actor, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::pairing::{LIFETIME, Pairing, PairingKey, PairingState, PairingStep, Proof};
use crate::model::set_cookie::SetCookie;
use crate::seal::{digest, hex};
use crate::store::MemberKey;
use crate::wechat::api::{Arrival, WechatError};
use crate::wechat::user_agent::words;

/// Digits that are written into the chat.
const DIGITS: u64 = 1_000_000;

/// Longest User-Agent that the phone is told about, in characters.
const LONGEST_USER_AGENT: usize = 300;

/// WeChat's number for an interface that an account may not use, as `user/info` for accounts that are not verified.
const NO_PERMISSION: i64 = 48001;

/// What came of an answer on a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once per answer, on the stack")]
pub enum Decided {
    /// It counts.
    Done(Pairing),
    /// It is over, or somebody else has the say.
    Over,
    /// Who this is has to be told first: the person is asked for their profile, and answers again.
    Unsettled,
}

impl Attempt {
    /// Known to the browser alone.
    fn waiting_key(&self) -> PairingKey {
        digest(&[b"wxgate waiting\0", &self.state[..]].concat())
    }

    /// What the phone is called by: 32 hexadecimal digits in a code or a link, six digits in the chat.
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

/// Which browser a phone was asked about, for the trail.
fn told_of(pairing: &Pairing) -> String {
    let Pairing { site, client, .. } = pairing;
    match words(&pairing.user_agent) {
        Some(browser) => format!("{site}, {client}, {browser}"),
        None => format!("{site}, {client}"),
    }
}

/// The key of what a phone brings.
fn call_key(call: &str) -> PairingKey {
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
        let (scene, key) = (attempt.call(), attempt.waiting_key());
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

    /// A phone was called: its owner has to say yes now. `None` if nobody waits for it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn answer_call(
        &self,
        call: &str,
        account: Account,
        now: Timestamp,
    ) -> Result<Option<Pairing>, LoginError> {
        Ok(self.directory.advance_pairing(call_key(call), PairingStep::Scan(account), now).await?)
    }

    /// Whether this person may write digits once more.
    pub fn may_guess(&self, account: &Account, now: Timestamp) -> bool {
        self.memory.guesses.may(&account.openid, now)
    }

    /// What a phone is asked to allow; `None` when it is over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn called(&self, call: &str, now: Timestamp) -> Result<Option<Pairing>, LoginError> {
        Ok(self.directory.pairing_called(call_key(call), now).await?)
    }

    /// Who is on this phone, if it came to answer `call`.
    pub fn witness(&self, call: &str, headers: &HeaderMap, now: Timestamp) -> Option<Proof> {
        self.witnesses.read(headers, call, now)
    }

    /// Forgets who is on this phone: it has answered.
    pub fn forget_witness(&self) -> SetCookie {
        self.witnesses.forget()
    }

    /// The person on the phone says yes, or no. `act` is how they said it; who they are, the trail is told here.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn decide(
        &self,
        call: &str,
        proof: Proof,
        is_allowed: bool,
        act: Act,
    ) -> Result<Decided, LoginError> {
        let may_answer = |pairing: &Pairing| match &pairing.state {
            PairingState::Scanned(by) => *by == proof.account,
            state => *state == PairingState::Waiting,
        };
        if !self.called(call, act.now).await?.as_ref().is_some_and(may_answer) {
            return Ok(Decided::Over);
        }
        let known = self.directory.member(MemberKey::Account(proof.account.clone()), act.now).await?;
        let member = known.map(|detail| detail.member.id);
        let (kind, step) = match is_allowed {
            true => match self.settled(proof, member.is_some()).await {
                Some(proof) => (AuditKind::PhoneAllowed, PairingStep::Allow(proof)),
                None => return Ok(Decided::Unsettled),
            },
            false => (AuditKind::PhoneRefused, PairingStep::Refuse(proof.account)),
        };
        let Some(pairing) = self.directory.advance_pairing(call_key(call), step, act.now).await? else {
            return Ok(Decided::Over);
        };
        // Somebody who is nobody yet is the gateway's to tell of.
        let actor = member.clone().map_or(Actor::Gateway, Actor::Member);
        self.directory.note_later(Act { actor, ..act }.note(kind, member.as_ref(), told_of(&pairing)));
        Ok(Decided::Done(pairing))
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

    /// The proof, if it says who this is over all apps. A silent authorization tells no unionid, and somebody who is known (or
    /// shut out) by the website app alone must not come in by the Official Account as a newcomer: they are looked up as a
    /// follower, and else asked for their profile, with which WeChat tells it.
    async fn settled(&self, proof: Proof, is_known: bool) -> Option<Proof> {
        let was_asked = !proof.profile.name.is_empty();
        let Some(account) =
            self.account.as_ref().filter(|_| proof.unionid.is_none() && !was_asked && !is_known)
        else {
            return Some(proof);
        };
        let has_other_app = self.settings.apps.website.is_some();
        match account.follower(&proof.account.openid).await {
            Ok(follower) if follower.follows => Some(Proof { unionid: follower.unionid, ..proof }),
            // Such an account is never told a unionid, so there is nothing to wait for.
            Err(error) if error.errcode() == Some(NO_PERMISSION) => Some(proof),
            Ok(_) | Err(_) => (!has_other_app).then_some(proof),
        }
    }
}
