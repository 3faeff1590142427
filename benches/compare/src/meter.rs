//! CPU time, as the scheduler counts it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::systems::cpu_of_thread;

/// That of all threads of these processes so far.
pub fn cpu(pids: &[u32]) -> Duration {
    let threads =
        pids.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten().flatten();
    threads.filter_map(|thread| cpu_of_thread(&thread.path())).sum()
}

/// That of the calling thread so far.
pub fn own_cpu() -> Duration {
    cpu_of_thread(Path::new("/proc/thread-self")).unwrap_or_default()
}
