//! What a request costs in wxgate and in the proxies that people know, side by side.

mod clients;
mod http2;
mod idle;
mod systems;
mod tls;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use clients::{Plan, Stage, compare, table};
use systems::{Certificate, Setup};

#[derive(Parser)]
struct Arguments {
    mode: Mode,
    /// Others than usual.
    systems: Vec<String>,
    #[arg(long, default_value = "target/release/wxgate")]
    wxgate: PathBuf,
    #[arg(long, default_value = "target/tools")]
    tools: PathBuf,
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    Start,
    Handshakes,
    KeepAlive,
    Http2,
    Idle,
    IdleTls,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (wxgate, tools) = (arguments.wxgate.canonicalize()?, arguments.tools.canonicalize()?);
    let stage = Stage::new(Some(1))?;
    let certificate = Certificate::new()?;
    let plain = Setup {
        upstream: stage.upstream,
        responder: stage.responder,
        workers: 1,
        core: Some(0),
        access_log: false,
        tls: None,
        wxgate: &wxgate,
        tools: &tools,
    };
    let encrypted = Setup { tls: Some(&certificate), ..plain };
    let asked: Vec<&str> = arguments.systems.iter().map(String::as_str).collect();
    let or = |usual: &'static [&'static str]| if asked.is_empty() { usual.to_vec() } else { asked.clone() };
    let plan = if arguments.quick { Plan::quick() } else { Plan::usual() };
    let count = if arguments.quick { 1000 } else { idle::CONNECTIONS };
    let text = match arguments.mode {
        Mode::Start => start_each(&asked, &plain, &encrypted)?,
        Mode::Handshakes => table(&compare(&stage, &encrypted, &or(&tls::SYSTEMS), plan, tls::handshakes)?),
        Mode::KeepAlive => table(&compare(&stage, &encrypted, &or(&tls::SYSTEMS), plan, tls::keep_alive)?),
        Mode::Http2 => table(&compare(&stage, &encrypted, &or(&http2::SYSTEMS), plan, http2::requests)?),
        Mode::Idle => idle::table(&idle::compare(&stage, &plain, &or(&idle::SYSTEMS), count)?),
        Mode::IdleTls => idle::table(&idle::compare(&stage, &encrypted, &or(&idle::SYSTEMS), count)?),
    };
    print!("{text}");
    Ok(())
}

fn start_each(names: &[&str], plain: &Setup<'_>, encrypted: &Setup<'_>) -> anyhow::Result<String> {
    let mut text = String::new();
    for name in names {
        for setup in [plain, encrypted, &Setup { access_log: true, workers: 2, core: None, ..*plain }] {
            let system = systems::start(name, setup)?;
            let (kind, pids, pss) = (system.kind, system.pids(), system.pss()? / 1024);
            text += &format!("{name}: {kind:?} {} {pids:?} {pss} KiB\n", system.address);
            if setup.access_log {
                let log = std::fs::read_to_string(system.directory.path().join("access.log"));
                let log = log.or_else(|_| std::fs::read_to_string(system.directory.path().join("log")))?;
                text += &log;
            }
        }
    }
    Ok(text)
}
