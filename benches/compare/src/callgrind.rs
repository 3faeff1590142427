//! Instructions of wxgate's, counted by valgrind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::generator::{Generator, Load, Report};
use crate::systems::{Setup, System, start};

/// A wxgate in valgrind.
pub struct Counted {
    pub system: System,
    folder: TempDir,
    /// How often the count was written down.
    dumps: usize,
}

/// Whether valgrind is installed.
pub fn is_there() -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version").stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

impl Counted {
    /// Starts the system; nothing is counted yet.
    pub fn start(name: &str, setup: &Setup<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let here = folder.path().display();
        // In the place of wxgate: valgrind with wxgate in it.
        let wrapper = folder.path().join("wxgate");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = run ] || exec '{wxgate}' \"$@\"\nexec /usr/bin/valgrind --tool=callgrind \
             --instr-atstart=no --callgrind-out-file={here}/out --vgdb-prefix={here}/vgdb '{wxgate}' \"$@\"\n",
            wxgate = setup.wxgate.display()
        );
        fs::write(&wrapper, script)?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
        let system = start(name, &Setup { wxgate: &wrapper, ..*setup })?;
        Ok(Self { system, folder, dumps: 0 })
    }

    /// Counts from now on.
    pub fn begin(&self) -> anyhow::Result<()> {
        self.tell("instrumentation on")
    }

    /// Instructions of the whole load, warm-up included.
    pub fn instructions(&mut self, generator: &Generator, load: Load) -> anyhow::Result<(u64, Report)> {
        let report = generator.run(load)?;
        self.tell("dump")?;
        self.dumps += 1;
        let file: PathBuf = self.folder.path().join(format!("out.{}", self.dumps));
        let text = fs::read_to_string(file).context("valgrind wrote nothing")?;
        Ok((totals(&text).context("valgrind counted nothing")?, report))
    }

    fn tell(&self, what: &str) -> anyhow::Result<()> {
        let process = self.system.processes.first().context("no process")?.id();
        let mut vgdb = Command::new("vgdb");
        vgdb.arg(format!("--vgdb-prefix={}/vgdb", self.folder.path().display()));
        let output = vgdb.arg(format!("--pid={process}")).arg(what).stdin(Stdio::null()).output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "valgrind does not listen: {}", String::from_utf8_lossy(&said));
        Ok(())
    }
}

/// `totals: 123`, all that was executed since the last time.
fn totals(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_writes_is_read() {
        assert_eq!(totals("events: Ir\nsummary: 12\nfn=(1)\ntotals: 12\n"), Some(12));
    }
}
