//! One exchange per code: WeChat's browser calls back twice, and a code can be spent once.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::Instrument as _;

use crate::model::clock;
use crate::wechat::api::{Arrival, WechatError};

/// How long an outcome is kept for the callback that comes second.
const MEMORY: Duration = Duration::from_secs(60);

/// Codes remembered at most; the oldest is forgotten first.
const MOST: usize = 4096;

/// How an exchange ended, shared by all callbacks of the same attempt with the same code.
pub(super) type Outcome = Result<Arc<Arrival>, Arc<WechatError>>;

/// Exchanges under way or just done, by hash of app, attempt and code.
#[derive(Debug, Default)]
pub struct Exchanges {
    known: Mutex<HashMap<[u8; 32], (Instant, Pending)>>,
}

/// An outcome that may still be on its way.
type Pending = watch::Receiver<Option<Outcome>>;

impl Exchanges {
    /// Runs `exchange` unless one with the same `key` is under way or has just ended, and gives its outcome. The
    /// exchange goes on when the caller goes away: the browser's second callback finds its outcome.
    pub(super) async fn join(
        &self,
        key: [u8; 32],
        exchange: impl Future<Output = Result<Arrival, WechatError>> + Send + 'static,
    ) -> Option<Outcome> {
        let mut outcome = self.enter(key, exchange);
        outcome.wait_for(Option::is_some).await.ok()?.clone()
    }

    fn enter(
        &self,
        key: [u8; 32],
        exchange: impl Future<Output = Result<Arrival, WechatError>> + Send + 'static,
    ) -> Pending {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::instant();
        known.retain(|_, (begun, _)| now.duration_since(*begun) < MEMORY);
        if let Some((_, outcome)) = known.get(&key) {
            return outcome.clone();
        }
        if known.len() >= MOST
            && let Some(oldest) = known.iter().min_by_key(|(_, (begun, _))| *begun).map(|(key, _)| *key)
        {
            known.remove(&oldest);
        }
        let (sender, receiver) = watch::channel(None);
        known.insert(key, (now, receiver.clone()));
        let run = async move {
            let outcome = exchange.await.map(Arc::new).map_err(Arc::new);
            sender.send_replace(Some(outcome));
        };
        tokio::spawn(run.in_current_span());
        receiver
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_callbacks_spend_a_code_once() {
        let exchanges = Exchanges::default();
        let spent = Arc::new(AtomicUsize::new(0));
        let exchange = || {
            let spent = Arc::clone(&spent);
            async move {
                spent.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Err(WechatError::Snapshot)
            }
        };
        let (first, second) =
            tokio::join!(exchanges.join([1; 32], exchange()), exchanges.join([1; 32], exchange()));
        assert!(first.is_some() && second.is_some());
        exchanges.join([1; 32], exchange()).await;
        assert_eq!(spent.load(Ordering::SeqCst), 1);
        exchanges.join([2; 32], exchange()).await;
        assert_eq!(spent.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_exchange_survives_the_caller_that_went_away() {
        let exchanges = Exchanges::default();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        drop(exchanges.enter([1; 32], async move {
            let _ = wait.await;
            Err(WechatError::Snapshot)
        }));
        go.send(()).unwrap();
        let outcome = exchanges.join([1; 32], async { panic!("spent twice") }).await;
        assert!(matches!(outcome, Some(Err(_))));
    }
}
