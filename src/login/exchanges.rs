//! One exchange per code: WeChat's browser calls back twice, and a code can be spent once.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::model::clock;
use crate::model::member::SessionId;
use crate::wechat::api::{Arrival, WechatError};

/// How long the outcome of a callback is kept for the one that comes second, and what went wrong in any case.
pub(super) const MEMORY: Duration = Duration::from_secs(60);

/// Outcomes remembered at most, as many as browsers may wait; those that went wrong are forgotten first, then the oldest.
const MOST: usize = 10_000;

/// Exchanges under way at once: a flood of callbacks must not use up the quota that everybody shares.
const AT_ONCE: usize = 64;

/// Codes that one attempt may spend: WeChat issues one, and a person may go round again.
const PER_ATTEMPT: usize = 4;

/// How an exchange ended, shared by all callbacks of the same attempt with the same code.
pub(super) type Outcome<T> = Result<Arc<T>, Arc<WechatError>>;

/// The sessions that an outcome has led to.
pub(super) type Led = Arc<Mutex<Vec<SessionId>>>;

/// Exchanges under way or just done, by hash of app, attempt and code.
#[derive(Debug)]
pub(super) struct Exchanges<T = Arrival> {
    background: Option<Handle>,
    memory: Duration,
    known: Mutex<HashMap<[u8; 32], Known<T>>>,
}

/// One exchange.
#[derive(Debug)]
struct Known<T> {
    attempt: [u8; 16],
    begun: Instant,
    outcome: Pending<T>,
    led: Led,
}

/// An outcome that may still be on its way.
type Pending<T> = watch::Receiver<Option<Outcome<T>>>;

impl<T> Known<T> {
    fn failure(&self) -> Option<Arc<WechatError>> {
        let outcome = self.outcome.borrow();
        outcome.as_ref().and_then(|outcome| outcome.as_ref().err().map(Arc::clone))
    }
}

