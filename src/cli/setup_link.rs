//! `wxgate setup-link`: a link that makes one person an administrator.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::arguments;
use super::listing::{say, say_json};
use super::store::with_store;
use super::written::moment;
use crate::live::ConfigSource;

/// Arguments of `setup-link`.
#[derive(Debug, Args)]
pub(super) struct SetupLinkArguments {
    /// How long it can be used: a number and a unit, such as 30m, 12h or 7d.
    #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = arguments::lifetime)]
    lifetime: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Makes and prints one.
pub(super) fn run(
    arguments: &SetupLinkArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    with_store(source, environment, async |opened| {
        let expires = opened.now + arguments.lifetime;
        let code = opened.directory.make_setup_link(&opened.act(), expires).await?;
        let link = opened.link("setup", code.reveal());
        if arguments.json {
            say_json(&json!({ "link": link, "expires": moment(expires) }))?;
        } else {
            say(&format!("{link}\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
