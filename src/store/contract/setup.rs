//! The first administrator.

use super::*;
use crate::model::member::ChangeError;

pub(super) async fn the_first_administrator_comes_by_a_link(store: &dyn Store) {
    assert!(store.needs_setup().await.unwrap());
    let (first, second) = ([1; 32], [2; 32]);
    for link in [first, second] {
        store.make_setup_link(link, at(100), note(AuditKind::SetupLinkMade, 0)).await.unwrap();
    }
    assert!(store.is_setup_link(first, at(1)).await.unwrap());
    assert!(!store.is_setup_link([3; 32], at(1)).await.unwrap());

    let blocked = somebody(store, "blocked", Status::Blocked).await;
    let said = store.set_up(first, blocked.id, note(AuditKind::SetupUsed, 1)).await;
    assert!(matches!(said, Err(StoreError::Change(ChangeError::Status(Status::Blocked)))));
    assert!(store.is_setup_link(first, at(1)).await.unwrap(), "it is not used up by that");

    let guest = somebody(store, "guest", Status::Guest).await;
    let boss = store.set_up(first, guest.id.clone(), note(AuditKind::SetupUsed, 1)).await.unwrap();
    assert!(boss.administers());
    assert_eq!(found(store, &guest.id).await, Some(boss));
    assert!(!store.needs_setup().await.unwrap());
    assert!(!store.is_setup_link(second, at(1)).await.unwrap(), "all links end");
}

pub(super) async fn one_of_twenty_is_set_up(store: &dyn Store) {
    store.make_setup_link([1; 32], at(100), note(AuditKind::SetupLinkMade, 0)).await.unwrap();
    let mut guests = Vec::new();
    for number in 0..20 {
        guests.push(somebody(store, &format!("guest-{number}"), Status::Guest).await);
    }
    let set_up = |guest: &Member| store.set_up([1; 32], guest.id.clone(), note(AuditKind::SetupUsed, 1));
    let said = together(guests.iter().map(set_up).collect()).await;
    assert_eq!(said.iter().filter(|said| said.is_ok()).count(), 1);
    assert_eq!(everybody(store).await.iter().filter(|member| member.administers()).count(), 1);
    assert_eq!(lines(store, AuditKind::SetupUsed).await, 1);
}

pub(super) async fn a_link_that_is_over_sets_nobody_up(store: &dyn Store) {
    store.make_setup_link([1; 32], at(100), note(AuditKind::SetupLinkMade, 0)).await.unwrap();
    assert!(!store.is_setup_link([1; 32], at(100)).await.unwrap());
    let guest = somebody(store, "guest", Status::Guest).await;
    let late = store.set_up([1; 32], guest.id.clone(), note(AuditKind::SetupUsed, 100)).await;
    assert!(matches!(late, Err(StoreError::Missing)));
    assert_eq!(found(store, &guest.id).await, Some(guest));
}
