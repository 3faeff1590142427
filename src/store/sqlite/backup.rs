//! A copy of the whole database while it is in use.

use std::fs::{self, File, OpenOptions};
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
    let target = made.map_err(|error| failed(to, error))?;
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

fn failed(to: &Path, cause: impl std::fmt::Display) -> StoreError {
    StoreError::Copy(format!("{}: {cause}", to.display()).into())
}
