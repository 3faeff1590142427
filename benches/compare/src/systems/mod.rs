//! The programs under test: how each is configured, started, and ended.
//!
//! All of them listen on 127.0.0.1, keep connections to the upstream open, set X-Forwarded-*, and write no access log
//! unless asked to.

mod caddy;
mod certificate;
mod client;
mod cookie;
mod directory;
mod envoy;
mod haproxy;
mod kind;
mod members;
mod nginx;
mod place;
mod process;
mod request;
mod system;
mod traefik;
mod usage;
mod wxgate;

use anyhow::Context as _;

use place::{Place, free_address};

pub use certificate::Certificate;
pub use client::client;
pub use cookie::{cookie, cookie_of};
pub use kind::Kind;
pub use place::Setup;
pub use request::{HOST, IDENTITY, request};
pub use system::System;
pub use usage::cpu_of_thread;

/// Starts a program and waits until it has answered a request.
pub fn start(name: &str, setup: &Setup<'_>) -> anyhow::Result<System> {
    let directory = directory::directory()?;
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
