//! Signing in: who it is, and what is remembered of it.

use super::*;
use crate::store::records::AuditQuery;

pub(super) async fn newcomers_get_a_record_and_known_ones_keep_theirs(store: &dyn Store) {
    let first = arrival("alice", 0);
    let arrived = store.arrive(first.clone()).await.unwrap();
    assert!(arrived.is_new);
    assert_eq!(arrived.member.id, first.fresh_id);
    assert_eq!((arrived.member.status, arrived.member.created), (Status::Guest, at(0)));
    assert_eq!(found(store, &first.fresh_id).await, Some(arrived.member));

    // Where everybody may join, guests of former times do.
    let again = store.arrive(Arrival { newcomer: Status::Active, ..arrival("alice", 60) }).await.unwrap();
    assert!(!again.is_new);
    assert_eq!((&again.member.id, again.member.status), (&first.fresh_id, Status::Active));
    assert_eq!(lines(store, AuditKind::Approved).await, 1);
    assert_eq!((again.member.created, again.member.signed_in), (at(0), at(60)));

    // An openid means nothing without its app.
    let mut elsewhere = arrival("alice", 0);
    elsewhere.account.app_id = "wx-other".to_owned();
    assert!(store.arrive(elsewhere).await.unwrap().is_new);

    let detail = store.member(MemberKey::Id(first.fresh_id.clone()), at(60)).await.unwrap().unwrap();
    assert_eq!(detail.accounts.len(), 1);
    assert_eq!((detail.accounts[0].first_seen, detail.accounts[0].last_seen), (at(0), at(60)));
    assert_eq!(detail.accounts[0].account, first.account);
    assert_eq!(detail.sessions.len(), 2);
    let session = &detail.sessions[1];
    assert_eq!((session.id, session.started, session.expires), (first.session.id, at(0), at(1000)));
    assert_eq!((session.browser.as_str(), session.client), ("Firefox", Some(first.session.client)));
    assert!(!session.ended);
    assert_eq!(lines(store, AuditKind::SignedIn).await, 3);
}

pub(super) async fn a_unionid_that_comes_later_is_kept(store: &dyn Store) {
    let first = store.arrive(arrival("alice", 0)).await.unwrap().member;
    assert_eq!(first.unionid, None);
    let later = store.arrive(with_unionid("alice", 1, "union")).await.unwrap().member;
    assert_eq!((&later.id, later.unionid.as_deref()), (&first.id, Some("union")));
    let silent = store.arrive(arrival("alice", 2)).await.unwrap().member;
    assert_eq!(silent.unionid.as_deref(), Some("union"));
    let detail = store.member(MemberKey::Id(first.id), at(2)).await.unwrap().unwrap();
    assert_eq!(detail.accounts[0].unionid.as_deref(), Some("union"));
}

pub(super) async fn a_known_unionid_joins_two_apps(store: &dyn Store) {
    let first = store.arrive(with_unionid("alice", 0, "union")).await.unwrap().member;
    let mut second = with_unionid("alice-too", 1, "union");
    second.account.app_id = "wx-other".to_owned();
    let second = store.arrive(second).await.unwrap();
    assert_eq!((second.is_new, &second.member.id), (false, &first.id));
    let detail = store.member(MemberKey::Id(first.id), at(1)).await.unwrap().unwrap();
    let openids: Vec<_> = detail.accounts.iter().map(|row| row.account.openid.as_str()).collect();
    assert_eq!(openids, ["alice", "alice-too"]);
    assert_eq!(store.conflicts().await.unwrap(), []);
}

pub(super) async fn what_wechat_does_not_tell_stays(store: &dyn Store) {
    let profile = Profile { name: "Alice".to_owned(), avatar: "https://a/".to_owned(), ..Profile::default() };
    store.arrive(Arrival { profile, ..arrival("alice", 0) }).await.unwrap();
    let silent = Arrival { profile: Profile::default(), ..arrival("alice", 1) };
    let member = store.arrive(silent).await.unwrap().member;
    assert_eq!((member.profile_name.as_str(), member.avatar.as_str()), ("Alice", "https://a/"));
    let renamed = store.arrive(arrival("alice", 2)).await.unwrap().member;
    assert_eq!((renamed.profile_name.as_str(), renamed.avatar.as_str()), ("name of alice", "https://a/"));
}

