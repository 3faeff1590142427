//! What a request costs in wxgate and in the proxies that people know, side by side.

mod client;
mod http2;
mod idle;
mod slot;
mod stage;
mod systems;
mod tls;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use slot::{Rates, Slot};
use stage::Stage;
use systems::{Certificate, Setup, System};

/// `MODE WXGATE TOOLS NAME...`
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().context("a mode")?;
    let (wxgate, tools): (PathBuf, PathBuf) = (
        arguments.next().context("the program wxgate")?.into(),
        arguments.next().context("the folder of tools")?.into(),
    );
    let names: Vec<String> = arguments.collect();
    let stage = Stage::new(Some(1))?;
    let certificate = Certificate::new()?;
    let setup = |tls: bool| Setup {
        upstream: std::env::var("UPSTREAM").ok().and_then(|it| it.parse().ok()).unwrap_or(stage.upstream),
        responder: stage.responder,
        workers: 1,
        core: Some(0),
        access_log: false,
        tls: tls.then_some(&certificate),
        wxgate: Path::new(&wxgate),
        tools: Path::new(&tools),
    };
    let slot = Slot { warm_up: Duration::from_millis(500), time: Duration::from_secs(2) };
    match mode.as_str() {
        "start" => {
            for name in &names {
                let with_tls = setup(true);
                let started = systems::start(name, &Setup { access_log: true, ..setup(false) })?;
                println!(
                    "{name}: {:?} {} {:?} {} KiB",
                    started.kind,
                    started.address,
                    started.pids(),
                    started.pss()? / 1024
                );
                drop(started);
                let started = systems::start(name, &with_tls)?;
                println!("{name} with TLS: {:?}", started.pids());
            }
        }
        "handshakes" => load(&names, &setup(true), |system| tls::handshakes(&stage, system, slot))?,
        "keep-alive" => load(&names, &setup(true), |system| tls::keep_alive(&stage, system, slot))?,
        "http2" => load(&names, &setup(true), |system| http2::requests(&stage, system, slot))?,
        "idle" | "idle-tls" => {
            idle::raise_limit()?;
            let https = mode == "idle-tls";
            for name in &names {
                let system = systems::start(name, &setup(https))?;
                let memory = idle::memory(&stage, &system, https, idle::CONNECTIONS)?;
                println!("{name}: {memory:?}");
            }
        }
        other => anyhow::bail!("{other} is no mode"),
    }
    Ok(())
}

fn load(
    names: &[String],
    setup: &Setup<'_>,
    measure: impl Fn(&System) -> anyhow::Result<Rates>,
) -> anyhow::Result<()> {
    for name in names {
        let system = systems::start(name, setup)?;
        println!("{name}: {:?}", measure(&system)?);
    }
    Ok(())
}
