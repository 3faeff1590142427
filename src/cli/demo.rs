//! `wxgate demo`: everything on this computer, without an AppID.

use std::process::ExitCode;

use clap::Args;

use super::exit;
use crate::demo::{self, DemoSettings};
use crate::pages::language::Language;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Drive a login by each way in without a browser, print each step, and end.
    #[arg(long)]
    check: bool,
    /// Protect this application instead of the example.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The port, 8480 without it (8490 with --wechat-only); the next free one is taken if it is in use.
    #[arg(long)]
    port: Option<u16>,
    /// Language of the pages; the browser's without it.
    #[arg(long, value_name = "zh|en", value_parser = language)]
    lang: Option<Language>,
    /// Show WeChat's code in a frame on the gateway's page, as `page = "embedded"` does.
    #[arg(long)]
    embedded: bool,
    /// Run only the simulated WeChat and the pretend phone, for a gateway started by hand.
    #[arg(long, conflicts_with_all = ["check", "embedded", "upstream"])]
    wechat_only: bool,
}

/// Runs the demo until Ctrl-C, or drives it once.
pub(super) fn run(arguments: &DemoArguments) -> ExitCode {
    // A gateway started by hand beside the simulated WeChat has 8480 and 8481.
    let port = arguments.port.unwrap_or(if arguments.wechat_only { 8490 } else { 8480 });
    let settings = DemoSettings {
        port,
        upstream: arguments.upstream.clone(),
        language: arguments.lang,
        embedded: arguments.embedded,
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit(Err(error.into())),
    };
    exit(runtime.block_on(async {
        if arguments.check {
            demo::check(&settings).await
        } else if arguments.wechat_only {
            demo::run_wechat(&settings).await
        } else {
            demo::run(&settings).await
        }
    }))
}

fn language(text: &str) -> Result<Language, String> {
    Language::named(text).ok_or_else(|| "write zh or en".to_owned())
}
