//! Deadlines of a client socket: first byte, request head, silence between requests, stalled writes and windows.
//!
//! hyper has a timer for the head only, and hyper-util's protocol detection has none at all; here one timer per
//! connection covers the whole life of the socket, and a request that follows the last one soon enough does not touch it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connection::Connection;
use super::deadline::Deadline;
use super::limits::Limits;

/// A client socket with deadlines.
pub(super) struct Timed<S> {
    inner: S,
    timer: Deadline,
    connection: Arc<Connection>,
    limits: Arc<Limits>,
    waiting: Waiting,
    /// Until when the client has to take a byte of what is written.
    stalled: Option<Instant>,
    /// When the connection was last told that the timer goes off.
    told: Option<Instant>,
    begun: u32,
    heads: bool,
}

/// What the client owes us, when no request is on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Waiting {
    /// The first byte of the connection, since accept.
    FirstByte(Instant),
    /// The rest of a request head, since its first byte. A clock is read only when the rest did not come with it.
    Head(Option<Instant>),
    /// The next request, since the last answer ended.
    Request,
}

impl<S> Timed<S> {
    /// Starts the clock of a connection just accepted.
    pub(super) fn new(inner: S, connection: Arc<Connection>, limits: Arc<Limits>) -> Self {
        let (timer, waiting) = (Deadline::default(), Waiting::FirstByte(Instant::now()));
        Self { inner, timer, connection, limits, waiting, stalled: None, told: None, begun: 0, heads: true }
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
            this.waiting = Waiting::Request;
        }
        if let Poll::Ready(result) = Pin::new(&mut this.inner).poll_read(context, buffer) {
            let got_bytes = buffer.filled().len() > before;
            this.waiting = match this.waiting {
                _ if this.connection.is_tunnel() || this.connection.is_busy() => Waiting::Request,
                Waiting::Head(since) => Waiting::Head(since),
                _ if got_bytes && this.heads => Waiting::Head(None),
                waiting => waiting,
            };
            return Poll::Ready(result);
        }
        if this.connection.is_tunnel() {
            // Its waker would keep the memory of a task that has ended.
            this.timer = Deadline::default();
            return Poll::Pending;
        }
        // Nobody reads again on account of an answer's end, and from there on the client owes us the next request.
        this.connection.wake_when_idle_unfound(context.waker());
        if let Some(until) = this.stalled {
            // It is the writing that gives up. This keeps the timer running, should it have gone off early.
            let _ = this.wait(context, until);
            return Poll::Pending;
        }
        if this.connection.is_busy() {
            this.waiting = Waiting::Request;
            return this.watch_streams(context);
        }
        let until = match &mut this.waiting {
            Waiting::FirstByte(since) => *since + this.limits.first_byte,
            Waiting::Head(since) => *since.get_or_insert_with(Instant::now) + this.limits.head,
            Waiting::Request => this.connection.idle_since() + this.limits.keep_alive,
        };
        this.wait(context, until).map(Err)
    }
}

impl<S> Timed<S> {
    /// Ready with the error once `until` has passed. An answer may end while the timer runs: the connection is told
    /// when that is found, so that it need not wake the task for each.
    fn wait(&mut self, context: &mut Context<'_>, until: Instant) -> Poll<io::Error> {
        let passed = self.timer.poll_passed(context, until);
        let goes_off = self.timer.goes_off();
        if self.told != goes_off {
            self.told = goes_off;
            if let Some(goes_off) = goes_off {
                self.connection.found_between(self.limits.keep_alive, goes_off);
            }
        }
        passed.map(|()| timed_out())
    }

    /// HTTP/2 answers may wait for the visitor's window while the socket itself takes every byte there is.
    fn watch_streams(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.heads {
            return Poll::Pending;
        }
        let Some(since) = self.connection.awaits_visitor_since() else { return Poll::Pending };
        self.wait(context, since + self.limits.write_stall).map(Err)
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
            if this.stalled.take().is_some() && !this.connection.is_busy() {
                // The timer was the writing's; the reading has to say anew what it waits for.
                context.waker().wake_by_ref();
            }
            return result;
        }
        if this.connection.is_tunnel() {
            return Poll::Pending;
        }
        let stall = this.limits.write_stall;
        let until = *this.stalled.get_or_insert_with(|| Instant::now() + stall);
        this.wait(context, until).map(Err)
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;
    use crate::model::peer::Peer;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn limits() -> Limits {
        Limits {
            first_byte: seconds(10),
            head: seconds(20),
            keep_alive: seconds(75),
            write_stall: seconds(60),
            ..Limits::default()
        }
    }

    /// A connection whose task does what hyper does: it reads when it is woken, and only then.
    struct Played {
        client: DuplexStream,
        connection: Arc<Connection>,
        polls: Arc<AtomicUsize>,
        task: tokio::task::JoinHandle<Instant>,
    }

