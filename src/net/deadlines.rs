//! Deadlines of a client socket: first byte, request head, silence between requests, stalled writes and windows.
//!
//! hyper has a timer for the head only, and hyper-util's protocol detection has none at all; here one timer per
//! connection covers the whole life of the socket, and is touched only when the socket has nothing to say.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connection::Connection;
use super::limits::Limits;

/// A client socket with deadlines.
pub(super) struct Timed<S> {
    inner: S,
    timer: Pin<Box<Sleep>>,
    connection: Arc<Connection>,
    limits: Arc<Limits>,
    waiting: Waiting,
    begun: usize,
    stalled: bool,
    heads: bool,
}

/// What the client owes us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Waiting {
    /// The first byte of the connection, since accept.
    FirstByte(Instant),
    /// The rest of a request head, since its first byte.
    Head(Instant),
    /// Nothing: a request is on its way.
    Nothing,
    /// The next request, since the last answer ended.
    Request(Instant),
}

impl<S> Timed<S> {
    /// Starts the clock of a connection just accepted.
    pub(super) fn new(inner: S, connection: Arc<Connection>, limits: Arc<Limits>) -> Self {
        let now = Instant::now();
        let timer = Box::pin(tokio::time::sleep(limits.first_byte));
        let waiting = Waiting::FirstByte(now);
        Self { inner, timer, connection, limits, waiting, begun: 0, stalled: false, heads: true }
    }

    /// HTTP/2 has frames between requests, so there a received byte does not begin a head.
    pub(super) fn speaks_http2(&mut self) {
        self.heads = false;
    }
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client was silent for too long")
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let begun = this.connection.begun();
        if this.begun != begun {
            // The head that was waited for has become a request, which may be over already.
            this.begun = begun;
            this.waiting = Waiting::Nothing;
        }
        if let Poll::Ready(result) = Pin::new(&mut this.inner).poll_read(context, buffer) {
            let got_bytes = buffer.filled().len() > before;
            this.waiting = match this.waiting {
                _ if this.connection.is_tunnel() || this.connection.is_busy() => Waiting::Nothing,
                Waiting::Head(since) => Waiting::Head(since),
                _ if got_bytes && this.heads => Waiting::Head(Instant::now()),
                waiting => waiting,
            };
            return Poll::Ready(result);
        }
        if this.connection.is_tunnel() {
            return Poll::Pending;
        }
        // Nobody reads again on account of an answer's end, and from there on the client owes us the next request.
        this.connection.wake_when_idle(context.waker());
        if this.connection.is_busy() {
            this.waiting = Waiting::Nothing;
            return this.watch_streams(context);
        }
        let deadline = match this.waiting {
            Waiting::FirstByte(since) => since + this.limits.first_byte,
            Waiting::Head(since) => since + this.limits.head,
            Waiting::Request(since) => since + this.limits.keep_alive,
            Waiting::Nothing => {
                let now = Instant::now();
                this.waiting = Waiting::Request(now);
                now + this.limits.keep_alive
            }
        };
        if this.stalled {
            return Poll::Pending;
        }
        if this.timer.deadline() != deadline {
            this.timer.as_mut().reset(deadline);
        }
        this.timer.as_mut().poll(context).map(|()| Err(timed_out()))
    }
}

impl<S> Timed<S> {
    /// HTTP/2 answers may wait for the visitor's window while the socket itself takes every byte there is.
    fn watch_streams(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.heads || self.stalled {
            return Poll::Pending;
        }
        let Some(since) = self.connection.awaits_visitor_since() else { return Poll::Pending };
        let deadline = since + self.limits.write_stall;
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(context).map(|()| Err(timed_out()))
    }

    fn watch_write<T>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        let this = self.get_mut();
        if result.is_ready() {
            this.stalled = false;
            return result;
        }
        if this.connection.is_tunnel() {
            return Poll::Pending;
        }
        if !this.stalled {
            this.stalled = true;
            this.timer.as_mut().reset(Instant::now() + this.limits.write_stall);
        }
        this.timer.as_mut().poll(context).map(|()| Err(timed_out()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch_write(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.watch_write(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(context);
        self.watch_write(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watch_write(context, result)
    }
}
