//! Somebody leaves the Official Account, and WeChat tells of it late, twice, or not in order.

use super::*;
use crate::model::member::SessionId;

fn account(openid: &str) -> Account {
    Account { app_id: "wx-main".to_owned(), openid: openid.to_owned() }
}

/// That Alice left at `when`, told at `told`.
async fn leaves(store: &dyn Store, when: i64, told: i64) -> Option<MemberId> {
    let note = note(AuditKind::SessionsEnded, told);
    store.unfollow(account("alice"), at(when), note).await.unwrap()
}

async fn open(store: &dyn Store, of: &MemberId) -> Vec<SessionId> {
    let detail = store.member(MemberKey::Id(of.clone()), at(50)).await.unwrap().unwrap();
    let open = detail.sessions.into_iter().filter(|session| !session.ended);
    open.map(|session| session.id).collect()
}

pub(super) async fn who_leaves_ends_what_began_until_then(store: &dyn Store) {
    let alice = somebody(store, "alice", Status::Active).await.id;
    let bob = somebody(store, "bob", Status::Active).await.id;
    store.arrive(arrival("alice", 10)).await.unwrap();
    let later = arrival("alice", 12);
    store.arrive(later.clone()).await.unwrap();
    assert_eq!(leaves(store, 10, 20).await.as_ref(), Some(&alice));
    assert_eq!(open(store, &alice).await, [later.session.id], "whoever is back since then stays");
    let standings = store.standings(vec![alice.clone()], at(20)).await.unwrap();
    assert_eq!((standings[0].1.ended.len(), standings[0].1.ended_before), (2, at(10)));
    assert_eq!(open(store, &bob).await.len(), 1, "nobody else is meant");

    for (when, told) in [(10, 21), (9, 22), (0, 23)] {
        assert_eq!(leaves(store, when, told).await, None, "told again, or what happened before");
    }
    assert_eq!(found(store, &alice).await.unwrap().ended_before, at(10), "never earlier than it was");
    assert_eq!(open(store, &alice).await, [later.session.id]);
    assert_eq!(lines(store, AuditKind::SessionsEnded).await, 1, "what changes nothing is no line");

    assert_eq!(leaves(store, 12, 24).await, Some(alice.clone()));
    assert!(open(store, &alice).await.is_empty());
    let query = crate::store::records::AuditQuery { limit: 1, ..Default::default() };
    let newest = store.audit(query).await.unwrap().remove(0).1;
    assert_eq!((newest.kind, newest.member), (AuditKind::SessionsEnded, Some(alice)));
}

pub(super) async fn who_is_not_known_leaves_nothing(store: &dyn Store) {
    let bob = somebody(store, "bob", Status::Active).await.id;
    assert_eq!(leaves(store, 10, 20).await, None);
    assert_eq!(open(store, &bob).await.len(), 1);
    assert_eq!(lines(store, AuditKind::SessionsEnded).await, 0);
}
