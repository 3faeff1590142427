//! `wxgate check`: everything that is wrong with the configuration, at once.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::refusal::refuse;
use super::store;
use super::store::Opened;
use crate::config::fields::Config;
use crate::live::{ConfigSource, Generation, Lasting, LoadError};
use crate::store::OpenError;

/// Reads and builds the configuration without side effects. Prints the report; 0 when it can be run, 78 when not.
pub(super) fn run(source: &ConfigSource, environment: &[(String, String)]) -> ExitCode {
    match source.read(environment) {
        Ok((config, warnings)) => {
            eprint!("{}", warnings.render(std::io::stderr().is_terminal()));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let built = runtime.map(|runtime| runtime.block_on(build(&config)));
            match built {
                Ok(Ok(Ok(()))) => {
                    let hosts: std::collections::BTreeSet<_> =
                        config.routes.iter().map(|route| route.host.as_str()).collect();
                    let hosts: Vec<_> = hosts.into_iter().collect();
                    let count = config.routes.len();
                    println!(
                        "ok: {count} {} on {}",
                        if count == 1 { "route" } else { "routes" },
                        hosts.join(", ")
                    );
                    print_message_address(&config);
                    ExitCode::SUCCESS
                }
                Ok(Ok(Err(error))) => store::cannot_open(&error),
                Ok(Err(error)) => refuse(&error),
                Err(error) => {
                    eprintln!("wxgate: {error}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(error) => refuse(&error),
    }
}

/// What the WeChat console asks for where messages are received.
fn print_message_address(config: &Config) {
    let account = config.wechat.official_account.as_ref();
    if account.is_some_and(|account| account.inbox.is_some()) {
        let origin = config.site.login_origin();
        println!(
            "messages: in the WeChat console under 服务器配置, the URL is {origin}/_wxgate/wechat/message"
        );
    }
}

/// Builds what would run, and opens the database if one is there. Nothing is made.
async fn build(config: &Config) -> Result<Result<(), OpenError>, LoadError> {
    let directory = store::of_nobody().await?;
    Generation::build(config, &Lasting::new(1, 1, directory, None), false)?;
    Ok(match Opened::by(config.clone()).await {
        // The first start makes it.
        Ok(_) | Err(OpenError::NotYet { .. }) => Ok(()),
        Err(error) => Err(error),
    })
}
