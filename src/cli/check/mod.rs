//! `wxgate check`: everything that is wrong with the configuration, at once; with `--online`, with what is around it, too.

mod account;
mod backend;
mod certificate;
mod clock;
mod console;
mod context;
mod fetch;
mod finding;
mod language;
mod meanings;
mod message;
mod network;
mod online;
mod ownership;
mod public_url;
mod refusals;
mod swapped;
mod upstreams;
mod website;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use self::finding::text;
use super::exit;
use super::listing::say_json;
use super::refusal::refuse;
use super::store;
use super::store::Opened;
use crate::config::fields::Config;
use crate::config::problem::Problems;
use crate::live::{ConfigSource, Generation, Lasting, LoadError};
use crate::pages::language::Language;
use crate::store::OpenError;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Also ask WeChat, public_url and the applications whether all of it works together. Nothing is changed anywhere.
    #[arg(long)]
    online: bool,
    /// Language of what is found: zh or en; else by LC_ALL, LC_MESSAGES, LANG. Mistakes in the file are told in English.
    #[arg(long, value_name = "LANG", value_parser = ["zh", "en"])]
    lang: Option<String>,
    /// Print what is found as JSON: an object of errors and warnings; with --online, an array of what it finds.
    #[arg(long)]
    json: bool,
}

/// Reads and builds the configuration without side effects. Prints the report; 0 when it can be run, 78 when not. What is
/// found online makes it 1.
pub(super) fn run(
    arguments: &CheckArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    let is_told = arguments.json && !arguments.online;
    let tell = |problems: Option<&Problems>, error: Option<String>| match is_told {
        true => tell(problems, error),
        false => Ok(()),
    };
    let refuse = |warnings: Option<&Problems>, error: &LoadError| {
        let told = match error {
            LoadError::Problems(problems) => tell(Some(problems), None),
            error => tell(warnings, Some(error.to_string())),
        };
        told.map_or_else(|error| exit(Err(error)), |()| refuse(error))
    };
    let (config, warnings) = match source.read_and_draw(environment) {
        Ok(read) => read,
        Err(error) => return refuse(None, &error),
    };
    eprint!("{}", warnings.render(std::io::stderr().is_terminal()));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("wxgate: {error}");
            return ExitCode::FAILURE;
        }
    };
    let store = match runtime.block_on(build(&config)) {
        Ok(store) => store,
        Err(error) => return refuse(Some(&warnings), &error),
    };
    let language = language::choose(arguments.lang.as_deref(), environment);
    let error = store.as_ref().err().map(ToString::to_string);
    if let Err(error) = tell(Some(&warnings), error) {
        return exit(Err(error));
    }
    let offline = match store {
        Ok(()) if arguments.json => ExitCode::SUCCESS,
        Ok(()) => sum_up(&config, language),
        Err(error) => store::cannot_open(&error),
    };
    let online = match arguments.online {
        true => runtime.block_on(online::run((language, arguments.json), config, environment)),
        false => ExitCode::SUCCESS,
    };
    // A name server that never answers would hold up the end of the threads that ask it.
    runtime.shutdown_background();
    if offline == ExitCode::SUCCESS { online } else { offline }
}

/// Prints one object for programs: whether the gateway can run, and all that is wrong.
fn tell(problems: Option<&Problems>, error: Option<String>) -> anyhow::Result<()> {
    let mut told = problems.map_or_else(|| json!({ "errors": [], "warnings": [] }), Problems::json);
    if let (Some(error), Some(errors)) = (error, told["errors"].as_array_mut()) {
        let nowhere = Value::Null;
        errors.push(json!({
            "message": error, "help": nowhere, "file": nowhere, "line": nowhere, "column": nowhere, "variable": nowhere,
        }));
    }
    told["ok"] = told["errors"].as_array().is_some_and(Vec::is_empty).into();
    say_json(&told)
}

/// What is protected, in a line, and what the WeChat console asks for where messages are received.
fn sum_up(config: &Config, language: Language) -> ExitCode {
    let hosts: BTreeSet<_> = config.routes.iter().map(|route| route.host.as_str()).collect();
    let hosts = hosts.into_iter().collect::<Vec<_>>().join(", ");
    let count = config.routes.len();
    let routes = if count == 1 { "route" } else { "routes" };
    let protected =
        text(format!("ok：{hosts} 上有 {count} 条路由"), format!("ok: {count} {routes} on {hosts}"));
    println!("{}", protected.in_language(language));
    let account = config.wechat.official_account.as_ref();
    if account.is_some_and(|account| account.inbox.is_some()) {
        let address = message::address(config);
        let messages = text(
            format!("消息推送：微信公众平台「服务器配置」中的 URL 是 {address}"),
            format!("messages: in the WeChat console under 服务器配置, the URL is {address}"),
        );
        println!("{}", messages.in_language(language));
    }
    ExitCode::SUCCESS
}

/// Builds what would run, and opens the database if one is there. Nothing is made.
async fn build(config: &Config) -> Result<Result<(), OpenError>, LoadError> {
    let directory = store::of_nobody().await?;
    Generation::build(config, &Lasting::new(1, 1, directory, None), false)?;
    Ok(match Opened::by(config.clone()).await {
        // The first start makes it.
        Ok(_) | Err(OpenError::NotYet { .. }) => Ok(()),
        Err(error) => Err(error),
    })
}
