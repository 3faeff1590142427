//! Where programs are put, and what they are started with.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::certificate::Certificate;
use super::kind::Kind;
use super::request::HOST;

/// What programs are started with.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The application.
    pub upstream: SocketAddr,
    /// Answers every question about a visitor with 200 and five identity headers.
    pub responder: SocketAddr,
    /// Threads or processes that serve requests.
    pub workers: usize,
    /// The core to stay on.
    pub core: Option<usize>,
    /// Whether every request is logged, to a file.
    pub access_log: bool,
    /// TLS with HTTP/2 on the listener.
    pub tls: Option<&'a Certificate>,
    /// How many members wxgate has.
    pub members: u64,
    /// The wxgate to measure.
    pub wxgate: &'a Path,
    /// `target/tools`, where `tests/tools` puts the proxies that Debian does not have.
    pub tools: &'a Path,
}

/// How a program is run: nothing that the programs have in common.
pub(super) struct Recipe {
    pub(super) command: Command,
    pub(super) kind: Kind,
}

/// Where a program is put.
pub(super) struct Place<'a> {
    pub(super) setup: &'a Setup<'a>,
    pub(super) address: SocketAddr,
    pub(super) directory: &'a Path,
}

impl Place<'_> {
    /// Writes a configuration: `template` with every `@NAME@` replaced.
    pub(super) fn write(
        &self,
        name: &str,
        template: &str,
        values: &[(&str, &str)],
    ) -> anyhow::Result<PathBuf> {
        let common = [
            ("LISTEN", self.address.to_string()),
            ("PORT", self.address.port().to_string()),
            ("UPSTREAM", self.setup.upstream.to_string()),
            ("UPSTREAM_PORT", self.setup.upstream.port().to_string()),
            ("RESPONDER", self.setup.responder.to_string()),
            ("RESPONDER_PORT", self.setup.responder.port().to_string()),
            ("WORKERS", self.setup.workers.to_string()),
            ("HERE", self.directory.display().to_string()),
            ("HOST", HOST.to_owned()),
        ];
        let mut text = template.to_owned();
        // Those of the program first: they may hold common ones.
        for (name, value) in values {
            text = text.replace(&format!("@{name}@"), value);
        }
        for (name, value) in &common {
            text = text.replace(&format!("@{name}@"), value);
        }
        let path = self.directory.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// A command that runs here and sees nothing of this environment.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> anyhow::Result<Command> {
        let program = program.as_ref();
        anyhow::ensure!(program.exists(), "{} is missing; tests/tools installs it", program.display());
        let mut command = Command::new(program);
        command.current_dir(self.directory).env_clear().env("HOME", self.directory);
        // For what is written in Go.
        command.env("GOMAXPROCS", self.setup.workers.to_string());
        Ok(command)
    }

    /// A program of the Python packages.
    pub(super) fn packaged(&self, name: &str) -> PathBuf {
        self.setup.tools.join("proxies/bin").join(name)
    }
}

pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?)
}
