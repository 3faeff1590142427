//! Opening the store, whichever kind it is.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::{OpenError, Store, StoreUrl, postgres, sqlite};

/// Where the store is, and what it takes to get there.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Which database.
    pub url: StoreUrl,
    /// Certificates of authorities that PostgreSQL's may be signed by; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// The folder with the marker; a relative path of SQLite starts here.
    pub data_dir: PathBuf,
}

/// Whether a database may be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Opening {
    /// Make a database where there is none and never was.
    Create,
    /// Only one that is there.
    Existing,
}

/// Opens the store. What it does by itself later, it does on `background`.
///
/// # Errors
/// When it cannot be opened, or is not the one it should be; each says what to do.
pub async fn open(
    settings: &StoreSettings,
    opening: Opening,
    background: Handle,
) -> Result<Arc<dyn Store>, OpenError> {
    match &settings.url {
        StoreUrl::Postgres(_) => postgres::open(settings, opening, background).await,
        StoreUrl::Memory | StoreUrl::Sqlite(_) => sqlite::open(settings, opening, background).await,
    }
}
