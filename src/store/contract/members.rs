//! Asking, deciding, changing, forgetting.

use super::*;
use crate::model::member::{AccessRequest, ChangeError, Groups};
use crate::store::records::AuditQuery;

fn request(message: &str, second: i64) -> AccessRequest {
    AccessRequest { code: "KXQP".to_owned(), message: message.to_owned(), at: at(second) }
}

pub(super) async fn guests_ask_once(store: &dyn Store) {
    for status in Status::ALL {
        let member = somebody(store, status.as_str(), status).await;
        let asked =
            store.ask(member.id.clone(), request("let me in", 5), note(AuditKind::Asked, 5)).await.unwrap();
        if status == Status::Guest {
            assert_eq!(
                (asked.status, asked.request.as_ref()),
                (Status::Pending, Some(&request("let me in", 5)))
            );
            let again =
                store.ask(member.id.clone(), request("again", 6), note(AuditKind::Asked, 6)).await.unwrap();
            assert_eq!(again, asked);
        } else {
            assert_eq!(asked, member);
        }
        assert_eq!(found(store, &member.id).await, Some(asked));
    }
    assert_eq!(lines(store, AuditKind::Asked).await, 1);
}

pub(super) async fn every_change_follows_on_the_status_or_changes_nothing(store: &dyn Store) {
    admin(store, "boss").await;
    let groups: Groups = "a,b".parse().unwrap();
    let changes = [
        Change::Approve(None),
        Change::Approve(Some(groups.clone())),
        Change::Block,
        Change::DisplayName(Some("Alice".parse().unwrap())),
        Change::DisplayName(None),
        Change::Groups(groups),
        Change::MakeAdmin(true),
        Change::MakeAdmin(false),
        Change::Refuse,
        Change::Unblock,
        Change::UserName(Some("alice".parse().unwrap())),
        Change::UserName(None),
    ];
    let mut noted = 0;
    for status in Status::ALL {
        for (number, what) in changes.iter().enumerate() {
            let member = somebody(store, &format!("{}-{number}", status.as_str()), status).await;
            let expected = member.clone().changed(what);
            let said = store.change(member.id.clone(), what.clone(), note(AuditKind::Renamed, 1)).await;
            let afterwards = found(store, &member.id).await.unwrap();
            match (expected, said) {
                (Ok(mut expected), Ok(said)) => {
                    if *what == Change::Block {
                        expected.ended_before = at(1);
                    }
                    assert_eq!((&said, &afterwards), (&expected, &expected), "{status:?} {what:?}");
                    noted += 1;
                }
                (Err(expected), Err(StoreError::Change(said))) => {
                    assert_eq!((said, &afterwards), (expected, &member), "{status:?} {what:?}");
                }
                (expected, said) => panic!("{status:?} {what:?}: {expected:?}, but {said:?}"),
            }
            store.forget(afterwards.id, note(AuditKind::Forgotten, 2)).await.unwrap();
        }
    }
    assert_eq!(lines(store, AuditKind::Renamed).await, noted);
}

pub(super) async fn a_user_name_is_one_persons_in_any_case(store: &dyn Store) {
    let alice = somebody(store, "alice", Status::Active).await;
    let bob = somebody(store, "bob", Status::Active).await;
    let name = |text: &str| Change::UserName(Some(text.parse().unwrap()));
    change(store, &alice, name("Alice.Li")).await.unwrap();
    let refused = change(store, &bob, name("aLICE.lI")).await;
    assert!(matches!(refused, Err(StoreError::Change(ChangeError::UserNameTaken))), "{refused:?}");
    assert_eq!(found(store, &bob.id).await.unwrap().user_name, None);
    let key = MemberKey::UserName("ALICE.LI".parse().unwrap());
    assert_eq!(store.member(key, at(0)).await.unwrap().unwrap().member.id, alice.id);
    change(store, &alice, name("alice.li")).await.unwrap();
    change(store, &alice, Change::UserName(None)).await.unwrap();
    change(store, &bob, name("alice.li")).await.unwrap();
}

