//! What is SQLite's own: files, locks, and other processes.

mod erasing;

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::super::records::{Arrival, MembersQuery, NewSession};
use super::super::{OpenError, Opening, Store, StoreError, StoreSettings, StoreUrl};
use super::open_within;
use super::worker::PATIENCE;
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::member::{Change, MemberId, Status};
use crate::seal::random;

/// A busy computer must not fail the tests of everything but time.
const AMPLE: Duration = Duration::from_secs(60);

/// Opens `members.db` in this folder.
async fn reopen(folder: &Path, opening: Opening) -> Result<Arc<dyn Store>, OpenError> {
    reopen_within(AMPLE, folder, opening).await
}

async fn reopen_within(
    patience: Duration,
    folder: &Path,
    opening: Opening,
) -> Result<Arc<dyn Store>, OpenError> {
    let url = StoreUrl::Sqlite("members.db".into());
    let settings = StoreSettings { url, ca_file: None, data_dir: folder.to_owned() };
    open_within(patience, &settings, opening, tokio::runtime::Handle::current()).await
}

/// A new database in this folder.
pub(in super::super) async fn fresh(folder: &Path) -> Arc<dyn Store> {
    reopen(folder, Opening::Create).await.unwrap()
}

/// A new database in memory.
pub(in super::super) async fn in_memory() -> Arc<dyn Store> {
    let settings = StoreSettings { url: StoreUrl::Memory, ca_file: None, data_dir: "/nowhere".into() };
    open_within(AMPLE, &settings, Opening::Create, tokio::runtime::Handle::current()).await.unwrap()
}

/// Makes a database with one member, and closes it.
async fn closed(folder: &Path) -> MemberId {
    let store = fresh(folder).await;
    let id = store.arrive(arrival("alice")).await.unwrap().member.id;
    close(store, folder).await;
    id
}

/// Lets the threads end, and the last connection remove the log.
async fn close(store: Arc<dyn Store>, folder: &Path) {
    drop(store);
    for _ in 0..1000 {
        if !folder.join("members.db-wal").exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        // Where two closed at once, each left the log to the other.
        let last = Connection::open(folder.join("members.db")).unwrap();
        last.query_row("SELECT count(*) FROM wxgate", [], |_| Ok(())).unwrap();
    }
    panic!("the log is still there");
}

fn arrival(openid: &str) -> Arrival {
    let profile = Profile {
        name: format!("name of {openid}"),
        avatar: "https://avatar/".to_owned(),
        ..Profile::default()
    };
    Arrival {
        fresh_id: MemberId::of(random()),
        account: Account { app_id: "wx-main".to_owned(), openid: openid.to_owned() },
        unionid: Some(format!("union of {openid}")),
        profile,
        newcomer: Status::Guest,
        is_listed_admin: false,
        repeats: Vec::new(),
        session: NewSession {
            id: random(),
            started: Timestamp::from_unix(0),
            expires: Timestamp::from_unix(1000),
            browser: "Firefox".to_owned(),
            client: [192, 0, 2, 77].into(),
        },
        request_id: "request".to_owned(),
    }
}

fn note() -> AuditEvent {
    AuditEvent {
        at: Timestamp::from_unix(0),
        kind: AuditKind::Forgotten,
        actor: Actor::CommandLine,
        member: None,
        client: None,
        request_id: None,
        detail: String::new(),
    }
}

async fn count(store: &dyn Store) -> usize {
    store.members(MembersQuery { limit: 1000, ..MembersQuery::default() }).await.unwrap().len()
}

async fn complaint(folder: &Path, opening: Opening) -> String {
    reopen(folder, opening).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_database_of_an_older_version_is_brought_up_to_date_by_the_gateway_alone() {
    let folder = tempfile::tempdir().unwrap();
    let id = closed(folder.path()).await;
    let older = Connection::open(folder.path().join("members.db")).unwrap();
    older
        .execute_batch(
            "ALTER TABLE members DROP COLUMN before_block; DROP TABLE pairings; UPDATE wxgate SET schema = 1",
        )
        .unwrap();
    drop(older);
    assert!(complaint(folder.path(), Opening::Existing).await.contains("older wxgate"));
    let store = fresh(folder.path()).await;
    let alice = store.change(id, Change::Block, note()).await.unwrap();
    assert_eq!(alice.before_block, Some(Status::Guest));
    close(store, folder.path()).await;
    reopen(folder.path(), Opening::Existing).await.unwrap().check().await.unwrap();
}

#[tokio::test]
async fn files_are_for_their_owner_and_the_members_are_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let store = fresh(&data).await;
    store.arrive(arrival("alice")).await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["members.db", "members.db-shm", "members.db-wal", "store.id"]);
    assert_eq!(fs::metadata(&data).unwrap().mode() & 0o777, 0o700);
    assert!(store.place().ends_with("new/data/members.db"));
    close(store, &data).await;
    assert_eq!(count(&*fresh(&data).await).await, 1);
    assert_eq!(count(&*reopen(&data, Opening::Existing).await.unwrap()).await, 1);
}

