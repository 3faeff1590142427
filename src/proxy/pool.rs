//! The connections of each worker to one application: kept for the next request, and given up soon.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::{ConnectError, Connector, Stream};
use super::lane::Lane;
use crate::model::clock;
use crate::net::body::Body;

/// Idle connections are given up before common applications give them up (Node.js and Apache: 5 s), so that a request
/// is rarely written to a connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);

/// Idle connections kept per application and worker.
const MOST: usize = 256;

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
    shared: Mutex<Option<Shared>>,
}

/// Connections that wait for a request, the longest idle first.
#[derive(Debug, Default)]
struct Idle {
    lanes: Vec<(Box<Lane>, Instant)>,
    watched: bool,
}

/// An HTTP/2 connection carries many requests at once.
pub(super) type Shared = http2::SendRequest<Body>;

/// A way to the application.
pub(super) enum Way {
    /// A connection for this request alone.
    Lane(Box<Lane>),
    /// A connection shared with others.
    Shared(Shared),
}

/// Counts one open connection of a worker until dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

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
            && let Some(shared) = shelf.shared().as_ref().filter(|shared| !shared.is_closed())
        {
            return Some(Way::Shared(shared.clone()));
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
        let shared = speak_http2(opened.stream).await?;
        *self.shelf().shared() = Some(shared.clone());
        Ok(Way::Shared(shared))
    }

    /// Takes a connection back whose answer has been read to its end.
    pub(super) fn keep(self: &Arc<Self>, lane: Box<Lane>) {
        let mut idle = self.shelf().idle();
        if lane.is_over() || idle.lanes.len() >= MOST {
            return;
        }
        idle.lanes.push((lane, clock::instant()));
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

    fn shared(&self) -> MutexGuard<'_, Option<Shared>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> Counted {
        self.open.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Closes connections that have been idle for long, until there are none.
async fn give_up(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 4).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.shelf().idle();
        let now = clock::instant();
        idle.lanes.retain(|(lane, since)| !lane.is_over() && now.duration_since(*since) < IDLE);
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
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an HTTP/2 connection to an application ended");
        }
    });
    Ok(sender)
}
