//! The phone's side of a login: its owner is asked, and says yes or no for a browser that waits.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::timeout;

use super::failure::LoginError;
use super::flow::LoginFlow;
use super::pairing::call_key;
use crate::members::Act;
use crate::model::audit::{Actor, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::pairing::{Pairing, PairingState, PairingStep, Proof};
use crate::model::set_cookie::SetCookie;
use crate::store::MemberKey;
use crate::wechat::user_agent::words;

/// WeChat's number for an interface that an account may not use, as `user/info` for accounts that are not verified.
const NO_PERMISSION: i64 = 48001;

/// How long a follower is looked up: whoever said yes in the chat has to be answered within five seconds.
const LOOKED_UP: Duration = Duration::from_secs(2);

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

/// Which browser a phone was asked about, for the trail.
fn told_of(pairing: &Pairing) -> String {
    let Pairing { site, client, .. } = pairing;
    match words(&pairing.user_agent) {
        Some(browser) => format!("{site}, {client}, {browser}"),
        None => format!("{site}, {client}"),
    }
}

impl LoginFlow {
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
            true => match self.settled(proof, member.is_some(), &act).await {
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

    /// The proof, if it says who this is over all apps. A silent authorization tells no unionid, and somebody who is known (or
    /// shut out) by the website app alone must not come in by the Official Account as a newcomer: they are looked up as a
    /// follower, and else asked for their profile, with which WeChat tells it.
    async fn settled(&self, proof: Proof, is_known: bool, act: &Act) -> Option<Proof> {
        let was_asked = !proof.profile.name.is_empty();
        let Some(account) =
            self.account.as_ref().filter(|_| proof.unionid.is_none() && !was_asked && !is_known)
        else {
            return Some(proof);
        };
        // It goes on behind this: what it brings along, such as the account's token, is there for the next one.
        let (account, openid) = (account.clone(), proof.account.openid.clone());
        let looking_up = tokio::spawn(async move { account.follower(&openid).await });
        let cause = match timeout(LOOKED_UP, looking_up).await.map(Result::ok) {
            Ok(Some(Ok(follower))) if follower.follows => {
                return Some(Proof { unionid: follower.unionid, ..proof });
            }
            Ok(Some(Ok(_))) => None,
            // Such an account is never told a unionid, so there is nothing to wait for.
            Ok(Some(Err(error))) if error.errcode() == Some(NO_PERMISSION) => return Some(proof),
            Ok(Some(Err(error))) => Some(error.to_string()),
            Ok(None) => Some("the look-up broke off".to_owned()),
            Err(_) => Some(format!("no answer within {} seconds", LOOKED_UP.as_secs())),
        };
        let has_other_app = self.settings.apps.website.is_some();
        if let Some(cause) = cause {
            let consequence = match has_other_app {
                true => "newcomers are asked for their profile instead, and cannot sign in by digits",
                false => "they come in without a unionid",
            };
            tracing::error!(
                request_id = act.request_id,
                error = cause,
                "user/info does not tell who somebody is: {consequence}"
            );
        }
        (!has_other_app).then_some(proof)
    }
}
