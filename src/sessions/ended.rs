//! Sessions that were ended before their time: remembered until their cookie would have run out anyway.

use std::collections::HashMap;

use arc_swap::ArcSwap;

use crate::model::clock::Timestamp;

/// Sessions remembered at most; beyond that the ones that run out soonest are forgotten first.
const MOST: usize = 100_000;

/// The ended sessions of this process. Reading takes no lock; ending one is rare and copies the table.
#[derive(Debug, Default)]
pub struct EndedSessions {
    until: ArcSwap<HashMap<[u8; 16], Timestamp>>,
}

impl EndedSessions {
    /// Whether the session was ended.
    pub fn contains(&self, id: &[u8; 16]) -> bool {
        self.until.load().contains_key(id)
    }

    /// Remembers the session until its cookie runs out.
    pub fn insert(&self, id: [u8; 16], until: Timestamp, now: Timestamp) {
        self.until.rcu(|table| {
            let mut table: HashMap<_, _> =
                table.iter().filter(|(_, until)| **until > now).map(|(id, until)| (*id, *until)).collect();
            if table.len() >= MOST
                && let Some(soonest) = table.iter().min_by_key(|(_, until)| **until).map(|(id, _)| *id)
            {
                table.remove(&soonest);
            }
            table.insert(id, until);
            table
        });
    }
}
