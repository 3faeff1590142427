//! What the directory does by itself: looks whether the store answers, reads the standings of whoever is watched, counts,
//! and clears out what has run out.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::directory::Directory;
use super::standings::AHEAD;
use crate::model::clock;
use crate::model::member::Status;
use crate::seal::random;
use crate::store::StoreError;
use crate::store::records::ClaimKind;
use crate::telemetry::metrics::Metrics;

/// How often the store is asked whether it is there.
const CHECK: Duration = Duration::from_secs(1);

/// How often members are counted for the metrics.
const COUNT: Duration = Duration::from_secs(60);

/// How often what has run out is deleted: what a phone has said of a person is promised to be there for minutes only.
const PURGE: Duration = Duration::from_secs(60);

/// Members whose standing is asked for in one go.
const AT_ONCE: usize = 500;

impl Directory {
    /// Keeps house until the task is dropped. The audit trail is kept for `keep_audit`.
    pub async fn keep_house(self: Arc<Self>, metrics: Arc<Metrics>, keep_audit: Duration) {
        let (mut count_at, mut purge_at) = (Instant::now(), Instant::now());
        let mut ticks = interval(CHECK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let answers = self.standings.health.reading(self.store.check().await).is_ok();
            if answers {
                self.look_after_watched().await;
                if self.is_down() {
                    self.try_writing().await;
                }
            }
            metrics.store(!self.is_down());
            if self.is_down() {
                continue;
            }
            if Instant::now() >= count_at {
                count_at = Instant::now() + COUNT;
                if let Ok(counts) = self.count().await {
                    for status in Status::ALL {
                        let count = counts.iter().find(|(counted, _)| *counted == status);
                        metrics.members(status.as_str(), count.map_or(0, |(_, count)| *count));
                    }
                }
            }
            if Instant::now() >= purge_at && !self.clear_out(keep_audit).await {
                purge_at = Instant::now() + PURGE;
            }
        }
    }

    /// Writes a row that has run out, which is what a full disk or a lock that others hold does not let happen.
    async fn try_writing(&self) {
        let now = clock::now();
        let written = self.ask(self.store.claim(ClaimKind::Message, random(), now)).await;
        if written.is_ok() {
            self.standings.health.wrote();
        }
    }

    /// Deletes some of what has run out, and says whether there is more: others write in between, and those who are watched
    /// are looked after.
    async fn clear_out(&self, keep_audit: Duration) -> bool {
        let now = clock::now();
        match self.ask(self.store.purge(now, now.before(keep_audit))).await {
            Ok(is_more) => is_more,
            // Which is told of where it is noted.
            Err(StoreError::Unavailable(_)) => false,
            Err(error) => {
                tracing::warn!(error = %error, "what has run out could not be deleted from the store");
                false
            }
        }
    }

    /// Reads anew what is known of everybody who receives something for long.
    async fn look_after_watched(&self) {
        let now = clock::instant();
        let mut watched = self.standings.watched();
        watched.retain(|(_, slot)| {
            slot.known().is_none_or(|known| now.saturating_duration_since(known.as_of) >= AHEAD)
        });
        for some in watched.chunks(AT_ONCE) {
            if self.standings.read(some).await.is_err() {
                return;
            }
        }
    }
}