pub(super) async fn listed_admins_administer_unless_blocked(store: &dyn Store) {
    assert!(store.needs_setup().await.unwrap());
    let listed = |openid: &str| Arrival { is_listed_admin: true, ..arrival(openid, 0) };
    let first = store.arrive(listed("first")).await.unwrap().member;
    assert!(first.administers());
    assert!(!store.needs_setup().await.unwrap());
    store.arrive(listed("first")).await.unwrap();
    assert_eq!(lines(store, AuditKind::AdminGranted).await, 1);

    let blocked = somebody(store, "second", Status::Blocked).await;
    let arrived = store.arrive(listed("second")).await.unwrap().member;
    assert_eq!((arrived.id, arrived.status, arrived.is_admin), (blocked.id, Status::Blocked, false));
}

pub(super) async fn only_a_hundred_sessions_count(store: &dyn Store) {
    let mut member = None;
    for second in 0..105 {
        member = Some(store.arrive(arrival("alice", second)).await.unwrap().member);
    }
    let member = member.unwrap();
    assert_eq!(member.ended_before, at(5));
    let detail = store.member(MemberKey::Id(member.id.clone()), at(105)).await.unwrap().unwrap();
    assert_eq!(detail.member, member);
    assert_eq!(detail.sessions.len(), 100);
    assert_eq!(detail.sessions[0].started, at(104));
    assert_eq!(detail.sessions[99].started, at(5));
}

pub(super) async fn old_ends_stay_ends(store: &dyn Store) {
    let mut member = None;
    for second in 0..100 {
        member = Some(store.arrive(arrival("alice", second)).await.unwrap().member);
    }
    let member = member.unwrap();
    store.end_sessions(member.id.clone(), note(AuditKind::SessionsEnded, 500)).await.unwrap();
    let after = store.arrive(arrival("alice", 501)).await.unwrap().member;
    assert_eq!(after.ended_before, at(500), "one sign-in more must not bring old sessions back");
}

pub(super) async fn a_repeated_sign_in_that_was_ended_is_written_down(store: &dyn Store) {
    let first = arrival("alice", 0);
    let alice = store.arrive(first.clone()).await.unwrap().member;
    let again = |second| Arrival { repeats: vec![first.session.id], ..arrival("alice", second) };
    assert!(store.arrive(again(1)).await.unwrap().is_in);
    store.end_sessions(alice.id.clone(), note(AuditKind::SessionsEnded, 2)).await.unwrap();
    assert!(!store.arrive(again(3)).await.unwrap().is_in);
    let refused = || async {
        let kind = Some(AuditKind::SignInRefused);
        let query = AuditQuery { kind, limit: 10, ..AuditQuery::default() };
        store.audit(query).await.unwrap().into_iter().map(|(_, event)| event).collect::<Vec<_>>()
    };
    let line = refused().await.remove(0);
    assert_eq!(
        (line.at, line.actor, line.member),
        (at(3), Actor::Member(alice.id.clone()), Some(alice.id.clone()))
    );
    assert_eq!((line.client, line.detail.as_str()), (Some([192, 0, 2, 7].into()), "Firefox"));

    // Nobody is there whose line it could be, and nobody comes into being.
    store.forget(alice.id.clone(), note_of(AuditKind::Forgotten, 4, &alice)).await.unwrap();
    assert!(!store.arrive(again(5)).await.unwrap().is_in);
    let lines = refused().await;
    assert_eq!((lines.len(), &lines[0].actor, &lines[0].member), (1, &Actor::Gateway, &None));
    assert_eq!(everybody(store).await, []);
}
