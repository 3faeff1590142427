//! A connection to the file, set up the way every connection has to be.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Result};

use crate::model::clock::instant;

/// How long to wait at opening while another process writes, or makes the file.
const LONGEST_LOCK: Duration = Duration::from_secs(3);

/// Between two goes at what SQLite refuses to wait for.
const PAUSE: Duration = Duration::from_millis(5);

/// `FULL`: what was acknowledged survives a power cut. `secure_delete`: what was forgotten is overwritten. The log is cut
/// back after a burst, `trusted_schema` lets a file from elsewhere call no functions, and what is sorted stays in memory,
/// since files for that would lie in a folder open to others.
const SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA cell_size_check = ON;";

/// Connects to a file that is there.
///
/// # Errors
/// What SQLite says.
pub(super) fn file(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(LONGEST_LOCK)?;
    write_ahead(&connection)?;
    connection.execute_batch(SETTINGS)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Switches the file to a write-ahead log, once. Two processes that do so at once hold each other up, which SQLite says at
/// once instead of waiting (<https://sqlite.org/c3ref/busy_handler.html>); the second finds it done.
fn write_ahead(connection: &Connection) -> Result<()> {
    let until = instant() + LONGEST_LOCK;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && instant() < until => {
                thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// A database in memory.
///
/// # Errors
/// What SQLite says.
pub(super) fn memory() -> Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SETTINGS)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
