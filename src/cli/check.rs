//! `wxgate check`: everything that is wrong with the configuration, at once.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::{BAD_CONFIG, store};
use crate::live::{ConfigSource, Generation, Lasting, LoadError};

/// Reads and builds the configuration without side effects. Prints the report; 0 when it can be run, 78 when not.
pub(super) fn run(source: &ConfigSource, environment: &[(String, String)]) -> ExitCode {
    match source.read(environment) {
        Ok((config, warnings)) => {
            eprint!("{}", warnings.render(std::io::stderr().is_terminal()));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let built = runtime.map(|runtime| {
                let _entered = runtime.enter();
                let directory = runtime.block_on(store::of_nobody())?;
                Generation::build(&config, &Lasting::new(1, 1, directory, None), false)
                    .map_err(LoadError::from)
            });
            match built {
                Ok(Ok(_)) => {
                    let hosts: std::collections::BTreeSet<_> =
                        config.routes.iter().map(|route| route.host.as_str()).collect();
                    let hosts: Vec<_> = hosts.into_iter().collect();
                    let count = config.routes.len();
                    println!(
                        "ok: {count} {} on {}",
                        if count == 1 { "route" } else { "routes" },
                        hosts.join(", ")
                    );
                    ExitCode::SUCCESS
                }
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

/// Prints what is wrong, with colours for people.
pub(super) fn refuse(error: &LoadError) -> ExitCode {
    match error {
        LoadError::Problems(problems) => eprint!("{}", problems.render(std::io::stderr().is_terminal())),
        error => eprintln!("wxgate: {error}"),
    }
    ExitCode::from(BAD_CONFIG)
}
