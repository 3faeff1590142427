//! Several programs under the same load in turn, all of them up: what changes on the computer meanwhile meets them all.

use anyhow::Context as _;

use std::time::Duration;

use super::slot::{Rates, Slot};
use super::stage::Stage;
use crate::systems::{Setup, System, start};

/// Slots in which the clients had less of their core than this do not count.
const STARVED: f64 = 0.05;

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// One program's turn.
    pub slot: Slot,
    /// How many turns each has.
    pub rounds: usize,
}

/// What one program's turns showed.
#[derive(Clone, Debug)]
pub struct Row {
    /// The program.
    pub name: String,
    /// Medians of its good slots; `answered` and `failed` are sums of all.
    pub rates: Rates,
    /// The median of its CPU time per request against that of the first program in the same round.
    pub ratio: f64,
    /// Slots that count, and all.
    pub slots: (usize, usize),
}

impl Plan {
    /// Some ten seconds for each program.
    pub fn usual() -> Self {
        Self {
            slot: Slot { warm_up: Duration::from_millis(400), time: Duration::from_millis(1600) },
            rounds: 5,
        }
    }

    /// To see that it works.
    pub fn quick() -> Self {
        Self {
            slot: Slot { warm_up: Duration::from_millis(200), time: Duration::from_millis(500) },
            rounds: 1,
        }
    }
}

/// Starts the programs and lets each have its turns.
pub fn compare(
    stage: &Stage,
    setup: &Setup<'_>,
    names: &[&str],
    plan: Plan,
    measure: impl Fn(&Stage, &System, Slot) -> anyhow::Result<Rates>,
) -> anyhow::Result<Vec<Row>> {
    let systems: Vec<System> = names.iter().map(|name| start(name, setup)).collect::<Result<_, _>>()?;
    let mut slots: Vec<Vec<Rates>> = vec![Vec::new(); systems.len()];
    for _ in 0..plan.rounds {
        for (system, slots) in systems.iter().zip(&mut slots) {
            let rates = measure(stage, system, plan.slot).with_context(|| system.name.clone())?;
            let complaint = rates.complaint.as_deref().unwrap_or("it is too slow");
            anyhow::ensure!(rates.answered > 0, "{} gave no good answer: {complaint}", system.name);
            slots.push(rates);
        }
    }
    let first = slots.first().cloned().unwrap_or_default();
    let rows = systems.iter().zip(&slots).map(|(system, slots)| row(&system.name, slots, &first));
    Ok(rows.collect())
}

fn row(name: &str, slots: &[Rates], first: &[Rates]) -> Row {
    let is_good = |rates: &Rates| rates.starved < STARVED;
    let good: Vec<&Rates> = slots.iter().filter(|rates| is_good(rates)).collect();
    let count = good.len();
    // A figure from a noisy computer is better than none: the table says that no slot counts.
    let used = if good.is_empty() { slots.iter().collect() } else { good };
    let of = |figure: fn(&Rates) -> f64| median(used.iter().map(|rates| figure(rates)).collect());
    let pairs = slots.iter().zip(first);
    let all_bad = !slots.iter().zip(first).any(|(own, first)| is_good(own) && is_good(first));
    let pairs = pairs.filter(|(own, first)| all_bad || is_good(own) && is_good(first));
    Row {
        name: name.to_owned(),
        rates: Rates {
            answered: slots.iter().map(|rates| rates.answered).sum(),
            failed: slots.iter().map(|rates| rates.failed).sum(),
            complaint: slots.iter().find_map(|rates| rates.complaint.clone()),
            per_second: of(|rates| rates.per_second),
            cpu_us: of(|rates| rates.cpu_us),
            busy: of(|rates| rates.busy),
            starved: of(|rates| rates.starved),
            p50_us: of(|rates| rates.p50_us),
            p99_us: of(|rates| rates.p99_us),
        },
        ratio: median(pairs.map(|(own, first)| own.cpu_us / first.cpu_us).collect()),
        slots: (count, slots.len()),
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// For people to read.
pub fn table(rows: &[Row]) -> String {
    let mut text =
        "| system | /s | CPU us | CPU ratio | p50 us | p99 us | busy | starved | failed | slots |\n\
                    |---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for Row { name, rates, ratio, slots: (good, all) } in rows {
        let Rates { per_second, cpu_us, p50_us, p99_us, busy, starved, failed, complaint, .. } = rates;
        text += &format!(
            "| {name} | {per_second:.0} | {cpu_us:.2} | **{ratio:.2}** | {p50_us:.0} | {p99_us:.0} | {busy:.2} | \
             {starved:.2} | {failed} | {good}/{all} |\n"
        );
        if let Some(complaint) = complaint {
            text += &format!("\n{name} failed first with: {complaint}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_without_a_core_do_not_count() {
        let slot = |cpu_us, starved| Rates { answered: 10, cpu_us, starved, ..Rates::default() };
        let first = [slot(10.0, 0.0), slot(20.0, 0.01), slot(10.0, 0.0)];
        let own = [slot(12.0, 0.0), slot(18.0, 0.0), slot(90.0, 0.5)];
        let row = row("own", &own, &first);
        assert_eq!((row.slots, row.rates.answered), ((2, 3), 30));
        assert!((row.ratio - 1.2).abs() < 0.001 && (row.rates.cpu_us - 18.0).abs() < 0.001, "{row:?}");
    }

    #[test]
    fn bad_slots_are_better_than_none() {
        let slot = |cpu_us| Rates { answered: 1, cpu_us, starved: 0.9, ..Rates::default() };
        let row = row("own", &[slot(3.0)], &[slot(2.0)]);
        assert_eq!(row.slots, (0, 1));
        assert!((row.ratio - 1.5).abs() < 0.001);
    }
}
