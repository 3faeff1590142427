//! What needs clients with more than plain HTTP/1.1: TLS, HTTP/2, thousands of idle connections.

use crate::clients::{Plan, Stage, compare, table};
use crate::systems::{Certificate, Setup};
use crate::{affinity, http2, idle, tls};

/// Names and titles.
pub const MODES: [(&str, &str); 5] = [
    ("handshakes", "TLS 1.3: a handshake and one request"),
    ("keep-alive", "TLS 1.3: requests over open connections"),
    ("http2", "HTTP/2"),
    ("idle", "Idle connections"),
    ("idle-tls", "Idle connections, TLS 1.3"),
];

/// Idle connections that are enough to see that it works.
const FEW: usize = 1000;

/// The table of one mode; `wanted` says who takes part besides the first.
pub fn measure(
    mode: &str,
    setup: &Setup<'_>,
    quick: bool,
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<String> {
    let stage = Stage::new(Some(affinity::GENERATOR))?;
    let certificate = Certificate::new()?;
    let plain = Setup { upstream: stage.upstream, responder: stage.responder, ..*setup };
    let encrypted = Setup { tls: Some(&certificate), ..plain };
    let plan = if quick { Plan::quick() } else { Plan::usual() };
    let count = if quick { FEW } else { idle::CONNECTIONS };
    let names = |all: &'static [&'static str]| -> Vec<&str> {
        all.iter().enumerate().filter(|(at, name)| *at == 0 || wanted(name)).map(|(_, name)| *name).collect()
    };
    Ok(match mode {
        "handshakes" => table(&compare(&stage, &encrypted, &names(&tls::SYSTEMS), plan, tls::handshakes)?),
        "keep-alive" => table(&compare(&stage, &encrypted, &names(&tls::SYSTEMS), plan, tls::keep_alive)?),
        "http2" => table(&compare(&stage, &encrypted, &names(&http2::SYSTEMS), plan, http2::requests)?),
        "idle" => idle::table(&idle::compare(&stage, &plain, &names(&idle::SYSTEMS), count)?),
        _ => idle::table(&idle::compare(&stage, &encrypted, &names(&idle::SYSTEMS), count)?),
    })
}
