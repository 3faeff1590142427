//! Ending sessions, and what may be used once.

use super::*;
use crate::store::records::ClaimKind;

pub(super) async fn one_session_ends(store: &dyn Store) {
    let (first, second) = (arrival("alice", 0), arrival("alice", 1));
    let alice = store.arrive(first.clone()).await.unwrap().member;
    store.arrive(second.clone()).await.unwrap();
    let bob = somebody(store, "bob", Status::Active).await;

    let line = || note(AuditKind::SessionEnded, 5);
    let wrong = store.end_session(first.session.id, Some(bob.id.clone()), line()).await;
    assert!(matches!(wrong, Err(StoreError::Missing)), "a session of somebody else");
    let standing = |now: i64| store.standings(vec![alice.id.clone()], at(now));
    assert!(standing(5).await.unwrap()[0].1.ended.is_empty());
    assert_eq!(lines(store, AuditKind::SessionEnded).await, 0);

    assert_eq!(store.end_session(first.session.id, Some(alice.id.clone()), line()).await.unwrap(), alice.id);
    assert_eq!(standing(5).await.unwrap()[0].1.ended, [first.session.id]);
    let year = 366 * 86_400;
    assert_eq!(standing(year - 1).await.unwrap()[0].1.ended.len(), 1, "lifetimes can be made longer");
    assert!(standing(year).await.unwrap()[0].1.ended.is_empty(), "no session lasts as long");
    let twice = store.end_session(first.session.id, None, line()).await;
    assert!(matches!(twice, Err(StoreError::Missing)));

    let detail = store.member(MemberKey::Id(alice.id.clone()), at(5)).await.unwrap().unwrap();
    let ended: Vec<_> = detail.sessions.iter().map(|session| (session.id, session.ended)).collect();
    assert_eq!(ended, [(second.session.id, false), (first.session.id, true)]);
    assert_eq!(lines(store, AuditKind::SessionEnded).await, 1);
}

pub(super) async fn all_sessions_end(store: &dyn Store) {
    let alice = somebody(store, "alice", Status::Active).await;
    let second = store.arrive(arrival("alice", 1)).await.unwrap().member;
    store.arrive(arrival("alice", 2)).await.unwrap();
    let bob = somebody(store, "bob", Status::Active).await;
    assert_eq!(second.id, alice.id);
    let gone = store.end_sessions(alice.id.clone(), note(AuditKind::SessionsEnded, 1000)).await.unwrap();
    assert_eq!(gone, 2, "the first has run out by then");
    let standings = store.standings(vec![alice.id.clone(), bob.id.clone()], at(10)).await.unwrap();
    assert_eq!(standings.len(), 2);
    for (id, standing) in standings {
        let is_alice = id == alice.id;
        assert_eq!(standing.ended.len(), if is_alice { 3 } else { 0 });
        assert_eq!(standing.ended_before, if is_alice { at(1000) } else { Timestamp::from_unix(0) });
    }
    assert_eq!(store.end_sessions(alice.id.clone(), note(AuditKind::SessionsEnded, 50)).await.unwrap(), 0);
    assert_eq!(found(store, &alice.id).await.unwrap().ended_before, at(1000), "never earlier than it was");
    assert_eq!(lines(store, AuditKind::SessionsEnded).await, 2);
}

pub(super) async fn claims_are_taken_once(store: &dyn Store) {
    let id: [u8; 16] = random();
    let claims = (0..50).map(|_| store.claim(ClaimKind::Ticket, id, at(30))).collect();
    let taken = together(claims).await.into_iter().filter(|said| *said.as_ref().unwrap()).count();
    assert_eq!(taken, 1);
    assert!(store.claim(ClaimKind::Ticket, random(), at(30)).await.unwrap());
    assert!(!store.claim(ClaimKind::Ticket, id, at(60)).await.unwrap());
}
