//! What does not depend on how fast the computer is: instructions and system calls.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::generator::{Generator, Load, Report};

/// Longest time until a tool has attached itself, or has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether perf has counters here; many virtual machines have none.
pub fn perf_counts() -> bool {
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x,", "-e", "instructions:u", "true"]).stdin(Stdio::null());
    perf.output().is_ok_and(|output| {
        output.status.success() && instructions(&String::from_utf8_lossy(&output.stderr)).is_ok()
    })
}

/// User-mode instructions of the whole load, warm-up included.
pub fn perf(generator: &Generator, load: Load) -> anyhow::Result<(u64, Report)> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("perf");
    let mut command = Command::new("perf");
    command.args(["stat", "-x,", "-e", "instructions:u", "-p", &list(&load.pids), "-o"]).arg(&output);
    let tool = attach(command, folder.path())?;
    // perf does not say when it counts.
    std::thread::sleep(Duration::from_millis(300));
    let report = generator.run(load);
    interrupt(tool)?;
    Ok((instructions(&fs::read_to_string(output)?)?, report?))
}

/// System calls of the whole load, warm-up included: their number by name.
pub fn strace(generator: &Generator, load: Load) -> anyhow::Result<(Vec<(String, u64)>, Report)> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("strace");
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-p", &list(&load.pids), "-o"]).arg(&output);
    let mut tool = attach(command, folder.path())?;
    let said = || fs::read_to_string(folder.path().join("said")).unwrap_or_default();
    let began = Instant::now();
    while said().matches(" attached").count() < load.pids.len() {
        let ended = tool.try_wait()?.is_some();
        if ended || began.elapsed() > PATIENCE {
            _ = tool.kill();
            bail!("strace cannot attach itself: {}", said());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let report = generator.run(load);
    interrupt(tool)?;
    Ok((calls(&fs::read_to_string(output)?), report?))
}

fn list(pids: &[u32]) -> String {
    pids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn attach(mut command: Command, folder: &Path) -> anyhow::Result<Child> {
    let said = File::create(folder.join("said"))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    command.spawn().with_context(|| format!("{} is missing", command.get_program().display()))
}

fn interrupt(mut tool: Child) -> anyhow::Result<()> {
    kill_process(Pid::from_child(&tool), Signal::INT)?;
    tool.wait()?;
    Ok(())
}

/// The figure in what `perf stat -x,` wrote.
fn instructions(text: &str) -> anyhow::Result<u64> {
    let line = text.lines().find(|line| line.contains("instructions")).context("perf counted nothing")?;
    let figure = line.split(',').next().unwrap_or_default();
    let count = figure.parse().with_context(|| format!("perf has no counters here: {figure}"))?;
    ensure!(count > 0, "perf counted nothing");
    Ok(count)
}

/// The rows of `strace -c`: share, seconds, microseconds per call, calls, errors if there were any, name.
fn calls(text: &str) -> Vec<(String, u64)> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (share, name) = (fields.first()?.parse::<f64>(), *fields.last()?);
        let count = fields.get(3)?.parse().ok()?;
        (share.is_ok() && name != "total").then(|| (name.to_owned(), count))
    };
    text.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_perf_writes_is_read() {
        assert_eq!(instructions("# started\n\n1234567,,instructions:u,99,100.00,,\n").unwrap(), 1_234_567);
        assert!(instructions("<not supported>,,instructions:u,0,100.00,,\n").is_err());
        assert!(instructions("<not counted>,,instructions:u,0,0.00,,\n").is_err());
    }

    #[test]
    fn what_strace_writes_is_read() {
        let text = "% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.15    0.100000          10     10000           recvfrom
 39.85    0.050000          10      5000        12 writev
------ ----------- ----------- --------- --------- ----------------
100.00    0.150000          10     15000        12 total
";
        assert_eq!(calls(text), [("recvfrom".to_owned(), 10_000), ("writev".to_owned(), 5000)]);
    }
}