    impl Played {
        fn new(limits: Limits, heads: bool) -> Self {
            let (client, server) = tokio::io::duplex(1024);
            let connection = Connection::new(Peer::UnixSocket, false);
            let mut timed = Timed::new(server, Arc::clone(&connection), Arc::new(limits));
            if !heads {
                timed.speaks_http2();
            }
            let polls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&polls);
            let task = tokio::spawn(poll_fn(move |context| {
                counted.fetch_add(1, Ordering::Relaxed);
                loop {
                    let mut bytes = [0; 64];
                    let mut bytes = ReadBuf::new(&mut bytes);
                    match Pin::new(&mut timed).poll_read(context, &mut bytes) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(_)) => return Poll::Ready(Instant::now()),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            }));
            Self { client, connection, polls, task }
        }

        async fn sends(&mut self, bytes: &str) {
            self.client.write_all(bytes.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }

        /// A request that comes and is answered within two milliseconds.
        async fn asks(&mut self) {
            self.sends("head").await;
            let request = self.connection.begin();
            self.sends("body").await;
            drop(request);
        }

        async fn ends_after(self, start: Instant, expected: Duration) {
            let ended = self.task.await.unwrap() - start;
            assert!(
                ended >= expected && ended < expected + Duration::from_millis(10),
                "{ended:?} {expected:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_answer_however_long_the_timer_runs_already() {
        for heads in [true, false] {
            let mut played = Played::new(limits(), heads);
            for pause in [5, 70, 30, 74, 1] {
                played.asks().await;
                tokio::time::sleep(seconds(pause)).await;
            }
            played.asks().await;
            played.ends_after(Instant::now(), seconds(75)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_answer_wakes_nobody_while_the_timer_is_soon_enough() {
        let mut played = Played::new(limits(), true);
        played.asks().await;
        tokio::time::sleep(seconds(1)).await;
        let before = played.polls.load(Ordering::Relaxed);
        for _ in 0..100 {
            played.asks().await;
        }
        tokio::time::sleep(seconds(1)).await;
        // Twice for each: its head and its body.
        assert_eq!(played.polls.load(Ordering::Relaxed) - before, 200);
        played.ends_after(Instant::now(), seconds(74)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_silence_is_found_behind_a_timer_for_something_longer() {
        let mut played = Played::new(Limits { keep_alive: seconds(1), ..limits() }, true);
        played.sends("half a head").await;
        played.asks().await;
        played.ends_after(Instant::now(), seconds(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_outlasts_the_timer_is_no_silence() {
        for answer in [74, 76, 200] {
            let mut played = Played::new(limits(), true);
            played.asks().await;
            played.sends("head").await;
            let request = played.connection.begin();
            tokio::time::sleep(seconds(answer)).await;
            drop(request);
            played.ends_after(Instant::now(), seconds(75)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_counts_from_its_first_byte() {
        let mut played = Played::new(limits(), true);
        played.asks().await;
        tokio::time::sleep(seconds(60)).await;
        let start = Instant::now();
        played.sends("G").await;
        tokio::time::sleep(seconds(15)).await;
        played.sends("E").await;
        played.ends_after(start, seconds(20)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_at_all_counts_from_the_beginning() {
        Played::new(limits(), true).ends_after(Instant::now(), seconds(10)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_http2_visitor_who_makes_no_room_is_given_up() {
        let mut played = Played::new(limits(), false);
        played.asks().await;
        let _request = played.connection.begin();
        let (start, _owed) = (Instant::now(), played.connection.await_visitor());
        played.sends("frame").await;
        played.ends_after(start, seconds(60)).await;
    }

    /// A task that reads and writes, as hyper's does.
    #[tokio::test(start_paused = true)]
    async fn a_write_that_stalls_has_its_own_deadline_and_leaves_the_others_exact() {
        for taken in [false, true] {
            let (mut client, server) = tokio::io::duplex(16);
            let connection = Connection::new(Peer::UnixSocket, false);
            let limits = Limits { keep_alive: seconds(5), ..limits() };
            let mut timed = Timed::new(server, Arc::clone(&connection), Arc::new(limits));
            let request = connection.begin();
            let mut left = 32;
            let task = tokio::spawn(poll_fn(move |context| {
                let mut bytes = [0; 64];
                let read = Pin::new(&mut timed).poll_read(context, &mut ReadBuf::new(&mut bytes));
                if read.is_ready() {
                    return Poll::Ready(Instant::now());
                }
                while left > 0 {
                    match Pin::new(&mut timed).poll_write(context, &[0; 32][..left]) {
                        Poll::Ready(Ok(count)) => left -= count,
                        Poll::Ready(Err(_)) => return Poll::Ready(Instant::now()),
                        Poll::Pending => break,
                    }
                }
                Poll::Pending
            }));
            let start = Instant::now();
            tokio::time::sleep(seconds(1)).await;
            drop(request);
            tokio::time::sleep(seconds(6)).await;
            if taken {
                client.read_exact(&mut [0; 32]).await.unwrap();
            }
            let ended = task.await.unwrap() - start;
            // What was not taken: the whole stall. What was: the silence had been long enough by then.
            let expected = if taken { seconds(7) } else { seconds(60) };
            assert!(ended >= expected && ended < expected + Duration::from_millis(10), "{ended:?}");
        }
    }
}
