//! Browsers that wait for a phone.

use super::*;
use crate::model::pairing::{Pairing, PairingKey, PairingState, PairingStep, Proof};
use crate::store::records::{PairingBounds, PairingBy};

const ROOM: PairingBounds = PairingBounds { most: 1000, most_of_network: 1000 };

fn waiting() -> Pairing {
    Pairing {
        browser: random(),
        call: random(),
        site: "a.example".to_owned(),
        user_agent: "Firefox \u{202e}".to_owned(),
        client: [192, 0, 2, 7].into(),
        begun: at(0),
        expires: at(300),
        state: PairingState::Waiting,
    }
}

fn account(openid: &str) -> Account {
    Account { app_id: "wx-main".to_owned(), openid: openid.to_owned() }
}

fn proof(openid: &str) -> Proof {
    let profile =
        Profile { name: "王 'x'".to_owned(), avatar: "https://a/".to_owned(), ..Profile::default() };
    Proof { account: account(openid), unionid: Some("u1".to_owned()), profile }
}

/// A browser that waits.
pub(super) async fn begun(store: &dyn Store) -> Pairing {
    let pairing = waiting();
    assert!(store.begin_pairing(pairing.clone(), ROOM).await.unwrap());
    pairing
}

/// One whose code was scanned with this account.
pub(super) async fn scanned_by(store: &dyn Store, account: Account) -> Pairing {
    let pairing = begun(store).await;
    let state = advance(store, pairing.call, PairingStep::Scan(account)).await.unwrap();
    Pairing { state, ..pairing }
}

/// One that was allowed with this account, and has not come back.
pub(super) async fn allowed_by(store: &dyn Store, account: Account, unionid: Option<&str>) -> Pairing {
    let pairing = scanned_by(store, account.clone()).await;
    let proof = Proof { account, unionid: unionid.map(str::to_owned), ..proof("") };
    let state = advance(store, pairing.call, PairingStep::Allow(proof)).await.unwrap();
    Pairing { state, ..pairing }
}

async fn advance(store: &dyn Store, call: PairingKey, step: PairingStep) -> Option<PairingState> {
    store.advance_pairing(PairingBy::Call(call), step, at(1)).await.unwrap().map(|pairing| pairing.state)
}

pub(super) async fn a_phone_lets_one_browser_in_once(store: &dyn Store) {
    let pairing = begun(store).await;
    let (mine, call) = (PairingBy::Browser(pairing.browser), pairing.call);
    assert_eq!(store.pairing(mine, at(299)).await.unwrap(), Some(pairing.clone()));
    assert_eq!(store.pairing(mine, at(300)).await.unwrap(), None, "too late");
    assert_eq!(
        store.pairing(PairingBy::Browser(call), at(1)).await.unwrap(),
        None,
        "the phone's is not the browser's"
    );
    assert!(
        store.begin_pairing(Pairing { site: "b.example".to_owned(), ..pairing.clone() }, ROOM).await.unwrap()
    );
    assert_eq!(store.pairing(mine, at(1)).await.unwrap(), Some(pairing.clone()), "as it began");

    assert_eq!(advance(store, call, PairingStep::Take).await, None, "nobody has allowed it");
    let scanned = PairingState::Scanned(account("oA"));
    for _ in 0..2 {
        assert_eq!(advance(store, call, PairingStep::Scan(account("oA"))).await, Some(scanned.clone()));
    }
    assert_eq!(advance(store, call, PairingStep::Scan(account("oB"))).await, None);
    assert_eq!(advance(store, call, PairingStep::Allow(proof("oB"))).await, None);
    let allowed = PairingState::Allowed(proof("oA"));
    assert_eq!(advance(store, call, PairingStep::Allow(proof("oA"))).await, Some(allowed.clone()));
    assert_eq!(store.pairing(mine, at(1)).await.unwrap(), Some(Pairing { state: allowed, ..pairing }));
    assert!(store.advance_pairing(mine, PairingStep::Take, at(1)).await.unwrap().is_some());
    let taken = store.pairing(mine, at(1)).await.unwrap().unwrap();
    assert_eq!(taken.state, PairingState::Taken(Some(account("oA"))), "by whom, and nothing else of them");
    assert!(store.advance_pairing(mine, PairingStep::Take, at(1)).await.unwrap().is_none());
    store.purge(at(300), at(0)).await.unwrap();
    assert_eq!(store.pairing(mine, at(1)).await.unwrap(), None);
}

pub(super) async fn one_of_fifty_takes_it(store: &dyn Store) {
    let pairing = begun(store).await;
    advance(store, pairing.call, PairingStep::Allow(proof("oA"))).await.unwrap();
    let takes =
        (0..50).map(|_| store.advance_pairing(PairingBy::Browser(pairing.browser), PairingStep::Take, at(1)));
    let taken = together(takes.collect()).await.into_iter().filter(|said| said.as_ref().unwrap().is_some());
    assert_eq!(taken.count(), 1);
}

pub(super) async fn one_of_two_phones_is_first(store: &dyn Store) {
    let pairing = begun(store).await;
    let openids: Vec<String> = (0..20).map(|number| format!("o{number}")).collect();
    let scans = openids.iter().map(|openid| {
        store.advance_pairing(PairingBy::Call(pairing.call), PairingStep::Scan(account(openid)), at(1))
    });
    let said: Vec<_> = together(scans.collect()).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(said.len(), 1);
    let state =
        store.pairing(PairingBy::Call(pairing.call), at(1)).await.unwrap().map(|pairing| pairing.state);
    assert_eq!(state.as_ref(), Some(&said[0].state));
}

