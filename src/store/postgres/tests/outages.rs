//! A server that fails, in every way a server can: nobody waits long, nothing is half done, all is well when it is back.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::{FutureExt as _, join_all};
use tokio_postgres::NoTls;

use super::super::deadlines::ON_THE_SERVER;
use super::*;

/// What callers are promised.
const PROMISED: Duration = Duration::from_secs(2);

#[expect(clippy::disallowed_methods, reason = "a test measures what callers meet")]
fn now() -> Instant {
    Instant::now()
}

/// Waits until the store is of use again, which it must be soon; how long that took.
async fn recovery(store: &Arc<dyn Store>) -> Duration {
    let began = now();
    while claim(store).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "no recovery");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

fn is_unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    match answer {
        Err(StoreError::Unavailable(words)) => !words.contains(PASSWORD),
        Err(error) => matches!(error, StoreError::Busy),
        Ok(_) => false,
    }
}

#[tokio::test]
async fn a_server_that_stops_is_unavailable_at_once_and_used_again_when_it_is_back() {
    let server = Postgres::start();
    let (store, _) = one_node(&server).await;
    let before = member(&store, "a").await;
    join_all((0..8).map(|_| claim(&store))).await;
    server.stop();
    let began = now();
    let answers = join_all((0..100).map(|_| claim(&store))).await;
    assert!(answers.iter().all(is_unavailable), "{answers:?}");
    assert!(is_unavailable(&store.check().await));
    assert!(began.elapsed() < PROMISED, "{:?}", began.elapsed());
    server.start_again();
    recovery(&store).await;
    store.check().await.unwrap();
    assert_eq!(member(&store, "a").await.id, before.id);
}

