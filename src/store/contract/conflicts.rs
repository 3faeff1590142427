//! Two members who turn out to have one unionid.

use super::*;
use crate::model::member::ChangeError;
use crate::store::records::{AuditQuery, Conflict, Settlement};

/// Alice has two records: one by the account `alice`, one that has her unionid. Signing in by the first shows it.
async fn conflict(store: &dyn Store) -> (Member, Member, Conflict) {
    let holder = somebody(store, "alice", Status::Active).await;
    let other = store.arrive(with_unionid("alice-too", 0, "union")).await.unwrap().member;
    let arrived = store.arrive(with_unionid("alice", 1, "union")).await.unwrap();
    assert_eq!((&arrived.member.id, arrived.is_new), (&holder.id, false));
    let conflict = store.conflicts().await.unwrap().remove(0);
    (arrived.member, other, conflict)
}

/// What the trail says of settled conflicts.
async fn told(store: &dyn Store) -> Vec<AuditEvent> {
    let kind = Some(AuditKind::ConflictSettled);
    let query = AuditQuery { kind, limit: 10, ..AuditQuery::default() };
    store.audit(query).await.unwrap().into_iter().map(|(_, event)| event).collect()
}

async fn whose(store: &dyn Store, openid: &str) -> MemberId {
    store.arrive(arrival(openid, 50)).await.unwrap().member.id
}

pub(super) async fn one_unionid_of_two_is_a_conflict_once(store: &dyn Store) {
    let (holder, other, conflict) = conflict(store).await;
    assert_eq!((&conflict.holder, &conflict.other), (&holder.id, &other.id));
    assert_eq!((conflict.account.openid.as_str(), conflict.unionid.as_str()), ("alice", "union"));
    assert_eq!(conflict.found, at(1));
    assert_eq!(holder.unionid, None, "nothing is merged");
    for second in 2..5 {
        store.arrive(with_unionid("alice", second, "union")).await.unwrap();
        store.arrive(arrival("alice", second)).await.unwrap();
    }
    assert_eq!(store.conflicts().await.unwrap(), [conflict]);
    assert_eq!(lines(store, AuditKind::ConflictFound).await, 1);
    assert_eq!(whose(store, "alice-too").await, other.id);
}

pub(super) async fn a_block_counts_for_both(store: &dyn Store) {
    let (holder, other, _) = conflict(store).await;
    change(store, &other, Change::Block).await.unwrap();
    let loud = store.arrive(with_unionid("alice", 5, "union")).await.unwrap().member;
    assert_eq!((&loud.id, loud.status), (&other.id, Status::Blocked));
    // In-app sign-ins may come without the unionid.
    let silent = store.arrive(arrival("alice", 6)).await.unwrap().member;
    assert_eq!((&silent.id, silent.status), (&other.id, Status::Blocked));
    let detail = store.member(MemberKey::Id(holder.id.clone()), at(6)).await.unwrap().unwrap();
    assert_eq!(detail.accounts.len(), 1, "the account stays where it was");

    change(store, &other, Change::Unblock).await.unwrap();
    change(store, &holder, Change::Block).await.unwrap();
    let blocked = store.arrive(with_unionid("alice", 7, "union")).await.unwrap().member;
    assert_eq!((&blocked.id, blocked.status), (&holder.id, Status::Blocked));
    // Nor does the other's own account help.
    let blocked = store.arrive(arrival("alice-too", 8)).await.unwrap().member;
    assert_eq!((&blocked.id, blocked.status), (&holder.id, Status::Blocked));
}

pub(super) async fn conflicts_are_settled_by_keeping_apart(store: &dyn Store) {
    let (holder, other, conflict) = conflict(store).await;
    let line = || note(AuditKind::ConflictSettled, 10);
    let settled = store.settle(conflict.id.clone(), Settlement::KeepApart, line()).await.unwrap();
    assert_eq!(settled, conflict);
    assert_eq!(store.conflicts().await.unwrap(), []);
    store.arrive(with_unionid("alice", 11, "union")).await.unwrap();
    assert_eq!(store.conflicts().await.unwrap(), [], "it is not found again");
    let twice = store.settle(conflict.id, Settlement::MoveAccount, line()).await;
    assert!(matches!(twice, Err(StoreError::Missing)));
    let detail = format!("conflict {}: kept apart from {}", settled.id, holder.id);
    assert_eq!(told(store).await, [AuditEvent { detail, ..note_of(AuditKind::ConflictSettled, 10, &other) }]);
    assert_eq!((whose(store, "alice").await, whose(store, "alice-too").await), (holder.id, other.id));
}

pub(super) async fn conflicts_are_settled_by_moving_the_account(store: &dyn Store) {
    let (holder, other, first) = conflict(store).await;
    let line = || note(AuditKind::ConflictSettled, 10);
    store.settle(first.id.clone(), Settlement::MoveAccount, line()).await.unwrap();
    let detail = format!("conflict {}: account moved from {}", first.id, holder.id);
    let moved = AuditEvent { detail, ..note_of(AuditKind::ConflictSettled, 10, &other) };
    assert_eq!(told(store).await, [moved], "whose account it was goes not with them");
    assert_eq!(found(store, &holder.id).await, None, "it was the last account");
    assert_eq!(whose(store, "alice").await, other.id);
    assert_eq!(store.conflicts().await.unwrap(), []);

    // Bob's first record has an account more, and stays with it.
    let holder = store.arrive(with_unionid("bob", 0, "old-union")).await.unwrap().member;
    let more = store.arrive(with_unionid("bob-more", 0, "old-union")).await.unwrap().member;
    let other = store.arrive(with_unionid("bob-too", 0, "new-union")).await.unwrap().member;
    store.arrive(with_unionid("bob", 1, "new-union")).await.unwrap();
    let second = store.conflicts().await.unwrap().remove(0);
    store.settle(second.id, Settlement::MoveAccount, line()).await.unwrap();
    assert_eq!((&more.id, whose(store, "bob").await), (&holder.id, other.id));
    assert_eq!(whose(store, "bob-more").await, holder.id);
    let standing = store.standings(vec![holder.id], at(10)).await.unwrap().remove(0).1;
    assert_eq!(standing.ended.len(), 3, "it is asked anew who they are");
}

pub(super) async fn a_move_keeps_blocks_and_administrators(store: &dyn Store) {
    let (holder, other, conflict) = conflict(store).await;
    let settle =
        || store.settle(conflict.id.clone(), Settlement::MoveAccount, note(AuditKind::ConflictSettled, 10));
    change(store, &holder, Change::Block).await.unwrap();
    let said = settle().await;
    assert!(matches!(said, Err(StoreError::Change(ChangeError::Status(Status::Blocked)))));
    change(store, &holder, Change::Unblock).await.unwrap();
    change(store, &holder, Change::MakeAdmin(true)).await.unwrap();
    let said = settle().await;
    assert!(matches!(said, Err(StoreError::Change(ChangeError::LastAdmin))));
    assert_eq!(store.conflicts().await.unwrap(), std::slice::from_ref(&conflict), "it is as open as before");
    assert_eq!(lines(store, AuditKind::ConflictSettled).await, 0);
    change(store, &other, Change::Approve(None)).await.unwrap();
    change(store, &other, Change::MakeAdmin(true)).await.unwrap();
    settle().await.unwrap();
}
