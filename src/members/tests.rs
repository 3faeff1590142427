//! A directory in memory, for the tests of whoever needs one; and how standings are believed.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::Directory;
use crate::store::{Opening, StoreSettings, StoreUrl, open};

pub(crate) async fn directory() -> Arc<Directory> {
    let settings = StoreSettings { url: StoreUrl::Memory, ca_file: None, data_dir: PathBuf::new() };
    Directory::new(open(&settings, Opening::Create, Handle::current()).await.unwrap(), Handle::current())
}
