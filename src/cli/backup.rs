//! `wxgate backup FILE`: a copy of the database while the gateway runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::listing::say;
use super::store::with_store;
use crate::live::ConfigSource;

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The new file; nothing is ever written over.
    file: PathBuf,
}

/// Makes the copy.
pub(super) fn run(
    arguments: &BackupArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    with_store(source, environment, async |opened| {
        let to: &Path = &arguments.file;
        opened.store.backup(to.to_owned()).await?;
        let place = opened.store.place();
        say(&format!("{place} is copied to {}; keep it as safe as the database\n", to.display()))?;
        Ok(ExitCode::SUCCESS)
    })
}
