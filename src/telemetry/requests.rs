//! Requests by route, counted by each worker for itself and added up when somebody asks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Upper bounds in seconds: from a cached page to a report that takes its time.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Requests on all routes there ever were in this process.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    workers: usize,
    routes: Arc<Mutex<BTreeMap<String, Arc<RouteFigures>>>>,
}

/// Requests on one route.
pub struct RouteFigures {
    label: String,
    shards: Box<[Shard]>,
}

/// One worker's share, on cache lines of its own. Its lock is never waited for, but when figures are asked for.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Tally>);

/// What was counted.
#[derive(Clone, Debug, Default)]
struct Tally {
    codes: Vec<(u16, u64)>,
    decisions: Vec<(&'static str, u64)>,
    within: [u64; BUCKETS.len() + 1],
    seconds: f64,
}

impl Requests {
    pub(super) fn new(workers: usize) -> Self {
        Self { workers, routes: Arc::default() }
    }

    /// The figures of the route that is called `label`.
    pub(super) fn route(&self, label: &str) -> Arc<RouteFigures> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = routes.get(label) {
            return Arc::clone(known);
        }
        let shards = (0..self.workers).map(|_| Shard::default()).collect();
        let figures = Arc::new(RouteFigures { label: label.to_owned(), shards });
        routes.insert(label.to_owned(), Arc::clone(&figures));
        figures
    }

    fn totals(&self) -> Vec<(String, Tally)> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = routes.values().map(|route| (route.label.clone(), route.total()));
        totals.filter(|(_, total)| !total.codes.is_empty()).collect()
    }
}

impl RouteFigures {
    /// What the route is called.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Worker number `worker` answered a request with `code` after `took`. `decision` is what the gate said, or nothing.
    pub fn count(&self, worker: usize, code: u16, took: Duration, decision: &'static str) {
        let mut tally = self.shards[worker].lock();
        add(&mut tally.codes, code, 1);
        if !decision.is_empty() {
            add(&mut tally.decisions, decision, 1);
        }
        let seconds = took.as_secs_f64();
        tally.within[BUCKETS.partition_point(|bound| *bound < seconds)] += 1;
        tally.seconds += seconds;
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for shard in &self.shards {
            let tally = shard.lock().clone();
            for (code, count) in tally.codes {
                add(&mut total.codes, code, count);
            }
            for (decision, count) in tally.decisions {
                add(&mut total.decisions, decision, count);
            }
            for (sum, count) in total.within.iter_mut().zip(tally.within) {
                *sum += count;
            }
            total.seconds += tally.seconds;
        }
        total
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add<K: PartialEq>(counts: &mut Vec<(K, u64)>, key: K, more: u64) {
    match counts.iter_mut().find(|(known, _)| *known == key) {
        Some((_, count)) => *count += more,
        None => counts.push((key, more)),
    }
}

impl fmt::Debug for RouteFigures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RouteFigures").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Collector for Requests {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let totals = self.totals();
        let help = "Requests answered, by route and status.";
        let mut requests = encoder.encode_descriptor("http_requests", help, None, MetricType::Counter)?;
        for (route, total) in &totals {
            for (code, count) in &total.codes {
                let labels = [("route", route.clone()), ("code", code.to_string())];
                requests.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(count, None)?;
            }
        }
        let help = "Time to the answer's head, by route.";
        let name = "http_request_duration_seconds";
        let mut durations = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (route, total) in &totals {
            let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(total.within).collect();
            let count = total.within.iter().sum();
            let labels = [("route", route.clone())];
            durations.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                total.seconds,
                count,
                &buckets,
                None,
            )?;
        }
        let mut decisions: BTreeMap<&str, u64> = BTreeMap::new();
        for (decision, count) in totals.iter().flat_map(|(_, total)| &total.decisions) {
            *decisions.entry(decision).or_default() += count;
        }
        let help = "Verdicts of the gate.";
        let mut verdicts = encoder.encode_descriptor("auth_decisions", help, None, MetricType::Counter)?;
        for (decision, count) in decisions {
            verdicts
                .encode_family(&[("decision", decision)])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }
}