pub(super) async fn the_last_administrator_stays(store: &dyn Store) {
    let alice = admin(store, "alice").await;
    let bob = admin(store, "bob").await;
    change(store, &bob, Change::Block).await.unwrap();
    let is_last =
        |said: Result<(), StoreError>| matches!(said, Err(StoreError::Change(ChangeError::LastAdmin)));
    assert!(is_last(change(store, &alice, Change::Block).await.map(drop)));
    assert!(is_last(change(store, &alice, Change::MakeAdmin(false)).await.map(drop)));
    assert!(is_last(store.forget(alice.id.clone(), note(AuditKind::Forgotten, 1)).await));
    assert_eq!(found(store, &alice.id).await, Some(alice.clone()));
    assert_eq!(lines(store, AuditKind::Forgotten).await, 0);
    change(store, &alice, Change::MakeAdmin(true)).await.unwrap();

    change(store, &bob, Change::Unblock).await.unwrap();
    let said = together(vec![
        store.change(alice.id.clone(), Change::MakeAdmin(false), note(AuditKind::AdminTaken, 1)),
        store.change(bob.id.clone(), Change::MakeAdmin(false), note(AuditKind::AdminTaken, 1)),
    ]);
    assert_eq!(said.await.iter().filter(|said| said.is_ok()).count(), 1, "two at once leave one");
    assert!(!store.needs_setup().await.unwrap());
}

pub(super) async fn blocking_ends_sessions(store: &dyn Store) {
    let before = arrival("alice", 0);
    let alice = store.arrive(before.clone()).await.unwrap().member;
    store.change(alice.id.clone(), Change::Block, note(AuditKind::Blocked, 10)).await.unwrap();
    let unblocked = change(store, &alice, Change::Unblock).await.unwrap();
    assert_eq!(unblocked, Member { ended_before: at(10), ..alice.clone() });
    let standing = store.standings(vec![alice.id], at(11)).await.unwrap().remove(0).1;
    assert_eq!(standing.ended, [before.session.id]);
    assert_eq!(standing.ended_before, at(10));
}

pub(super) async fn what_is_forgotten_is_gone(store: &dyn Store) {
    let boss = admin(store, "boss").await;
    let profile =
        Profile { name: "Secretname".to_owned(), avatar: "https://secret/".to_owned(), ..Profile::default() };
    let arriving = Arrival { profile, ..with_unionid("secretopenid", 0, "secretunion") };
    let alice = store.arrive(arriving.clone()).await.unwrap().member;
    change(store, &alice, Change::MakeAdmin(true)).await.unwrap_err();
    // Alice did something with somebody else, and somebody else's account is in conflict with hers.
    let by_alice = AuditEvent {
        actor: Actor::Member(alice.id.clone()),
        member: Some(boss.id.clone()),
        client: Some([203, 0, 113, 9].into()),
        ..note(AuditKind::VisitRefused, 2)
    };
    store.note(by_alice).await.unwrap();
    store.arrive(with_unionid("boss", 3, "secretunion")).await.unwrap();
    assert_eq!(store.conflicts().await.unwrap().len(), 1);
    // Codes on her phone, whose browsers have not come back; one in an app where she was never before.
    let theirs = [
        pairings::allowed_by(store, arriving.account.clone(), None).await,
        pairings::scanned_by(store, arriving.account.clone()).await,
        pairings::allowed_by(
            store,
            Account { app_id: "wx-other".to_owned(), ..arriving.account.clone() },
            Some("secretunion"),
        )
        .await,
    ];
    let of_others = [
        pairings::begun(store).await,
        pairings::allowed_by(
            store,
            Account { app_id: "wx-other".to_owned(), ..arriving.account.clone() },
            None,
        )
        .await,
        pairings::allowed_by(
            store,
            Account { openid: "boss".to_owned(), ..arriving.account.clone() },
            Some("other"),
        )
        .await,
    ];

    store.forget(alice.id.clone(), note_of(AuditKind::Forgotten, 4, &alice)).await.unwrap();
    assert_eq!(found(store, &alice.id).await, None);
    assert_eq!(store.conflicts().await.unwrap(), []);
    assert_eq!(store.standings(vec![alice.id.clone()], at(4)).await.unwrap(), []);
    for (pairing, is_left) in
        theirs.iter().map(|one| (one, false)).chain(of_others.iter().map(|one| (one, true)))
    {
        assert_eq!(pairings::is_there(store, pairing).await, is_left, "{:?}", pairing.state);
    }
    let search = MembersQuery { search: Some("secret".to_owned()), limit: 10, ..MembersQuery::default() };
    assert_eq!(store.members(search).await.unwrap(), []);
    let of_alice = AuditQuery { member: Some(alice.id.clone()), limit: 100, ..AuditQuery::default() };
    let left = store.audit(of_alice).await.unwrap();
    let kinds: Vec<_> = left.iter().map(|(_, event)| event.kind).collect();
    assert_eq!(kinds, [AuditKind::Forgotten, AuditKind::VisitRefused]);
    assert!(left.iter().all(|(_, event)| event.client.is_none()));
    assert!(store.end_session(arriving.session.id, None, note(AuditKind::SessionEnded, 5)).await.is_err());
    let back = store.arrive(Arrival { fresh_id: MemberId::of(random()), ..arriving }).await.unwrap();
    assert!(back.is_new);
}

