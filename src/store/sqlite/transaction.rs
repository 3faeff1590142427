//! One sentence in one transaction: all of it, or nothing.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::super::tables::Row;
use super::super::trail::Trail;
use super::super::{Sentence, StoreError};
use super::file::DatabaseFile;
use super::tables::SqliteTables;
use crate::model::clock::instant;

/// How long to wait while another process writes.
const LONGEST_LOCK: Duration = Duration::from_secs(1);

/// How long to wait for those who read what is to be erased: nobody else can write meanwhile.
const LONGEST_READING: Duration = Duration::from_millis(200);

/// How many steps of SQLite's machine pass between two looks at the clock: about a millisecond.
const STEPS: i32 = 10_000;

/// Says `sentence`. Nothing is true of it after `deadline` that was not before.
pub(super) fn say<S: Sentence>(
    connection: &mut Connection,
    sentence: S,
    file: Option<&DatabaseFile>,
    deadline: Instant,
) -> Row<S::Answer> {
    let left = deadline.saturating_duration_since(instant());
    connection.busy_timeout(left.min(LONGEST_LOCK)).map_err(StoreError::unavailable)?;
    connection
        .progress_handler(STEPS, Some(move || instant() >= deadline))
        .map_err(StoreError::unavailable)?;
    let said = attempt(connection, sentence, file, deadline);
    let unwatched = connection.progress_handler(0, None::<fn() -> bool>).map_err(StoreError::unavailable);
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(StoreError::unavailable)?;
    }
    unwatched.and(said)
}

fn attempt<S: Sentence>(
    connection: &mut Connection,
    sentence: S,
    file: Option<&DatabaseFile>,
    deadline: Instant,
) -> Row<S::Answer> {
    let begin = if S::WRITES { "BEGIN IMMEDIATE" } else { "BEGIN DEFERRED" };
    connection.execute_batch(begin).map_err(StoreError::unavailable)?;
    let mut tables = SqliteTables(connection, Trail::default());
    let answer = at_once(sentence.say(&mut tables))?;
    let SqliteTables(connection, trail) = tables;
    // What is written to a file without a name would be gone at the next start.
    file.map_or(Ok(()), DatabaseFile::is_in_place)?;
    if instant() >= deadline {
        return Err(StoreError::unavailable("it took too long"));
    }
    let lines = trail.commits();
    connection.execute_batch("COMMIT").map_err(StoreError::unavailable)?;
    lines.came_true();
    if S::ERASES {
        erase(connection);
    }
    Ok(answer)
}

/// Writes over what was deleted: until then it stands in the file, and in the write-ahead log even longer. Whoever reads
/// what was there before, a backup for example, holds it up; then the next sentence that erases sees to it.
fn erase(connection: &Connection) {
    if connection.busy_timeout(LONGEST_READING).is_ok() {
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

/// The row operations of SQLite never wait, so neither does what is made of them.
fn at_once<T>(future: impl Future<Output = Row<T>>) -> Row<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => {
            Err(StoreError::unavailable("a sentence waited for something else: please report this"))
        }
    }
}
