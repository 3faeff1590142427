//! The connections of each worker to one application: kept for the next request, and given up soon.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::connector::{ConnectError, Connector};
use super::lane::{Counted, Lane};
use super::shared::{Sender, Shared, UnderWay, speak_http2, with_room};

/// Idle connections are given up before common applications give them up (Node.js and Apache: 5 s), so that a request
/// is rarely written to a connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);

/// How often in that time somebody looks after them.
const ROUNDS: u32 = 4;

/// Idle connections kept per application and worker.
const MOST: usize = 256;

/// HTTP/2 connections shared per application and worker. Where long answers fill that many, each further request has a
/// connection of its own, as with HTTP/1.1.
const MOST_SHARED: usize = 64;

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
            && let Some((sender, under_way)) = with_room(&mut shelf.shared())
        {
            return Some(Way::Shared(sender, under_way));
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
        let (sender, under_way) = opened.place();
        let mut shared = self.shelf().shared();
        if shared.len() < MOST_SHARED {
            shared.push(opened);
        }
        Ok(Way::Shared(sender, under_way))
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

#[cfg(test)]
mod tests {
    use std::future::{Future as _, poll_fn};
    use std::pin::pin;

    use super::super::connector::{Upstream, UpstreamScheme};
    use super::*;

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
        let mut seen_in_one_go = async || {
            let is_open = poll_fn(|context| {
                while tokio::task::coop::has_budget_remaining() {
                    let _ = pin!(tokio::task::coop::consume_budget()).poll(context);
                }
                std::task::Poll::Ready(lane.is_open())
            });
            !is_open.await
        };
        let seen = async {
            while !seen_in_one_go().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("it is seen");
    }
}
