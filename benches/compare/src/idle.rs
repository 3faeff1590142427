//! What connections cost that nothing happens on.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::ClientConfig;
use tokio::task::JoinSet;

use crate::clients::{Stage, Wire};
use crate::systems::{Setup, System, client, cookie, request, start};

/// Who is compared.
pub const SYSTEMS: [&str; 5] = ["nginx", "haproxy", "caddy", "envoy", "wxgate"];

/// How many are usually opened.
pub const CONNECTIONS: usize = 10_000;

/// How many are open when memory is read for the first time.
const FEW: usize = 100;

/// Files that a process needs for other things than clients' connections.
const OTHER_FILES: usize = 500;

/// Connections from one local address.
const FROM_ONE_ADDRESS: usize = 5000;

/// Connections that are opened at the same time, and the least time for that many.
const AT_ONCE: usize = 50;
const PACE: Duration = Duration::from_millis(10);

/// For programs to give back what they needed only for a moment.
const REST: Duration = Duration::from_secs(2);

/// Longest time until everything is open.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a program needs.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Open connections in the end.
    pub connections: usize,
    /// Bytes with a hundred of them.
    pub few: u64,
    /// Bytes with all of them.
    pub all: u64,
    /// KiB for each.
    pub each: f64,
}

/// Allows this process, and all it starts from now on, as many files as it may have.
pub fn raise_limit() -> anyhow::Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    let highest = limit.maximum.or(limit.current).unwrap_or(1_000_000);
    setrlimit(Resource::Nofile, Rlimit { current: Some(highest), ..limit }).context("allowing more files")?;
    Ok(usize::try_from(highest)?)
}

/// One program after the other, each alone: memory that programs share would be divided.
pub fn compare(
    stage: &Stage,
    setup: &Setup<'_>,
    names: &[&str],
    connections: usize,
) -> anyhow::Result<Vec<(String, Memory)>> {
    raise_limit()?;
    let measure = |name: &&str| {
        let system = start(name, setup)?;
        let memory = memory(stage, &system, setup.tls.is_some(), connections);
        Ok(((*name).to_owned(), memory.with_context(|| format!("connections to {name}"))?))
    };
    names.iter().map(measure).collect()
}

/// For people to read.
pub fn table(rows: &[(String, Memory)]) -> String {
    const MB: f64 = 1e6;
    let mut text =
        "| system | connections | MB with 100 | MB with all | KiB each |\n|---|---|---|---|---|\n".to_owned();
    for (name, Memory { connections, few, all, each }) in rows {
        let (few, all) = (*few as f64 / MB, *all as f64 / MB);
        text += &format!("| {name} | {connections} | {few:.1} | {all:.1} | {each:.2} |\n");
    }
    text
}

/// Opens connections, each of which is served one request, and compares the memory of few with that of all.
pub fn memory(stage: &Stage, system: &System, https: bool, connections: usize) -> anyhow::Result<Memory> {
    let limit = raise_limit()?.saturating_sub(OTHER_FILES);
    let connections = connections.min(limit);
    anyhow::ensure!(connections > FEW, "only {limit} files may be open");
    let visitor = Visitor {
        to: system.address,
        tls: https.then(|| client("http/1.1")).transpose()?,
        request: request(system.kind, https, &cookie(https)?).into(),
    };
    let first = stage.run(visitor.clone().open(0..FEW))??;
    let few = after_rest(system)?;
    let rest = stage.run(visitor.clone().open(FEW..connections))??;
    let all = after_rest(system)?;
    let open: Vec<Wire> = first.into_iter().chain(rest).collect();
    // If they are not all open, what was measured is something else.
    stage.run(visitor.ask_again(open))?.context("connections did not stay open")?;
    let each = (all as f64 - few as f64) / 1024.0 / (connections - FEW) as f64;
    Ok(Memory { connections, few, all, each })
}

fn after_rest(system: &System) -> anyhow::Result<u64> {
    std::thread::sleep(REST);
    system.pss()
}

#[derive(Clone)]
struct Visitor {
    to: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    request: Arc<str>,
}

impl Visitor {
    async fn open(self, numbers: std::ops::Range<usize>) -> anyhow::Result<Vec<Wire>> {
        tokio::time::timeout(PATIENCE, self.open_all(numbers)).await.context("opening connections")?
    }

    async fn open_all(self, numbers: std::ops::Range<usize>) -> anyhow::Result<Vec<Wire>> {
        let mut open = Vec::with_capacity(numbers.len());
        let mut pace = tokio::time::interval(PACE);
        for begin in numbers.clone().step_by(AT_ONCE) {
            pace.tick().await;
            let mut opening = JoinSet::new();
            for number in begin..(begin + AT_ONCE).min(numbers.end) {
                opening.spawn(self.clone().open_one(number));
            }
            while let Some(wire) = opening.join_next().await {
                open.push(
                    wire?.with_context(|| format!("after {} connections", numbers.start + open.len()))?,
                );
            }
        }
        Ok(open)
    }

    async fn open_one(self, number: usize) -> anyhow::Result<Wire> {
        let last = u8::try_from(2 + number / FROM_ONE_ADDRESS)?;
        let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
        let mut wire = Wire::open(self.to, Some(from), self.tls.as_ref()).await?;
        wire.ask(self.request.as_bytes(), &mut Vec::with_capacity(4096)).await?;
        Ok(wire)
    }

    /// Asks once more on a hundred of them, then closes all.
    async fn ask_again(self, mut open: Vec<Wire>) -> anyhow::Result<()> {
        let mut buffer = Vec::with_capacity(4096);
        let step = (open.len() / FEW).max(1);
        for wire in open.iter_mut().step_by(step) {
            wire.ask(self.request.as_bytes(), &mut buffer).await?;
        }
        Ok(())
    }
}
