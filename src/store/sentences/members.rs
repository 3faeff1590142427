//! Asking, deciding, changing, forgetting.

use super::super::records::MemberDetail;
use super::super::tables::{Row, Tables};
use super::super::{Sentence, StoreError};
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::member::{AccessRequest, Change, ChangeError, Member, MemberId, Status};

/// As [`Store::ask`](super::super::Store::ask).
pub(in super::super) struct Ask {
    pub(in super::super) who: MemberId,
    pub(in super::super) request: AccessRequest,
    pub(in super::super) note: AuditEvent,
}

/// As [`Store::change`](super::super::Store::change).
pub(in super::super) struct MakeChange {
    pub(in super::super) whom: MemberId,
    pub(in super::super) change: Change,
    pub(in super::super) note: AuditEvent,
}

/// As [`Store::forget`](super::super::Store::forget).
pub(in super::super) struct Forget {
    pub(in super::super) whom: MemberId,
    pub(in super::super) note: AuditEvent,
}

impl Sentence for Ask {
    type Answer = Member;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Member> {
        tables.lock_directory().await?;
        let mut member = tables.member(&self.who).await?.ok_or(StoreError::Missing)?;
        if member.status == Status::Guest {
            (member.status, member.request) = (Status::Pending, Some(self.request));
            tables.put_member(&member).await?;
            tables.note(&self.note).await?;
        }
        Ok(member)
    }
}

impl Sentence for MakeChange {
    type Answer = Member;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Member> {
        tables.lock_directory().await?;
        let before = tables.member(&self.whom).await?.ok_or(StoreError::Missing)?;
        let administered = before.administers();
        let mut member = before.changed(&self.change)?;
        if administered && !member.administers() {
            leave_an_admin(&member.id, tables).await?;
        }
        if self.change == Change::Block {
            // Those the store has forgotten must not come back with an end of the block.
            member.ended_before = member.ended_before.max(self.note.at);
            tables.end_sessions(&member.id, None).await?;
            end_twins(&member.id, self.note.at, tables).await?;
        }
        if !administered && member.administers() {
            // A link from before, in some log, must not make another one.
            tables.remove_setup_links().await?;
        }
        tables.put_member(&member).await?;
        tables.note(&self.note).await?;
        Ok(member)
    }
}

impl Sentence for Forget {
    type Answer = ();
    const WRITES: bool = true;
    const ERASES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<()> {
        tables.lock_directory().await?;
        let member = tables.member(&self.whom).await?.ok_or(StoreError::Missing)?;
        if member.administers() {
            leave_an_admin(&member.id, tables).await?;
        }
        tables.remove_member(&member.id).await?;
        tables.note(&self.note).await
    }
}

/// Nobody who has no administrator could ever get one by the pages again.
async fn leave_an_admin<T: Tables>(besides: &MemberId, tables: &mut T) -> Row<()> {
    match tables.has_other_admin(Some(besides)).await? {
        true => Ok(()),
        false => Err(ChangeError::LastAdmin.into()),
    }
}

/// Ends the sessions of whoever is probably the same person: an open conflict is between the two.
pub(super) async fn end_twins<T: Tables>(of: &MemberId, at: Timestamp, tables: &mut T) -> Row<()> {
    for conflict in tables.conflicts().await? {
        let twin = match of {
            of if *of == conflict.holder => &conflict.other,
            of if *of == conflict.other => &conflict.holder,
            _ => continue,
        };
        if let Some(mut twin) = tables.member(twin).await? {
            twin.ended_before = twin.ended_before.max(at);
            tables.put_member(&twin).await?;
            tables.end_sessions(&twin.id, None).await?;
        }
    }
    Ok(())
}

/// Puts together everything about a member.
pub(super) async fn detail<T: Tables>(member: Member, now: Timestamp, tables: &mut T) -> Row<MemberDetail> {
    let accounts = tables.accounts(&member.id).await?;
    let sessions = tables.sessions(&member.id, now).await?;
    Ok(MemberDetail { member, accounts, sessions })
}
