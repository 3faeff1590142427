//! Two members who turn out to have one unionid: an administrator decides.

use super::super::records::{AccountRow, Conflict, Settlement};
use super::super::tables::{Row, Tables};
use super::super::{Sentence, StoreError};
use crate::model::audit::AuditEvent;
use crate::model::member::{ChangeError, Status};

/// As [`Store::conflicts`](super::super::Store::conflicts).
pub(in super::super) struct ListConflicts;

/// As [`Store::settle`](super::super::Store::settle).
pub(in super::super) struct Settle {
    pub(in super::super) id: String,
    pub(in super::super) settlement: Settlement,
    pub(in super::super) note: AuditEvent,
}

impl Sentence for ListConflicts {
    type Answer = Vec<Conflict>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Vec<Conflict>> {
        tables.conflicts().await
    }
}

impl Sentence for Settle {
    type Answer = Conflict;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Conflict> {
        tables.lock_directory().await?;
        let conflict = tables.settle_conflict(&self.id).await?.ok_or(StoreError::Missing)?;
        if self.settlement == Settlement::MoveAccount {
            move_account(&conflict, tables).await?;
        }
        tables.note(&settled(&conflict, self.settlement, self.note)).await?;
        Ok(conflict)
    }
}

/// The line about it names both: it concerns the one who is there afterwards in any case, and says of whom the conflict was,
/// whose own lines may have gone with them.
fn settled(conflict: &Conflict, settlement: Settlement, note: AuditEvent) -> AuditEvent {
    let Conflict { id, holder, other, .. } = conflict;
    let what = match settlement {
        Settlement::KeepApart => "kept apart from",
        Settlement::MoveAccount => "account moved from",
    };
    AuditEvent { member: Some(other.clone()), detail: format!("conflict {id}: {what} {holder}"), ..note }
}

/// The account becomes the other member's. The holder goes with their last account: nobody could sign in as them.
async fn move_account<T: Tables>(conflict: &Conflict, tables: &mut T) -> Row<()> {
    let account = tables.account(&conflict.account).await?.ok_or(StoreError::Missing)?;
    let holder = tables.member(&conflict.holder).await?.ok_or(StoreError::Missing)?;
    if account.member != holder.id || tables.member(&conflict.other).await?.is_none() {
        return Err(StoreError::Missing);
    }
    if holder.status == Status::Blocked {
        // A block must not end because an account changes hands.
        return Err(ChangeError::Status(holder.status).into());
    }
    tables.put_account(&AccountRow { member: conflict.other.clone(), ..account }).await?;
    // Sessions of the holder were signed in with any of their accounts: all end, and the next sign-in tells who it is.
    tables.end_sessions(&holder.id, None).await?;
    if tables.accounts(&holder.id).await?.is_empty() {
        if holder.administers() && !tables.has_other_admin(Some(&holder.id)).await? {
            return Err(ChangeError::LastAdmin.into());
        }
        tables.remove_member(&holder.id).await?;
    }
    Ok(())
}
