//! Requests of one browser without a pause, until told to stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Browser, eventually};

/// Requests that go on.
pub(crate) struct Load {
    ends: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    tasks: JoinSet<Vec<(u16, Duration)>>,
}

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// How many answers there were of each status.
    pub(crate) statuses: BTreeMap<u16, usize>,
    times: Vec<Duration>,
}

impl Load {
    /// Fetches `url`, so many at once. A request without an answer fails the test.
    pub(crate) fn of(browser: &Browser, url: &str, at_once: usize) -> Self {
        let (ends, count) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut tasks = JoinSet::new();
        for _ in 0..at_once {
            let (ends, count) = (Arc::clone(&ends), Arc::clone(&count));
            let (mut browser, url) = (browser.clone(), url.to_owned());
            tasks.spawn(async move {
                let mut answers = Vec::new();
                while !ends.load(Ordering::Acquire) {
                    let began = Instant::now();
                    let status = browser.fetch(&url).await.status.as_u16();
                    answers.push((status, began.elapsed()));
                    count.fetch_add(1, Ordering::AcqRel);
                }
                answers
            });
        }
        Self { ends, count, tasks }
    }

    /// Waits for so many more answers.
    pub(crate) async fn goes_on(&self, more: usize) {
        let until = self.count.load(Ordering::Acquire) + more;
        eventually("the load", async || self.count.load(Ordering::Acquire) >= until).await;
    }

    /// Stops, and adds it all up.
    pub(crate) async fn end(self) -> Figures {
        self.ends.store(true, Ordering::Release);
        let mut figures = Figures::default();
        for (status, took) in self.tasks.join_all().await.into_iter().flatten() {
            *figures.statuses.entry(status).or_default() += 1;
            figures.times.push(took);
        }
        figures.times.sort_unstable();
        figures
    }
}

impl Figures {
    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// Whether every answer had this status.
    pub(crate) fn are_all(&self, status: u16) -> bool {
        self.statuses.keys().eq([&status])
    }

    /// How long the fastest of the slowest took: 50 for the median, 99, 100 for the slowest of all.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.times[(self.times.len() * percent / 100).min(self.times.len() - 1)]
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [median, late, worst] = [50, 99, 100].map(|percent| self.percentile(percent));
        write!(formatter, "{:?}, median {median:.1?}, p99 {late:.1?}, worst {worst:.1?}", self.statuses)
    }
}
