//! Processes that are killed at any moment: what was acknowledged is there, what counts once has counted once, and the next
//! start finds all in order.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use rusqlite::Connection;
use tokio::time::Instant;
use wxgate::store::Opening;

use crate::postgres::Postgres;
use crate::support::{BUSY, Setup, TestGateway, eventually};
use crate::writer::{Acknowledged, Writer, directory};

/// The gateway listens two seconds after a kill; an unoptimised one may take twice as long.
const STARTED: Duration = Duration::from_secs(2 * 2).saturating_mul(BUSY);

const SQLITE: &str = "sqlite:wxgate.db";

/// Moments that look like chance. `WXGATE_TEST_SEED` has them again.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let seed = std::env::var("WXGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from_be_bytes(wxgate::seal::random()));
        println!("WXGATE_TEST_SEED={seed}");
        Self(seed | 1)
    }

    /// Some time shorter than `longest`.
    fn next(&mut self, longest: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let longest = u64::try_from(longest.as_micros()).unwrap();
        Duration::from_micros(self.0 % longest)
    }
}

/// What SQLite itself says about the file.
fn is_sound(file: &Path) {
    let connection = Connection::open(file).unwrap();
    let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    let strays: i64 =
        connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
    assert_eq!(strays, 0);
}

/// One process after the other writes for a time shorter than `longest` and is killed; at every `together`th kill the
/// gateway beside it is, too.
async fn kill(gateway: &mut TestGateway, url: &str, kills: usize, together: usize, longest: Duration) {
    let data_dir = gateway.folder.path().join("data");
    let (mut moments, mut known) = (Moments::new(), Acknowledged::default());
    let mut lin = gateway.signed_in("Lin").await;
    let (mut slowest, began) = (Duration::ZERO, Instant::now());
    for round in 1..=kills {
        let mut left =
            if round % together == 0 { Some(gateway.signed_in("王芳 Wang").await) } else { None };
        let writer = Writer::start(url, &data_dir, &known);
        // Now and then it is killed while it opens the store.
        let mut said = if round % 5 == 0 { Vec::new() } else { writer.first_words() };
        if let Some(left) = &left {
            eventually("they sign out", async || {
                // Who writes next beside the writer is chance: a busy computer may have them try again.
                left.clone().submit(&gateway.url("/_wxgate/logout"), "").await.status == StatusCode::OK
            })
            .await;
            gateway.signal("KILL");
        }
        tokio::time::sleep(moments.next(longest)).await;
        said.extend(writer.kill());
        if url == SQLITE {
            is_sound(&data_dir.join("wxgate.db"));
        }
        let touched = known.note(&said);
        let directory = directory(url, &data_dir, Opening::Existing).await;
        known.is_kept(&directory, &touched).await;
        if let Some(left) = &mut left {
            gateway.exit_code().await;
            let started = Instant::now();
            gateway.start_again();
            slowest = slowest.max(started.elapsed());
            lin.moved_to(gateway);
            left.moved_to(gateway);
            assert_eq!(lin.fetch(&gateway.url("/")).await.status, StatusCode::OK, "sessions outlive it");
            assert_eq!(left.fetch(&gateway.url("/")).await.status, StatusCode::UNAUTHORIZED);
        }
    }
    let directory = directory(url, &data_dir, Opening::Existing).await;
    known.is_kept(&directory, &known.everybody()).await;
    println!(
        "{kills} kills in {:.1?}, {} things acknowledged, {} numbers; the gateway listened after {slowest:.1?} at most",
        began.elapsed(),
        known.count,
        known.last,
    );
    assert!(slowest < STARTED, "{slowest:?}");
    assert!(known.count > kills * 3, "too little was written to say anything: {}", known.count);
}

#[tokio::test]
async fn two_hundred_kills_lose_nothing_that_sqlite_has_acknowledged() {
    let mut gateway = TestGateway::start().await;
    kill(&mut gateway, SQLITE, 200, 20, Duration::from_millis(100)).await;
}

#[tokio::test]
async fn twenty_kills_lose_nothing_that_postgresql_has_acknowledged() {
    let server = Postgres::shared();
    server.create_database("kills");
    let url = server.url("kills");
    let mut gateway = TestGateway::with(Setup { store: Some(url.clone()), ..Setup::default() }).await;
    kill(&mut gateway, &url, 20, 7, Duration::from_millis(300)).await;
}

#[tokio::test]
async fn whoever_is_killed_while_it_makes_the_database_leaves_one_that_opens_or_none() {
    let mut moments = Moments::new();
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::start(SQLITE, folder.path(), &Acknowledged::default());
        tokio::time::sleep(moments.next(Duration::from_millis(150))).await;
        let (said, mut known) = (writer.kill(), Acknowledged::default());
        let touched = known.note(&said);
        let directory = directory(SQLITE, folder.path(), Opening::Create).await;
        known.is_kept(&directory, &touched).await;
        is_sound(&folder.path().join("wxgate.db"));
    }
}
