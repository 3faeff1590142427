//! Whether a request has become dearer: instructions and system calls, which no neighbour on the computer changes.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::callgrind::{self, Counted};
use crate::counters;
use crate::crowd;
use crate::generator::{Generator, Load, Report, Until};
use crate::recorded::Recorded;
use crate::request::{Request, Size};
use crate::systems::{Setup, System, start};

/// How much dearer than recorded fails.
const MARGIN: f64 = 1.03;

/// Visitors at once: few, since what a new connection costs differs more than what a request does.
const CONNECTIONS: usize = 8;

/// What is measured: its name, who is asked, and whether system calls count, too.
const FIGURES: [(&str, &str, bool); 2] = [("proxied", "wxgate", true), ("check", "wxgate-check", false)];

/// What counts instructions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Meter {
    /// The processor's own counters.
    Perf,
    /// valgrind, where the processor's are out of reach.
    Callgrind,
}

impl Meter {
    fn as_str(self) -> &'static str {
        match self {
            Self::Perf => "perf",
            Self::Callgrind => "callgrind",
        }
    }

    /// Requests in the shorter and the longer run.
    fn runs(self) -> [u64; 2] {
        match self {
            Self::Perf => [20_000, 120_000],
            Self::Callgrind => [500, 3500],
        }
    }

    /// Instructions per request.
    fn measure(self, name: &str, generator: &Generator, setup: &Setup<'_>) -> anyhow::Result<f64> {
        match self {
            Self::Callgrind => {
                let mut counted = Counted::start(name, setup)?;
                generator.run(load(&counted.system, self.runs()[0])?)?;
                counted.begin()?;
                difference(self.runs(), |requests| {
                    let load = load(&counted.system, requests)?;
                    counted.instructions(generator, load)
                })
            }
            Self::Perf => {
                let system = start(name, setup)?;
                difference(self.runs(), |requests| counters::perf(generator, load(&system, requests)?))
            }
        }
    }
}

/// What was asked for on the command line.
#[derive(Debug)]
pub struct Wish<'a> {
    pub file: &'a Path,
    pub record: bool,
    pub meter: Option<Meter>,
}

/// Measures everything; whether it is no dearer than recorded.
pub fn gate(wish: &Wish<'_>, generator: &Generator, setup: &Setup<'_>) -> anyhow::Result<bool> {
    let recorded = Recorded::read(wish.file)?;
    let mut measured = Recorded::default();
    for meter in meters(wish, &recorded)? {
        for (figure, name, _) in FIGURES {
            let bound = recorded.get(meter.as_str(), figure).map(|recorded| recorded * MARGIN);
            let least = least(bound, || meter.measure(name, generator, setup).context(name))?;
            measured.set(meter.as_str(), figure, least);
        }
    }
    for (figure, name, _) in FIGURES.into_iter().filter(|(_, _, calls)| *calls) {
        measured.set("strace", figure, calls(name, generator, setup)?);
    }
    if wish.record {
        measured.write(wish.file)?;
    }
    let mut all = crowd::gate(generator, setup)?;
    for (meter, _, few) in
        measured.all().filter(|(meter, figure, _)| *meter != "strace" && *figure == "proxied")
    {
        let meter = if meter == Meter::Perf.as_str() { Meter::Perf } else { Meter::Callgrind };
        let setup = Setup { members: crowd::MANY, ..*setup };
        let many = least(Some(few * crowd::DEARER), || meter.measure("wxgate", generator, &setup))?;
        let what = format!("with {} members, {}", crowd::MANY, meter.as_str());
        all &= crowd::judge(&what, many / few, crowd::DEARER);
    }
    for (meter, figure, now) in measured.all() {
        all &= judge(meter, figure, now, recorded.get(meter, figure)) || wish.record;
    }
    Ok(all)
}

/// The least of what is measured: once if that is within the bound, up to three times if not. A busy computer adds turns in
/// which nothing has come yet, and takes nothing away.
fn least(bound: Option<f64>, measure: impl Fn() -> anyhow::Result<f64>) -> anyhow::Result<f64> {
    let mut least = measure()?;
    for _ in 0..2 {
        if bound.is_none_or(|bound| least > bound) {
            least = least.min(measure()?);
        }
    }
    Ok(least)
}

/// Recording takes every meter there is; comparing takes the best one that something was recorded with.
fn meters(wish: &Wish<'_>, recorded: &Recorded) -> anyhow::Result<Vec<Meter>> {
    if let Some(meter) = wish.meter {
        return Ok(vec![meter]);
    }
    let mut there = Vec::new();
    if counters::perf_counts() {
        there.push(Meter::Perf);
    }
    if callgrind::is_there() {
        there.push(Meter::Callgrind);
    }
    if !wish.record {
        there.retain(|meter| recorded.knows(meter.as_str()));
        there.truncate(1);
    }
    if there.is_empty() {
        bail!("neither perf (with counters) nor valgrind is here, or nothing was recorded with them");
    }
    Ok(there)
}

/// One line.
fn judge(meter: &str, figure: &str, now: f64, recorded: Option<f64>) -> bool {
    let Some(recorded) = recorded else {
        println!("FAILED {meter} {figure}: {now:.3}, nothing recorded");
        return false;
    };
    let ratio = now / recorded;
    let passes = ratio <= MARGIN;
    let word = if passes { "ok" } else { "FAILED" };
    let hint = if ratio < 2.0 - MARGIN { "; cheaper: record it" } else { "" };
    println!("{word} {meter} {figure}: {now:.3}, recorded {recorded:.3}, ratio {ratio:.3}{hint}");
    passes
}

fn load(system: &System, requests: u64) -> anyhow::Result<Load> {
    let request = Request::new(system.kind, Size::Small)?;
    Ok(Load::new(system, request, CONNECTIONS, Until::Requests(requests)))
}

/// System calls per request.
fn calls(name: &str, generator: &Generator, setup: &Setup<'_>) -> anyhow::Result<f64> {
    let system = start(name, setup)?;
    difference([2000, 10_000], |requests| {
        let (calls, report) = counters::strace(generator, load(&system, requests)?)?;
        Ok((calls.iter().map(|(_, count)| *count).sum(), report))
    })
}

/// A longer run less a shorter one: what is left is requests only.
fn difference(
    runs: [u64; 2],
    mut run: impl FnMut(u64) -> anyhow::Result<(u64, Report)>,
) -> anyhow::Result<f64> {
    let ((less, shorter), (more, longer)) = (run(runs[0])?, run(runs[1])?);
    ensure!(longer.all > shorter.all && more > less, "the longer run was no longer");
    Ok((more - less) as f64 / (longer.all - shorter.all) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_dearer_passes_and_more_does_not() {
        assert!(judge("perf", "proxied", 10_290.0, Some(10_000.0)));
        assert!(judge("perf", "proxied", 5000.0, Some(10_000.0)));
        assert!(!judge("perf", "proxied", 10_310.0, Some(10_000.0)));
        assert!(!judge("perf", "proxied", 1.0, None));
    }
}
