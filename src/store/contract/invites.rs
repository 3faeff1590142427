//! Invitations: a code that makes members.

use super::*;
use crate::model::member::ChangeError;
use crate::seal::hex;
use crate::store::records::Invite;

fn invite(uses_left: Option<u32>) -> Invite {
    Invite {
        id: hex(&random::<8>()),
        code_hash: random(),
        groups: "team,北京".parse().unwrap(),
        uses_left,
        expires: at(100),
        made_by: Actor::CommandLine,
        made_at: at(0),
        note: "for 'the' team\u{202e}".to_owned(),
    }
}

async fn kept(store: &dyn Store, invite: Invite) -> Invite {
    store.make_invite(invite.clone(), note(AuditKind::InviteMade, 0)).await.unwrap();
    invite
}

pub(super) async fn an_invitation_makes_members_until_it_is_used_up(store: &dyn Store) {
    let offered = kept(store, invite(Some(2))).await;
    assert_eq!(store.invite(offered.code_hash, at(1)).await.unwrap(), Some(offered.clone()));
    assert_eq!(store.invites(at(1)).await.unwrap(), std::slice::from_ref(&offered));
    for (number, status) in [Status::Guest, Status::Pending].into_iter().enumerate() {
        let member = somebody(store, status.as_str(), status).await;
        let joined =
            store.join(offered.code_hash, member.id.clone(), note_of(AuditKind::InviteUsed, 1, &member));
        let joined = joined.await.unwrap();
        assert_eq!((joined.status, &joined.groups), (Status::Active, &offered.groups));
        assert_eq!(found(store, &member.id).await, Some(joined));
        let left = store.invites(at(1)).await.unwrap();
        assert_eq!(left.first().and_then(|invite| invite.uses_left), [Some(1), None][number]);
    }
    let late = somebody(store, "late", Status::Guest).await;
    let refused = store.join(offered.code_hash, late.id.clone(), note(AuditKind::InviteUsed, 1)).await;
    assert!(matches!(refused, Err(StoreError::Missing)));
    assert_eq!(found(store, &late.id).await, Some(late));
    assert_eq!(lines(store, AuditKind::InviteUsed).await, 2);
}

pub(super) async fn refused_ones_join_nothing(store: &dyn Store) {
    let offered = kept(store, invite(None)).await;
    let refused = somebody(store, "refused", Status::Refused).await;
    let said = store.join(offered.code_hash, refused.id.clone(), note(AuditKind::InviteUsed, 1)).await;
    assert!(matches!(said, Err(StoreError::Change(ChangeError::Status(Status::Refused)))));
    assert_eq!(found(store, &refused.id).await, Some(refused));
}

pub(super) async fn a_member_uses_no_invitation_up(store: &dyn Store) {
    let offered = kept(store, invite(Some(1))).await;
    let member = somebody(store, "alice", Status::Active).await;
    let all = Change::Groups("other,team,北京".parse().unwrap());
    let member = change(store, &member, all).await.unwrap();
    let joined =
        store.join(offered.code_hash, member.id.clone(), note(AuditKind::InviteUsed, 1)).await.unwrap();
    assert_eq!(joined, member);
    assert_eq!(store.invites(at(1)).await.unwrap(), std::slice::from_ref(&offered));
    assert_eq!(lines(store, AuditKind::InviteUsed).await, 0);

    let some = change(store, &member, Change::Groups("other".parse().unwrap())).await.unwrap();
    let joined = store.join(offered.code_hash, some.id, note(AuditKind::InviteUsed, 1)).await.unwrap();
    assert_eq!(joined.groups, "other,team,北京".parse().unwrap());
    assert_eq!(store.invites(at(1)).await.unwrap(), []);
}

pub(super) async fn three_uses_are_three_among_many(store: &dyn Store) {
    let offered = kept(store, invite(Some(3))).await;
    let endless = kept(store, invite(None)).await;
    let mut guests = Vec::new();
    for number in 0..20 {
        guests.push(somebody(store, &format!("guest-{number}"), Status::Guest).await);
    }
    let join =
        |guest: &Member| store.join(offered.code_hash, guest.id.clone(), note(AuditKind::InviteUsed, 1));
    let said = together(guests.iter().map(join).collect()).await;
    assert_eq!(said.iter().filter(|said| said.is_ok()).count(), 3);
    assert!(said.iter().all(|said| matches!(said, Ok(_) | Err(StoreError::Missing))));
    let counts = store.count_members().await.unwrap();
    assert!(counts.contains(&(Status::Active, 3)) && counts.contains(&(Status::Guest, 17)), "{counts:?}");
    for guest in guests {
        store.join(endless.code_hash, guest.id, note(AuditKind::InviteUsed, 1)).await.unwrap();
    }
    assert_eq!(store.invite(endless.code_hash, at(1)).await.unwrap(), Some(endless));
}

pub(super) async fn blocked_ones_join_nothing(store: &dyn Store) {
    let offered = kept(store, invite(Some(1))).await;
    let blocked = somebody(store, "blocked", Status::Blocked).await;
    let said = store.join(offered.code_hash, blocked.id.clone(), note(AuditKind::InviteUsed, 1)).await;
    assert!(matches!(said, Err(StoreError::Change(ChangeError::Status(Status::Blocked)))));
    assert_eq!(found(store, &blocked.id).await, Some(blocked));
    assert_eq!(store.invites(at(1)).await.unwrap(), [offered]);
}

pub(super) async fn what_is_withdrawn_or_over_lets_nobody_in(store: &dyn Store) {
    let guest = somebody(store, "guest", Status::Guest).await;
    let over = kept(store, invite(None)).await;
    assert_eq!(store.invite(over.code_hash, at(100)).await.unwrap(), None);
    assert_eq!(store.invites(at(100)).await.unwrap(), []);
    let late = store.join(over.code_hash, guest.id.clone(), note(AuditKind::InviteUsed, 100)).await;
    assert!(matches!(late, Err(StoreError::Missing)));

    store.withdraw_invite(over.id.clone(), note(AuditKind::InviteWithdrawn, 1)).await.unwrap();
    let withdrawn = store.join(over.code_hash, guest.id, note(AuditKind::InviteUsed, 1)).await;
    assert!(matches!(withdrawn, Err(StoreError::Missing)));
    let again = store.withdraw_invite(over.id, note(AuditKind::InviteWithdrawn, 1)).await;
    assert!(matches!(again, Err(StoreError::Missing)));
    assert_eq!(lines(store, AuditKind::InviteWithdrawn).await, 1);
    assert_eq!(lines(store, AuditKind::InviteUsed).await, 0);
}
