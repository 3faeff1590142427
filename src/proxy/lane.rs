//! One HTTP/1.1 connection to an application, driven by whoever uses it.
//!
//! hyper parts a connection into a sender and a future that moves the bytes. Usually that future gets a task of its own,
//! and each request is a conversation between two tasks. Here the request's own task polls it, which saves the waking.
//! A request with a body, or one that may leave HTTP, still gets a task for its connection: bytes have to move both ways
//! there, whether or not the visitor takes any.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::connector::{ConnectError, Stream};
use super::error::ForwardError;
use super::inward::Inward;
use crate::net::body::{Body, Silence};

/// Bytes of an answer held at most while the visitor does not take them.
const BUFFER: usize = 128 * 1024;

/// One connection.
pub(super) struct Lane {
    sender: http1::SendRequest<Body>,
    driver: Driver,
    inward: Inward,
    /// How long the application has been silent.
    pub(super) silence: Silence,
    #[expect(dead_code, reason = "held for its Drop")]
    counted: Counted,
}

/// Who moves the bytes.
#[expect(clippy::large_enum_variant, reason = "a lane is boxed as a whole, and nearly always driven here")]
enum Driver {
    /// Whoever uses the lane.
    Here(http1::Connection<Stream, Body>),
    /// Nobody: the connection has ended, in the middle of an answer's head if something of it was heard.
    Over { heard: bool },
    /// A task.
    Task,
}

impl Driver {
    /// Moves bytes, if nobody else does; ready once the connection has ended.
    fn drive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self::Here(connection) = self else { return Poll::Pending };
        let ended = Pin::new(connection).poll(context).map(|_| ());
        if ended.is_ready()
            && let Self::Here(connection) = mem::replace(self, Self::Over { heard: false })
        {
            *self = Self::Over { heard: !connection.into_parts().read_buf.is_empty() };
        }
        ended
    }
}

/// Counts one open connection of a worker until dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// One more of `open`.
    pub(super) fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The same socket in the runtime that calls.
fn registered_here(stream: TokioIo<TcpStream>) -> Option<TokioIo<TcpStream>> {
    let stream = TcpStream::from_std(stream.into_inner().into_std().ok()?).ok()?;
    Some(TokioIo::new(stream))
}

impl fmt::Debug for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lane").field("is_over", &self.is_over()).finish_non_exhaustive()
    }
}

impl Lane {
    /// Speaks HTTP/1.1 on `stream`.
    pub(super) async fn new(stream: Stream, counted: Counted) -> Result<Self, ConnectError> {
        let (sender, connection) = http1::Builder::new().max_buf_size(BUFFER).handshake(stream).await?;
        Ok(Self {
            sender,
            driver: Driver::Here(connection),
            inward: Inward::new(),
            silence: Silence::default(),
            counted,
        })
    }

    /// The same connection for another worker, which calls and `count`s it. Where it cannot change its runtime, behind TLS
    /// or driven by a task, it stays in the old one, which ends only with the process: a wake from core to core costs less
    /// than a new connection.
    pub(super) fn moved(mut self: Box<Self>, count: impl FnOnce() -> Counted) -> Option<Box<Self>> {
        if !self.is_open() {
            return None;
        }
        let connection = match self.driver {
            Driver::Here(connection) => connection,
            driver => {
                // The timer goes off in the old runtime.
                let silence = Silence::default();
                return Some(Box::new(Self { driver, silence, counted: count(), ..*self }));
            }
        };
        let parts = connection.into_parts();
        let stream = match parts.io {
            MaybeHttpsStream::Http(stream) => MaybeHttpsStream::Http(registered_here(stream)?),
            https @ MaybeHttpsStream::Https(_) => https,
        };
        let handshake = Self::new(stream, count());
        // It waits for nothing.
        let Poll::Ready(moved) = pin!(handshake).poll(&mut Context::from_waker(Waker::noop())) else {
            return None;
        };
        moved.ok().filter(|_| parts.read_buf.is_empty()).map(Box::new)
    }

    /// Gives the connection a task of its own from here on.
    pub(super) fn detach(&mut self) {
        match mem::replace(&mut self.driver, Driver::Task) {
            Driver::Here(connection) => {
                tokio::spawn(async move {
                    if let Err(error) = connection.with_upgrades().await {
                        tracing::debug!(%error, "a connection to an application ended");
                    }
                });
            }
            other => self.driver = other,
        }
    }

    /// Whether another request may go this way: the application has not closed it, and said nothing unasked.
    pub(super) fn is_open(&mut self) -> bool {
        self.silence.moves();
        let Self { inward, driver, .. } = self;
        let looked = inward.poll(&Context::from_waker(Waker::noop()), |context| {
            // A task that has done much in one go would be told that there is nothing to read yet.
            pin!(unconstrained(poll_fn(|context| driver.drive(context)))).poll(context)
        });
        looked.is_pending() && !matches!(self.driver, Driver::Over { .. }) && self.sender.is_ready()
    }

    /// Whether the connection may have ended in the middle of an answer's head. What a task has read, nobody knows.
    fn may_have_heard(&self) -> bool {
        matches!(self.driver, Driver::Over { heard: true } | Driver::Task)
    }

    /// Whether the connection has ended, as far as is known.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.driver, Driver::Over { .. }) || self.sender.is_closed()
    }

    /// Polls what comes out of the connection, after its bytes have moved, if they move in this task.
    pub(super) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        mut out: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Self { inward, driver, .. } = self;
        match driver {
            Driver::Task => out(context),
            // A task that has done much in one go is told to wait; but these parts wait for nobody but each other.
            Driver::Here(_) | Driver::Over { .. } => inward.poll(context, |context| {
                let _ = driver.drive(context);
                pin!(unconstrained(poll_fn(&mut out))).poll(context)
            }),
        }
    }

    /// Polls what may have come out already, without moving any bytes.
    pub(super) fn look<T>(&mut self, out: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.inward.poll(&Context::from_waker(Waker::noop()), out)
    }

    /// Sends a request at `now`. What comes back is polled by `poll_answer`.
    pub(super) fn send(
        &mut self,
        request: Request<Body>,
        now: Instant,
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> + use<> {
        self.silence.begin(now);
        self.sender.send_request(request)
    }

    /// Waits for the head of the `answer`, through `patience` of silence. A body on its way last `moved` then, so that a
    /// long upload is not cut.
    pub(super) fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
        mut answer: Pin<&mut impl Future<Output = hyper::Result<Response<Incoming>>>>,
        patience: Duration,
        moved: Option<Instant>,
    ) -> Poll<Result<Response<Incoming>, ForwardError>> {
        let answered = match self.poll(context, |context| answer.as_mut().poll(context)) {
            Poll::Ready(answered) => answered.map_err(ForwardError::from),
            Poll::Pending => {
                if let Some(at) = moved {
                    self.silence.begin(at);
                }
                ready!(self.silence.poll_lasts(context, patience));
                Err(ForwardError::Timeout)
            }
        };
        self.silence.end();
        Poll::Ready(match answered {
            // hyper tells these two ends from one another by no error.
            Err(ForwardError::Unanswered(error)) if self.may_have_heard() => Err(ForwardError::Broken(error)),
            answered => answered,
        })
    }
}