pub(super) async fn whoever_is_missing_is_missing(store: &dyn Store) {
    let nobody = MemberId::of(random());
    let is_missing = |said: Result<(), StoreError>| matches!(said, Err(StoreError::Missing));
    let line = || note(AuditKind::Asked, 0);
    assert!(is_missing(store.ask(nobody.clone(), request("", 0), line()).await.map(drop)));
    assert!(is_missing(store.change(nobody.clone(), Change::Block, line()).await.map(drop)));
    assert!(is_missing(store.forget(nobody.clone(), line()).await));
    assert!(is_missing(store.end_session(random(), None, line()).await.map(drop)));
    assert!(is_missing(store.end_sessions(nobody.clone(), line()).await.map(drop)));
    assert!(is_missing(store.join([0; 32], nobody.clone(), line()).await.map(drop)));
    assert!(is_missing(store.set_up([0; 32], nobody.clone(), line()).await.map(drop)));
    assert!(is_missing(store.withdraw_invite("none".to_owned(), line()).await));
    let settlement = super::super::records::Settlement::KeepApart;
    assert!(is_missing(store.settle("none".to_owned(), settlement, line()).await.map(drop)));
    assert!(store.member(MemberKey::Id(nobody), at(0)).await.unwrap().is_none());
    assert_eq!(lines(store, AuditKind::Asked).await, 0);
}

pub(super) async fn hostile_texts_come_out_as_they_went_in(store: &dyn Store) {
    let texts = [
        "Robert'); DROP TABLE members;--",
        "100%",
        "under_score",
        "back\\slash",
        "\"quoted\"",
        "$1 ?1 :name",
        "李小龙 🦀👩‍👩‍👧",
        "\u{202e}abc\u{200f}",
        "ÄÖÜ ß ﬁ",
        "\u{feff}\u{301}",
        "a\nb\tc",
    ];
    for (number, text) in texts.iter().enumerate() {
        let mut arriving = arrival(&format!("open-{number}"), 0);
        arriving.profile =
            Profile { name: (*text).to_owned(), avatar: (*text).to_owned(), ..Profile::default() };
        arriving.session.browser = (*text).to_owned();
        arriving.request_id = (*text).to_owned();
        let id = store.arrive(arriving).await.unwrap().member.id;
        let asked = store.ask(id.clone(), request(text, 1), note(AuditKind::Asked, 1));
        asked.await.unwrap();
        let detail = store.member(MemberKey::Id(id.clone()), at(1)).await.unwrap().unwrap();
        assert_eq!(
            (&detail.member.profile_name, &detail.member.avatar),
            (&(*text).to_owned(), &(*text).to_owned())
        );
        assert_eq!(detail.member.request, Some(request(text, 1)));
        assert_eq!(detail.sessions[0].browser, *text);
        let search = MembersQuery { search: Some(text.to_uppercase()), limit: 10, ..MembersQuery::default() };
        let folds_back = text.to_uppercase().to_lowercase() == text.to_lowercase();
        if folds_back {
            let found: Vec<_> =
                store.members(search).await.unwrap().into_iter().map(|member| member.id).collect();
            assert_eq!(found, std::slice::from_ref(&id), "{text:?}");
        }
        let query = AuditQuery {
            member: Some(id),
            kind: Some(AuditKind::SignedIn),
            limit: 10,
            ..AuditQuery::default()
        };
        let (_, event) = store.audit(query).await.unwrap().remove(0);
        assert_eq!((event.detail.as_str(), event.request_id.as_deref()), (*text, Some(*text)));
    }
    // Not every database can keep this one character.
    let mut arriving = arrival("nul", 0);
    arriving.profile.name = "a\0b".to_owned();
    arriving.session.browser = "c\0d".to_owned();
    let id = store.arrive(arriving).await.unwrap().member.id;
    assert_eq!(found(store, &id).await.unwrap().profile_name, "ab");
    let search = MembersQuery { search: Some("a\0b".to_owned()), limit: 100, ..MembersQuery::default() };
    assert!(store.members(search).await.unwrap().iter().any(|member| member.id == id));
}