#[tokio::test]
async fn a_server_that_hangs_keeps_nobody_waiting() {
    let server = Postgres::start();
    let (store, name) = one_node(&server).await;
    // All connections are open and in good order when it happens.
    join_all((0..50).map(|_| claim(&store))).await;
    server.freeze();
    for round in 0..3 {
        let began = now();
        let answers = join_all((0..200).map(|_| async {
            let answer = claim(&store).await;
            (answer, began.elapsed())
        }))
        .await;
        assert!(answers.iter().all(|(answer, _)| is_unavailable(answer)), "{answers:?}");
        assert!(answers.iter().all(|(_, took)| *took < PROMISED), "round {round}: {answers:?}");
        let at_once = answers.iter().filter(|(_, took)| *took < Duration::from_millis(500)).count();
        assert!(at_once >= 128, "only {at_once} were refused at once in round {round}");
    }
    let claims = |when: &str| {
        let count: u32 = server.sql(&name, "SELECT count(*) FROM claims").parse().unwrap();
        assert_eq!(count, 50, "{when}: a sentence that was given up came true late");
    };
    server.thaw();
    claims("after the thaw");
    recovery(&store).await;
    let answers = join_all((0..50).map(|_| claim(&store))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

/// Another program locks a table for so many seconds; it has it when this returns.
async fn lock(server: &Arc<Postgres>, database: &str, table: &str, seconds: u32) -> JoinHandle<String> {
    let (theirs, name) = (Arc::clone(server), database.to_owned());
    let statements = format!("BEGIN; LOCK TABLE {table}; SELECT pg_sleep({seconds}); COMMIT");
    let program = std::thread::spawn(move || theirs.sql(&name, &statements));
    let has_lock = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
    while server.sql(database, has_lock) == "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    program
}

#[tokio::test]
async fn a_commit_that_a_hung_server_reads_late_does_not_come_true() {
    let server = Postgres::start();
    let (_store, name) = one_node(&server).await;
    let (client, connection) = tokio_postgres::connect(&server.url(&name), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(ON_THE_SERVER).await.unwrap();
    client.batch_execute("BEGIN; INSERT INTO claims VALUES ('ticket', 'x', 1)").await.unwrap();
    server.freeze();
    let commit = tokio::spawn(async move { client.batch_execute("COMMIT").await });
    tokio::time::sleep(PROMISED).await;
    server.thaw();
    let refusal = commit.await.unwrap().unwrap_err();
    assert_eq!(server.sql(&name, "SELECT count(*) FROM claims"), "0", "{refusal:?}");
}

#[tokio::test]
async fn a_table_that_somebody_locks_stops_only_what_needs_it() {
    let server = Arc::new(Postgres::start());
    let (store, name) = one_node(&server).await;
    let who = member(&store, "a").await;
    let program = lock(&server, &name, "members", 5).await;
    let began = now();
    let answers = join_all((0..4).map(|_| change(&store, &who.id, Change::Block))).await;
    assert!(answers.iter().all(is_unavailable), "{answers:?}");
    assert!(began.elapsed() < PROMISED, "{:?}", began.elapsed());
    assert!(is_unavailable(&store.standings(vec![who.id.clone()], NOW).await));
    assert!(claim(&store).await.unwrap());
    program.join().unwrap();
    assert_eq!(change(&store, &who.id, Change::Block).await.unwrap().status, Status::Blocked);
}

#[tokio::test]
async fn a_server_with_three_connections_serves_many() {
    let server = Postgres::start_with(&["max_connections=6", "superuser_reserved_connections=3"]);
    let (store, _) = one_node(&server).await;
    let answers = join_all((0..60).map(|_| claim(&store))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn a_server_whose_connections_others_hold_is_unavailable_at_once() {
    let server = Postgres::start_with(&["max_connections=6", "superuser_reserved_connections=3"]);
    let (store, name) = one_node(&server).await;
    let (other, _) = one_node(&server).await;
    let url = server.url(&name);
    let held = join_all((0..3).map(|_| tokio_postgres::connect(&url, NoTls))).await;
    for store in [&store, &other] {
        let answer = claim(store).await;
        assert!(is_unavailable(&answer), "{answer:?}");
        // The server's own words: nobody waited for a time limit.
        let words = answer.unwrap_err().to_string();
        assert!(words.contains("53300"), "{words}");
    }
    drop(held);
    recovery(&store).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_leaves_nothing_half_done() {
    let server = Arc::new(Postgres::start());
    let (store, name) = one_node(&server).await;
    let who = member(&store, "a").await;
    // The change itself goes through, and waits for its line of the audit trail.
    let program = lock(&server, &name, "audit", 2).await;
    let cutting = async {
        let waits = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO audit%'";
        while server.sql(&name, waits).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (answer, ()) = tokio::join!(change(&store, &who.id, Change::Block), cutting);
    assert!(is_unavailable(&answer), "{answer:?}");
    let words = answer.unwrap_err().to_string();
    assert!(words.contains("57P01") || words.contains("closed"), "cut, not late: {words}");
    program.join().unwrap();
    let detail = store.member(crate::store::MemberKey::Id(who.id.clone()), NOW).await.unwrap().unwrap();
    assert_eq!(detail.member.status, Status::Guest);
    assert!(detail.sessions.iter().all(|session| !session.ended));
    assert_eq!(change(&store, &who.id, Change::Block).await.unwrap().status, Status::Blocked);
}

#[tokio::test]
async fn a_sentence_that_nobody_waits_for_harms_nobody() {
    let (store, _) = one_node(Postgres::shared()).await;
    for _ in 0..100 {
        assert!(claim(&store).now_or_never().is_none(), "it was dropped while it was said");
    }
    recovery(&store).await;
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_emptied_or_made_read_only_is_noticed() {
    let server = Postgres::start();
    let (store, name) = one_node(&server).await;
    let (other, _) = one_node(&server).await;
    store.check().await.unwrap();
    server.sql(&name, "UPDATE wxgate SET store_id = 'another'");
    assert!(is_unavailable(&store.check().await));
    assert!(is_unavailable(&store.arrive(arrival("a")).await), "not written into another store");
    server.sql(&name, "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION wxgate");
    assert!(is_unavailable(&store.check().await));
    assert!(is_unavailable(&claim(&store).await));
    assert!(other.check().await.is_ok());
    server.sql("postgres", "ALTER ROLE wxgate SET default_transaction_read_only = on");
    server.stop();
    server.start_again();
    let refused = other.check().await;
    assert!(is_unavailable(&refused), "{refused:?}");
}
