//! Signed-in people who were refused a page are written down, but not each of a hundred times.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::member::MemberId;

/// One line for a person and a route within this time.
const ONCE_IN: Duration = Duration::from_secs(600);

/// Pairs of person and route remembered at most.
const MOST: usize = 4096;

/// Who was refused what within the last minutes.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(String, String), Instant>>);

impl Refusals {
    /// Whether that is worth a line.
    pub(super) fn is_new(&self, id: &MemberId, route: &str, now: Instant) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (id.to_string(), route.to_owned());
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < ONCE_IN;
        if known.get(&key).is_some_and(is_recent) {
            return false;
        }
        if known.len() >= MOST {
            known.retain(|_, at| is_recent(at));
        }
        // Without room for more, nothing is written: the access log has it all the same.
        known.len() < MOST && known.insert(key, now).is_none_or(|at| !is_recent(&at))
    }
}
