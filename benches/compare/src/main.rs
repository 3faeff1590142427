//! What a request costs: `compare` holds wxgate against other proxies, `gate` against what was recorded.
//!
//! Read [`generator`] first: why one busy thread is visitors, application and responder, and [`probe`] for why figures
//! of different minutes cannot be compared.

mod affinity;
mod callgrind;
mod clients;
mod counters;
mod crowd;
mod gate;
mod generator;
mod histogram;
mod http2;
mod idle;
mod meter;
mod mode;
mod others;
mod probe;
mod recorded;
mod request;
mod rotation;
mod systems;
mod table;
mod tls;
mod upstream;
mod visitor;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use gate::{Meter, Wish, gate};
use generator::Generator;
use mode::{MODES, Mode};
use rotation::{Plan, rotate};
use systems::Setup;

/// What a request costs.
#[derive(Debug, Parser)]
#[command(max_term_width = 110)]
struct Arguments {
    /// The wxgate to measure.
    #[arg(long, value_name = "FILE")]
    wxgate: PathBuf,
    /// Where tests/tools puts what Debian does not have.
    #[arg(long, value_name = "FOLDER")]
    tools: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures wxgate and other proxies in turn, and prints tables.
    Compare(Compare),
    /// Counts instructions and system calls per request; fails when they are 3 % above those recorded.
    Gate {
        /// Record what is counted instead.
        #[arg(long)]
        record: bool,
        /// Count with this, whatever else there is.
        #[arg(long)]
        meter: Option<Meter>,
    },
}

#[derive(Args, Debug)]
struct Compare {
    /// One short round each: whether it works, not what it costs.
    #[arg(long)]
    quick: bool,
    /// These systems only, besides the one that others are held against.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// These modes only: small, check, large, single, workers, logged, handshakes, keep-alive, http2, idle, idle-tls, crowd.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    mode: Vec<String>,
    /// Seconds of rotation, for each mode of the same length; all modes together usually take 10 minutes.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Write the tables to this file, too.
    #[arg(long, value_name = "FILE.md")]
    table: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let generator = Generator::start()?;
    let setup = Setup {
        upstream: generator.upstream,
        responder: generator.responder,
        workers: 1,
        core: affinity::are_two().then_some(affinity::TESTED),
        access_log: false,
        tls: None,
        members: 10,
        wxgate: &arguments.wxgate,
        tools: &arguments.tools,
    };
    match &arguments.task {
        Task::Compare(wish) => compare(wish, &generator, &setup).map(|()| true),
        Task::Gate { record, meter } => {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded.toml");
            gate(&Wish { file: &file, record: *record, meter: *meter }, &generator, &setup)
        }
    }
}

fn compare(wish: &Compare, generator: &Generator, setup: &Setup<'_>) -> anyhow::Result<()> {
    anyhow::ensure!(
        affinity::are_two(),
        "one core is for the system under test, another for the load generator"
    );
    let names =
        MODES.iter().map(|mode| mode.name).chain(others::MODES.map(|(name, _)| name)).chain([crowd::NAME]);
    let unknown = wish.mode.iter().find(|wanted| !names.clone().any(|name| name == **wanted));
    anyhow::ensure!(unknown.is_none(), "no mode is called {}", unknown.map_or("", |name| name));
    let plan = |mode: &Mode| match wish.quick {
        true => Plan { slot: Duration::from_millis(500), time: Duration::ZERO },
        false => Plan {
            slot: Duration::from_millis(1600),
            time: Duration::from_secs(wish.seconds.unwrap_or(mode.seconds)),
        },
    };
    let is_wanted = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let takes_part = |name: &str| is_wanted(&wish.only, name);
    let mut text = String::new();
    let mut keep = |tables: &str| -> anyhow::Result<()> {
        println!("{tables}");
        text = format!("{text}{tables}\n");
        wish.table.as_ref().map_or(Ok(()), |file| Ok(std::fs::write(file, &text)?))
    };
    for mode in MODES.iter().filter(|mode| is_wanted(&wish.mode, mode.name)) {
        let others = mode.systems[1..].iter().filter(|name| takes_part(name));
        let systems: Vec<&str> = mode.systems[..1].iter().chain(others).copied().collect();
        println!("{}", mode.title);
        let rows = rotate(mode, &systems, generator, setup, plan(mode))?;
        keep(&table::tables(mode, &rows))?;
    }
    for (name, title) in others::MODES.iter().filter(|(name, _)| is_wanted(&wish.mode, name)) {
        let table = others::measure(name, setup, wish.quick, takes_part)?;
        keep(&format!("## {title}\n\n{table}"))?;
    }
    if is_wanted(&wish.mode, crowd::NAME) {
        println!("{}", crowd::TITLE);
        keep(&format!(
            "## {}\n\n{}",
            crowd::TITLE,
            crowd::table(&crowd::measure(generator, setup, wish.quick)?)
        ))?;
    }
    Ok(())
}
