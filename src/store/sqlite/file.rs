//! The database's file: for its owner only, and still the one that was opened.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::super::{OpenError, StoreError};

const REPAIR: &str = "restore it from a backup";
const RIGHTS: &str = "let the user that runs wxgate read and write it, and its folder";

/// How every file of SQLite begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// A file that was opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl DatabaseFile {
    /// The file at `path` as it is now; `None` if nothing is there.
    ///
    /// # Errors
    /// When it is no file, is not for its owner only, or cannot be what SQLite wrote.
    pub(super) fn find(path: &Path) -> Result<Option<Self>, OpenError> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(broken(path, error, RIGHTS)),
        };
        if !metadata.is_file() {
            return Err(broken(path, "it is a folder, or no ordinary file", "name a file"));
        }
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            let cause = format!("it can be read or written by others (mode {mode:o})");
            return Err(broken(path, cause, "chmod 600 it"));
        }
        inspect(path, metadata.len())?;
        Ok(Some(Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() }))
    }

    /// Makes an empty file for its owner only, and its folder. What SQLite puts beside it gets the same rights.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn make(path: &Path) -> Result<Self, OpenError> {
        let make = || -> io::Result<()> {
            if let Some(folder) = path.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
                // Another process that starts at the same time was a little faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                other => other.map(drop),
            }
        };
        make().map_err(|error| broken(path, error, RIGHTS))?;
        Self::find(path)?.ok_or_else(|| broken(path, "it went away at once", RIGHTS))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to this file.
    ///
    /// # Errors
    /// When it does not: what is written now would be lost.
    pub(super) fn is_in_place(&self) -> Result<(), StoreError> {
        let path = self.path.display();
        match fs::metadata(&self.path) {
            Ok(now) if (now.dev(), now.ino()) == (self.device, self.inode) => Ok(()),
            Ok(_) => Err(StoreError::unavailable(format!(
                "{path} was replaced by another file while wxgate runs: restart wxgate"
            ))),
            Err(error) => Err(StoreError::unavailable(format!(
                "{path} is gone ({error}): put it back, or restore it from a backup and restart wxgate"
            ))),
        }
    }
}

/// Looks at the beginning of a file, and whether it can be written. That costs the same however long the file is.
///
/// This comes before SQLite opens it, never later: to close any handle of a file drops all locks the process has on it.
fn inspect(path: &Path, length: u64) -> Result<(), OpenError> {
    let mut header = Vec::with_capacity(100);
    let file =
        OpenOptions::new().read(true).write(true).open(path).map_err(|error| broken(path, error, RIGHTS))?;
    file.take(100).read_to_end(&mut header).map_err(|error| broken(path, error, RIGHTS))?;
    if header.is_empty() {
        return Ok(());
    }
    let (Some(page_size), Some(pages)) = (number::<2>(&header, 16), number::<4>(&header, 28)) else {
        return Err(broken(path, "it is no database of SQLite, or a piece of one", REPAIR));
    };
    if !header.starts_with(MAGIC) {
        return Err(broken(
            path,
            "it is no database of SQLite",
            "name another file, or restore it from a backup",
        ));
    }
    let page_size = if page_size == 1 { 65536 } else { page_size };
    // The end may still be in the log of a process that was killed.
    let has_log = fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0);
    if length < page_size * pages && !has_log {
        return Err(broken(path, format!("it is cut off: {length} of {} bytes", page_size * pages), REPAIR));
    }
    Ok(())
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// A big-endian number of `LENGTH` bytes.
fn number<const LENGTH: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + LENGTH)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// What SQLite says at opening, with what to do.
pub(super) fn refused(path: &Path, error: &rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode as Code;
    let advice = match error.sqlite_error_code() {
        Some(Code::NotADatabase | Code::DatabaseCorrupt) => REPAIR,
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => "end the other program that uses it",
        Some(Code::DiskFull) => "make room on the disk",
        _ => RIGHTS,
    };
    broken(path, error, advice)
}

/// An [`OpenError::Broken`] about a file.
pub(super) fn broken(path: &Path, cause: impl ToString, advice: &'static str) -> OpenError {
    OpenError::Broken { place: place(path), cause: cause.to_string(), advice }
}

/// How the database is called.
pub(super) fn place(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}
