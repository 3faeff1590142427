//! The store goes away while people are there: whoever is in stays in, whoever comes is told so, and all is well afterwards.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use rusqlite::Connection;
use tokio::time::Instant;
use wxgate::model::member::Change;

use crate::members::until;
use crate::postgres::Postgres;
use crate::support::{Answer, BUSY, Browser, Load, Setup, TestGateway, eventually};

/// Whoever needs the store hears within two seconds that it is away.
const TOLD: Duration = Duration::from_secs(2).saturating_mul(BUSY);

/// All is as it was five seconds after the store is back.
const RECOVERED: Duration = Duration::from_secs(5).saturating_mul(BUSY);

/// How the store goes away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outage {
    /// PostgreSQL ends.
    Stopped,
    /// PostgreSQL accepts and says nothing.
    Frozen,
    /// Another process writes into the SQLite file and does not finish; reading goes on.
    Locked,
}

/// A database that can go away.
enum Database {
    Server(Postgres),
    File(Option<Connection>),
}

impl Database {
    fn before(outage: Outage) -> Self {
        if outage == Outage::Locked { Self::File(None) } else { Self::Server(Postgres::start()) }
    }

    /// A gateway with a database `name` of its own. Members come in, and whoever has signed in sees `/signed-in`.
    async fn gateway(&self, name: &str, session: &str) -> TestGateway {
        let store = match self {
            Self::File(_) => None,
            Self::Server(server) => {
                server.create_database(name);
                Some(server.url(name))
            }
        };
        let tables = format!(
            "[access]\n[session]\n{session}\n[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n"
        );
        TestGateway::with(Setup { store, tables, ..Setup::default() }).await
    }

    fn goes(&mut self, outage: Outage, gateway: &TestGateway) {
        match (self, outage) {
            (Self::Server(server), Outage::Stopped) => server.stop(),
            (Self::Server(server), _) => server.freeze(),
            (Self::File(lock), _) => {
                let connection = Connection::open(gateway.folder.path().join("data/wxgate.db")).unwrap();
                connection.busy_timeout(RECOVERED).unwrap();
                connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
                *lock = Some(connection);
            }
        }
    }

    fn comes_back(&mut self, outage: Outage) {
        match (self, outage) {
            (Self::Server(server), Outage::Stopped) => server.start_again(),
            (Self::Server(server), _) => server.thaw(),
            (Self::File(lock), _) => *lock = None,
        }
    }
}

/// An answer that the store is away, which came in time.
async fn is_told(what: &str, asked: impl Future<Output = Answer>) {
    let began = Instant::now();
    let answer = asked.await;
    let took = began.elapsed();
    println!("  {what} was told after {took:.1?}");
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {}", answer.text());
    assert!(answer.headers.get("location").is_none());
    assert_eq!(answer.header("retry-after"), "5", "{what}");
    assert!(took < TOLD, "{what} waited for {took:?}");
}

/// Whether the gateway says that it can do everything.
async fn is_ready(gateway: &TestGateway) -> bool {
    gateway.admin("/readyz").await.0 == 200 && gateway.figure("wxgate_store_up").await == 1.0
}

/// A browser on its way back from WeChat, with a code that is good once.
async fn on_the_way_back(gateway: &TestGateway) -> (Browser, String) {
    let mut browser = gateway.browser();
    let callback = browser.callback(gateway, "王芳 Wang", "/signed-in").await;
    (browser, callback)
}

