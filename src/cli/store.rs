//! The store for commands: opened beside a running gateway, never made.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle};

use super::refusal::refuse;
use super::{BAD_CONFIG, FAILURE, exit};
use crate::config::fields::Config;
use crate::live::ConfigSource;
use crate::members::{Act, Directory};
use crate::model::audit::Actor;
use crate::model::clock::{self, Timestamp};
use crate::store::{self, OpenError, Opening, Store, StoreSettings, StoreUrl};
use crate::telemetry::logs;

/// What a command works with that looks at members or changes them.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) store: Arc<dyn Store>,
    pub(super) directory: Arc<Directory>,
    /// When the command was given.
    pub(super) now: Timestamp,
}

impl Opened {
    /// Opens the store that `config` names, if it is there.
    pub(super) async fn by(config: Config) -> Result<Self, OpenError> {
        let store = store::open(&config.store, Opening::Existing, Handle::current()).await?;
        let directory = Directory::new(Arc::clone(&store), Handle::current());
        Ok(Self { config, store, directory, now: clock::now() })
    }

    /// What is done, is done by whoever may run commands here.
    pub(super) fn act(&self) -> Act {
        Act { actor: Actor::CommandLine, client: None, request_id: None, now: self.now }
    }

    /// The address of one of our own pages.
    pub(super) fn link(&self, page: &str, code: &str) -> String {
        link(&self.config, page, code)
    }
}

/// The address of one of our own pages, with the code that opens it.
pub(super) fn link(config: &Config, page: &str, code: &str) -> String {
    format!("{}/_wxgate/{page}?code={code}", config.site.login_origin())
}

/// Reads the configuration, opens the store and does what `command` says.
pub(super) fn with_store(
    source: &ConfigSource,
    environment: &[(String, String)],
    command: impl AsyncFnOnce(Opened) -> anyhow::Result<ExitCode>,
) -> ExitCode {
    let config = match source.read(environment) {
        Ok((config, _)) => config,
        Err(error) => return refuse(&error),
    };
    logs::start_beside(&config.log);
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit(Err(error.into())),
    };
    runtime.block_on(async {
        match Opened::by(config).await {
            Ok(opened) => command(opened).await.unwrap_or_else(|error| exit(Err(error))),
            Err(error) => cannot_open(&error),
        }
    })
}

/// Says why the store cannot be opened.
pub(super) fn cannot_open(error: &OpenError) -> ExitCode {
    eprintln!("wxgate: {error}");
    match error {
        // It, or the folder it is looked for in, is the wrong one.
        OpenError::Lost { .. } | OpenError::Newer { .. } => ExitCode::from(BAD_CONFIG),
        OpenError::Broken { .. } | OpenError::NotYet { .. } => ExitCode::from(FAILURE),
    }
}

/// A directory of nobody, which leaves no trace: for commands that only look at the configuration.
pub(super) async fn of_nobody() -> Result<Arc<Directory>, OpenError> {
    let settings = StoreSettings { url: StoreUrl::Memory, ca_file: None, data_dir: PathBuf::new() };
    let store = store::open(&settings, Opening::Create, Handle::current()).await?;
    Ok(Directory::new(store, Handle::current()))
}
