//! Who is signed in where, over all members.

use super::*;
use crate::model::member::SessionId;
use crate::store::records::{OpenSession, SessionIds};

/// The ids of all sessions that count at `now`, with whose they are, read in pages of `limit` members.
async fn all_pages(store: &dyn Store, limit: u32, now: i64) -> Vec<(MemberId, SessionId)> {
    let mut query = MembersQuery { limit, ..MembersQuery::default() };
    let mut list = Vec::new();
    loop {
        let page = store.open_sessions(query.clone(), at(now)).await.unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        let Some((last, _)) = page.last() else { return list };
        query.after = Some(query.place_of(last));
        for (member, sessions) in page {
            assert!(sessions.iter().all(|session| session.member == member.id && !session.ended));
            list.extend(sessions.iter().map(|session| (member.id.clone(), session.id)));
        }
    }
}

/// Signs somebody in at this second; the session lasts 1000 seconds.
async fn signs_in(store: &dyn Store, openid: &str, second: i64) -> (MemberId, SessionId) {
    let arriving = arrival(openid, second);
    let session = arriving.session.id;
    (store.arrive(arriving).await.unwrap().member.id, session)
}

pub(super) async fn all_open_sessions_are_listed_by_pages_of_members(store: &dyn Store) {
    let mut expected = Vec::new();
    let old = signs_in(store, "has run out", -900).await;
    for number in 0..20 {
        let openid = format!("x{number}x");
        let first = signs_in(store, &openid, number).await;
        let second = signs_in(store, &openid, 100 + number).await;
        expected.push([second, first]);
    }
    // Whoever signed in last is first, and of each the newest session.
    expected.reverse();
    let mut expected = expected.concat();
    let (ended, of) = (expected[0].1, expected[0].0.clone());
    store.end_session(ended, Some(of), note(AuditKind::SessionEnded, 200)).await.unwrap();
    expected.remove(0);
    let signed_out = expected[1].0.clone();
    store.end_sessions(signed_out.clone(), note(AuditKind::SessionsEnded, 200)).await.unwrap();
    expected.retain(|(member, _)| *member != signed_out);
    // Sealed before that, and known to the store only afterwards.
    assert_eq!(signs_in(store, "x18x", 150).await.0, signed_out);

    assert_eq!(expected.len(), 37);
    for limit in [1, 7, 21, 100] {
        assert_eq!(all_pages(store, limit, 200).await, expected, "pages of {limit}");
    }
    expected.push(old.clone());
    assert_eq!(all_pages(store, 7, 99).await, expected, "which had not run out by then");
    assert_eq!(all_pages(store, 7, 1099).await.len(), 18, "the first of each has run out");
    assert_eq!(all_pages(store, 7, 2000).await, []);
}

pub(super) async fn an_open_session_is_found_by_the_beginning_of_its_id(store: &dyn Store) {
    let ids: [u128; 4] = [
        0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
        0x0123_4567_89ab_cdef_0123_4567_89ab_cdf0,
        0x0123_4567_ffff_ffff_ffff_ffff_ffff_ffff,
        0x0123_4568_0000_0000_0000_0000_0000_0000,
    ];
    let mut members = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let mut arriving = arrival(&format!("open-{number}"), 0);
        arriving.session.id = id.to_be_bytes();
        members.push(store.arrive(arriving).await.unwrap().member);
    }
    let found = async |digits: &str, now: i64| {
        let ids = SessionIds::beginning(digits).unwrap();
        let found = store.open_sessions_named(ids, at(now)).await.unwrap();
        for OpenSession { session, member } in &found {
            assert_eq!(session.member, member.id);
            assert!(members.contains(member));
        }
        found.iter().map(|open| u128::from_be_bytes(open.session.id)).collect::<Vec<_>>()
    };
    assert_eq!(found("01234567", 1).await, ids[..3]);
    assert_eq!(found("0123456", 1).await, ids);
    assert_eq!(found("012345678", 1).await, ids[..2]);
    assert_eq!(found("01234567F", 1).await, ids[2..3], "in capital letters too");
    assert_eq!(found("0123456789abcdef0123456789abcdef", 1).await, ids[..1]);
    assert_eq!(found("0123456789abcdef0123456789abcdee", 1).await, []);
    assert_eq!(found("01234567", 1000).await, [], "they have run out");
    store.end_session(ids[0].to_be_bytes(), None, note(AuditKind::SessionEnded, 1)).await.unwrap();
    store.end_sessions(members[1].id.clone(), note(AuditKind::SessionsEnded, 1)).await.unwrap();
    let mut late = arrival("open-1", 0);
    late.session.id = (ids[1] + 1).to_be_bytes();
    store.arrive(late).await.unwrap();
    assert_eq!(found("01234567", 1).await, ids[2..3]);
    for wrong in ["0123456789abcdef0123456789abcdef0", "0123x", "+123"] {
        assert_eq!(SessionIds::beginning(wrong), None, "{wrong}");
    }
}
