//! stub

use std::sync::Arc;

use tokio::runtime::Handle;

use super::marker::{Kind, Marker};
use super::{OpenError, Opening, Store, StoreSettings};

pub(super) async fn open(
    settings: &StoreSettings,
    _opening: Opening,
    _background: Handle,
) -> Result<Arc<dyn Store>, OpenError> {
    Marker::read(&settings.data_dir, Kind::Postgres)?;
    Err(OpenError::Broken { place: settings.url.to_string(), cause: "stub".to_owned(), advice: "wait" })
}
