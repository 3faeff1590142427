//! Loads over TLS 1.3 with X25519: whole handshakes with one request each, and requests over open connections.

use std::sync::Arc;

use wxgate::model::clock::instant;

use crate::clients::{Rates, Slot, Stage, Wire, measure};
use crate::systems::{System, client, cookie, request};

/// Who is compared; all are held against the first.
pub const SYSTEMS: [&str; 3] = ["nginx", "caddy", "wxgate"];

/// Clients that make handshakes at the same time.
const HANDSHAKES: usize = 16;

/// Open connections.
const CONNECTIONS: usize = 64;

/// Connect, handshake without resumption, one GET, reset. A latency is that of all of it.
pub fn handshakes(stage: &Stage, system: &System, slot: Slot) -> anyhow::Result<Rates> {
    let (config, address) = (client("http/1.1")?, system.address);
    let request: Arc<str> = request(system.kind, true, &cookie(true)?).into();
    measure(stage, system, slot, HANDSHAKES, move |tally| {
        let (config, request) = (Arc::clone(&config), Arc::clone(&request));
        async move {
            let began = instant();
            let mut wire = Wire::open(address, None, Some(&config)).await?;
            wire.ask(request.as_bytes(), &mut Vec::with_capacity(4096)).await?;
            tally.answered(began.elapsed());
            Ok(())
        }
    })
}

/// One GET after the other on connections that stay open.
pub fn keep_alive(stage: &Stage, system: &System, slot: Slot) -> anyhow::Result<Rates> {
    let (config, address) = (client("http/1.1")?, system.address);
    let request: Arc<str> = request(system.kind, true, &cookie(true)?).into();
    measure(stage, system, slot, CONNECTIONS, move |tally| {
        let (config, request) = (Arc::clone(&config), Arc::clone(&request));
        async move {
            let mut wire = Wire::open(address, None, Some(&config)).await?;
            let mut buffer = Vec::with_capacity(4096);
            while !tally.is_over() {
                let began = instant();
                wire.ask(request.as_bytes(), &mut buffer).await?;
                tally.answered(began.elapsed());
            }
            Ok(())
        }
    })
}
