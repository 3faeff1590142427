//! What signing in remembers for a while, and a new configuration does not make it forget.

use std::time::Duration;

use tokio::runtime::Handle;

use super::exchanges::{Exchanges, MEMORY};
use super::tries::Tries;
use crate::model::pairing::LIFETIME;

/// Digits that one person may write: their own, mistyped now and then.
const GUESSES: u32 = 10;

/// For how long they count.
const GUESSED: Duration = Duration::from_secs(600);

/// Codes made for one network while one is good: WeChat makes 100,000 a day for everybody.
const CODES: u32 = 100;

/// People, and networks, remembered at most.
const CAPACITY: usize = 10_000;

/// What outlives generations.
#[derive(Debug)]
pub struct LoginMemory {
    /// Exchanges of codes under way, or done a moment ago.
    pub(super) exchanges: Exchanges,
    /// Codes to scan, for as long as the attempt that each is of.
    pub(super) codes: Exchanges<String>,
    /// Digits that each person wrote.
    pub(super) guesses: Tries,
    /// Codes made for each network.
    pub(super) made: Tries,
}

impl LoginMemory {
    /// Nothing yet. What is asked of WeChat is asked on `background`.
    pub fn new(background: Option<Handle>) -> Self {
        Self {
            exchanges: Exchanges::new(background.clone(), MEMORY),
            codes: Exchanges::new(background, LIFETIME),
            guesses: Tries::new(GUESSES, GUESSED, CAPACITY),
            made: Tries::new(CODES, LIFETIME, CAPACITY),
        }
    }
}
