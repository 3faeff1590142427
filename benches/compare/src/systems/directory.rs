//! Folders for what programs read and write.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::Context as _;
use tempfile::TempDir;

/// A folder that workers of another user can read.
pub(super) fn directory() -> anyhow::Result<TempDir> {
    let directory = tempfile::tempdir().context("making a folder")?;
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
    Ok(directory)
}
