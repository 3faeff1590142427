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

async fn begun(store: &dyn Store) -> Pairing {
    let pairing = waiting();
    assert!(store.begin_pairing(pairing.clone(), ROOM).await.unwrap());
    pairing
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

pub(super) async fn so_many_may_wait_and_no_more(store: &dyn Store) {
    let bounds = PairingBounds { most: 5, most_of_network: 2 };
    let from = |last: u8| Pairing { client: [192, 0, 2, last].into(), ..waiting() };
    let first = from(1);
    assert!(store.begin_pairing(first.clone(), bounds).await.unwrap());
    assert!(store.begin_pairing(from(1), bounds).await.unwrap());
    assert!(!store.begin_pairing(from(1), bounds).await.unwrap(), "too many of one network");
    for last in 2..5 {
        assert!(store.begin_pairing(from(last), bounds).await.unwrap());
    }
    assert!(!store.begin_pairing(from(9), bounds).await.unwrap(), "too many in all");
    assert!(store.begin_pairing(first, bounds).await.unwrap(), "who waits may go on waiting");
    let later = Pairing { begun: at(300), expires: at(600), ..from(1) };
    assert!(store.begin_pairing(later, bounds).await.unwrap(), "those are over");
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
