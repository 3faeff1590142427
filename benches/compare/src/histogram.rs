//! Durations, counted in buckets 3 % wide.

use std::time::Duration;

/// Buckets per power of two.
const FINE: usize = 32;
const POWERS: usize = 40;

/// How often each duration occurred.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; FINE * POWERS], total: 0 }
    }
}

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, duration: Duration) {
        let bucket = bucket(duration.as_nanos().try_into().unwrap_or(u64::MAX));
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
            self.total += 1;
        }
    }

    /// The duration that `share` of all do not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut left = (self.total as f64 * share).ceil().max(1.0) as u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            if *count >= left {
                return Duration::from_nanos(lower_end(bucket));
            }
            left -= count;
        }
        Duration::ZERO
    }
}

fn bucket(nanoseconds: u64) -> usize {
    let value = nanoseconds.max(FINE as u64);
    let power = value.ilog2() as usize - 5;
    power * FINE + (value >> power) as usize - FINE
}

fn lower_end(bucket: usize) -> u64 {
    ((bucket % FINE + FINE) as u64) << (bucket / FINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_a_bucket() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|micros| histogram.add(Duration::from_micros(micros)));
        for (share, micros) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = histogram.quantile(share).as_secs_f64() * 1e6;
            assert!(found <= micros && found > micros * 0.96, "{share}: {found}");
        }
    }
}
