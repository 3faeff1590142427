//! Random bytes for the names of things, many at a time: asking for a few costs as much as asking for many.
//!
//! They are as random as any other. But they wait in memory before they are used, which a secret should not.

use std::cell::RefCell;

use super::random;

/// Bytes asked for at once.
const BATCH: usize = 640;

struct Batch {
    bytes: [u8; BATCH],
    used: usize,
}

thread_local! {
    static WAITING: RefCell<Batch> = const { RefCell::new(Batch { bytes: [0; BATCH], used: BATCH }) };
}

/// Fresh random bytes for the name of something. Never for a key, a nonce or anything that must be kept secret.
pub fn random_name<const LENGTH: usize>() -> [u8; LENGTH] {
    const { assert!(LENGTH <= BATCH, "longer than a batch") };
    WAITING.with_borrow_mut(|batch| {
        if batch.used + LENGTH > BATCH {
            *batch = Batch { bytes: random(), used: 0 };
        }
        let mut name = [0; LENGTH];
        name.copy_from_slice(&batch.bytes[batch.used..batch.used + LENGTH]);
        batch.used += LENGTH;
        name
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_given_twice() {
        let names = || (0..1000).map(|_| random_name::<10>()).collect::<Vec<_>>();
        let other = std::thread::spawn(names).join().unwrap();
        let all: HashSet<[u8; 10]> = names().into_iter().chain(other).collect();
        assert_eq!(all.len(), 2000);
    }
}