impl<T: Send + Sync + 'static> Exchanges<T> {
    /// None yet; they will run on `background`, and not where visitors are answered. What went well is remembered for
    /// `memory`.
    pub(super) fn new(background: Option<Handle>, memory: Duration) -> Self {
        Self { background, memory, known: Mutex::default() }
    }

    /// Runs `exchange` unless one with the same `key` is under way or has just ended, and gives its outcome. The
    /// exchange goes on when the caller goes away: the browser's second callback finds its outcome.
    pub(super) async fn join(
        &self,
        attempt: [u8; 16],
        key: [u8; 32],
        exchange: impl Future<Output = Result<T, Arc<WechatError>>> + Send + 'static,
    ) -> (Outcome<T>, Led) {
        let crowded = || Err(Arc::new(WechatError::Crowded));
        let Some((mut outcome, led)) = self.enter(attempt, key, exchange) else {
            return (crowded(), Led::default());
        };
        let outcome = outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        (outcome.unwrap_or_else(crowded), led)
    }

    /// How the exchange with this `key` went wrong, if it did so a moment ago.
    pub(super) fn failure(&self, key: [u8; 32]) -> Option<Arc<WechatError>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let exchange = known.get(&key)?;
        if clock::instant().duration_since(exchange.begun) >= MEMORY {
            return None;
        }
        exchange.failure()
    }

    /// `None` when there are too many.
    fn enter(
        &self,
        attempt: [u8; 16],
        key: [u8; 32],
        exchange: impl Future<Output = Result<T, Arc<WechatError>>> + Send + 'static,
    ) -> Option<(Pending<T>, Led)> {
        self.enter_at(clock::instant(), attempt, key, exchange)
    }

    fn enter_at(
        &self,
        now: Instant,
        attempt: [u8; 16],
        key: [u8; 32],
        exchange: impl Future<Output = Result<T, Arc<WechatError>>> + Send + 'static,
    ) -> Option<(Pending<T>, Led)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, exchange| {
            let age = now.duration_since(exchange.begun);
            age < self.memory && (age < MEMORY || exchange.failure().is_none())
        });
        if let Some(exchange) = known.get(&key) {
            return Some((exchange.outcome.clone(), Arc::clone(&exchange.led)));
        }
        let of_attempt = known.values().filter(|exchange| exchange.attempt == attempt).count();
        let under_way = known.values().filter(|exchange| exchange.outcome.borrow().is_none()).count();
        if of_attempt >= PER_ATTEMPT || under_way >= AT_ONCE {
            return None;
        }
        if known.len() >= MOST
            && let Some(oldest) = known
                .iter()
                .min_by_key(|(_, exchange)| (exchange.failure().is_none(), exchange.begun))
                .map(|(key, _)| *key)
        {
            known.remove(&oldest);
        }
        let (led, (sender, receiver)) = (Led::default(), watch::channel(None));
        known.insert(key, Known { attempt, begun: now, outcome: receiver.clone(), led: Arc::clone(&led) });
        let run = async move {
            let outcome = exchange.await.map(Arc::new);
            sender.send_replace(Some(outcome));
        };
        let run = run.in_current_span();
        match &self.background {
            Some(background) => background.spawn(run),
            None => tokio::spawn(run),
        };
        Some((receiver, led))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_callbacks_spend_a_code_once() {
        let exchanges = Exchanges::<Arrival>::new(None, MEMORY);
        let spent = Arc::new(AtomicUsize::new(0));
        let exchange = || {
            let spent = Arc::clone(&spent);
            async move {
                spent.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Err(Arc::new(WechatError::Snapshot))
            }
        };
        let (first, second) = tokio::join!(
            exchanges.join([0; 16], [1; 32], exchange()),
            exchanges.join([0; 16], [1; 32], exchange())
        );
        assert!(first.0.is_err() && second.0.is_err());
        let _ = exchanges.join([0; 16], [1; 32], exchange()).await;
        assert_eq!(spent.load(Ordering::SeqCst), 1);
        let _ = exchanges.join([0; 16], [2; 32], exchange()).await;
        assert_eq!(spent.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_exchange_survives_the_caller_that_went_away() {
        let exchanges = Exchanges::<Arrival>::new(None, MEMORY);
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        drop(exchanges.enter([0; 16], [1; 32], async move {
            let _ = wait.await;
            Err(Arc::new(WechatError::Snapshot))
        }));
        go.send(()).unwrap();
        let (outcome, _) = exchanges.join([0; 16], [1; 32], async { panic!("spent twice") }).await;
        assert!(matches!(outcome.unwrap_err().as_ref(), WechatError::Snapshot));
    }

    #[tokio::test]
    async fn a_flood_of_codes_reaches_wechat_only_so_far() {
        let exchanges = Exchanges::<Arrival>::new(None, MEMORY);
        let enter = |attempt: u8, code: u8| {
            exchanges.enter([attempt; 16], [code; 32], std::future::pending()).is_some()
        };
        assert_eq!((0..50).filter(|code| enter(1, *code)).count(), PER_ATTEMPT);
        let others = (2..200).filter(|attempt| enter(*attempt, *attempt + 50)).count();
        assert_eq!(others, AT_ONCE - PER_ATTEMPT);
    }

    #[tokio::test]
    async fn what_went_well_is_remembered_for_as_long_as_asked_and_what_went_wrong_for_a_minute() {
        let exchanges = Exchanges::<String>::new(None, Duration::from_secs(300));
        let (start, made) = (clock::instant(), Arc::new(AtomicUsize::new(0)));
        let ask = async |second, key: u8, is_well: bool| {
            let made = Arc::clone(&made);
            let exchange = async move {
                made.fetch_add(1, Ordering::SeqCst);
                if is_well { Ok(String::new()) } else { Err(Arc::new(WechatError::Crowded)) }
            };
            let now = start + Duration::from_secs(second);
            let (mut outcome, _) = exchanges.enter_at(now, [key; 16], [key; 32], exchange).unwrap();
            let _ = outcome.wait_for(Option::is_some).await.unwrap();
        };
        for second in [0, 59, 61, 299] {
            ask(second, 1, true).await;
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
        ask(300, 1, true).await;
        assert_eq!(made.load(Ordering::SeqCst), 2);
        for (second, times) in [(400, 3), (459, 3), (460, 4)] {
            ask(second, 2, false).await;
            assert_eq!(made.load(Ordering::SeqCst), times, "at {second}");
        }
    }
}