#[tokio::test]
async fn a_database_that_was_there_is_never_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path(), folder.path().join("members.db"));
    assert!(complaint(data, Opening::Existing).await.contains("there is no database yet"));
    assert!(!file.exists());
    closed(data).await;

    let whole = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert!(complaint(data, Opening::Create).await.contains("is not there"));
    assert!(complaint(data, Opening::Existing).await.contains("is not there"));
    assert!(!file.exists());

    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert!(complaint(data, Opening::Create).await.contains("is empty"));

    let elsewhere = tempfile::tempdir().unwrap();
    closed(elsewhere.path()).await;
    fs::copy(elsewhere.path().join("members.db"), &file).unwrap();
    assert!(complaint(data, Opening::Create).await.contains("is another database"));

    // Restored from a backup it is the same again; without a marker it is taken over.
    fs::write(&file, whole).unwrap();
    assert_eq!(count(&*fresh(data).await).await, 1);
    fs::remove_file(data.join("store.id")).unwrap();
    assert_eq!(count(&*reopen(data, Opening::Existing).await.unwrap()).await, 1);
    assert!(!data.join("store.id").exists(), "a command leaves no file of its own");
    assert_eq!(count(&*fresh(data).await).await, 1);
    assert!(data.join("store.id").exists());
}

#[tokio::test]
async fn whoever_was_killed_before_the_marker_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    // Killed after the file was made, and before anything was in it.
    fs::write(folder.path().join("members.db"), "").unwrap();
    fs::set_permissions(folder.path().join("members.db"), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(count(&*fresh(folder.path()).await).await, 0);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path(), folder.path().join("members.db"));
    closed(data).await;
    let whole = fs::read(&file).unwrap();
    let damaged = |what: &[u8], at: u64| {
        fs::write(&file, &whole).unwrap();
        OpenOptions::new().write(true).open(&file).unwrap().write_all_at(what, at).unwrap();
    };

    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    assert!(complaint(data, Opening::Create).await.ends_with("(mode 640); chmod 600 it"));
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

    fs::write(&file, "these are my members: alice, bob").unwrap();
    assert!(complaint(data, Opening::Create).await.contains("it is no database of SQLite"));
    damaged(b"SQLite format 4\0", 0);
    assert!(complaint(data, Opening::Create).await.contains("it is no database of SQLite"));
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let cut = complaint(data, Opening::Create).await;
    assert!(cut.contains("it is cut off") && cut.ends_with("restore it from a backup"), "{cut}");
    for page in 1..whole.len() / 4096 {
        damaged(&[0xa5; 512], u64::try_from(page * 4096).unwrap());
        let said = complaint(data, Opening::Create).await;
        assert!(said.ends_with("restore it from a backup"), "page {page}: {said}");
    }

    fs::write(&file, &whole).unwrap();
    let direct = Connection::open(&file).unwrap();
    direct.execute("UPDATE wxgate SET schema = 99", []).unwrap();
    drop(direct);
    assert!(matches!(reopen(data, Opening::Create).await, Err(OpenError::Newer { found: 99, .. })));

    fs::remove_file(&file).unwrap();
    let direct = Connection::open(&file).unwrap();
    direct.execute_batch("CREATE TABLE recipes (cake TEXT)").unwrap();
    drop(direct);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert!(complaint(data, Opening::Create).await.contains("of another program"));

    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(complaint(data, Opening::Create).await.contains("it is a folder"));
}

