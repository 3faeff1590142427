//! The connections of each worker to one application: kept for the next request, and given up soon.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::{ConnectError, Connector, Stream};
use super::lane::{Counted, Lane};
use crate::net::body::Body;

/// Idle connections are given up before common applications give them up (Node.js and Apache: 5 s), so that a request
/// is rarely written to a connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);

/// How often in that time somebody looks after them.
const ROUNDS: u32 = 4;

/// Idle connections kept per application and worker.
const MOST: usize = 256;

/// Requests under way at most on one HTTP/2 connection, even where the application allows more.
const STREAMS: usize = 100;

/// HTTP/2 connections shared per application and worker. Where long answers fill that many, each further request has a
/// connection of its own, as with HTTP/1.1.
const MOST_SHARED: usize = 64;

/// How often an HTTP/2 application is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);

/// Bytes of one HTTP/2 answer held at most while the visitor does not take them.
const STREAM_WINDOW: u32 = 128 * 1024;

/// All that HTTP/2 allows: a visitor who takes nothing uses up the own stream's window, and never that of the connection,
/// which others wait for.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// One worker's connections to one application.
#[derive(Debug)]
pub struct Pool {
    connector: Arc<Connector>,
    shelves: Arc<[Shelf]>,
    worker: usize,
}

/// What a worker keeps, on cache lines of its own. Its locks are hardly ever waited for: nobody else uses them, unless
/// they have nothing themselves.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shelf {
    idle: Mutex<Idle>,
    /// Connections that the worker has, idle or not.
    open: Arc<AtomicUsize>,
    shared: Mutex<Vec<Shared>>,
}

/// Connections that wait for a request, the longest idle first.
#[derive(Debug, Default)]
struct Idle {
    /// Each with the round in which it came.
    lanes: Vec<(Box<Lane>, u32)>,
    /// How often somebody has looked after them: a request is spared the look at a clock.
    round: u32,
    watched: bool,
}

/// What sends requests on an HTTP/2 connection, which ends when there is none left.
pub(super) type Sender = http2::SendRequest<Body>;

/// An HTTP/2 connection carries many requests at once, but not any number: what goes beyond the application's bound waits
/// until another answer has ended, which may take hours.
#[derive(Debug)]
struct Shared {
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

/// A way to the application.
pub(super) enum Way {
    /// A connection for this request alone.
    Lane(Box<Lane>),
    /// A connection shared with others, and the place on it.
    Shared(Sender, UnderWay),
}

impl Pool {
    /// One pool for each of `workers`, without any connection yet.
    pub fn for_workers(connector: &Arc<Connector>, workers: usize) -> Vec<Arc<Self>> {
        let shelves: Arc<[Shelf]> = (0..workers).map(|_| Shelf::default()).collect();
        let pool = |worker| Self { connector: Arc::clone(connector), shelves: Arc::clone(&shelves), worker };
        (0..workers).map(|worker| Arc::new(pool(worker))).collect()
    }

    /// A connection that is open already. Each is looked at before it is used, for the application may have closed it.
    pub(super) fn known(&self) -> Option<Way> {
        let shelf = self.shelf();
        if self.connector.may_speak_http2()
            && let Some(way) = with_room(&mut shelf.shared())
        {
            return Some(way);
        }
        loop {
            let Some((mut lane, _)) = shelf.idle().lanes.pop() else { break };
            if lane.is_open() {
                return Some(Way::Lane(lane));
            }
        }
        self.borrowed().map(Way::Lane)
    }

    /// A worker with no connection at all takes an idle one from another worker: an application that serves one
    /// connection at a time would keep the visitor of a second one waiting. A worker that has some opens more.
    fn borrowed(&self) -> Option<Box<Lane>> {
        if self.shelves.len() == 1 || self.shelf().open.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let others = self.shelves.iter().enumerate().filter(|(worker, _)| *worker != self.worker);
        for (_, shelf) in others {
            let lane = shelf.idle().lanes.pop();
            if let Some((lane, _)) = lane
                && let Some(lane) = lane.moved(|| self.shelf().count())
            {
                return Some(lane);
            }
        }
        None
    }

    /// Opens a connection; with `for_upgrade`, one that can leave HTTP behind.
    pub(super) async fn open(&self, for_upgrade: bool) -> Result<Way, ConnectError> {
        let counted = self.shelf().count();
        let opened = self.connector.open(for_upgrade).await?;
        if !opened.is_http2 {
            return Ok(Way::Lane(Box::new(Lane::new(opened.stream, counted).await?)));
        }
        let opened = speak_http2(opened.stream).await?;
        let way = opened.way();
        let mut shared = self.shelf().shared();
        if shared.len() < MOST_SHARED {
            shared.push(opened);
        }
        Ok(way)
    }

    /// Takes a connection back whose answer has been read to its end.
    pub(super) fn keep(self: &Arc<Self>, lane: Box<Lane>) {
        let mut idle = self.shelf().idle();
        if lane.is_over() || idle.lanes.len() >= MOST {
            return;
        }
        let round = idle.round;
        idle.lanes.push((lane, round));
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(give_up(Arc::downgrade(self)));
        }
    }

    fn shelf(&self) -> &Shelf {
        &self.shelves[self.worker]
    }
}

impl Shelf {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self) -> MutexGuard<'_, Vec<Shared>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> Counted {
        Counted::new(&self.open)
    }
}

/// A place on one of the connections, the oldest first, so that those opened for a rush are left; they end one by one.
fn with_room(shared: &mut Vec<Shared>) -> Option<Way> {
    shared.retain(|shared| !shared.sender.is_closed());
    let found = shared.iter().position(|shared| shared.streams.have_room())?;
    let way = shared[found].way();
    if shared.len() > found + 1
        && shared[found].streams.leave_half()
        && shared.last().is_some_and(|last| last.streams.is_none())
    {
        shared.pop();
    }
    Some(way)
}

impl Shared {
    fn way(&self) -> Way {
        Way::Shared(self.sender.clone(), UnderWay::begin(&self.streams))
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

/// Closes connections that have been idle for long, until there are none.
async fn give_up(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / ROUNDS).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.shelf().idle();
        idle.round = idle.round.wrapping_add(1);
        let round = idle.round;
        idle.lanes.retain(|(lane, since)| !lane.is_over() && round.wrapping_sub(*since) < ROUNDS);
        if idle.lanes.is_empty() {
            idle.watched = false;
            return;
        }
    }
}

async fn speak_http2(stream: Stream) -> Result<Shared, ConnectError> {
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
    use super::super::connector::{Upstream, UpstreamScheme};
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

    #[tokio::test]
    async fn a_closed_connection_is_seen_by_a_task_that_has_done_much_in_one_go() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream {
            scheme: UpstreamScheme::Http,
            authority: listener.local_addr().unwrap().to_string().parse().unwrap(),
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
        };
        let connector = Arc::new(Connector::new(&upstream).unwrap());
        let pool = Pool::for_workers(&connector, 1).remove(0);
        let Way::Lane(mut lane) = pool.open(false).await.unwrap() else { panic!("not HTTP/1.1") };
        let (application, _) = listener.accept().await.unwrap();
        assert!(lane.is_open());
        drop(application);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let is_open = poll_fn(|context| {
            while tokio::task::coop::has_budget_remaining() {
                let _ = pin!(tokio::task::coop::consume_budget()).poll(context);
            }
            std::task::Poll::Ready(lane.is_open())
        });
        assert!(!is_open.await);
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
