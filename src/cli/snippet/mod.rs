//! `wxgate snippet NAME`: what to paste into a reverse proxy so that it asks this gateway.

mod files;
mod spellings;
mod values;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::refusal::refuse;
use super::{USAGE, exit};
use crate::config::fields::Config;
use crate::live::ConfigSource;
use crate::model::peer::{Peer, TrustedProxies};
use crate::net::listen::ListenAddress;
use files::{File, Proxy};
use values::Values;

/// Arguments of `snippet`.
#[derive(Debug, Args)]
pub(super) struct SnippetArguments {
    /// Which proxy.
    proxy: Proxy,
    /// Which of its files; the first without.
    file: Option<String>,
}

/// Prints the file; what has to change in the configuration goes to the error output.
pub(super) fn run(
    arguments: &SnippetArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    let Some(file) = arguments.proxy.file(arguments.file.as_deref()) else {
        eprintln!("wxgate: {} has {}; see --help", arguments.proxy, arguments.proxy.names().join(", "));
        return ExitCode::from(USAGE);
    };
    match source.read(environment) {
        Ok((config, _)) => {
            let is_main = arguments.proxy.names().first() == Some(&file.name);
            exit(print(file, is_main, &config))
        }
        Err(error) => refuse(&error),
    }
}

fn print(file: &File, is_main: bool, config: &Config) -> anyhow::Result<()> {
    let ListenAddress::Tcp(listen) = config.server.listen else {
        bail!("the snippet needs a TCP address in [server] listen; it is {}", config.server.listen)
    };
    let needed = networks(&config.server.trusted_proxies, listen.ip());
    let trusted = line(&needed);
    let values = Values::of(config, reached_at(listen), trusted.clone());
    if let Some(host) = values.hosts.iter().find(|host| host.name.starts_with('[')) {
        bail!("the snippets need hosts with names, or with IPv4 addresses; {} is an IPv6 address", host.name)
    }
    let text = render(file, &values).with_context(|| format!("the template of {} is broken", file.name))?;
    std::io::stdout().write_all(text.as_bytes())?;
    if needed.len() > config.server.trusted_proxies.networks().len() {
        eprintln!(
            "warning: wxgate would not believe the proxy; in [server], write {trusted}, the proxy's address as wxgate sees it"
        );
    }
    if is_main {
        for host in values.hosts_with_examples() {
            eprintln!(
                "warning: no upstream is given for {host}; where the file says {}, write your application",
                values::example()
            );
        }
    }
    let is_elsewhere = !config.server.trusted_proxies.trusts(Peer::Address(Ipv4Addr::LOCALHOST.into()));
    let here = reached_at(listen).to_string();
    if listen.ip().is_unspecified() && is_elsewhere && text.contains(&here) {
        eprintln!(
            "warning: the proxy is on another computer or in a container; where the file says {here}, write wxgate's address there"
        );
    }
    for route in values::left_out(&config.routes) {
        eprintln!(
            "warning: {route} in a way of its own, and the file passes each host to one application as it is; add that"
        );
    }
    if config.server.tls.is_some() {
        eprintln!("warning: the proxy ends TLS and asks wxgate by plain http; take [server.tls] out");
    }
    Ok(())
}

fn render(file: &File, values: &Values) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?;
    environment.set_syntax(syntax);
    environment.render_named_str(file.name, file.template, Serde(values))
}

/// Where a proxy on the same computer finds the listener.
fn reached_at(listen: SocketAddr) -> SocketAddr {
    let ip = if listen.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { listen.ip() };
    SocketAddr::new(ip, listen.port())
}

/// The networks that are trusted, and this computer where only its proxies can connect or nothing is listed.
fn networks(trusted: &TrustedProxies, listen: IpAddr) -> Vec<String> {
    let mut networks: Vec<String> = trusted.networks().iter().map(network).collect();
    let here: IpAddr = if listen.is_ipv6() && listen.is_loopback() {
        Ipv6Addr::LOCALHOST.into()
    } else {
        Ipv4Addr::LOCALHOST.into()
    };
    if networks.is_empty() || (listen.is_loopback() && !trusted.trusts(Peer::Address(here))) {
        networks.push(here.to_string());
    }
    networks
}

/// As people write it: a single address without its length.
fn network(network: &ipnet::IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

fn line(networks: &[String]) -> String {
    format!("trusted_proxies = [\"{}\"]", networks.join("\", \""))
}
