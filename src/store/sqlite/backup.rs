//! A copy of the whole database while it is in use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::super::StoreError;
use super::super::tables::Row;
use super::connect;
use super::file::DatabaseFile;

/// Copies `file` to the new file `to`, as it is at one moment. Writers go on meanwhile.
pub(super) fn copy(file: &DatabaseFile, to: &Path) -> Row<()> {
    file.is_in_place()?;
    // Made here, so that it is nobody else's from the first byte on.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let target = made.map_err(|error| failed(to, unmade(&error)))?;
    let copied = fill(file, to, &target);
    if copied.is_err() {
        drop(fs::remove_file(to));
        drop(fs::remove_file(journal_of(to)));
    }
    copied
}

fn fill(file: &DatabaseFile, to: &Path, target: &File) -> Row<()> {
    let name = to.to_str().ok_or_else(|| failed(to, "its name is no Unicode"))?;
    let connection = connect::file(file.path()).map_err(StoreError::unavailable)?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|error| failed(to, error))?;
    target.sync_all().map_err(|error| failed(to, error))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(to, error))?;
    file.is_in_place()
}

fn journal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

/// Why the file could not be made, and what to do.
fn unmade(error: &io::Error) -> String {
    let instead = match error.kind() {
        ErrorKind::AlreadyExists => {
            "there is a file already, and nothing is ever written over: name another one, or move that one away"
        }
        ErrorKind::NotFound => "its folder is not there: make the folder first",
        ErrorKind::PermissionDenied => {
            "this user may not write there: name a file in a folder that belongs to the user"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disk is full: make room, or name a file on another one"
        }
        ErrorKind::ReadOnlyFilesystem => "that disk can only be read: name a file on another one",
        _ => return format!("{error}; name another file"),
    };
    instead.to_owned()
}

fn failed(to: &Path, cause: impl std::fmt::Display) -> StoreError {
    StoreError::Copy(format!("{}: {cause}", to.display()).into())
}
