//! Invitations: a code that makes members.

use super::super::records::Invite;
use super::super::tables::{Row, Tables};
use super::super::{Sentence, StoreError};
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::member::{ChangeError, Member, MemberId, Status};

/// As [`Store::make_invite`](super::super::Store::make_invite).
pub(in super::super) struct MakeInvite {
    pub(in super::super) invite: Invite,
    pub(in super::super) note: AuditEvent,
}

/// As [`Store::invite`](super::super::Store::invite).
pub(in super::super) struct FindInvite {
    pub(in super::super) code_hash: [u8; 32],
    pub(in super::super) now: Timestamp,
}

/// As [`Store::invites`](super::super::Store::invites).
pub(in super::super) struct ListInvites {
    pub(in super::super) now: Timestamp,
}

/// As [`Store::join`](super::super::Store::join).
pub(in super::super) struct Join {
    pub(in super::super) code_hash: [u8; 32],
    pub(in super::super) who: MemberId,
    pub(in super::super) note: AuditEvent,
}

/// As [`Store::withdraw_invite`](super::super::Store::withdraw_invite).
pub(in super::super) struct WithdrawInvite {
    pub(in super::super) id: String,
    pub(in super::super) note: AuditEvent,
}

impl Sentence for MakeInvite {
    type Answer = ();
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<()> {
        tables.put_invite(&self.invite).await?;
        tables.note(&self.note).await
    }
}

impl Sentence for FindInvite {
    type Answer = Option<Invite>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Option<Invite>> {
        tables.invite(&self.code_hash, self.now).await
    }
}

impl Sentence for ListInvites {
    type Answer = Vec<Invite>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Vec<Invite>> {
        tables.invites(self.now).await
    }
}

impl Sentence for Join {
    type Answer = Member;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Member> {
        tables.lock_directory().await?;
        let mut member = tables.member(&self.who).await?.ok_or(StoreError::Missing)?;
        // An administrator has said no to this person, and an old link must not say otherwise.
        if matches!(member.status, Status::Blocked | Status::Refused) {
            return Err(ChangeError::Status(member.status).into());
        }
        let offered = tables.invite(&self.code_hash, self.note.at).await?.ok_or(StoreError::Missing)?;
        let groups = member.groups.and(&offered.groups).unwrap_or_else(|_| member.groups.clone());
        if member.status == Status::Active && groups == member.groups {
            return Ok(member);
        }
        tables.use_invite(&self.code_hash, self.note.at).await?.ok_or(StoreError::Missing)?;
        (member.status, member.groups) = (Status::Active, groups);
        tables.put_member(&member).await?;
        tables.note(&AuditEvent { detail: format!("invitation {}", offered.id), ..self.note }).await?;
        Ok(member)
    }
}

impl Sentence for WithdrawInvite {
    type Answer = ();
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<()> {
        if !tables.remove_invite(&self.id).await? {
            return Err(StoreError::Missing);
        }
        tables.note(&self.note).await
    }
}
