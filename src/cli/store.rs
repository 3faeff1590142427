//! The directory for commands that are not the running gateway.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::members::Directory;
use crate::store::{self, OpenError, Opening, StoreSettings, StoreUrl};

/// A directory of nobody, which leaves no trace: for commands that only look at the configuration.
pub(super) async fn of_nobody() -> Result<Arc<Directory>, OpenError> {
    let settings = StoreSettings { url: StoreUrl::Memory, ca_file: None, data_dir: PathBuf::new() };
    let store = store::open(&settings, Opening::Create, Handle::current()).await?;
    Ok(Directory::new(store, Handle::current()))
}
