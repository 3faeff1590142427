//! A connection to the file, set up the way every connection has to be.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result};

/// How long to wait at opening while another process writes.
const LONGEST_LOCK: Duration = Duration::from_secs(1);

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
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(SETTINGS)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
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
