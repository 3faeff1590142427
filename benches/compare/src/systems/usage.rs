//! What a program uses: its processes, their CPU time, their memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::system::System;

impl System {
    /// All processes, children included.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<u32> = self.processes.iter().map(std::process::Child::id).collect();
        let mut next = 0;
        while let Some(pid) = pids.get(next) {
            let children: Vec<u32> = tasks(*pid)
                .filter_map(|task| fs::read_to_string(task.join("children")).ok())
                .flat_map(|text| text.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
                .collect();
            pids.extend(children);
            next += 1;
        }
        pids
    }

    /// CPU time of all threads so far.
    pub fn cpu(&self) -> Duration {
        self.pids().into_iter().flat_map(tasks).filter_map(|task| cpu_of_thread(&task)).sum()
    }

    /// Memory in bytes: what is shared is divided among those who share it.
    pub fn pss(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for pid in self.pids() {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
                .with_context(|| format!("reading the memory of {}", self.name))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            sum += kib.context("no Pss in smaps_rollup")? * 1024;
        }
        Ok(sum)
    }
}

/// CPU time so far of the thread with this folder in /proc.
pub fn cpu_of_thread(task: &Path) -> Option<Duration> {
    let text = fs::read_to_string(task.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The folders of a process's threads.
fn tasks(pid: u32) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten().map(|entry| entry.path())
}
