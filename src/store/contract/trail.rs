//! The audit trail, and clearing out.

use std::task::{Context, Waker};

use super::log::LOG;
use super::*;
use crate::model::member::AccessRequest;
use crate::seal::hex;
use crate::store::records::{AuditQuery, ClaimKind};

pub(super) async fn lines_come_in_pages_newest_first(store: &dyn Store) {
    let (alice, bob) = (MemberId::of([1; 10]), MemberId::of([2; 10]));
    let mut written = Vec::new();
    for second in 0..60 {
        let event = AuditEvent {
            kind: if second % 2 == 0 { AuditKind::Approved } else { AuditKind::Refused },
            actor: match second % 3 {
                0 => Actor::Member(alice.clone()),
                1 => Actor::Gateway,
                _ => Actor::CommandLine,
            },
            member: [None, Some(alice.clone()), Some(bob.clone()), Some(bob.clone())][second as usize % 4]
                .clone(),
            client: (second % 5 == 0).then_some([192, 0, 2, 1].into()),
            request_id: (second % 7 == 0).then(|| "request".to_owned()),
            detail: format!("line {second}"),
            ..note(AuditKind::Approved, second)
        };
        store.note(event.clone()).await.unwrap();
        written.insert(0, event);
    }
    let of_alice = |event: &AuditEvent| {
        event.member.as_ref() == Some(&alice) || event.actor == Actor::Member(alice.clone())
    };
    for member in [None, Some(alice.clone())] {
        for kind in [None, Some(AuditKind::Approved)] {
            let mut query = AuditQuery { member: member.clone(), kind, before: None, limit: 7 };
            let mut list = Vec::new();
            loop {
                let page = store.audit(query.clone()).await.unwrap();
                assert!(page.len() <= 7);
                let Some((last, _)) = page.last() else { break };
                query.before = Some(*last);
                list.extend(page.into_iter().map(|(_, event)| event));
            }
            let expected = written.iter().filter(|event| {
                (member.is_none() || of_alice(event)) && kind.is_none_or(|kind| event.kind == kind)
            });
            assert!(list.iter().eq(expected), "{member:?} {kind:?}");
            assert!(list.len() > 7, "more than a page");
        }
    }
}

pub(super) async fn a_change_and_its_line_are_one(store: &dyn Store) {
    let alice = somebody(store, "alice", Status::Guest).await;
    let refused = store.change(alice.id.clone(), Change::Unblock, note(AuditKind::Unblocked, 1)).await;
    assert!(refused.is_err());
    assert_eq!(lines(store, AuditKind::Unblocked).await, 0);
    let line = AuditEvent { detail: "because".to_owned(), ..note_of(AuditKind::Blocked, 1, &alice) };
    store.change(alice.id.clone(), Change::Block, line.clone()).await.unwrap();
    let query = AuditQuery { kind: Some(AuditKind::Blocked), limit: 10, ..AuditQuery::default() };
    assert_eq!(store.audit(query).await.unwrap().remove(0).1, line);
    // What was dropped before it began, or in the middle of it, is whole or not at all.
    drop(store.change(alice.id.clone(), Change::Unblock, note(AuditKind::Unblocked, 2)));
    let cut = store.change(alice.id.clone(), Change::Unblock, note(AuditKind::Unblocked, 2));
    drop(tokio::time::timeout(Duration::from_micros(1), cut).await);
    // One may still come true, in between two readings.
    let seen = loop {
        let before = lines(store, AuditKind::Unblocked).await;
        let is_blocked = found(store, &alice.id).await.unwrap().status == Status::Blocked;
        if lines(store, AuditKind::Unblocked).await == before {
            break (before, is_blocked);
        }
    };
    assert_eq!(seen.0, usize::from(!seen.1));
}

pub(super) async fn the_log_has_what_was_written_though_nobody_waits(store: &dyn Store) {
    let mut log = LOG.subscribe();
    let alice = somebody(store, "alice", Status::Guest).await;
    let detail = hex(&random::<8>());
    let line = AuditEvent { detail: detail.clone(), ..note_of(AuditKind::Approved, 1, &alice) };
    let mut answer = store.change(alice.id.clone(), Change::Approve(None), line);
    // It has begun, and nobody hears what came of it; a fast one is done already.
    let _ = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let said = log.wait_for(|log| log.contains(&detail));
    let said = tokio::time::timeout(Duration::from_secs(20), said).await.unwrap().unwrap().clone();
    assert_eq!(said.lines().filter(|line| line.contains(&detail)).count(), 1, "{said}");
    assert_eq!(found(store, &alice.id).await.unwrap().status, Status::Active);
    drop(answer);
}

pub(super) async fn the_log_has_nothing_of_what_changed_nothing(store: &dyn Store) {
    let log = LOG.subscribe();
    let alice = somebody(store, "alice", Status::Guest).await;
    let detail = hex(&random::<8>());
    let line = |kind| AuditEvent { detail: detail.clone(), ..note_of(kind, 1, &alice) };
    assert!(store.change(alice.id.clone(), Change::Unblock, line(AuditKind::Unblocked)).await.is_err());
    let ask = |_| {
        let request = AccessRequest { code: "ABCD".to_owned(), message: String::new(), at: at(1) };
        store.ask(alice.id.clone(), request, line(AuditKind::Asked))
    };
    assert!(together((0..6).map(ask).collect()).await.iter().all(Result::is_ok));
    // What was written is said before it is answered.
    let said = log.borrow().clone();
    assert_eq!(said.lines().filter(|line| line.contains(&detail)).count(), 1, "{said}");
    assert_eq!(lines(store, AuditKind::Asked).await, 1);
}

pub(super) async fn what_has_run_out_is_purged(store: &dyn Store) {
    let alice = store.arrive(arrival("alice", 0)).await.unwrap().member;
    store.arrive(arrival("alice", 500)).await.unwrap();
    let (short, long) = ([1; 16], [2; 16]);
    assert!(store.claim(ClaimKind::Ticket, short, at(1000)).await.unwrap());
    assert!(store.claim(ClaimKind::Ticket, long, at(1001)).await.unwrap());
    store.make_setup_link([1; 32], at(1000), note(AuditKind::SetupLinkMade, 0)).await.unwrap();
    store.make_setup_link([2; 32], at(1001), note(AuditKind::SetupLinkMade, 1)).await.unwrap();

    while store.purge(at(1000), at(1)).await.unwrap() {}
    assert!(store.claim(ClaimKind::Ticket, short, at(2000)).await.unwrap(), "forgotten");
    assert!(!store.claim(ClaimKind::Ticket, long, at(2000)).await.unwrap(), "remembered");
    assert!(!store.is_setup_link([1; 32], at(0)).await.unwrap());
    assert!(store.is_setup_link([2; 32], at(0)).await.unwrap());
    let detail = store.member(MemberKey::Id(alice.id.clone()), at(0)).await.unwrap().unwrap();
    assert_eq!(detail.sessions.len(), 1);
    let left = store.audit(AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    assert!(left.len() == 2 && left.iter().all(|(_, event)| event.at >= at(1)), "{left:?}");
    assert!(found(store, &alice.id).await.is_some(), "members do not run out");
    assert!(!store.purge(at(1000), at(1)).await.unwrap());
}

pub(super) async fn a_store_that_is_there_says_so(store: &dyn Store) {
    store.check().await.unwrap();
    assert!(!store.place().is_empty());
}
