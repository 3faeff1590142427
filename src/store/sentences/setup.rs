//! The first administrator: whoever opens a link that only the server's operator has seen.

use super::super::tables::{Row, Tables};
use super::super::{Sentence, StoreError};
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::member::{ChangeError, Member, MemberId, Status};

/// As [`Store::needs_setup`](super::super::Store::needs_setup).
pub(in super::super) struct NeedsSetup;

/// As [`Store::make_setup_link`](super::super::Store::make_setup_link).
pub(in super::super) struct MakeSetupLink {
    pub(in super::super) code_hash: [u8; 32],
    pub(in super::super) expires: Timestamp,
    pub(in super::super) note: AuditEvent,
}

/// As [`Store::is_setup_link`](super::super::Store::is_setup_link).
pub(in super::super) struct IsSetupLink {
    pub(in super::super) code_hash: [u8; 32],
    pub(in super::super) now: Timestamp,
}

/// As [`Store::set_up`](super::super::Store::set_up).
pub(in super::super) struct SetUp {
    pub(in super::super) code_hash: [u8; 32],
    pub(in super::super) who: MemberId,
    pub(in super::super) note: AuditEvent,
}

impl Sentence for NeedsSetup {
    type Answer = bool;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<bool> {
        Ok(!tables.has_other_admin(None).await?)
    }
}

impl Sentence for MakeSetupLink {
    type Answer = ();
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<()> {
        tables.add_setup_link(&self.code_hash, self.expires).await?;
        tables.note(&self.note).await
    }
}

impl Sentence for IsSetupLink {
    type Answer = bool;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<bool> {
        tables.has_setup_link(&self.code_hash, self.now).await
    }
}

impl Sentence for SetUp {
    type Answer = Member;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Member> {
        tables.lock_directory().await?;
        let mut member = tables.member(&self.who).await?.ok_or(StoreError::Missing)?;
        if member.status == Status::Blocked {
            return Err(ChangeError::Status(member.status).into());
        }
        if !tables.use_setup_link(&self.code_hash, self.note.at).await? {
            return Err(StoreError::Missing);
        }
        tables.remove_setup_links().await?;
        (member.status, member.is_admin) = (Status::Active, true);
        tables.put_member(&member).await?;
        tables.note(&self.note).await?;
        Ok(member)
    }
}
