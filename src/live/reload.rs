//! From one generation to the next: the new one is built whole before the old one lets go.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use thiserror::Error;

use super::generation::{BuildError, Generation, Held, Lasting};
use crate::config;
use crate::config::fields::{self, Config, Templates};
use crate::config::problem::Problems;
use crate::config::source::{self, ConfigFile, SourceError};
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock;
use crate::store::{OpenError, StoreSettings};

/// Where the configuration comes from, each time it is read.
#[derive(Clone, Debug)]
pub enum ConfigSource {
    /// A file.
    File(PathBuf),
    /// A text that never changes.
    Fixed(ConfigFile),
}

/// The configuration cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It reads well and cannot be run.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// It does not read well; the report says where.
    #[error("{}", .0.render(false))]
    Problems(Box<Problems>),
    /// There is no file to read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// The running generation, as each worker holds it.
#[derive(Debug)]
pub struct Live {
    cells: Vec<ArcSwap<Held>>,
    source: ConfigSource,
    environment: Vec<(String, String)>,
    lasting: Arc<Lasting>,
    /// What `[store]` said at start, which is what is open.
    store: (StoreSettings, Duration),
}

impl ConfigSource {
    /// Reads and checks the configuration. The problems that come with it are only warnings.
    pub fn read(&self, environment: &[(String, String)]) -> Result<(Config, Problems), LoadError> {
        self.read_with(environment, Templates::Parsed)
    }

    /// The same by whoever shows pages, or is asked whether they can be shown.
    ///
    /// # Errors
    /// Also when a template of the operator's cannot be drawn.
    pub fn read_and_draw(&self, environment: &[(String, String)]) -> Result<(Config, Problems), LoadError> {
        self.read_with(environment, Templates::Drawn)
    }

    fn read_with(
        &self,
        environment: &[(String, String)],
        templates: Templates,
    ) -> Result<(Config, Problems), LoadError> {
        let file = match self {
            Self::File(path) => source::load(path)?,
            Self::Fixed(file) => file.clone(),
        };
        config::read(&file, environment, |top| fields::read(top, environment, templates))
            .map_err(LoadError::Problems)
    }
}

impl Live {
    /// The first generation, for `workers` workers.
    pub fn new(
        generation: Generation,
        workers: usize,
        source: ConfigSource,
        environment: Vec<(String, String)>,
        lasting: Arc<Lasting>,
    ) -> Arc<Self> {
        let store = (generation.store.clone(), generation.keep_audit);
        let cells = Held::by_workers(generation, workers).into_iter().map(ArcSwap::from_pointee).collect();
        Arc::new(Self { cells, source, environment, lasting, store })
    }

    /// The running generation, as worker number `worker` holds it; a request keeps the one it began with.
    pub fn now(&self, worker: usize) -> Arc<Held> {
        self.cells[worker].load_full()
    }

    /// What outlives generations.
    pub fn lasting(&self) -> &Arc<Lasting> {
        &self.lasting
    }

    /// Reads the configuration anew and puts it in force, or keeps the old one and says why.
    pub fn reload(&self) {
        let result = self.source.read_and_draw(&self.environment).and_then(|(config, warnings)| {
            let generation = Generation::build(&config, &self.lasting, true)?;
            Ok((generation, warnings))
        });
        self.lasting.metrics.reloaded(result.is_ok());
        self.write_down(result.is_ok());
        match result {
            Ok((generation, warnings)) => {
                let wants_restart = self.is_elsewhere(&generation);
                let held = Held::by_workers(generation, self.cells.len());
                for (cell, held) in self.cells.iter().zip(held) {
                    cell.store(Arc::new(held));
                }
                if !warnings.is_empty() {
                    tracing::warn!("{}", warnings.render(false));
                }
                tracing::info!(
                    "the new configuration is in force (listen addresses, [log], [store], workers, max_connections, timeouts of sockets and shutdown_timeout change with a restart)"
                );
                if wants_restart {
                    tracing::warn!(
                        "[store] or data_dir is not what it was at start: the old store stays open until a restart"
                    );
                }
            }
            Err(error) => {
                tracing::error!("the new configuration is not usable, so the old one stays in force: {error}")
            }
        }
    }

    /// Whether a generation names another store than the one that is open.
    fn is_elsewhere(&self, generation: &Generation) -> bool {
        let parts =
            |store: &StoreSettings| (store.url.clone(), store.ca_file.clone(), store.data_dir.clone());
        let (store, keep_audit) = &self.store;
        parts(store) != parts(&generation.store) || *keep_audit != generation.keep_audit
    }

    fn write_down(&self, is_in_force: bool) {
        self.lasting.directory.note_later(AuditEvent {
            at: clock::now(),
            kind: AuditKind::ConfigurationReloaded,
            actor: Actor::Gateway,
            member: None,
            client: None,
            request_id: None,
            detail: if is_in_force { "in force" } else { "not usable; the old one stays" }.to_owned(),
        });
    }
}
