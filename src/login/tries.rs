//! How often somebody may do something: digits in the chat could be guessed, and codes at WeChat run out for everybody.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::clock::Timestamp;

/// How often each did it of late. It is kept in this process: every node counts for itself.
#[derive(Debug)]
pub(super) struct Tries {
    most: u32,
    window: Duration,
    capacity: usize,
    known: Mutex<HashMap<String, (Timestamp, u32)>>,
}

impl Tries {
    /// `most` times within `window` for each; of so many as `capacity`, beyond which the oldest are forgotten first.
    pub(super) fn new(most: u32, window: Duration, capacity: usize) -> Self {
        Self { most, window, capacity, known: Mutex::default() }
    }

    /// Whether this one may, which counts as once.
    pub(super) fn may(&self, who: &str, now: Timestamp) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.capacity && !known.contains_key(who) {
            known.retain(|_, (since, _)| now.since(*since) < self.window);
            if known.len() >= self.capacity
                && let Some(oldest) =
                    known.iter().min_by_key(|(_, (since, _))| *since).map(|(who, _)| who.clone())
            {
                known.remove(&oldest);
            }
        }
        let (since, times) = known.entry(who.to_owned()).or_insert((now, 0));
        if now.since(*since) >= self.window {
            (*since, *times) = (now, 0);
        }
        *times = times.saturating_add(1);
        *times <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_tries_in_a_window_for_each_and_so_many_are_remembered() {
        let (tries, at) = (Tries::new(10, Duration::from_secs(600), 100), Timestamp::from_unix);
        assert_eq!((0..50).filter(|second| tries.may("a", at(*second))).count(), 10);
        assert!(tries.may("b", at(50)) && !tries.may("a", at(599)));
        assert!(tries.may("a", at(600)));
        for number in 0..200 {
            tries.may(&number.to_string(), at(700));
        }
        assert_eq!(tries.known.lock().unwrap().len(), 100);
    }
}
