//! How standings are believed: read once for many, anew before they are old, longer only while the store is silent.

mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::standings::{AHEAD, FRESH, Standings};
use super::{Act, Directory, JoinSettings, Near, Newcomer};
use crate::model::audit::Actor;
use crate::model::clock;
use crate::model::identity::{Account, Identity, Profile};
use crate::model::member::{Change, MemberId, Status};
use crate::model::person::Who;
use crate::model::session::Session;
use crate::store::{MemberKey, Opening, StoreError, StoreSettings, StoreUrl, open};
use crate::telemetry::metrics::Metrics;
use store::Observed;

const GRACE: Duration = Duration::from_secs(60);

/// A directory in memory, for the tests of whoever needs one.
pub(crate) async fn directory() -> Arc<Directory> {
    Directory::new(memory().await, Handle::current())
}

async fn memory() -> Arc<dyn crate::store::Store> {
    let settings = StoreSettings { url: StoreUrl::Memory, ca_file: None, data_dir: PathBuf::new() };
    open(&settings, Opening::Create, Handle::current()).await.unwrap()
}

/// A directory over a store that is observed, and one member of it.
async fn observed() -> (Arc<Directory>, Arc<Observed>, MemberId) {
    let store = Arc::new(Observed::over(memory().await));
    let directory = Directory::new(Arc::clone(&store) as Arc<dyn crate::store::Store>, Handle::current());
    let account = Account { app_id: "wx1".to_owned(), openid: "oABC".to_owned() };
    let newcomer = Newcomer {
        account,
        unionid: None,
        profile: Profile::default(),
        repeats: Vec::new(),
        browser: String::new(),
        client: [127, 0, 0, 1].into(),
        request_id: String::new(),
    };
    let now = clock::now();
    let member = directory.welcome(newcomer, [1; 16], now, &JoinSettings::default(), now).await.unwrap();
    (directory, store, member.id)
}

fn act() -> Act {
    Act { actor: Actor::CommandLine, client: None, request_id: None, now: clock::now() }
}

async fn status(standings: &Arc<Standings>, id: &MemberId, at: Instant, grace: Duration) -> Option<Status> {
    standings.find(id, at, grace).await.ok()?.standing.map(|standing| standing.status)
}

#[tokio::test]
async fn many_who_ask_at_once_are_answered_by_one_reading() {
    let (directory, store, id) = observed().await;
    let now = clock::instant();
    let asks = (0..100).map(|_| {
        let (standings, id) = (Arc::clone(&directory.standings), id.clone());
        tokio::spawn(async move { status(&standings, &id, now, GRACE).await })
    });
    for asked in asks.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap(), Some(Status::Guest));
    }
    assert_eq!(store.readings(), 1);
}

#[tokio::test]
async fn what_is_known_is_read_anew_in_the_background_before_it_is_old() {
    let (directory, store, id) = observed().await;
    let standings = &directory.standings;
    let begun = clock::instant();
    assert!(status(standings, &id, begun, GRACE).await.is_some());
    assert!(status(standings, &id, begun + AHEAD / 2, GRACE).await.is_some());
    assert_eq!(store.readings(), 1);
    // Nobody waits for this one.
    store.hold(true);
    for _ in 0..10 {
        assert!(status(standings, &id, begun + AHEAD * 2, GRACE).await.is_some());
    }
    store.hold(false);
    store.has_read(2).await;
    assert_eq!(store.readings(), 2);
}

#[tokio::test]
async fn a_silent_store_is_believed_within_the_grace_and_nobody_waits_for_it() {
    let (directory, store, id) = observed().await;
    let standings = &directory.standings;
    let begun = clock::instant();
    assert!(status(standings, &id, begun, GRACE).await.is_some());
    store.fail(true);
    // The first who needs it finds out; all others are told what is known.
    assert!(status(standings, &id, begun + FRESH * 2, GRACE).await.is_some());
    assert!(directory.is_silent());
    let readings = store.readings();
    for _ in 0..10 {
        assert!(status(standings, &id, begun + FRESH * 3, GRACE).await.is_some());
    }
    assert_eq!(store.readings(), readings);
    assert_eq!(status(standings, &id, begun + GRACE * 2, GRACE).await, None);
    assert_eq!(status(standings, &id, begun + FRESH * 2, Duration::ZERO).await, None, "without grace");
    let stranger = MemberId::of([9; 10]);
    assert!(standings.find(&stranger, begun, GRACE).await.is_err(), "nobody is known to be nobody");
}

