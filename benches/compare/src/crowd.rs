//! Whether a request costs the same, and a process needs the same memory, however many members there are.

use std::time::Duration;

use anyhow::Context as _;

use crate::generator::{Generator, Load, Until};
use crate::request::{Request, Size};
use crate::systems::{Setup, System, start};

pub const NAME: &str = "crowd";
pub const TITLE: &str = "Members in the directory: 1 worker, 64 connections, 1 KiB, signed-in";

/// How many members the gate tries, besides the few of everything else.
pub const MANY: u64 = 100_000;

/// How much dearer a request may be with them: a few times a second something is read in the background.
pub const DEARER: f64 = 1.1;

/// How much more memory that may take: SQLite keeps 2 MB of pages for each of three connections.
const MORE_MEMORY: f64 = 12e6;

/// Those who ask in turn.
const IN_TURN: u64 = 1000;

const CONNECTIONS: usize = 64;

/// One size of the directory.
#[derive(Debug)]
pub struct Row {
    members: u64,
    /// Bytes after the start, and in the end.
    started: u64,
    ended: u64,
    /// Microseconds of CPU for a request: of one member, of a thousand in turn.
    one: f64,
    in_turn: f64,
}

/// All sizes are up at once and have short slots in turn; the medians of each.
pub fn measure(generator: &Generator, setup: &Setup<'_>, quick: bool) -> anyhow::Result<Vec<Row>> {
    let (sizes, rounds): (&[u64], usize) =
        if quick { (&[10, 10_000], 1) } else { (&[10, 10_000, 1_000_000], 15) };
    let begin = |members: &u64| {
        let system = start("wxgate", &Setup { members: *members, ..*setup })?;
        let started = system.pss()?;
        Ok((*members, system, started))
    };
    let systems = sizes.iter().map(begin).collect::<anyhow::Result<Vec<_>>>()?;
    let mut slots = vec![[Vec::new(), Vec::new()]; systems.len()];
    for _ in 0..rounds {
        for ((members, system, _), slots) in systems.iter().zip(&mut slots) {
            let turns = [1, IN_TURN.min(*members)];
            for (members, slots) in turns.into_iter().zip(slots) {
                slots.push(slot(generator, system, members)?);
            }
        }
    }
    let mut rows = Vec::new();
    for ((members, system, started), [one, in_turn]) in systems.into_iter().zip(slots) {
        let (one, in_turn) = (median(one), median(in_turn));
        rows.push(Row { members, started, ended: system.pss()?, one, in_turn });
    }
    Ok(rows)
}

/// Microseconds of CPU for a request.
fn slot(generator: &Generator, system: &System, members: u64) -> anyhow::Result<f64> {
    let request = Request::of_members(system.kind, members)?;
    let until = Until::Time(Duration::from_millis(800));
    let report = generator.run(Load::new(system, request, CONNECTIONS, until))?;
    Ok(report.cpu.as_secs_f64() * 1e6 / report.answers as f64)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// For people to read.
pub fn table(rows: &[Row]) -> String {
    let mut text = "| members | MB at start | MB after load | µs CPU, one member | ratio | µs CPU, up to 1000 in turn | ratio |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    // Where there are fewer, fewer ask in turn.
    let enough: Vec<&Row> = rows.iter().filter(|row| row.members >= IN_TURN).collect();
    for row in rows {
        let ratio = |figure: fn(&Row) -> f64, first: Option<&Row>| {
            first.map_or("".to_owned(), |first| format!("{:.2}", figure(row) / figure(first)))
        };
        let first = enough.first().copied().filter(|_| row.members >= IN_TURN);
        text += &format!(
            "| {} | {:.1} | {:.1} | {:.1} | {} | {:.1} | {} |\n",
            row.members,
            row.started as f64 / 1e6,
            row.ended as f64 / 1e6,
            row.one,
            ratio(|row| row.one, rows.first()),
            row.in_turn,
            ratio(|row| row.in_turn, first),
        );
    }
    text
}

/// Memory with few and with many members, each after the same load.
pub fn gate(generator: &Generator, setup: &Setup<'_>) -> anyhow::Result<bool> {
    let memory = |members| -> anyhow::Result<f64> {
        let system = start("wxgate", &Setup { members, ..*setup })?;
        let request = Request::new(system.kind, Size::Small)?;
        generator.run(Load::new(&system, request, CONNECTIONS, Until::Requests(20_000)))?;
        Ok(system.pss()? as f64)
    };
    let few = memory(setup.members).context("few members")?;
    let many = memory(MANY).context("many members")?;
    Ok(judge(&format!("with {MANY} members, memory"), many / few, (few + MORE_MEMORY) / few))
}

/// One line.
pub fn judge(what: &str, ratio: f64, most: f64) -> bool {
    let passes = ratio <= most;
    println!("{} {what}: ratio {ratio:.3} to a few, at most {most:.3}", if passes { "ok" } else { "FAILED" });
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_ask_in_turn_are_held_against_as_many() {
        let row =
            |members, in_turn| Row { members, started: 1_000_000, ended: 2_000_000, one: 30.0, in_turn };
        let table = table(&[row(10, 30.0), row(10_000, 40.0), row(1_000_000, 44.0)]);
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(lines[0], "| 10 | 1.0 | 2.0 | 30.0 | 1.00 | 30.0 |  |");
        assert!(lines[1].ends_with("| 40.0 | 1.00 |") && lines[2].ends_with("| 44.0 | 1.10 |"), "{table}");
    }
}
