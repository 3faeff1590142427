//! Sessions that were ended before their time: remembered until their cookie would have run out anyway.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::model::clock::Timestamp;

/// Sessions remembered at most; beyond that the ones that run out soonest are forgotten first.
const MOST: usize = 100_000;

/// The ended sessions of this process. Reading takes no lock; ending one is rare and copies the table.
#[derive(Debug, Default)]
pub struct EndedSessions {
    /// Whether any session was ever ended: until then there is nothing to look up.
    any: AtomicBool,
    until: ArcSwap<Table>,
}

type Table = HashMap<[u8; 16], Timestamp, BuildHasherDefault<AsRandom>>;

/// Takes what is hashed for the hash: the ids are random, and our own, so nobody chooses where they fall.
#[derive(Default)]
struct AsRandom(u64);

impl Hasher for AsRandom {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl EndedSessions {
    /// Whether the session was ended.
    pub fn contains(&self, id: &[u8; 16]) -> bool {
        self.any.load(Ordering::Acquire) && self.until.load().contains_key(id)
    }

    /// Remembers the session until its cookie runs out.
    pub fn insert(&self, id: [u8; 16], until: Timestamp, now: Timestamp) {
        self.until.rcu(|table| {
            let mut table: Table =
                table.iter().filter(|(_, until)| **until > now).map(|(id, until)| (*id, *until)).collect();
            if table.len() >= MOST
                && let Some(soonest) = table.iter().min_by_key(|(_, until)| **until).map(|(id, _)| *id)
            {
                table.remove(&soonest);
            }
            table.insert(id, until);
            table
        });
        self.any.store(true, Ordering::Release);
    }
}
