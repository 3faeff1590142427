//! How far apart the two cores are just now: the round trip of a cache line between them.
//!
//! On a virtual machine it changes from minute to minute, and what a request costs changes with it. Only what was
//! measured in the same state can be compared.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::affinity;

/// Round trips per batch, and batches, of which the median counts.
const ROUNDS: u32 = 4000;
const BATCHES: usize = 7;

/// The state of the computer during a slot.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum State {
    Near,
    Far,
    /// Changing, in between, or disturbed by other programs: of no use.
    Mixed,
}

impl State {
    /// What two probes, before and after, say of the time between them.
    pub fn between(before: f64, after: f64) -> Self {
        match (Self::of(before), Self::of(after)) {
            (one, other) if one == other => one,
            _ => Self::Mixed,
        }
    }

    fn of(nanoseconds: f64) -> Self {
        match nanoseconds {
            short if short < 250.0 => Self::Near,
            long if long > 350.0 => Self::Far,
            _ => Self::Mixed,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Mixed => "mixed",
        }
    }
}

/// Nanoseconds per round trip.
pub fn round_trip() -> anyhow::Result<f64> {
    let ball = AtomicU32::new(0);
    let last = ROUNDS * 2 * BATCHES as u32;
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            affinity::stay_on(Some(affinity::GENERATOR))?;
            (1..last).step_by(2).for_each(|turn| pass_on(&ball, turn));
            anyhow::Ok(())
        });
        let batches = scope.spawn(|| {
            affinity::stay_on(Some(affinity::TESTED))?;
            let mut batches = Vec::new();
            for batch in 0..BATCHES as u32 {
                let began = Instant::now();
                (0..ROUNDS).for_each(|round| pass_on(&ball, (batch * ROUNDS + round) * 2));
                batches.push(began.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
            }
            anyhow::Ok(batches)
        });
        let failed = |_| anyhow::anyhow!("a thread of the probe failed");
        other.join().map_err(failed)??;
        let mut batches = batches.join().map_err(failed)??;
        batches.sort_by(f64::total_cmp);
        Ok(batches[BATCHES / 2])
    })
}

/// Waits for the ball to be at `turn` and passes it on. Without a pause between two looks: it would be measured, too.
fn pass_on(ball: &AtomicU32, turn: u32) {
    while ball.load(Ordering::Acquire) != turn {}
    ball.store(turn + 1, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_between_two_states_are_of_no_use() {
        for (before, after, state) in [
            (100.0, 140.0, State::Near),
            (540.0, 500.0, State::Far),
            (100.0, 540.0, State::Mixed),
            (300.0, 300.0, State::Mixed),
        ] {
            assert_eq!(State::between(before, after), state);
        }
    }
}
