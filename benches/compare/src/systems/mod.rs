//! The programs under test: how each is configured, started, and ended.
//!
//! All of them listen on 127.0.0.1, keep connections to the upstream open, set X-Forwarded-*, and write no access log
//! unless asked to.

mod caddy;
mod certificate;
mod client;
mod cookie;
mod envoy;
mod haproxy;
mod nginx;
mod process;
mod request;
mod traefik;
mod usage;
mod wxgate;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::Context as _;
use tempfile::TempDir;

pub use certificate::Certificate;
pub use client::client;
pub use cookie::cookie;
pub use request::{HOST, IDENTITY, request};
pub use usage::cpu_of_thread;

/// A program under test that is up.
#[derive(Debug)]
pub struct System {
    /// As `start` was asked for it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it does with a request.
    pub kind: Kind,
    /// What was started; their children are not in it.
    pub processes: Vec<Child>,
    /// Configuration, log and whatever else it writes.
    pub directory: TempDir,
}

/// What a program does with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Passes it on.
    Plain,
    /// Finds out who is there, tells the upstream in five headers, and passes it on.
    Authenticated,
    /// The forward-auth endpoint itself: finds out who is there and says so; there is no upstream.
    Check,
}

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
    /// The wxgate to measure.
    pub wxgate: &'a Path,
    /// `target/tools`, where `tests/tools` puts the proxies that Debian does not have.
    pub tools: &'a Path,
}

/// How a program is run: nothing that the programs have in common.
struct Recipe {
    command: Command,
    kind: Kind,
}

/// Starts a program and waits until it has answered a request.
pub fn start(name: &str, setup: &Setup<'_>) -> anyhow::Result<System> {
    let directory = process::directory()?;
    let address = free_address()?;
    let place = Place { setup, address, directory: directory.path() };
    let recipe = match name {
        "nginx" => nginx::recipe(nginx::Variant::Plain, &place),
        "nginx-bigbuf" => nginx::recipe(nginx::Variant::BigBuffers, &place),
        "nginx-auth" => nginx::recipe(nginx::Variant::Authenticated, &place),
        "nginx-return-200" => nginx::recipe(nginx::Variant::Return200, &place),
        "caddy" => caddy::recipe(false, &place),
        "caddy-auth" => caddy::recipe(true, &place),
        "traefik" => traefik::recipe(false, &place),
        "traefik-auth" => traefik::recipe(true, &place),
        "envoy" => envoy::recipe(false, &place),
        "envoy-auth" => envoy::recipe(true, &place),
        "haproxy" => haproxy::recipe(&place),
        "wxgate" => wxgate::recipe(wxgate::Variant::Authenticated, &place),
        "wxgate-open" => wxgate::recipe(wxgate::Variant::Open, &place),
        "wxgate-check" => wxgate::recipe(wxgate::Variant::Check, &place),
        other => anyhow::bail!("{other} is no program to compare"),
    }
    .with_context(|| format!("preparing {name}"))?;
    let started = process::start(recipe.command, setup.core, directory.path());
    let child = started.with_context(|| format!("starting {name}"))?;
    let mut system =
        System { name: name.to_owned(), address, kind: recipe.kind, processes: vec![child], directory };
    process::wait_until_up(&mut system, setup)?;
    Ok(system)
}

/// Where a program is put.
struct Place<'a> {
    setup: &'a Setup<'a>,
    address: SocketAddr,
    directory: &'a Path,
}

impl Place<'_> {
    /// Writes a configuration: `template` with every `@NAME@` replaced.
    fn write(&self, name: &str, template: &str, values: &[(&str, &str)]) -> anyhow::Result<PathBuf> {
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
    fn command(&self, program: impl AsRef<Path>) -> anyhow::Result<Command> {
        let program = program.as_ref();
        anyhow::ensure!(program.exists(), "{} is missing; tests/tools installs it", program.display());
        let mut command = Command::new(program);
        command.current_dir(self.directory).env_clear().env("HOME", self.directory);
        // For what is written in Go.
        command.env("GOMAXPROCS", self.setup.workers.to_string());
        Ok(command)
    }

    /// A program of the Python packages.
    fn packaged(&self, name: &str) -> PathBuf {
        self.setup.tools.join("proxies/bin").join(name)
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?)
}
