//! The command line: one file per subcommand.

mod arguments;
mod audit;
mod backup;
mod check;
mod demo;
mod explain;
mod first_start;
mod healthcheck;
mod invite;
mod listing;
mod members;
mod refusal;
pub mod serve;
mod sessions;
mod setup_link;
mod snippet;
mod store;
mod who;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::source;
use crate::live::ConfigSource;
use crate::seal::random;

/// Something went wrong while running.
const FAILURE: u8 = 1;

/// The command line asks for something that does not exist; clap's own exit code.
const USAGE: u8 = 2;

/// The configuration is bad (sysexits.h, EX_CONFIG); systemd is told not to restart on it.
const BAD_CONFIG: u8 = 78;

/// A reverse-proxy authentication gateway that lets people in with WeChat.
#[derive(Debug, Parser)]
#[command(name = "wxgate", version, arg_required_else_help = false)]
struct Arguments {
    /// Configuration file; else $WXGATE_CONFIG, ./config.toml, /etc/wxgate/config.toml.
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway (the default).
    Run,
    /// Try everything on this computer: gateway, example application, simulated WeChat and pretend phone.
    Demo(demo::DemoArguments),
    /// Check the configuration, and say everything that is wrong with it; with --online, whether it works with WeChat.
    Check(check::CheckArguments),
    /// Say what would happen with a request, and why.
    Explain(explain::ExplainArguments),
    /// Print what to paste into a reverse proxy so that it asks this gateway.
    Snippet(snippet::SnippetArguments),
    /// List members, let people in, shut them out, name them.
    Members(members::MembersArguments),
    /// Make an invitation: whoever opens its link and signs in is a member.
    Invite(invite::InviteArguments),
    /// List open sessions, and end them.
    Sessions(sessions::SessionsArguments),
    /// Make a link that makes one person an administrator.
    SetupLink(setup_link::SetupLinkArguments),
    /// Show who did what, newest first.
    Audit(audit::AuditArguments),
    /// Copy the database to a new file while the gateway runs.
    Backup(backup::BackupArguments),
    /// Print a secret good for session.secret.
    Keygen,
    /// Ask the running gateway whether it is alive (/livez); exit code 0 if so.
    Healthcheck,
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual page.
    Man,
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("wxgate: another TLS provider was installed first; this is a defect of the build");
        return ExitCode::from(FAILURE);
    }
    let environment = environment();
    let named = arguments.config;
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => with_source(named, &environment, serve::run),
        Command::Demo(demo) => demo::run(&demo),
        Command::Check(check) => {
            with_source(named, &environment, |source, environment| check::run(&check, source, environment))
        }
        Command::Explain(explain) => with_source(named, &environment, |source, environment| {
            explain::run(&explain, source, environment)
        }),
        Command::Snippet(snippet) => with_source(named, &environment, |source, environment| {
            snippet::run(&snippet, source, environment)
        }),
        Command::Members(members) => with_source(named, &environment, |source, environment| {
            members::run(&members, source, environment)
        }),
        Command::Invite(invite) => {
            with_source(named, &environment, |source, environment| invite::run(&invite, source, environment))
        }
        Command::Sessions(sessions) => with_source(named, &environment, |source, environment| {
            sessions::run(&sessions, source, environment)
        }),
        Command::SetupLink(link) => with_source(named, &environment, |source, environment| {
            setup_link::run(&link, source, environment)
        }),
        Command::Audit(audit) => {
            with_source(named, &environment, |source, environment| audit::run(&audit, source, environment))
        }
        Command::Backup(backup) => {
            with_source(named, &environment, |source, environment| backup::run(&backup, source, environment))
        }
        Command::Keygen => {
            println!("{}", crate::seal::hex(&random::<32>()));
            ExitCode::SUCCESS
        }
        Command::Healthcheck => with_source(named, &environment, healthcheck::run),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "wxgate", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        Command::Man => {
            let page = clap_mangen::Man::new(Arguments::command());
            exit(page.render(&mut std::io::stdout()).map_err(anyhow::Error::from))
        }
    }
}

/// Finds the configuration and hands it on.
fn with_source(
    named: Option<PathBuf>,
    environment: &[(String, String)],
    command: impl FnOnce(&ConfigSource, &[(String, String)]) -> ExitCode,
) -> ExitCode {
    match source::find(named.as_deref(), environment) {
        Ok(path) => command(&ConfigSource::File(path), environment),
        Err(error) => {
            eprintln!("wxgate: {error}");
            ExitCode::from(BAD_CONFIG)
        }
    }
}

/// The process environment, as far as it is text.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Prints an error with its causes, if there is one.
fn exit(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<listing::Gone>() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wxgate: {error:#}");
            ExitCode::from(FAILURE)
        }
    }
}
