//! One program under a load for some seconds, and what it cost.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use wxgate::model::clock::instant;

use super::stage::Stage;
use crate::systems::System;

/// How long clients may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a program is measured.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Before anything counts.
    pub warm_up: Duration,
    /// While everything counts.
    pub time: Duration,
}

/// What a slot showed.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// Good answers.
    pub answered: u64,
    /// Everything else.
    pub failed: u64,
    /// The first thing that went wrong.
    pub complaint: Option<String>,
    /// Good answers per second.
    pub per_second: f64,
    /// The program's CPU time for one of them, in microseconds.
    pub cpu_us: f64,
    /// The share of the time in which the program ran; more than 1 on more than one core.
    pub busy: f64,
    /// The share of the time in which the clients did not run though they wanted to: other programs had their core.
    pub starved: f64,
    /// Half of the answers came within this time, in microseconds.
    pub p50_us: f64,
    /// All but one in a hundred came within this time, in microseconds.
    pub p99_us: f64,
}

/// What clients report to.
#[derive(Debug, Default)]
pub struct Tally {
    counting: AtomicBool,
    over: AtomicBool,
    failed: AtomicU64,
    complaint: Mutex<Option<String>>,
    /// Nanoseconds.
    latencies: Mutex<Vec<u64>>,
}

impl Tally {
    /// Whether clients should end.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// A good answer, and how long it took.
    pub fn answered(&self, after: Duration) {
        if self.counting.load(Ordering::Relaxed) {
            let nanoseconds = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(nanoseconds);
        }
    }

    fn failed(&self, error: &anyhow::Error) {
        if !self.is_over() {
            self.failed.fetch_add(1, Ordering::Relaxed);
            let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
            complaint.get_or_insert_with(|| format!("{error:#}"));
        }
    }
}

/// Lets `count` clients do the same thing again and again. What a client does ends by itself, or when the tally is over.
pub fn measure<F>(
    stage: &Stage,
    system: &System,
    slot: Slot,
    count: usize,
    client: impl Fn(Arc<Tally>) -> F + Clone + Send + 'static,
) -> anyhow::Result<Rates>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let tally = Arc::new(Tally::default());
    let clients = everybody(Arc::clone(&tally), count, client, slot.warm_up + slot.time + PATIENCE);
    let watched = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(stage, system, slot, &tally));
        stage.run(clients)?;
        watch.join().map_err(|_| anyhow::anyhow!("nobody watched"))
    })?;
    let Watched { cpu, stage: ran, seconds } = watched;
    let mut latencies = std::mem::take(&mut *tally.latencies.lock().unwrap_or_else(PoisonError::into_inner));
    latencies.sort_unstable();
    let answered = latencies.len() as u64;
    let complaint = tally.complaint.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Rates {
        answered,
        failed: tally.failed.load(Ordering::Relaxed),
        complaint,
        per_second: answered as f64 / seconds,
        cpu_us: cpu * 1e6 / answered as f64,
        busy: cpu / seconds,
        starved: (1.0 - ran / seconds).max(0.0),
        p50_us: percentile(&latencies, 50),
        p99_us: percentile(&latencies, 99),
    })
}

/// What happened while it counted, in seconds.
struct Watched {
    /// CPU time of the program.
    cpu: f64,
    /// CPU time of the clients.
    stage: f64,
    seconds: f64,
}

/// Says when it counts.
fn watch(stage: &Stage, system: &System, slot: Slot, tally: &Tally) -> Watched {
    std::thread::sleep(slot.warm_up);
    let (cpu, ran, began) = (system.cpu(), stage.cpu(), instant());
    tally.counting.store(true, Ordering::Relaxed);
    std::thread::sleep(slot.time);
    tally.counting.store(false, Ordering::Relaxed);
    let watched = Watched {
        cpu: system.cpu().saturating_sub(cpu).as_secs_f64(),
        stage: stage.cpu().saturating_sub(ran).as_secs_f64(),
        seconds: began.elapsed().as_secs_f64(),
    };
    tally.over.store(true, Ordering::Relaxed);
    watched
}

async fn everybody<F>(
    tally: Arc<Tally>,
    count: usize,
    client: impl Fn(Arc<Tally>) -> F + Clone + Send + 'static,
    longest: Duration,
) where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut clients = JoinSet::new();
    for _ in 0..count {
        let (tally, client) = (Arc::clone(&tally), client.clone());
        clients.spawn(async move {
            while !tally.is_over() {
                if let Err(error) = client(Arc::clone(&tally)).await {
                    tally.failed(&error);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        });
    }
    // Those who still wait for an answer then are dropped with the set.
    _ = tokio::time::timeout(longest, async { while clients.join_next().await.is_some() {} }).await;
}

fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |nanoseconds| *nanoseconds as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_is_there() {
        let thousands: Vec<u64> = (0..100).map(|n| n * 1000).collect();
        assert!((percentile(&thousands, 50) - 50.0).abs() < 0.01);
        assert!((percentile(&thousands, 99) - 99.0).abs() < 0.01);
        assert!((percentile(&[7000], 99) - 7.0).abs() < 0.01);
        assert!(percentile(&[], 50).is_nan());
    }
}
