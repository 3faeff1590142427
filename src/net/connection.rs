//! What is known about one client connection while it lives.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use http::header::HeaderValue;
use tokio::time::Instant;

use crate::model::peer::Peer;

/// One client connection, shared by the socket wrappers and the requests on it.
#[derive(Debug)]
pub struct Connection {
    /// Who is at the other end.
    pub peer: Peer,
    /// Whether TLS ended here.
    pub encrypted: bool,
    /// The peer's address as header lines say it.
    pub address_line: HeaderValue,
    in_flight: AtomicUsize,
    begun: AtomicUsize,
    tunnelled: AtomicBool,
    last_request: AtomicBool,
    waiting: Mutex<Option<Waker>>,
    owed: Mutex<Owed>,
}

/// What the visitor has still to take of answers that could go on.
#[derive(Debug)]
struct Owed {
    answers: usize,
    taken: Instant,
}

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
            address_line: HeaderValue::try_from(peer.address().to_string())
                .unwrap_or_else(|_| HeaderValue::from_static("")),
            in_flight: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            tunnelled: AtomicBool::new(false),
            last_request: AtomicBool::new(false),
            waiting: Mutex::default(),
            owed: Mutex::new(Owed { answers: 0, taken: Instant::now() }),
        })
    }

    /// Counts a request until the guard is dropped.
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// From here on the bytes are no longer HTTP: deadlines and the head guard stand aside.
    pub fn become_tunnel(&self) {
        self.tunnelled.store(true, Ordering::Release);
    }

    /// Whether the connection left HTTP behind.
    pub fn is_tunnel(&self) -> bool {
        self.tunnelled.load(Ordering::Acquire)
    }

    /// Whether a request is on its way.
    pub fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    /// From here on, until the guard is dropped, it is the visitor who keeps an answer waiting.
    pub fn await_visitor(self: &Arc<Self>) -> AwaitsVisitor {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        owed.answers += 1;
        owed.taken = Instant::now();
        AwaitsVisitor(Arc::clone(self))
    }

    /// Since when the visitor has taken nothing, while answers wait.
    pub fn awaits_visitor_since(&self) -> Option<Instant> {
        let owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        (owed.answers > 0).then_some(owed.taken)
    }

    /// How many requests have begun on it.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Wakes the connection's task when the last request under way is answered. To be called before `is_busy`.
    pub(super) fn wake_when_idle(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *waiting = Some(waker.clone());
        }
    }

    /// After the present request the connection closes.
    pub fn close_after_this(&self) {
        self.last_request.store(true, Ordering::Relaxed);
    }

    /// Whether the present request is the last one.
    pub fn closes_after_this(&self) -> bool {
        self.last_request.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            let waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl Drop for AwaitsVisitor {
    fn drop(&mut self) {
        let mut owed = self.0.owed.lock().unwrap_or_else(PoisonError::into_inner);
        owed.answers -= 1;
        owed.taken = Instant::now();
    }
}