pub(super) async fn two_browsers_are_never_called_by_the_same(store: &dyn Store) {
    let first = begun(store).await;
    let second = Pairing { call: first.call, ..waiting() };
    assert!(store.begin_pairing(second.clone(), ROOM).await.unwrap(), "there is room");
    let of = async |by| store.pairing(by, at(1)).await.unwrap();
    assert_eq!(of(PairingBy::Browser(second.browser)).await, None);
    assert_eq!(of(PairingBy::Call(first.call)).await, Some(first), "whoever was called so stays it");
}

/// Of a network, begun at this second.
fn from(last: u8, second: i64) -> Pairing {
    Pairing { client: [192, 0, 2, last].into(), begun: at(second), expires: at(second + 300), ..waiting() }
}

pub(super) async fn is_there(store: &dyn Store, pairing: &Pairing) -> bool {
    store.pairing(PairingBy::Browser(pairing.browser), at(299)).await.unwrap().is_some()
}

pub(super) async fn a_full_network_drops_its_own_oldest(store: &dyn Store) {
    let bounds = PairingBounds { most: 1000, most_of_network: 3 };
    let begin = async |pairing: &Pairing| store.begin_pairing(pairing.clone(), bounds).await.unwrap();
    let other = from(9, 0);
    let (scanned, newer, older) = (from(1, 1), from(1, 3), from(1, 2));
    for pairing in [&other, &scanned, &newer, &older] {
        assert!(begin(pairing).await);
    }
    advance(store, scanned.call, PairingStep::Scan(account("oA"))).await.unwrap();
    assert!(begin(&older).await, "who waits may go on waiting");
    assert!(begin(&Pairing { call: newer.call, ..from(1, 4) }).await, "another's digits drop nobody");
    assert!(is_there(store, &older).await);

    let last = from(1, 5);
    assert!(begin(&last).await);
    assert!(!is_there(store, &older).await, "the oldest that waits has made room");
    for pairing in [&other, &scanned, &newer, &last] {
        assert!(is_there(store, pairing).await);
    }
    for pairing in [&newer, &last] {
        advance(store, pairing.call, PairingStep::Scan(account("oA"))).await.unwrap();
    }
    assert!(!begin(&from(1, 6)).await, "who was scanned is not dropped");
    assert!(begin(&scanned).await, "nor turned away");
    assert!(begin(&from(1, 305)).await, "those are over");
}

pub(super) async fn whoever_has_signed_in_keeps_no_room(store: &dyn Store) {
    let bounds = PairingBounds { most: 2, most_of_network: 2 };
    let mut done = Vec::new();
    for _ in 0..5 {
        let pairing = waiting();
        assert!(store.begin_pairing(pairing.clone(), bounds).await.unwrap());
        advance(store, pairing.call, PairingStep::Allow(proof("oA"))).await.unwrap();
        let taken =
            store.advance_pairing(PairingBy::Browser(pairing.browser), PairingStep::Take, at(1)).await;
        assert!(taken.unwrap().is_some());
        done.push(pairing);
    }
    let waits = waiting();
    assert!(store.begin_pairing(waits.clone(), bounds).await.unwrap());
    assert!(store.begin_pairing(waiting(), bounds).await.unwrap());
    assert!(is_there(store, &waits).await, "there is room for both");
    for pairing in &done {
        assert!(is_there(store, pairing).await, "those who are done are left alone");
    }
}

pub(super) async fn where_all_is_full_the_largest_network_makes_room(store: &dyn Store) {
    let bounds = PairingBounds { most: 5, most_of_network: 4 };
    let begin = async |pairing: &Pairing| store.begin_pairing(pairing.clone(), bounds).await.unwrap();
    let (oldest, flood) = (from(1, 0), [from(2, 3), from(2, 1), from(2, 2)]);
    for pairing in flood.iter().chain([&oldest, &from(3, 1)]) {
        assert!(begin(pairing).await);
    }
    let newcomer = from(4, 4);
    assert!(begin(&newcomer).await);
    assert!(!is_there(store, &flood[1]).await, "the oldest of those of whom most wait");
    for pairing in [&oldest, &newcomer, &flood[0], &flood[2]] {
        assert!(is_there(store, pairing).await);
    }
    assert!(begin(&from(5, 5)).await && !is_there(store, &flood[2]).await);
}

pub(super) async fn what_a_phone_brings_comes_out_as_it_went_in(store: &dyn Store) {
    for client in ["192.0.2.7", "2001:db8::1"] {
        let pairing = Pairing { client: client.parse().unwrap(), ..waiting() };
        assert!(store.begin_pairing(pairing.clone(), ROOM).await.unwrap());
        let state =
            PairingState::Allowed(Proof { unionid: None, profile: Profile::default(), ..proof("oA") });
        let PairingState::Allowed(bare) = state.clone() else { unreachable!("it is one") };
        assert_eq!(advance(store, pairing.call, PairingStep::Allow(bare)).await, Some(state.clone()));
        let found = store.pairing(PairingBy::Browser(pairing.browser), at(1)).await.unwrap();
        assert_eq!(found, Some(Pairing { state, ..pairing }));
        let refused = begun(store).await;
        assert_eq!(
            advance(store, refused.call, PairingStep::Refuse(account("oA"))).await,
            Some(PairingState::Refused)
        );
    }
}
