//! The connections of one worker to one application: kept for the next request, and given up soon.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Context;
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

/// One worker's connections to one application. The locks are never waited for: nobody else uses them.
#[derive(Debug)]
pub struct Pool {
    connector: Arc<Connector>,
    idle: Mutex<Idle>,
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

impl Pool {
    /// No connections yet.
    pub fn new(connector: Arc<Connector>) -> Arc<Self> {
        Arc::new(Self { connector, idle: Mutex::default(), shared: Mutex::default() })
    }

    /// A connection that is open already. Each is looked at before it is used, for the application may have closed it.
    pub(super) fn known(&self, context: &mut Context<'_>) -> Option<Way> {
        if self.connector.may_speak_http2() {
            let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(shared) = shared.as_ref().filter(|shared| !shared.is_closed()) {
                return Some(Way::Shared(shared.clone()));
            }
        }
        loop {
            let (mut lane, _) = self.idle().lanes.pop()?;
            if lane.is_open(context) {
                return Some(Way::Lane(lane));
            }
        }
    }

    /// Opens a connection; with `for_upgrade`, one that can leave HTTP behind.
    pub(super) async fn open(&self, for_upgrade: bool) -> Result<Way, ConnectError> {
        let opened = self.connector.open(for_upgrade).await?;
        if !opened.is_http2 {
            return Ok(Way::Lane(Box::new(Lane::new(opened.stream).await?)));
        }
        let shared = speak_http2(opened.stream).await?;
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared.clone());
        Ok(Way::Shared(shared))
    }

    /// Takes a connection back whose answer has been read to its end.
    pub(super) fn keep(self: &Arc<Self>, lane: Box<Lane>) {
        let mut idle = self.idle();
        if lane.is_over() || idle.lanes.len() >= MOST {
            return;
        }
        idle.lanes.push((lane, clock::instant()));
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(give_up(Arc::downgrade(self)));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that have been idle for long, until there are none.
async fn give_up(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 4).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
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
        .adaptive_window(true)
        .handshake(stream)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an HTTP/2 connection to an application ended");
        }
    });
    Ok(sender)
}
