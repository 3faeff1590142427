//! How often somebody may write digits into the chat: six of them could be guessed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::clock::Timestamp;

/// Digits that one person may write within `WINDOW`: their own, mistyped now and then.
const MOST: u32 = 10;

/// For how long they count.
const WINDOW: Duration = Duration::from_secs(600);

/// People remembered at most; the oldest are forgotten first.
const PEOPLE: usize = 10_000;

/// Who wrote how often.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<String, (Timestamp, u32)>>);

impl Guesses {
    /// Whether this person may, which counts as once.
    pub(super) fn may(&self, openid: &str, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PEOPLE && !known.contains_key(openid) {
            known.retain(|_, (since, _)| now.since(*since) < WINDOW);
            if known.len() >= PEOPLE
                && let Some(oldest) =
                    known.iter().min_by_key(|(_, (since, _))| *since).map(|(who, _)| who.clone())
            {
                known.remove(&oldest);
            }
        }
        let (since, times) = known.entry(openid.to_owned()).or_insert((now, 0));
        if now.since(*since) >= WINDOW {
            (*since, *times) = (now, 0);
        }
        *times += 1;
        *times <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_in_ten_minutes_for_each_person() {
        let (guesses, at) = (Guesses::default(), Timestamp::from_unix);
        assert_eq!((0..50).filter(|second| guesses.may("a", at(*second))).count(), 10);
        assert!(guesses.may("b", at(50)) && !guesses.may("a", at(599)));
        assert!(guesses.may("a", at(600)));
        for number in 0..PEOPLE {
            guesses.may(&number.to_string(), at(700));
        }
        assert_eq!(guesses.0.lock().unwrap().len(), PEOPLE);
    }
}
