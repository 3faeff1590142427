//! Somebody leaves the Official Account: what they had begun by then ends.

use super::super::Sentence;
use super::super::tables::{Row, Tables};
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::MemberId;

/// As [`Store::unfollow`](super::super::Store::unfollow).
pub(in super::super) struct Unfollow {
    pub(in super::super) account: Account,
    pub(in super::super) when: Timestamp,
    pub(in super::super) note: AuditEvent,
}

impl Sentence for Unfollow {
    type Answer = Option<MemberId>;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Option<MemberId>> {
        tables.lock_directory().await?;
        // What they have said on a phone by then, to a browser that waits still.
        tables.drop_answers(&self.account, self.when).await?;
        let Some(account) = tables.account(&self.account).await? else { return Ok(None) };
        let Some(mut member) = tables.member(&account.member).await? else { return Ok(None) };
        let mut sessions = tables.sessions(&member.id, self.note.at).await?;
        // Times are whole seconds: who leaves in the second in which they came leaves afterwards.
        sessions.retain(|session| !session.ended && session.started <= self.when);
        let is_new = member.ended_before < self.when;
        if sessions.is_empty() && !is_new {
            return Ok(None);
        }
        // Sessions that the store knows end by name, those it has forgotten by the time they began.
        for session in &sessions {
            tables.end_session(&session.id).await?;
        }
        member.ended_before = member.ended_before.max(self.when);
        tables.put_member(&member).await?;
        tables.note(&AuditEvent { member: Some(member.id.clone()), ..self.note }).await?;
        Ok(Some(member.id))
    }
}
