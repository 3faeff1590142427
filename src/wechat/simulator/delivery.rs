//! Callbacks that arrive twice: the simulator fetches them first, without cookies and from another address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;

use super::script::Delivery;
use super::{Simulator, held, outgoing};

/// A callback the simulator fetched before the browser came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EarlyDelivery {
    /// The callback with its `code` and `state`.
    pub url: String,
    /// The status it was answered with; `None` if it was not answered, or not yet.
    pub status: Option<u16>,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Simulator {
    /// Fetches `url` as Tencent's own fetchers were seen to do, if the script wants it (plain http only).
    pub(super) async fn deliver_early(&self, url: &str) {
        let (delivery, address) = self.script.scripted_delivery();
        if delivery == Delivery::Once {
            return;
        }
        let place = self.note_early(url);
        let (early, url) = (Arc::clone(&self.early), url.to_owned());
        let fetched = tokio::spawn(async move {
            let status = fetch(&url, address).await;
            if let Some(delivery) = held(&early).get_mut(place) {
                delivery.status = status;
            }
        });
        if delivery == Delivery::FetchedBefore {
            _ = fetched.await;
        }
    }

    fn note_early(&self, url: &str) -> usize {
        let mut early = held(&self.early);
        early.push(EarlyDelivery { url: url.to_owned(), status: None });
        early.len() - 1
    }
}

async fn fetch(url: &str, address: Option<SocketAddr>) -> Option<u16> {
    let request = outgoing::send(url, address, Request::default());
    match tokio::time::timeout(PATIENCE, request).await {
        Ok(Ok(answer)) => Some(answer.status),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the simulator could not fetch a callback");
            None
        }
        Err(_) => None,
    }
}
