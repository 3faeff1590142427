//! `wxgate backup FILE`: a copy of the database while the gateway runs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::listing::{say, say_json};
use super::store::with_store;
use crate::live::ConfigSource;

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The file to make, for its owner only (mode 0600). A file that is there already is never written over.
    file: PathBuf,
    /// Print the outcome as JSON: file, bytes, store.
    #[arg(long)]
    json: bool,
}

/// Makes the copy.
pub(super) fn run(
    arguments: &BackupArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    with_store(source, environment, async |opened| {
        let to = std::path::absolute(&arguments.file).context("name a file to copy to")?;
        opened.store.backup(to.clone()).await?;
        let place = opened.store.place();
        if arguments.json {
            // Whoever keeps copies wants to see them grow.
            let bytes = std::fs::metadata(&to).map(|made| made.len()).ok();
            say_json(&json!({ "file": to.to_string_lossy(), "bytes": bytes, "store": place }))?;
        } else {
            say(&format!("{place} is copied to {}; keep it as safe as the database\n", to.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
