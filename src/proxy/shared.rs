//! HTTP/2 connections to an application, each shared by many requests.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::{ConnectError, Stream};
use crate::net::body::Body;

/// Requests under way at most on one HTTP/2 connection, even where the application allows more.
const STREAMS: usize = 100;

/// How often an HTTP/2 application is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);

/// Bytes of one HTTP/2 answer held at most while the visitor does not take them.
const STREAM_WINDOW: u32 = 128 * 1024;

/// All that HTTP/2 allows: a visitor who takes nothing uses up the own stream's window, and never that of the connection,
/// which others wait for.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// What sends requests on an HTTP/2 connection, which ends when there is none left.
pub(super) type Sender = http2::SendRequest<Body>;

/// An HTTP/2 connection carries many requests at once, but not any number: what goes beyond the application's bound waits
/// until another answer has ended, which may take hours.
#[derive(Debug)]
pub(super) struct Shared {
    sender: Sender,
    streams: Arc<Streams>,
}

/// The requests on an HTTP/2 connection.
#[derive(Debug)]
struct Streams {
    under_way: AtomicUsize,
    /// At most; one until an answer has come, and before it how many the application allows.
    allowed: AtomicUsize,
    is_answered: AtomicBool,
    /// The task that learns what is allowed.
    learner: OnceLock<Waker>,
}

/// Counts one request on a shared connection until dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Streams>);

/// A place on one of the connections, the oldest first, so that those opened for a rush are left; they end one by one.
pub(super) fn with_room(shared: &mut Vec<Shared>) -> Option<(Sender, UnderWay)> {
    shared.retain(|shared| !shared.sender.is_closed());
    let found = shared.iter().position(|shared| shared.streams.have_room())?;
    let place = shared[found].place();
    if shared.len() > found + 1
        && shared[found].streams.leave_half()
        && shared.last().is_some_and(|last| last.streams.is_none())
    {
        shared.pop();
    }
    Some(place)
}

impl Shared {
    /// One more request on it.
    pub(super) fn place(&self) -> (Sender, UnderWay) {
        (self.sender.clone(), UnderWay::begin(&self.streams))
    }
}

impl Streams {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            under_way: AtomicUsize::new(0),
            allowed: AtomicUsize::new(1),
            is_answered: AtomicBool::new(false),
            learner: OnceLock::new(),
        })
    }

    /// The application allows so many. One place stays empty: hyper keeps the request that takes the last one waiting in
    /// a way that loses the cause when the connection breaks.
    fn learn(&self, allowed: usize) {
        if self.is_answered.load(Ordering::Acquire) {
            self.allowed.store(allowed.saturating_sub(1).clamp(1, STREAMS), Ordering::Relaxed);
        }
    }

    fn have_room(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) < self.allowed.load(Ordering::Relaxed)
    }

    fn leave_half(&self) -> bool {
        2 * self.under_way.load(Ordering::Relaxed) <= self.allowed.load(Ordering::Relaxed)
    }

    fn is_none(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0
    }
}

impl UnderWay {
    fn begin(streams: &Arc<Streams>) -> Self {
        streams.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }

    /// One more, for the request's body: it may take longer than the answer.
    pub(super) fn again(&self) -> Self {
        Self::begin(&self.0)
    }

    /// The application has answered, and has said before that how many requests it allows.
    pub(super) fn is_answered(&self) {
        if !self.0.is_answered.load(Ordering::Relaxed) {
            self.0.is_answered.store(true, Ordering::Release);
            if let Some(learner) = self.0.learner.get() {
                learner.wake_by_ref();
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Speaks HTTP/2 on `stream`, and learns how many requests the application allows.
pub(super) async fn speak_http2(stream: Stream) -> Result<Shared, ConnectError> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(stream)
        .await?;
    let streams = Streams::new();
    let learning = Arc::clone(&streams);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let ended = poll_fn(|context| {
            learning.learner.get_or_init(|| context.waker().clone());
            let ended = connection.as_mut().poll(context);
            learning.learn(connection.current_max_send_streams());
            ended
        });
        if let Err(error) = ended.await {
            tracing::debug!(%error, "an HTTP/2 connection to an application ended");
        }
    });
    Ok(Shared { sender, streams })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_one_request_until_the_application_has_said_how_many() {
        let streams = Streams::new();
        streams.learn(250);
        let first = UnderWay::begin(&streams);
        assert!(!streams.have_room());
        first.is_answered();
        streams.learn(4);
        let others = [first.again(), first.again()];
        assert!(!streams.have_room());
        drop(others);
        assert!(streams.have_room() && streams.leave_half());
        drop(first);
        assert!(streams.is_none());
    }

    #[test]
    fn a_connection_takes_a_bounded_number_of_requests() {
        let streams = Streams::new();
        UnderWay::begin(&streams).is_answered();
        for (allowed, taken) in [(usize::MAX, STREAMS), (20, 19), (1, 1), (0, 1)] {
            streams.learn(allowed);
            assert_eq!(streams.allowed.load(Ordering::Relaxed), taken);
        }
    }
}
