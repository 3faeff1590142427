//! Somebody is known: they get a session.

use std::sync::PoisonError;
use std::time::Duration;

use super::attempts::{Attempt, Stage};
use super::callback::Finished;
use super::exchanges::Led;
use super::failure::LoginError;
use super::flow::{LoginFlow, Visitor};
use crate::members::{Act, Newcomer, WelcomeError};
use crate::model::audit::Actor;
use crate::model::clock::Timestamp;
use crate::model::identity::{Identity, Profile};
use crate::model::member::MemberId;
use crate::model::session::Session;
use crate::seal::random;
use crate::store::MemberKey;
use crate::wechat::api::Arrival;

/// How far the clocks of nodes may be apart: a session that begins later than that counts nowhere.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

impl LoginFlow {
    pub(super) async fn sign_in(
        &self,
        attempt: &Attempt,
        arrival: &Arrival,
        led: &Led,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Finished, LoginError> {
        if self.settings.require_unionid && arrival.unionid.is_none() {
            return Err(LoginError::UnionidRequired);
        }
        let newcomer = Newcomer {
            account: arrival.account.clone(),
            unionid: arrival.unionid.clone(),
            profile: arrival.profile.clone(),
            repeats: led.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            browser: visitor.browser.to_owned(),
            client: visitor.client,
            request_id: visitor.request_id.to_owned(),
        };
        let (id, expires) = (random(), self.sessions.end_of(now));
        let member = match self.directory.welcome(newcomer, id, expires, &self.joining, now).await {
            Ok(member) => member,
            Err(WelcomeError::Blocked(member)) => return Err(LoginError::Blocked(member)),
            Err(WelcomeError::Overtaken) => return Err(LoginError::Overtaken),
            Err(WelcomeError::Store(error)) => return Err(LoginError::Store(error)),
        };
        led.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        let identity = Identity {
            member_id: member.id.to_string(),
            account: arrival.account.clone(),
            unionid: arrival.unionid.clone(),
            profile: arrival.profile.clone(),
        };
        if let Some(old) = self.sessions.read(visitor.headers, &self.settings.login_host, now) {
            self.end(&old, visitor, now).await;
        }
        // All sessions may have been ended a moment ago, by a node whose clock is ahead of ours.
        let begins = now.max(member.ended_before).min(now + CLOCKS_DIFFER);
        let (session, cookie) = self.sessions.start(id, &identity, &self.settings.login_host, begins);
        let cookies = vec![cookie, self.attempts.answer(attempt, Stage::SignedIn)];
        let (to, handoff) = (attempt.to(), attempt.handoff);
        Ok(Finished::SignedIn { session, member, to, handoff, cookies })
    }

    /// Somebody who has been here, with what WeChat said of them then and does not say without asking them. If the store does
    /// not answer, they are a stranger.
    pub(super) async fn recall(&self, arrival: &Arrival, now: Timestamp) -> Option<Arrival> {
        let Arrival { account, unionid, profile } = arrival.clone();
        let detail = self.directory.member(MemberKey::Account(account.clone()), now).await.ok()??;
        let row = detail.accounts.iter().find(|row| row.account == account);
        let unionid = unionid.or_else(|| row.and_then(|row| row.unionid.clone())).or(detail.member.unionid);
        let known =
            Profile { name: detail.member.profile_name, avatar: detail.member.avatar, ..Profile::default() };
        Some(Arrival { account, unionid, profile: if profile.name.is_empty() { known } else { profile } })
    }

    /// Ends the session that a new one takes the place of.
    async fn end(&self, old: &Session, visitor: Visitor<'_>, now: Timestamp) {
        self.sessions.end(old, now);
        let Ok(member) = old.member_id().parse::<MemberId>() else { return };
        let act = Act {
            actor: Actor::Member(member.clone()),
            client: Some(visitor.client),
            request_id: Some(visitor.request_id.to_owned()),
            now,
        };
        // Its record may be gone with its member; this browser's cookie is overwritten in any case.
        if let Err(error) = self.directory.end_session(&act, old.id, Some(&member)).await {
            tracing::debug!(error = %error, "the session before this one could not be ended in the store");
        }
    }
}
