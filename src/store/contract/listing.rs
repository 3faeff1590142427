//! Pages of members.

use std::collections::HashSet;

use super::*;
use crate::model::member::AccessRequest;

/// Reads the whole list in pages of `limit`.
async fn all_pages(
    store: &dyn Store,
    status: Option<Status>,
    search: Option<&str>,
    limit: u32,
) -> Vec<Member> {
    let mut query = MembersQuery { status, search: search.map(str::to_owned), after: None, limit };
    let mut list = Vec::new();
    loop {
        let page = store.members(query.clone()).await.unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        let Some(last) = page.last() else { return list };
        query.after = Some(query.place_of(last));
        list.extend(page);
    }
}

pub(super) async fn pages_have_no_gaps_and_no_repetitions(store: &dyn Store) {
    for number in 0_i64..250 {
        // Three of them sign in each second.
        let status = Status::ALL[usize::try_from(number).unwrap() % 5];
        let arriving = Arrival { newcomer: status, ..arrival(&format!("x{number}x"), number / 3) };
        store.arrive(arriving).await.unwrap();
    }
    let all = all_pages(store, None, None, 7).await;
    assert_eq!(all.len(), 250);
    assert_eq!(all.iter().map(|member| &member.id).collect::<HashSet<_>>().len(), 250);
    let in_order = |two: &[Member]| {
        (std::cmp::Reverse(two[0].signed_in), &two[0].id) < (std::cmp::Reverse(two[1].signed_in), &two[1].id)
    };
    assert!(all.windows(2).all(in_order));
    for status in Status::ALL {
        let expected: Vec<_> = all.iter().filter(|member| member.status == status).collect();
        let of_status = all_pages(store, Some(status), None, 7).await;
        assert_eq!(of_status.len(), 50);
        if status != Status::Pending {
            assert!(of_status.iter().eq(expected), "{status:?}");
        }
        let found = all_pages(store, Some(status), Some("OF X1"), 3).await;
        let expected = of_status.iter().filter(|member| member.profile_name.contains("of x1"));
        assert!(found.iter().eq(expected), "{status:?}");
        assert!(!found.is_empty());
    }
    let found = all_pages(store, None, Some("of x2"), 4).await;
    assert!(found.iter().eq(all.iter().filter(|member| member.profile_name.contains("of x2"))));
}

pub(super) async fn who_waits_is_listed_by_when_they_asked(store: &dyn Store) {
    let mut asked = Vec::new();
    for (number, second) in [30, 10, 20, 10].into_iter().enumerate() {
        let openid = format!("open-{number}");
        let member = somebody(store, &openid, Status::Guest).await;
        let request = AccessRequest { code: "ABCD".to_owned(), message: String::new(), at: at(second) };
        store.ask(member.id.clone(), request, note(AuditKind::Asked, second)).await.unwrap();
        asked.push((at(second), member.id));
        store.arrive(arrival(&openid, 100 - second)).await.unwrap();
    }
    // Whoever waits without having asked waits since the first sign-in.
    let silent = somebody(store, "silent", Status::Pending).await;
    asked.push((at(0), silent.id));
    asked.sort();
    let expected: Vec<_> = asked.into_iter().map(|(_, id)| id).collect();
    for limit in 1..6 {
        let list = all_pages(store, Some(Status::Pending), None, limit).await;
        assert_eq!(list.into_iter().map(|member| member.id).collect::<Vec<_>>(), expected);
    }
}

pub(super) async fn searches_find_what_is_shown(store: &dyn Store) {
    let alice = somebody(store, "alice", Status::Guest).await;
    let request = AccessRequest { code: "KXQP".to_owned(), message: "unsearched".to_owned(), at: at(1) };
    store.ask(alice.id.clone(), request, note(AuditKind::Asked, 1)).await.unwrap();
    for what in [
        Change::UserName(Some("Ali.Ce".parse().unwrap())),
        Change::DisplayName(Some("Élise 王".parse().unwrap())),
        Change::Groups("Büro,team".parse().unwrap()),
    ] {
        change(store, &alice, what).await.unwrap();
    }
    somebody(store, "bob", Status::Guest).await;
    let id = alice.id.as_str().to_uppercase();
    for text in [id.as_str(), "ali.ce", "élise", "ÉLISE", "王", "büro", "BÜRO", "kxqp", "NAME OF ALICE"]
    {
        let list = all_pages(store, None, Some(text), 10).await;
        assert_eq!(list.iter().map(|member| &member.id).collect::<Vec<_>>(), [&alice.id], "{text}");
    }
    for text in ["unsearched", "%", "_", "name%alice", "nameXof"] {
        assert_eq!(all_pages(store, None, Some(text), 10).await, [], "{text}");
    }
    assert_eq!(all_pages(store, None, Some(""), 10).await.len(), 2);
}

pub(super) async fn members_are_counted(store: &dyn Store) {
    for (number, status) in Status::ALL.into_iter().enumerate() {
        for copy in 0..number {
            somebody(store, &format!("{}-{copy}", status.as_str()), status).await;
        }
    }
    let counts = store.count_members().await.unwrap();
    for (number, status) in (0_u64..).zip(Status::ALL) {
        let counted = counts.iter().find(|(of, _)| *of == status).map_or(0, |(_, count)| *count);
        assert_eq!(counted, number, "{status:?}");
    }
}
