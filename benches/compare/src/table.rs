//! What was found out, as Markdown.

use std::fmt::Write as _;

use crate::mode::Mode;
use crate::probe::State;
use crate::rotation::{Row, Slot};

/// Below this a system's core had time left: the load generator was the slower side.
const SATURATED: f64 = 0.95;

/// The tables of one mode: one for each state that the computer was in.
pub fn tables(mode: &Mode, rows: &[Row]) -> String {
    let mut text = format!("## {}\n", mode.title);
    let steady = [State::Near, State::Far].into_iter().filter(|state| has(rows, *state)).collect::<Vec<_>>();
    let states = if steady.is_empty() { vec![State::Mixed] } else { steady };
    for state in states {
        table(&mut text, rows, state);
    }
    let of = |state| move |row: &Row| row.slots.iter().filter(|slot| slot.state == state).count();
    let all = |state| rows.iter().map(of(state)).sum::<usize>();
    let (near, far, mixed) = (all(State::Near), all(State::Far), all(State::Mixed));
    _ = writeln!(text, "\nSlots: {near} near, {far} far, {mixed} mixed.");
    let slow = |row: &&Row| row.slots.iter().all(|slot| slot.busy < SATURATED);
    let slow: Vec<&str> = rows.iter().filter(slow).map(|row| row.name.as_str()).collect();
    if mode.pinned && mode.connections > 1 && !slow.is_empty() {
        _ = writeln!(text, "Not saturated, so that req/s says nothing: {}.", slow.join(", "));
    }
    text
}

/// Whether the first row, which all others are held against, was measured in this state.
fn has(rows: &[Row], state: State) -> bool {
    rows.first().is_some_and(|row| row.slots.iter().any(|slot| slot.state == state))
}

fn table(text: &mut String, rows: &[Row], state: State) {
    let note = if state == State::Mixed { " (no steady slot: ratios mean little)" } else { "" };
    _ = writeln!(text, "\nState: {}{note}\n", state.as_str());
    text.push_str(
        "| system | req/s | p50 us | p99 us | CPU us | **CPU ratio** | req/s ratio | user instr | syscalls | PSS MB | slots |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|\n");
    let base =
        rows.first().map(|row| (median(row, state, |slot| slot.cpu), median(row, state, |slot| slot.rate)));
    let (cpu_base, rate_base) = base.unwrap_or_default();
    for row in rows {
        let of = |figure: fn(&Slot) -> f64| median(row, state, figure);
        let ratio = |figure: Option<f64>, base: Option<f64>| Some(figure? / base?);
        let (rate, cpu) = (of(|slot| slot.rate), of(|slot| slot.cpu));
        let count = row.slots.iter().filter(|slot| slot.state == state).count();
        let figures = [
            (rate, 0),
            (of(|slot| slot.p50), 0),
            (of(|slot| slot.p99), 0),
            (cpu, 2),
            (ratio(cpu, cpu_base), 2),
            (ratio(rate, rate_base), 2),
            (row.instructions, 0),
            (row.calls, 2),
            (Some(row.memory as f64 / 1e6), 1),
            (Some(count as f64), 0),
        ];
        let cell = |(figure, digits): (Option<f64>, usize)| match figure {
            Some(figure) => format!("{figure:.digits$}"),
            None => "-".to_owned(),
        };
        _ = writeln!(text, "| {} | {} |", row.name, figures.map(cell).join(" | "));
    }
}

fn median(row: &Row, state: State, figure: impl Fn(&Slot) -> f64) -> Option<f64> {
    let mut figures: Vec<f64> = row.slots.iter().filter(|slot| slot.state == state).map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let upper = *figures.get(middle)?;
    Some(if figures.len() % 2 == 1 { upper } else { (upper + figures[middle - 1]) / 2.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::MODES;

    #[test]
    fn ratios_are_those_of_one_state() {
        let slot = |state, cpu| Slot { state, rate: 1e6 / cpu, p50: 1.0, p99: 2.0, cpu, busy: 0.99 };
        let row = |name: &str, slots| Row {
            name: name.to_owned(),
            slots,
            instructions: None,
            calls: Some(4.0),
            memory: 0,
        };
        let base = vec![slot(State::Near, 5.0), slot(State::Far, 10.0), slot(State::Near, 7.0)];
        let other = vec![slot(State::Near, 9.0), slot(State::Mixed, 50.0)];
        let text = tables(&MODES[0], &[row("a", base), row("b", other)]);
        assert!(text.contains("| 6.00 | 1.00 |"), "{text}");
        assert!(text.contains("| 9.00 | 1.50 |"), "{text}");
        assert!(text.contains("| b | - | - | - | - | - | - | - | 4.00 | 0.0 | 0 |"), "{text}");
        assert!(text.contains("Slots: 3 near, 1 far, 1 mixed."), "{text}");
    }
}
