//! What is known about one client connection while it lives.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::peer::Peer;

/// One client connection, shared by the socket wrappers and the requests on it.
#[derive(Debug)]
pub struct Connection {
    /// Who is at the other end.
    pub peer: Peer,
    /// Whether TLS ended here.
    pub encrypted: bool,
    /// How many requests have begun, the flags below, and how many are under way: one word, so that a request touches
    /// it twice.
    state: AtomicU64,
    /// How many answers the visitor keeps waiting.
    owed: AtomicU32,
    waiting: Mutex<Option<Waker>>,
    born: Instant,
    /// Nanoseconds since `born`: when a visitor last took something, when an answer last ended, and between when and
    /// when an answer's end is found by a timer that runs anyway.
    taken: AtomicU64,
    ended: AtomicU64,
    found_from: AtomicU64,
    found_until: AtomicU64,
}

const UNDER_WAY: u64 = TUNNEL - 1;
const TUNNEL: u64 = 1 << 28;
const LAST_REQUEST: u64 = 1 << 29;
/// The connection's task has left its waker.
const WAITING: u64 = 1 << 30;
/// It has to be woken by the end of the answers, whatever timer runs.
const AT_ONCE: u64 = 1 << 31;
const BEGUN: u32 = 32;

/// An answer that is ready to go on, and waits for the visitor to make room; waits until dropped.
#[derive(Debug)]
pub struct AwaitsVisitor(Arc<Connection>);

/// A request on its way; counts as in flight until dropped.
#[derive(Debug)]
pub struct InFlight(Arc<Connection>);

impl Connection {
    /// A connection that has just been accepted.
    pub fn new(peer: Peer, encrypted: bool) -> Arc<Self> {
        Arc::new(Self {
            peer,
            encrypted,
            state: AtomicU64::new(0),
            owed: AtomicU32::new(0),
            waiting: Mutex::default(),
            born: Instant::now(),
            taken: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            found_from: AtomicU64::new(0),
            found_until: AtomicU64::new(0),
        })
    }

    /// Counts a request until the guard is dropped.
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.state.fetch_add((1 << BEGUN) + 1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// From here on the bytes are no longer HTTP: deadlines and the head guard stand aside.
    pub fn become_tunnel(&self) {
        self.state.fetch_or(TUNNEL, Ordering::Release);
        // Nobody waits for its end, and a waker keeps the memory of a task.
        self.take_waker();
    }

    /// Whether the connection left HTTP behind.
    pub fn is_tunnel(&self) -> bool {
        self.state.load(Ordering::Acquire) & TUNNEL != 0
    }

    /// Whether a request is on its way.
    pub fn is_busy(&self) -> bool {
        self.state.load(Ordering::Acquire) & UNDER_WAY != 0
    }

    /// From here on, until the guard is dropped, it is the visitor who keeps an answer waiting.
    pub fn await_visitor(self: &Arc<Self>) -> AwaitsVisitor {
        self.taken.store(self.now(), Ordering::Relaxed);
        self.owed.fetch_add(1, Ordering::Release);
        AwaitsVisitor(Arc::clone(self))
    }

    /// Since when the visitor has taken nothing, while answers wait.
    pub fn awaits_visitor_since(&self) -> Option<Instant> {
        (self.owed.load(Ordering::Acquire) > 0).then(|| self.at(self.taken.load(Ordering::Relaxed)))
    }

    /// How many requests have begun on it.
    pub fn begun(&self) -> u32 {
        (self.state.load(Ordering::Relaxed) >> BEGUN) as u32
    }

    /// When an answer last ended.
    pub(super) fn idle_since(&self) -> Instant {
        self.at(self.ended.load(Ordering::Relaxed))
    }

    /// Wakes the connection's task when the last request under way is answered. To be called before `is_busy`, and by
    /// that task only.
    pub(super) fn wake_when_idle(&self, waker: &Waker) {
        self.leave(waker, WAITING | AT_ONCE);
    }

    /// The same, unless `found_between` says that a timer wakes the task soon enough.
    pub(super) fn wake_when_idle_unfound(&self, waker: &Waker) {
        self.leave(waker, WAITING);
    }

    /// A running timer wakes the task at `until`. That is soon enough for answers that end less than `before` earlier.
    pub(super) fn found_between(&self, before: Duration, until: Instant) {
        let nanoseconds = |instant: Instant| nanoseconds(instant.duration_since(self.born));
        self.found_from.store(until.checked_sub(before).map_or(0, nanoseconds), Ordering::Relaxed);
        self.found_until.store(nanoseconds(until), Ordering::Relaxed);
    }

    fn leave(&self, waker: &Waker, how: u64) {
        if self.state.load(Ordering::Acquire) & how == how {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *waiting = Some(waker.clone());
        }
        self.state.fetch_or(how, Ordering::AcqRel);
    }

    /// After the present request the connection closes.
    pub fn close_after_this(&self) {
        self.state.fetch_or(LAST_REQUEST, Ordering::Relaxed);
    }

    /// Whether the present request is the last one.
    pub fn closes_after_this(&self) -> bool {
        self.state.load(Ordering::Relaxed) & LAST_REQUEST != 0
    }

    fn now(&self) -> u64 {
        nanoseconds(self.born.elapsed())
    }

    fn at(&self, nanoseconds: u64) -> Instant {
        self.born + Duration::from_nanos(nanoseconds)
    }

    fn end(&self) {
        let now = self.now();
        self.ended.store(now, Ordering::Relaxed);
        let state = self.state.fetch_sub(1, Ordering::AcqRel);
        if state & UNDER_WAY != 1 || state & WAITING == 0 {
            return;
        }
        let found = self.found_from.load(Ordering::Relaxed)..self.found_until.load(Ordering::Relaxed);
        if state & AT_ONCE != 0 || !found.contains(&now) {
            self.take_waker().into_iter().for_each(Waker::wake);
        }
    }

    fn take_waker(&self) -> Option<Waker> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.state.fetch_and(!(WAITING | AT_ONCE), Ordering::AcqRel);
        waiting.take()
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for AwaitsVisitor {
    fn drop(&mut self) {
        self.0.taken.store(self.0.now(), Ordering::Relaxed);
        self.0.owed.fetch_sub(1, Ordering::Release);
    }
}
