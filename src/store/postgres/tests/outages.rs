//! A server that fails, in every way a server can: nobody waits long, nothing is half done, all is well when it is back.

use futures_util::future::{FutureExt as _, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::super::deadlines::{CONNECTIONS, ON_THE_SERVER, WAITING};
use super::*;

/// Callers are promised two seconds; a busy computer may take three times as long to tell them.
const TOLD: Duration = Duration::from_secs(3 * 2);

/// A store is of use again five seconds after its server is, on a computer with nothing else to do.
const RECOVERED: Duration = Duration::from_secs(3 * 5);

/// Waits until so many at once are served again, which must be soon.
async fn recovers(store: &Arc<dyn Store>, at_once: usize) {
    let all_served = async || join_all((0..at_once).map(|_| claim(store))).await.iter().all(Result::is_ok);
    within(RECOVERED, "it recovers", async {
        while !all_served().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
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
    let answers = join_all((0..100).map(|_| claim(&store)));
    let answers = within(PATIENCE, "all are told, without a deadline", answers).await;
    assert!(answers.iter().all(is_unavailable), "{answers:?}");
    assert!(is_unavailable(&within(PATIENCE, "it is told", store.check()).await));
    server.start_again();
    recovers(&store, 1).await;
    store.check().await.unwrap();
    assert_eq!(member(&store, "a").await.id, before.id);
}

#[tokio::test]
async fn a_server_that_hangs_keeps_nobody_waiting() {
    let server = Postgres::start();
    let (store, patient, name) = one_in_time(&server).await;
    let claims = || server.sql(&name, "SELECT count(*) FROM claims").parse::<u32>().unwrap();
    // Its connections are open and in good order when it happens.
    recovers(&store, 50).await;
    join_all((0..50).map(|_| claim(&patient))).await;
    let before = claims();
    server.freeze();
    for _ in 0..3 {
        let answers = within(TOLD, "all are told", join_all((0..200).map(|_| claim(&store)))).await;
        assert!(answers.iter().all(is_unavailable), "{answers:?}");
    }
    server.thaw();
    assert_eq!(claims(), before, "a sentence that was given up came true late");
    recovers(&store, 50).await;
}

#[tokio::test]
async fn whoever_cannot_even_wait_is_told_so_at_once() {
    let server = Postgres::start();
    let (store, _) = one_node(&server).await;
    let room = CONNECTIONS + WAITING;
    join_all((0..room).map(|_| claim(&store))).await;
    server.freeze();
    let mut asking: FuturesUnordered<_> = (0..room + 100).map(|_| claim(&store)).collect();
    for _ in 0..100 {
        let refused = within(PATIENCE, "it is told, without a deadline", asking.next()).await.unwrap();
        assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    }
    assert!(asking.next().now_or_never().is_none(), "for the others there is room");
    server.thaw();
}

/// Another program locks a table, until it commits.
async fn lock(server: &Postgres, database: &str, table: &str) -> Client {
    let program = connected(server, database).await;
    program.batch_execute(&format!("BEGIN; LOCK TABLE {table}")).await.unwrap();
    program
}

#[tokio::test]
async fn a_commit_that_a_hung_server_reads_late_does_not_come_true() {
    let server = Postgres::start();
    let (store, _patient, name) = one_in_time(&server).await;
    recovers(&store, 1).await;
    let claims = || server.sql(&name, "SELECT count(*) FROM claims WHERE kind = 'ticket' AND expires = 1");
    let client = connected(&server, &name).await;
    client.batch_execute(ON_THE_SERVER).await.unwrap();
    client.batch_execute("BEGIN; INSERT INTO claims VALUES ('ticket', 'x', 1)").await.unwrap();
    server.freeze();
    let commit = tokio::spawn(async move { client.batch_execute("COMMIT").await });
    // Whoever is told that it did not come true in time is told so after this.
    let told = claim(&store).await.unwrap_err().to_string();
    assert!(told.contains("no answer within 1.5s"), "{told}");
    server.thaw();
    let refusal = commit.await.unwrap().unwrap_err();
    assert_eq!(claims(), "0", "{refusal:?}");
}

#[tokio::test]
async fn a_table_that_somebody_locks_stops_only_what_needs_it() {
    let server = Postgres::shared();
    let (store, patient, name) = one_in_time(server).await;
    let who = member(&patient, "a").await;
    let program = lock(server, &name, "members").await;
    let changes = join_all((0..4).map(|_| change(&store, &who.id, Change::Block)));
    let answers = within(TOLD, "they are told", changes).await;
    assert!(answers.iter().all(is_unavailable), "{answers:?}");
    let standings = store.standings(vec![who.id.clone()], NOW);
    assert!(is_unavailable(&within(TOLD, "they are told", standings).await));
    assert!(within(PATIENCE, "it is claimed", claim(&patient)).await.unwrap());
    program.batch_execute("COMMIT").await.unwrap();
    assert_eq!(change(&patient, &who.id, Change::Block).await.unwrap().status, Status::Blocked);
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
    let (url, mut held) = (server.url(&name), Vec::new());
    // The connections that opened the stores may still be ending.
    within(PATIENCE, "all three are held", async {
        while held.len() < 3 {
            held.extend(tokio_postgres::connect(&url, NoTls).await);
        }
    })
    .await;
    for store in [&store, &other] {
        let answer = claim(store).await;
        assert!(is_unavailable(&answer), "{answer:?}");
        // The server's own words: nobody waited for a time limit.
        let words = answer.unwrap_err().to_string();
        assert!(words.contains("53300"), "{words}");
    }
    drop(held);
    recovers(&store, 1).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_leaves_nothing_half_done() {
    let server = Postgres::shared();
    let (store, name) = one_node(server).await;
    let who = member(&store, "a").await;
    // The change itself goes through, and waits for its line of the audit trail.
    let program = lock(server, &name, "audit").await;
    let cutter = connected(server, &name).await;
    let cutting = within(PATIENCE, "the change waits for its line", async {
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO audit%'";
        while cutter.query(cut, &[]).await.unwrap().is_empty() {}
    });
    let (answer, ()) = tokio::join!(change(&store, &who.id, Change::Block), cutting);
    assert!(is_unavailable(&answer), "{answer:?}");
    let words = answer.unwrap_err().to_string();
    assert!(words.contains("57P01") || words.contains("closed"), "cut, not late: {words}");
    program.batch_execute("COMMIT").await.unwrap();
    let detail = store.member(crate::store::MemberKey::Id(who.id.clone()), NOW).await.unwrap().unwrap();
    assert_eq!(detail.member.status, Status::Guest);
    assert!(detail.sessions.iter().all(|session| !session.ended));
    assert_eq!(change(&store, &who.id, Change::Block).await.unwrap().status, Status::Blocked);
}

#[tokio::test]
async fn a_sentence_that_nobody_waits_for_harms_nobody() {
    let (store, _) = one_node(Postgres::shared()).await;
    let dropped = (0..100).filter(|_| claim(&store).now_or_never().is_none()).count();
    assert!(dropped > 0, "some were dropped while they were said");
    recovers(&store, 1).await;
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
