//! `wxgate healthcheck`: for container runtimes, which have no curl.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::exit;
use super::refusal::refuse;
use crate::live::ConfigSource;
use crate::net::listen::ListenAddress;

/// Asks the admin listener whether the gateway is alive. Not whether it is ready: what restarts a container over this answer
/// would, while the store is away, throw out the people who are signed in and may go on.
pub(super) fn run(source: &ConfigSource, environment: &[(String, String)]) -> ExitCode {
    match source.read(environment) {
        Ok((config, _)) => exit(ask(&config.admin_listen)),
        Err(error) => refuse(&error),
    }
}

fn ask(listen: &ListenAddress) -> anyhow::Result<()> {
    let ListenAddress::Tcp(address) = listen else {
        bail!("the admin listener is {listen}; a health check needs a TCP address in [admin] listen")
    };
    let mut address = *address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let response = client.get(format!("http://{address}/livez")).send().await;
        let response =
            response.map_err(reqwest::Error::without_url).context("the gateway does not answer")?;
        if response.status().is_success() {
            Ok(())
        } else {
            bail!("the gateway is not well ({})", response.status())
        }
    })
}
