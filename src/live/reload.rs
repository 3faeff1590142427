//! From one generation to the next: the new one is built whole before the old one lets go.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use thiserror::Error;

use super::generation::{BuildError, Generation, Held, Lasting};
use crate::config;
use crate::config::fields::{self, Config};
use crate::config::problem::Problems;
use crate::config::source::{self, ConfigFile, SourceError};
use crate::store::OpenError;

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
}

impl ConfigSource {
    /// Reads and checks the configuration. The problems that come with it are only warnings.
    pub fn read(&self, environment: &[(String, String)]) -> Result<(Config, Problems), LoadError> {
        let file = match self {
            Self::File(path) => source::load(path)?,
            Self::Fixed(file) => file.clone(),
        };
        config::read(&file, environment, |top| fields::read(top, environment)).map_err(LoadError::Problems)
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
        let cells = Held::by_workers(generation, workers).into_iter().map(ArcSwap::from_pointee).collect();
        Arc::new(Self { cells, source, environment, lasting })
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
        let result = self.source.read(&self.environment).and_then(|(config, warnings)| {
            let generation = Generation::build(&config, &self.lasting, true)?;
            Ok((generation, warnings))
        });
        self.lasting.metrics.reloaded(result.is_ok());
        match result {
            Ok((generation, warnings)) => {
                let held = Held::by_workers(generation, self.cells.len());
                for (cell, held) in self.cells.iter().zip(held) {
                    cell.store(Arc::new(held));
                }
                if !warnings.is_empty() {
                    tracing::warn!("{}", warnings.render(false));
                }
                tracing::info!(
                    "the new configuration is in force (listen addresses, [log], workers, max_connections, timeouts of sockets and shutdown_timeout change with a restart)"
                );
            }
            Err(error) => {
                tracing::error!("the new configuration is not usable, so the old one stays in force: {error}")
            }
        }
    }
}
