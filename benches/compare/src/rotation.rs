//! Everybody in turn, in short slots, each with its own look at how far apart the cores are.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::generator::{Generator, Load, Report, Until};
use crate::mode::Mode;
use crate::probe::{State, round_trip};
use crate::request::Request;
use crate::systems::{Setup, System, start};
use crate::{affinity, counters};

/// Length of the slots in which system calls and instructions are counted.
const COUNTING: Duration = Duration::from_millis(600);

/// Slots in which the load generator had less of its core than this do not count.
const STARVED: f64 = 0.05;

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub slot: Duration,
    /// Rounds begin until this much time has gone by.
    pub time: Duration,
}

/// One slot of one system.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub state: State,
    /// Requests per second.
    pub rate: f64,
    /// Microseconds.
    pub p50: f64,
    pub p99: f64,
    /// Microseconds per request.
    pub cpu: f64,
    /// CPU time per time.
    pub busy: f64,
}

/// What was found out about one system.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub slots: Vec<Slot>,
    /// User-mode instructions per request, where perf has counters.
    pub instructions: Option<f64>,
    /// System calls per request, where strace may count them.
    pub calls: Option<f64>,
    /// Bytes.
    pub memory: u64,
}

impl Slot {
    fn new(state: State, report: &Report) -> Self {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        Self {
            state,
            rate: report.answers as f64 / report.elapsed.as_secs_f64(),
            p50: micros(report.latencies.quantile(0.5)),
            p99: micros(report.latencies.quantile(0.99)),
            cpu: micros(report.cpu) / report.answers as f64,
            busy: report.cpu.as_secs_f64() / report.elapsed.as_secs_f64(),
        }
    }
}

/// Measures `names` in this mode.
pub fn rotate(
    mode: &Mode,
    names: &[&str],
    generator: &Generator,
    setup: &Setup<'_>,
    plan: Plan,
) -> anyhow::Result<Vec<Row>> {
    let core = mode.pinned.then_some(affinity::TESTED);
    let setup = Setup { workers: mode.workers, core, access_log: mode.access_log, ..*setup };
    let start = |name: &&str| start(name, &setup);
    let systems = names.iter().map(start).collect::<anyhow::Result<Vec<System>>>()?;
    let load = |system: &System, time| -> anyhow::Result<Load> {
        let request = Request::new(system.kind, mode.size)?;
        let load = Load::new(system, request, mode.connections, Until::Time(time));
        Ok(Load { busy: load.busy && mode.pinned, ..load })
    };
    let mut slots = vec![Vec::new(); systems.len()];
    let began = Instant::now();
    loop {
        for (system, slots) in systems.iter().zip(&mut slots) {
            let before = round_trip()?;
            let report = generator.run(load(system, plan.slot)?).with_context(|| system.name.clone())?;
            let after = round_trip()?;
            let undisturbed = report.starved < STARVED;
            let state = if undisturbed { State::between(before, after) } else { State::Mixed };
            let slot = Slot::new(state, &report);
            say(system, &slot, report.starved, [before, after]);
            slots.push(slot);
        }
        if began.elapsed() >= plan.time {
            break;
        }
    }
    let row = |(system, slots)| row(system, slots, generator, &load(system, COUNTING)?);
    systems.iter().zip(slots).map(row).collect()
}

fn say(system: &System, slot: &Slot, starved: f64, [before, after]: [f64; 2]) {
    let Slot { state, rate, cpu, busy, .. } = slot;
    println!(
        "{:16} {:5} ({before:.0}, {after:.0} ns, {starved:.2} starved) {rate:8.0}/s {cpu:8.2} us CPU, {busy:.2} busy",
        system.name,
        state.as_str(),
    );
}

fn row(system: &System, slots: Vec<Slot>, generator: &Generator, load: &Load) -> anyhow::Result<Row> {
    let memory = system.pss()?;
    let instructions = if counters::perf_counts() {
        let (count, report) = counters::perf(generator, load.clone())?;
        Some(count as f64 / report.all as f64)
    } else {
        None
    };
    let calls = match counters::strace(generator, load.clone()) {
        Ok((calls, report)) => {
            Some(calls.iter().map(|(_, count)| *count).sum::<u64>() as f64 / report.all as f64)
        }
        Err(error) => {
            eprintln!("{}: {error:#}", system.name);
            None
        }
    };
    Ok(Row { name: system.name.clone(), slots, instructions, calls, memory })
}
