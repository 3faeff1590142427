//! Which cores this program's threads run on.

use anyhow::Context as _;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The core of whatever is measured.
pub const TESTED: usize = 0;

/// The core of everything else.
pub const GENERATOR: usize = 1;

/// Keeps the calling thread on `core`, or lets it run on both.
pub fn stay_on(core: Option<usize>) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    match core {
        Some(core) => set.set(core),
        None => [TESTED, GENERATOR].into_iter().for_each(|core| set.set(core)),
    }
    sched_setaffinity(None, &set).with_context(|| format!("this computer does not have the core {core:?}"))
}

/// Whether there are two cores to keep things apart.
pub fn are_two() -> bool {
    sched_getaffinity(None).is_ok_and(|set| set.is_set(TESTED) && set.is_set(GENERATOR))
}
