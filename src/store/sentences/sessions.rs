//! Ending sessions, and what may be used once.

use super::super::records::ClaimKind;
use super::super::tables::{Row, Tables};
use super::super::{Sentence, StoreError};
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::member::{MemberId, SessionId};

/// As [`Store::end_session`](super::super::Store::end_session).
pub(in super::super) struct EndSession {
    pub(in super::super) id: SessionId,
    pub(in super::super) of: Option<MemberId>,
    pub(in super::super) note: AuditEvent,
}

/// As [`Store::end_sessions`](super::super::Store::end_sessions).
pub(in super::super) struct EndSessions {
    pub(in super::super) of: MemberId,
    pub(in super::super) note: AuditEvent,
}

/// As [`Store::claim`](super::super::Store::claim).
pub(in super::super) struct Claim {
    pub(in super::super) kind: ClaimKind,
    pub(in super::super) id: [u8; 16],
    pub(in super::super) expires: Timestamp,
}

impl Sentence for EndSession {
    type Answer = MemberId;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<MemberId> {
        let whose = tables.end_session(&self.id).await?.ok_or(StoreError::Missing)?;
        if self.of.is_some_and(|of| of != whose) {
            return Err(StoreError::Missing);
        }
        tables.note(&AuditEvent { member: Some(whose.clone()), ..self.note }).await?;
        Ok(whose)
    }
}

impl Sentence for EndSessions {
    type Answer = u64;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<u64> {
        tables.lock_directory().await?;
        let mut member = tables.member(&self.of).await?.ok_or(StoreError::Missing)?;
        // Sessions that the store knows end by name, those it has forgotten by the time they began.
        member.ended_before = member.ended_before.max(self.note.at);
        tables.put_member(&member).await?;
        let sessions = tables.sessions(&self.of, self.note.at).await?;
        let open = sessions.iter().filter(|session| !session.ended).count();
        tables.end_sessions(&self.of, None).await?;
        tables.note(&self.note).await?;
        Ok(u64::try_from(open).unwrap_or(u64::MAX))
    }
}

impl Sentence for Claim {
    type Answer = bool;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<bool> {
        tables.claim(self.kind, &self.id, self.expires).await
    }
}
