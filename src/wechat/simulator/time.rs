//! The simulator's clock: the real one, which a test may move forward.

use std::time::Duration;

use tokio::sync::watch;

use crate::model::clock::{self, Timestamp};

/// How far ahead of the real clock this one is.
pub(super) struct Time(watch::Sender<Duration>);

impl Default for Time {
    fn default() -> Self {
        Self(watch::Sender::new(Duration::ZERO))
    }
}

impl Time {
    pub(super) fn advance(&self, by: Duration) {
        self.0.send_modify(|ahead| *ahead = ahead.saturating_add(by));
    }

    pub(super) fn now(&self) -> Timestamp {
        clock::now() + *self.0.borrow()
    }

    /// Resolves when this clock has gone on by `duration`, by itself or because somebody moved it.
    pub(super) async fn pass(&self, duration: Duration) {
        let mut ahead = self.0.subscribe();
        let began = clock::instant();
        let before = *ahead.borrow_and_update();
        loop {
            let moved = ahead.borrow_and_update().saturating_sub(before);
            let gone = moved + clock::instant().duration_since(began);
            let left = duration.saturating_sub(gone);
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                _ = ahead.changed() => {}
            }
        }
    }
}