async fn whoever_is_in_stays_in(outage: Outage) {
    let mut database = Database::before(outage);
    let gateway = database.gateway("outage", "").await;
    let reading_ends = outage != Outage::Locked;
    let (mut lin, _) = gateway.member("Lin").await;
    until(&mut lin, &gateway.url("/"), 200).await;
    let mut leaving = gateway.browser();
    leaving.sign_in(&gateway, "王芳 Wang", "/signed-in").await;
    let copied = leaving.clone();
    let (mut fresh, fresh_callback) = on_the_way_back(&gateway).await;
    let (mut first, first_callback) = on_the_way_back(&gateway).await;
    let (mut second, second_callback) = on_the_way_back(&gateway).await;
    assert_eq!(fresh.open(&fresh_callback).await.status, StatusCode::SEE_OTHER);
    let exchanges = gateway.wechat.exchanges();
    let usual = Load::of(&lin, &gateway.url("/"), 4);
    usual.goes_on(400).await;
    let usual = usual.end().await;

    database.goes(outage, &gateway);
    let began = Instant::now();
    println!("{outage:?}:");
    let load = Load::of(&lin, &gateway.url("/"), 4);
    // Most of the time nobody has noticed yet, and the code is spent.
    is_told("who came back at once", first.open(&first_callback)).await;
    let spent = gateway.wechat.exchanges();
    // Of somebody who has not been here since they signed in, nobody knows whether they may.
    let url = gateway.url("/signed-in");
    if reading_ends {
        is_told("who has just signed in", fresh.fetch(&url)).await;
    } else {
        assert_eq!(fresh.fetch(&url).await.status, StatusCode::OK);
    }
    eventually("the gateway says so", async || {
        gateway.admin("/readyz").await.0 == 503 && gateway.figure("wxgate_store_up").await == 0.0
    })
    .await;
    let login = gateway.url("/_wxgate/login?to=/signed-in");
    is_told("who wants to sign in", gateway.browser().open(&login)).await;
    is_told("who came back later", second.open(&second_callback)).await;
    assert_eq!(gateway.wechat.exchanges(), spent, "their code is not spent");
    is_told("who signs out", leaving.submit(&gateway.url("/_wxgate/logout"), "")).await;
    assert!(leaving.cookie("wxgate").is_none_or(str::is_empty), "the cookie is gone all the same");
    for mut left in [leaving, copied] {
        let answer = left.fetch(&gateway.url("/signed-in")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "and good for nothing here");
    }
    // Longer than anything is believed that was read before.
    eventually("nine seconds pass", async || began.elapsed() > Duration::from_secs(9)).await;
    let figures = load.end().await;
    // It is still away, which reading it has not made them forget.
    assert!(!is_ready(&gateway).await);
    let ratio = figures.percentile(99).as_secs_f64() / usual.percentile(99).as_secs_f64();
    println!("  before: {usual}\n  people who are in: {figures}; p99 is {ratio:.2} of the usual");
    assert!(figures.are_all(200), "{figures}");

    database.comes_back(outage);
    let began = Instant::now();
    eventually("all is well", async || {
        let login = gateway.url("/_wxgate/login?to=/signed-in");
        is_ready(&gateway).await && gateway.browser().open(&login).await.status == StatusCode::FOUND
    })
    .await;
    for (browser, callback) in [(&mut first, &first_callback), (&mut second, &second_callback)] {
        let answer = browser.open(callback).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/signed-in"));
        assert_eq!(browser.open(&gateway.url("/signed-in")).await.status, StatusCode::OK);
    }
    println!("  all was well after {:.1?}", began.elapsed());
    assert!(began.elapsed() < RECOVERED);
    assert_eq!(gateway.wechat.exchanges(), exchanges + 2, "each code was spent once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_stopped_whoever_is_in_stays_in() {
    whoever_is_in_stays_in(Outage::Stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_frozen_whoever_is_in_stays_in() {
    whoever_is_in_stays_in(Outage::Frozen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_somebody_else_locks_the_file_whoever_is_in_stays_in() {
    whoever_is_in_stays_in(Outage::Locked).await;
}

/// With the store away, what was read at most `grace` ago counts, and in any case what was read 5 s ago.
async fn after_the_grace_people_wait(outage: Outage) {
    let mut database = Database::before(outage);
    let mut gateways = Vec::new();
    for (name, grace) in [("no_grace", 0), ("with_grace", 8)] {
        let session = format!("revocation_grace = \"{grace}s\"");
        let gateway = database.gateway(name, &session).await;
        let (mut lin, _) = gateway.member("Lin").await;
        until(&mut lin, &gateway.url("/"), 200).await;
        gateways.push((gateway, lin, Duration::from_secs(grace)));
    }
    let going = Instant::now();
    database.goes(outage, &gateways[0].0);
    let began = Instant::now();
    let waiting = gateways.iter_mut().map(|(gateway, lin, grace)| async move {
        let url = gateway.url("/");
        eventually("the grace runs out", async || match lin.open(&url).await.status.as_u16() {
            200 => false,
            503 => true,
            other => panic!("{other}"),
        })
        .await;
        let took = began.elapsed();
        println!("{outage:?}: people were let in for {took:.1?} of {grace:?}");
        assert!(took < (*grace).max(Duration::from_secs(5)) * BUSY, "{took:?}");
        // What counts is when the store last said so, which may be some seconds ago.
        assert!(going.elapsed() + Duration::from_secs(4) > *grace, "{took:?}");
        is_told("a person", lin.open(&url)).await;
        is_told("a program of theirs", lin.fetch(&url)).await;
        let stranger = gateway.browser().open(&url).await;
        assert_eq!(stranger.status, StatusCode::FOUND, "who they are nobody needs the store for");
    });
    join_all(waiting).await;
    database.comes_back(outage);
    for (gateway, lin, _) in &mut gateways {
        let took = until(lin, &gateway.url("/"), 200).await;
        println!("{outage:?}: they were in again after {took:.1?}");
        assert!(took < RECOVERED, "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_grace_people_wait_for_a_server_that_is_stopped() {
    after_the_grace_people_wait(Outage::Stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_grace_people_wait_for_a_server_that_is_frozen() {
    after_the_grace_people_wait(Outage::Frozen).await;
}

/// Administration while the store is away, by somebody whose own standing has to be asked for, too.
async fn whoever_administers_is_told(outage: Outage) {
    let mut database = Database::before(outage);
    let gateway = database.gateway("administered", "").await;
    let (mut lin, lin_id) = gateway.member("Lin").await;
    gateway.change(&lin_id, Change::MakeAdmin(true)).await;
    let list = gateway.url("/_wxgate/admin");
    let is_open = async |lin: &mut Browser| lin.open(&list).await.status == StatusCode::OK;
    eventually("an administrator", async || is_open(&mut lin).await).await;
    let (_, wang) = gateway.member("王芳 Wang").await;
    let page = gateway.url(&format!("/_wxgate/admin/members/{wang}"));
    let token = lin.open(&page).await.token();
    let mut guest = gateway.browser();
    guest.sign_in(&gateway, "Guest", "/signed-in").await;
    let asking = guest.open(&gateway.url("/")).await.token();
    let idle = Instant::now();
    eventually("what is known of them is too old", async || idle.elapsed() > Duration::from_secs(6)).await;

    database.goes(outage, &gateway);
    let reading_ends = outage != Outage::Locked;
    if reading_ends {
        is_told("who opens the list", lin.open(&list)).await;
        is_told("who opens a member", lin.open(&page)).await;
    }
    let block = format!("token={token}&do=block");
    is_told("who blocks somebody", lin.submit(&page, &block)).await;
    let request = format!("token={asking}&to=/&message=");
    is_told("who asks for access", guest.submit(&gateway.url("/_wxgate/request"), &request)).await;
    let setup = gateway.url("/_wxgate/setup?code=0123456789abcdef0123456789abcdef");
    if reading_ends {
        is_told("who opens the setup link", guest.open(&setup)).await;
    }

    database.comes_back(outage);
    eventually("all is well", async || is_ready(&gateway).await).await;
    assert!(is_open(&mut lin).await);
    let done = lin.submit(&page, &block).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_stopped_whoever_administers_is_told() {
    whoever_administers_is_told(Outage::Stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_frozen_whoever_administers_is_told() {
    whoever_administers_is_told(Outage::Frozen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_somebody_else_locks_the_file_whoever_administers_is_told() {
    whoever_administers_is_told(Outage::Locked).await;
}
