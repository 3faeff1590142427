//! Reading without changing, and clearing out what has run out.

use super::super::records::{AuditQuery, AuditRow, MemberDetail, MembersQuery};
use super::super::tables::{Row, Tables};
use super::super::{MemberKey, Sentence};
use super::members::detail;
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::member::{Member, MemberId, Standing, Status};

/// Rows of each kind that are deleted at once: less than a tenth of a second, in which nobody else can write.
const MOST_PURGED: u32 = 500;

/// As [`Store::standings`](super::super::Store::standings).
pub(in super::super) struct Standings {
    pub(in super::super) of: Vec<MemberId>,
    pub(in super::super) now: Timestamp,
}

/// As [`Store::count_members`](super::super::Store::count_members).
pub(in super::super) struct CountMembers;

/// As [`Store::member`](super::super::Store::member).
pub(in super::super) struct Detail {
    pub(in super::super) key: MemberKey,
    pub(in super::super) now: Timestamp,
}

/// As [`Store::purge`](super::super::Store::purge).
pub(in super::super) struct Purge {
    pub(in super::super) now: Timestamp,
    pub(in super::super) audit_from: Timestamp,
}

impl Sentence for Standings {
    type Answer = Vec<(MemberId, Standing)>;
    const WRITES: bool = false;
    const URGENT: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Self::Answer> {
        tables.standings(&self.of, self.now).await
    }
}

impl Sentence for CountMembers {
    type Answer = Vec<(Status, u64)>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Self::Answer> {
        tables.count_members().await
    }
}

impl Sentence for MembersQuery {
    type Answer = Vec<Member>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Self::Answer> {
        tables.members(&self).await
    }
}

impl Sentence for Detail {
    type Answer = Option<MemberDetail>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Self::Answer> {
        let member = match &self.key {
            MemberKey::Account(account) => match tables.account(account).await? {
                Some(account) => tables.member(&account.member).await?,
                None => None,
            },
            MemberKey::Id(id) => tables.member(id).await?,
            MemberKey::UserName(name) => tables.member_called(name).await?,
        };
        match member {
            Some(member) => detail(member, self.now, tables).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Sentence for AuditQuery {
    type Answer = Vec<AuditRow>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Self::Answer> {
        tables.audit(&self).await
    }
}

impl Sentence for AuditEvent {
    type Answer = ();
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<()> {
        tables.write_line(&self).await
    }
}

impl Sentence for Purge {
    type Answer = bool;
    const WRITES: bool = true;
    /// Also what somebody who read kept from being erased when it was deleted, here or by a command.
    const ERASES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<bool> {
        tables.purge(self.now, self.audit_from, MOST_PURGED).await
    }
}
