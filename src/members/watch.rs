//! Whoever receives something for long (a WebSocket, an event stream) is watched: it must end when they may no longer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::standings::{FRESH, Slot};
use crate::model::person::Person;

/// An eye on one member. Housekeeping reads the standings of everybody who is watched anew every two seconds.
pub struct Watch {
    slot: Arc<Slot>,
    grace: Duration,
    /// When it was last certain that they may.
    certain: Instant,
}

impl Watch {
    pub(super) fn new(slot: Arc<Slot>, grace: Duration, now: Instant) -> Self {
        slot.watchers.fetch_add(1, Ordering::AcqRel);
        Self { slot, grace, certain: now }
    }

    /// Whether the member may go on, by what is known at `now`: `may` judges how they stand.
    pub fn goes_on(&mut self, person: &Person, now: Instant, may: impl FnOnce(Person) -> bool) -> bool {
        match self.slot.known() {
            Some(known) => {
                self.certain = self.certain.max(known.as_of);
                let standing = known.standing.filter(|standing| !standing.has_ended(&person.session));
                let person =
                    standing.map(|standing| Person { standing, session: Arc::clone(&person.session) });
                person.is_some_and(may) && self.is_recent(now)
            }
            // Something was changed a moment ago, and is being read anew.
            None => self.is_recent(now),
        }
    }

    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.certain) < self.grace.max(FRESH)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.slot.watchers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watch").field("certain", &self.certain).finish_non_exhaustive()
    }
}