#[tokio::test]
async fn what_may_not_be_written_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path(), folder.path().join("members.db"));
    closed(data).await;
    fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
    if OpenOptions::new().write(true).open(&file).is_ok() {
        return; // Whoever runs this test may do everything.
    }
    assert!(complaint(data, Opening::Create).await.contains("let the user that runs wxgate"));
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(data, Permissions::from_mode(0o500)).unwrap();
    let said = complaint(data, Opening::Create).await;
    fs::set_permissions(data, Permissions::from_mode(0o700)).unwrap();
    assert!(said.contains("let the user that runs wxgate"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_works_beside_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = fresh(folder.path()).await;
    let command = reopen(folder.path(), Opening::Existing).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..40 {
        let store = Arc::clone(if number % 2 == 0 { &gateway } else { &command });
        tasks.push(tokio::spawn(async move {
            // Who of two processes writes next is chance: whoever has lost for a second is told so, and tries again.
            while let Err(error) = store.arrive(arrival(&format!("open-{number}"))).await {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((count(&*gateway).await, count(&*command).await), (40, 40));
    drop(command);
    gateway.arrive(arrival("later")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_start_at_once_make_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let folder = folder.path().to_owned();
        tokio::spawn(async move { fresh(&folder).await })
    };
    let opening: Vec<_> = (0..4).map(|_| open()).collect();
    for (number, opening) in (1..).zip(opening) {
        let store = opening.await.unwrap();
        store.arrive(arrival(&format!("open-{number}"))).await.unwrap();
        store.check().await.unwrap();
    }
    assert_eq!(count(&*fresh(folder.path()).await).await, 4);
}

#[tokio::test]
async fn a_database_that_another_process_is_making_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("members.db");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    // It has no log yet, and switching to one is what SQLite does not wait for.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let making = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        other.execute_batch("ROLLBACK").unwrap();
    });
    fresh(folder.path()).await.check().await.unwrap();
    making.join().unwrap();
}

#[tokio::test]
async fn a_lock_of_others_stops_writers_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh(folder.path()).await;
    let alice = store.arrive(arrival("alice")).await.unwrap().member;
    let other = Connection::open(folder.path().join("members.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let writing: Vec<_> = (0..3).map(|_| tokio::spawn(store.note(note()))).collect();
    // All of them have asked before anybody reads.
    tokio::task::yield_now().await;
    let standings = store.standings(vec![alice.id.clone()], Timestamp::from_unix(0)).await.unwrap();
    assert_eq!(standings.len(), 1);
    store.check().await.unwrap();
    assert!(!writing.iter().all(tokio::task::JoinHandle::is_finished), "readers do not wait for writers");
    for task in writing {
        assert!(matches!(task.await.unwrap(), Err(StoreError::Unavailable(_))));
    }
    other.execute_batch("ROLLBACK").unwrap();
    store.note(note()).await.unwrap();
}

#[tokio::test]
async fn whoever_writes_while_others_do_is_told_soon_and_nothing_of_it_comes_true() {
    /// Callers are promised two seconds; a busy computer may take three times as long to tell them.
    const TOLD: Duration = Duration::from_secs(3 * 2);
    let folder = tempfile::tempdir().unwrap();
    let patient = fresh(folder.path()).await;
    let store = reopen_within(PATIENCE, folder.path(), Opening::Existing).await.unwrap();
    let other = Connection::open(folder.path().join("members.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let writing = futures_util::future::join_all((0..6).map(|_| store.note(note())));
    for answer in tokio::time::timeout(TOLD, writing).await.expect("all are told") {
        // Whoever only waited for another one is told that there are too many.
        assert!(matches!(answer, Err(StoreError::Unavailable(_) | StoreError::Busy)), "{answer:?}");
    }
    other.execute_batch("ROLLBACK").unwrap();
    // Behind all of them in the queue.
    let written = async { while store.note(note()).await.is_err() {} };
    tokio::time::timeout(TOLD, written).await.expect("it goes on");
    let query = super::super::records::AuditQuery { limit: 99, ..Default::default() };
    assert_eq!(patient.audit(query).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_written_into_a_file_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("members.db");
    let store = fresh(folder.path()).await;
    store.arrive(arrival("alice")).await.unwrap();
    let aside = folder.path().join("aside.db");
    fs::rename(&file, &aside).unwrap();
    let said = store.check().await.unwrap_err().to_string();
    assert!(said.contains("members.db is gone") && said.contains("restore it from a backup"), "{said}");
    assert!(matches!(store.note(note()).await, Err(StoreError::Unavailable(_))));
    assert!(store.backup(folder.path().join("copy.db")).await.is_err());

    fs::copy(&aside, &file).unwrap();
    let said = store.check().await.unwrap_err().to_string();
    assert!(said.contains("replaced by another file"), "{said}");
    assert!(store.arrive(arrival("bob")).await.is_err());

    fs::rename(&aside, &file).unwrap();
    store.check().await.unwrap();
    store.note(note()).await.unwrap();
    assert_eq!(count(&*store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_whole_while_others_write_and_restores() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy.db"));
    let store = fresh(&data).await;
    for number in 0..30 {
        store.arrive(arrival(&format!("open-{number}"))).await.unwrap();
    }
    let copying = tokio::spawn(store.backup(copy.clone()));
    for number in 30..60 {
        store.arrive(arrival(&format!("open-{number}"))).await.unwrap();
    }
    copying.await.unwrap().unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
    let again = store.backup(copy.clone()).await;
    assert!(matches!(again, Err(StoreError::Copy(_))), "{again:?}");
    let nowhere = store.backup(folder.path().join("none/copy.db")).await;
    assert!(matches!(nowhere, Err(StoreError::Copy(_))), "{nowhere:?}");
    close(store, &data).await;

    fs::remove_file(data.join("members.db")).unwrap();
    fs::copy(&copy, data.join("members.db")).unwrap();
    let restored = fresh(&data).await;
    assert!((30..=60).contains(&count(&*restored).await));
    restored.arrive(arrival("open-0")).await.unwrap();
    restored.check().await.unwrap();
    assert!(matches!(in_memory().await.backup(copy).await, Err(StoreError::NotHere(_))));
}

#[tokio::test]
async fn a_killed_process_leaves_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh(folder.path()).await;
    store.arrive(arrival("alice")).await.unwrap();
    // What is on the disk at this moment is what a kill leaves.
    let after = tempfile::tempdir().unwrap();
    for name in ["members.db", "members.db-wal", "store.id"] {
        fs::copy(folder.path().join(name), after.path().join(name)).unwrap();
    }
    assert_eq!(count(&*fresh(after.path()).await).await, 1);
}
