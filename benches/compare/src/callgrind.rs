//! Instructions of a whole life of wxgate, counted by valgrind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::generator::{Generator, Load, Report};
use crate::systems::{Setup, System, start};

/// Whether valgrind is installed.
pub fn is_there() -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version").stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

/// Starts the system, loads it, ends it: all instructions from beginning to end.
pub fn instructions(
    name: &str,
    generator: &Generator,
    setup: &Setup<'_>,
    load: impl Fn(&System) -> anyhow::Result<Load>,
) -> anyhow::Result<(u64, Report)> {
    let folder = tempfile::tempdir()?;
    let here = folder.path().display();
    // In the place of wxgate: valgrind with wxgate in it.
    let wrapper = folder.path().join("wxgate");
    let script = format!(
        "#!/bin/sh\nexec /usr/bin/valgrind --tool=callgrind --callgrind-out-file=/dev/null \
         --log-file={here}/log.%p '{}' \"$@\"\n",
        setup.wxgate.display()
    );
    fs::write(&wrapper, script)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let mut system = start(name, &Setup { wxgate: &wrapper, ..*setup })?;
    let report = generator.run(load(&system)?)?;
    let process = system.processes.first_mut().context("no process")?;
    let log = folder.path().join(format!("log.{}", process.id()));
    kill_process(Pid::from_child(process), Signal::TERM)?;
    process.wait()?;
    let text = fs::read_to_string(log).context("valgrind wrote nothing")?;
    Ok((collected(&text).context("valgrind counted nothing")?, report))
}

/// `==123== Collected : 456`.
fn collected(log: &str) -> Option<u64> {
    let line = log.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_says_is_read() {
        let log = "==7== Events    : Ir\n==7== Collected : 123456789\n==7== \n";
        assert_eq!(collected(log), Some(123_456_789));
    }
}