#[tokio::test]
async fn whoever_has_waited_for_a_silent_store_once_does_not_wait_again() {
    let (directory, store, id) = observed().await;
    store.fail(true);
    assert!(directory.standings.find(&id, clock::instant(), Duration::ZERO).await.is_err());
    // This store would answer them.
    let read = directory.member(MemberKey::Id(id.clone()), clock::now()).await;
    let changed = directory.change(&act(), &id, Change::Block).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(matches!(changed, Err(StoreError::Unavailable(_))), "{changed:?}");
    store.fail(false);
    directory.standings.health.reading(directory.store.check().await).unwrap();
    assert_eq!(directory.change(&act(), &id, Change::Block).await.unwrap().status, Status::Blocked);
}

#[tokio::test]
async fn a_change_made_here_is_known_here_at_once_and_a_reading_on_its_way_does_not_undo_it() {
    let (directory, store, id) = observed().await;
    let standings = Arc::clone(&directory.standings);
    let begun = clock::instant();
    store.hold(true);
    let reading = {
        let (standings, id) = (Arc::clone(&standings), id.clone());
        tokio::spawn(async move { standings.find(&id, begun, GRACE).await })
    };
    store.has_begun(1).await;
    directory.change(&act(), &id, Change::Block).await.unwrap();
    store.hold(false);
    // What was read before the change says nothing, and is read again.
    let read = reading.await.unwrap().unwrap().standing.unwrap();
    assert_eq!((read.status, store.readings()), (Status::Blocked, 2));
    assert_eq!(status(&standings, &id, clock::instant(), GRACE).await, Some(Status::Blocked));
}

#[tokio::test]
async fn a_worker_forgets_what_this_node_has_changed() {
    let (directory, store, id) = observed().await;
    let near = Near::default();
    let account = Account { app_id: "wx1".to_owned(), openid: "oABC".to_owned() };
    let member_id = id.to_string();
    let identity = Identity { member_id, account, unionid: None, profile: Profile::default() };
    let person = Arc::new(Session::new([7; 16], &identity, clock::now(), clock::now()));
    let who = async |at| directory.who(Some(Arc::clone(&person)), &near, at, GRACE).await;
    let begun = clock::instant();
    for _ in 0..50 {
        assert!(matches!(who(begun).await, Who::Person(_)));
    }
    assert_eq!(store.readings(), 1);
    directory.change(&act(), &id, Change::Approve(None)).await.unwrap();
    assert!(
        matches!(who(clock::instant()).await, Who::Person(person) if person.standing.status == Status::Active)
    );
    directory.forget(&act(), &id).await.unwrap();
    assert!(matches!(who(clock::instant()).await, Who::Nobody));
}

#[tokio::test]
async fn a_crowd_is_no_outage() {
    let (directory, store, id) = observed().await;
    let standings = &directory.standings;
    let begun = clock::instant();
    assert!(status(standings, &id, begun, GRACE).await.is_some());
    store.crowd(true);
    assert!(status(standings, &id, begun + FRESH * 2, GRACE).await.is_some());
    assert!(!directory.is_silent() && !directory.is_down(), "nobody else is told what is no longer true");
    store.crowd(false);
    directory.change(&act(), &id, Change::Block).await.unwrap();
    assert_eq!(status(standings, &id, begun + FRESH * 2, GRACE).await, Some(Status::Blocked));
}

#[tokio::test]
async fn who_is_about_to_be_refused_is_asked_about_once_more() {
    let (directory, store, id) = observed().await;
    let begun = clock::instant();
    assert_eq!(status(&directory.standings, &id, begun, GRACE).await, Some(Status::Guest));
    // Another node lets them in: this one has not heard of it.
    let elsewhere = Directory::new(Arc::clone(&store) as Arc<dyn crate::store::Store>, Handle::current());
    elsewhere.change(&act(), &id, Change::Approve(None)).await.unwrap();
    assert_eq!(status(&directory.standings, &id, begun, GRACE).await, Some(Status::Guest));
    let later = clock::instant() + AHEAD / 2;
    let known = directory.standings.find_anew(&id, later, GRACE).await.unwrap();
    assert_eq!(known.standing.unwrap().status, Status::Active);
}

#[tokio::test]
async fn what_has_run_out_is_deleted_every_minute() {
    let (directory, store, _) = observed().await;
    store.empty();
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let house = directory.keep_house(Arc::new(Metrics::new(1)), Duration::from_secs(86_400));
    tokio::select! {
        () = house => unreachable!("it goes on"),
        () = store.has_purged(11) => {}
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(600) && took < Duration::from_secs(660), "{took:?}");
}
