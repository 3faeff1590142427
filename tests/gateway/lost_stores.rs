//! A store that is not what it was: the gateway refuses to start, and says what to do. And whoever is nobody leaves no trace.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use crate::postgres::{PASSWORD, Postgres};
use crate::support::{BUSY, Setup, TestGateway, Wire, command};

/// A gateway that cannot start has said so within five seconds.
const SAID: Duration = Duration::from_secs(5).saturating_mul(BUSY);

/// The one line that a start which fails leaves on the terminal, with its exit code.
fn start(folder: &Path) -> (Option<i32>, String) {
    let began = Instant::now();
    let output = command(folder).output().unwrap();
    let took = began.elapsed();
    let all = [output.stdout, output.stderr].concat();
    let all = String::from_utf8_lossy(&all).into_owned();
    assert!(took < SAID && !all.contains(PASSWORD), "after {took:?}: {all}");
    let said: Vec<&str> = all.lines().filter_map(|line| line.strip_prefix("wxgate: ")).collect();
    let [said] = said[..] else { panic!("{all}") };
    assert_eq!(all.matches("\"ERROR\"").count(), 1, "{all}");
    println!("{:?} after {took:.1?}: {said}", output.status.code());
    (output.status.code(), said.to_owned())
}

/// The file of a gateway that has ended, all of it in one piece.
async fn ended(gateway: &mut TestGateway) -> PathBuf {
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code().await, Some(0));
    let file = gateway.folder.path().join("data/wxgate.db");
    let connection = Connection::open(&file).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    file
}

#[tokio::test]
async fn a_database_that_is_not_what_it_was_is_never_replaced_in_silence() {
    let mut gateway = TestGateway::start().await;
    gateway.signed_in("Lin").await;
    let file = ended(&mut gateway).await;
    let good = fs::read(&file).unwrap();
    let flipped = |from: usize| {
        let mut bytes = good.clone();
        bytes[from..].iter_mut().step_by(7).for_each(|byte| *byte = !*byte);
        bytes
    };
    let mut other = TestGateway::start().await;
    let other = ended(&mut other).await;
    let newer = file.with_extension("newer");
    fs::write(&newer, &good).unwrap();
    Connection::open(&newer).unwrap().execute("UPDATE wxgate SET schema = 99", []).unwrap();
    for (what, contents, words) in [
        ("deleted", None, "restore it from a backup, or, to begin anew with no members, delete"),
        ("emptied", Some(Vec::new()), "restore it from a backup, or, to begin anew with no members, delete"),
        ("replaced", Some(fs::read(other).unwrap()), "is another database"),
        ("cut off", Some(good[..good.len() / 2].to_vec()), "cut off"),
        ("cut within a page", Some(good[..good.len() - 1000].to_vec()), "cut off"),
        ("a few bytes", Some(good[..40].to_vec()), "restore it from a backup"),
        ("garbage", Some(b"garbage".repeat(10_000)), "restore it from a backup"),
        ("flipped", Some(flipped(4096)), "restore it from a backup"),
        ("newer", Some(fs::read(newer).unwrap()), "run that version"),
    ] {
        fs::remove_file(&file).unwrap_or_default();
        for beside in ["wxgate.db-wal", "wxgate.db-shm"] {
            fs::remove_file(file.with_file_name(beside)).unwrap_or_default();
        }
        if let Some(contents) = &contents {
            fs::write(&file, contents).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        // The second try changes nothing about the first.
        for _ in 0..2 {
            let (code, said) = start(gateway.folder.path());
            assert_eq!(code, Some(78), "{what}: {said}");
            assert!(said.contains(words) && said.contains("wxgate.db"), "{what}: {said}");
        }
    }
    fs::write(&file, &good).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = start(gateway.folder.path());
    assert!(code == Some(78) && said.contains("chmod 600"), "{said}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    gateway.start_again();
}

#[tokio::test]
async fn without_its_server_the_gateway_says_so_and_ends_to_be_tried_again() {
    let server = Postgres::start();
    server.create_database("late");
    let store = Some(server.url("late"));
    let mut gateway = TestGateway::with(Setup { store, ..Setup::default() }).await;
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code().await, Some(0));
    let fails = || {
        let (code, said) = start(gateway.folder.path());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("see that PostgreSQL runs there"), "{said}");
    };
    server.freeze();
    fails();
    server.thaw();
    server.stop();
    fails();
    // A first start is no other.
    fs::remove_dir_all(gateway.folder.path().join("data")).unwrap();
    fails();
    server.start_again();
    gateway.start_again();
}

/// How many rows each table has, and how long the file and what is beside it are.
fn weight(file: &Path) -> (Vec<(String, i64)>, u64) {
    let connection = Connection::open(file).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let count = |name: String| {
        let sql = format!("SELECT count(*) FROM {name}");
        let count = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        (name, count)
    };
    let length = |name| fs::metadata(file.with_file_name(name)).map_or(0, |metadata| metadata.len());
    (names.into_iter().map(count).collect(), length("wxgate.db") + length("wxgate.db-wal"))
}

#[tokio::test]
async fn ten_thousand_requests_of_nobody_write_nothing() {
    let gateway = TestGateway::start().await;
    let file = gateway.folder.path().join("data/wxgate.db");
    // The first start writes a link for the first administrator.
    gateway.log_line(&["/_wxgate/setup?code="]);
    let before = weight(&file);
    let asking = (0..8).map(async |number| {
        let mut wire = Wire::to(&gateway).await;
        for round in 0..1250 {
            let (method, target) = match round % 10 {
                0 => ("GET", format!("/page-{number}-{round}")),
                1 => ("GET", "/public".to_owned()),
                2 => ("GET", format!("/_wxgate/login?to=/{round}")),
                3 => ("GET", format!("/_wxgate/callback?code={number}{round}&state={round:032x}")),
                4 => ("GET", format!("/_wxgate/ticket?t={round}")),
                5 => ("GET", "/_wxgate/me".to_owned()),
                6 => ("POST", "/_wxgate/logout".to_owned()),
                7 => ("GET", "/_wxgate/logout".to_owned()),
                8 => ("GET", "/closed".to_owned()),
                _ => ("GET", "/_wxgate/nothing".to_owned()),
            };
            wire.send(format!(
                "{method} {target} HTTP/1.1\r\nHost: a.localhost\r\nOrigin: http://a.localhost\r\n\
                 Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\nContent-Length: 0\r\n\
                 Cookie: wxgate=nonsense-{round}\r\n\r\n"
            ))
            .await;
            let status = wire.answer().await.status.as_u16();
            assert!(status < 500, "{target}: {status}");
            if status == 400 {
                wire = Wire::to(&gateway).await;
            }
        }
    });
    futures_util::future::join_all(asking).await;
    let after = weight(&file);
    println!("{after:?}");
    assert_eq!(after, before);
}
