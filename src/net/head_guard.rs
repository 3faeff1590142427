//! Refuses request heads that servers are known to read in two ways, before hyper repairs them.
//!
//! hyper drops a repeated `Content-Length`, prefers `Transfer-Encoding` over it, accepts a bare LF and cuts a target at
//! `#`. Each is a seam for request smuggling (RFC 9112 §11.2), so each is refused here. This is a filter, not a parser:
//! it looks at every head of an HTTP/1 connection, and hyper parses what it lets through.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::connection::Connection;
use judgement::{After, Progress, find_end, inspect};

mod judgement;

pub use judgement::accepted_head;

/// What hyper is given instead of a refused head: it answers 400 and closes.
const POISON: &[u8] = b"\0\r\n\r\n";

/// The client connection preface of HTTP/2 (RFC 9113 §3.4).
pub(super) const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes read at once into the guard's own buffer.
const AT_ONCE: u64 = 8192;

/// The read side of a client socket, with every HTTP/1 head inspected.
///
/// A head that arrives whole is judged where hyper wanted it. `buffer` holds only what must not pass yet: half a head,
/// the next one, or what comes behind an upgrade that was asked for. While the connection is idle it holds no memory.
pub(super) struct HeadGuard<S> {
    inner: S,
    connection: Arc<Connection>,
    head_bytes: usize,
    mode: Mode,
    buffer: Vec<u8>,
    ended: bool,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mode {
    /// This many bytes of an inspected head, or of a body whose length is known.
    Passing(u64, After),
    /// A head, of which this many bytes were looked at.
    Head(usize),
    /// An upgrade was asked for: whether HTTP or something else follows depends on the answer.
    Held,
    /// Not HTTP/1 any more, or a body without known length behind which the connection closes.
    Raw,
    /// A head was refused: the poison, and nothing of what comes behind.
    Refused,
}

impl<S> HeadGuard<S> {
    /// Guards an HTTP/1 connection whose first bytes were read already.
    pub(super) fn http1(inner: S, first: Vec<u8>, connection: Arc<Connection>, head_bytes: usize) -> Self {
        Self { inner, connection, head_bytes, mode: Mode::Head(0), buffer: first, ended: false }
    }

    /// Lets an HTTP/2 connection through, first bytes and all: its framing has no second reading.
    pub(super) fn http2(inner: S, first: Vec<u8>, connection: Arc<Connection>) -> Self {
        Self { inner, connection, head_bytes: 0, mode: Mode::Raw, buffer: first, ended: false }
    }

    fn give(&mut self, most: usize, out: &mut ReadBuf<'_>) {
        let count = most.min(self.buffer.len()).min(out.remaining());
        out.put_slice(&self.buffer[..count]);
        if count == self.buffer.len() {
            self.buffer = Vec::new();
        } else {
            self.buffer.drain(..count);
        }
    }

    /// Judges what was just read into `out` behind `before`, and takes back what must not pass yet.
    fn judge_in_place(&mut self, out: &mut ReadBuf<'_>, before: usize) {
        let read = &out.filled()[before..];
        let (passing, mode) = match inspect(read) {
            None => (0, Mode::Head(0)),
            Some((end, After::Head)) => (end, Mode::Head(0)),
            Some((end, After::Held)) => (end, Mode::Held),
            Some((_, After::Raw)) => {
                self.connection.close_after_this();
                (read.len(), Mode::Raw)
            }
            Some((end, After::Body(length))) => {
                let behind = read.len() - end;
                let here = usize::try_from(length).map_or(behind, |length| length.min(behind));
                (end + here, Mode::Passing(length - here as u64, After::Head))
            }
        };
        self.mode = mode;
        self.buffer.extend_from_slice(&read[passing..]);
        out.set_filled(before + passing);
    }

    /// Looks for the end of the head and judges it.
    fn judge(&mut self, looked_at: usize) -> Mode {
        match find_end(&self.buffer, looked_at) {
            Progress::End(end) => match inspect(&self.buffer[..end]) {
                Some((end, After::Raw)) => {
                    self.connection.close_after_this();
                    Mode::Passing(end as u64, After::Raw)
                }
                Some((end, after)) => Mode::Passing(end as u64, after),
                None => self.poison(),
            },
            Progress::Refused => self.poison(),
            Progress::Unfinished if self.buffer.len() > self.head_bytes => Mode::Raw,
            Progress::Unfinished => Mode::Head(self.buffer.len()),
        }
    }

    fn poison(&mut self) -> Mode {
        tracing::debug!(peer = %self.connection.peer.address(), "refused an ambiguous request head");
        self.connection.close_after_this();
        self.buffer = POISON.to_vec();
        Mode::Refused
    }
}

impl<S: AsyncRead + Unpin> HeadGuard<S> {
    /// Reads more into the buffer, by way of the room in `out`; 0 at the end of the stream.
    fn fill(&mut self, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let before = out.filled().len();
        ready!(Pin::new(&mut (&mut self.inner).take(AT_ONCE)).poll_read(context, out))?;
        let read = &out.filled()[before..];
        let count = read.len();
        self.buffer.extend_from_slice(read);
        self.ended = count == 0;
        out.set_filled(before);
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = out.filled().len();
        if out.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            match this.mode {
                Mode::Passing(0, after) => {
                    this.mode = match after {
                        After::Body(length) => Mode::Passing(length, After::Head),
                        After::Head => Mode::Head(0),
                        After::Held => Mode::Held,
                        After::Raw => Mode::Raw,
                    }
                }
                Mode::Passing(left, after) => {
                    if this.buffer.is_empty() {
                        ready!(Pin::new(&mut (&mut this.inner).take(left)).poll_read(context, out))?;
                    } else {
                        this.give(usize::try_from(left).unwrap_or(usize::MAX), out);
                    }
                    let count = out.filled().len() - before;
                    this.mode = Mode::Passing(left - count as u64, after);
                    return Poll::Ready(Ok(()));
                }
                Mode::Raw if this.buffer.is_empty() => {
                    return Pin::new(&mut this.inner).poll_read(context, out);
                }
                Mode::Raw | Mode::Refused => {
                    this.give(usize::MAX, out);
                    return Poll::Ready(Ok(()));
                }
                Mode::Held if this.connection.is_tunnel() => this.mode = Mode::Raw,
                Mode::Held => {
                    // hyper reads again only when it is woken, and the bytes held here wake nobody.
                    this.connection.wake_when_idle(context.waker());
                    if !this.connection.is_busy() {
                        this.mode = Mode::Head(0);
                        continue;
                    }
                    if this.buffer.len() > this.head_bytes {
                        return Poll::Pending;
                    }
                    if ready!(this.fill(context, out))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Mode::Head(looked_at) if looked_at < this.buffer.len() => this.mode = this.judge(looked_at),
                Mode::Head(_) if this.ended => return Poll::Ready(Ok(())),
                Mode::Head(_) if this.buffer.is_empty() => {
                    ready!(Pin::new(&mut this.inner).poll_read(context, out))?;
                    this.ended = out.filled().len() == before;
                    if this.ended {
                        return Poll::Ready(Ok(()));
                    }
                    this.judge_in_place(out, before);
                    if out.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                Mode::Head(_) => {
                    if ready!(this.fill(context, out))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt as _;

    use super::judgement::tests::{heads, mutated, oracle};
    use super::*;
    use crate::model::peer::Peer;

    async fn read_through(bytes: &[u8]) -> Vec<u8> {
        let connection = Connection::new(Peer::UnixSocket, false);
        let mut guard = HeadGuard::http1(bytes, Vec::new(), connection, 1024);
        let mut out = Vec::new();
        guard.read_to_end(&mut out).await.unwrap();
        out
    }

    #[tokio::test]
    async fn a_body_that_comes_later_than_its_head_is_passed_as_it_is() {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
        let behind = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let pieces: [&[u8]; 5] = [head, b"abc", b"defghi", b"", behind];
        let (mut client, server) = tokio::io::duplex(1024);
        let connection = Connection::new(Peer::UnixSocket, false);
        let mut guard = HeadGuard::http1(server, Vec::new(), connection, 1024);
        let mut seen = Vec::new();
        for piece in pieces {
            client.write_all(piece).await.unwrap();
            // A buffer that nobody has initialised, as hyper's is.
            let mut unread = Vec::with_capacity(64);
            while unread.len() < piece.len() {
                guard.read_buf(&mut unread).await.unwrap();
            }
            seen.extend(unread);
        }
        assert_eq!(seen, pieces.concat());
    }

    #[tokio::test]
    async fn a_pipelined_head_behind_a_body_is_inspected_too() {
        let good =
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(read_through(good).await, good);
        let bad = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
        let seen = read_through(bad).await;
        assert!(seen.starts_with(b"POST") && seen.ends_with(POISON));
    }

    #[tokio::test]
    async fn a_body_that_comes_in_pieces_passes_unchanged() {
        use tokio::io::AsyncWriteExt as _;
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
        let (mut client, server) = tokio::io::duplex(1024);
        let mut guard = HeadGuard::http1(server, Vec::new(), Connection::new(Peer::UnixSocket, false), 1024);
        let mut seen = Vec::with_capacity(4096);
        for piece in [&head[..], b"abc", b"def", b"ghi", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            client.write_all(piece).await.unwrap();
            let known = seen.len();
            while seen.len() < known + piece.len() {
                guard.read_buf(&mut seen).await.unwrap();
            }
            assert_eq!(&seen[known..], piece);
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_unchanged_and_what_does_not_is_poison(bytes in prop::collection::vec(
            prop::sample::select(b"GET / HTTP/1.1\r\n\r\nHost: a:;x0#".to_vec()), 0..80,
        )) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let seen = runtime.block_on(read_through(&bytes));
            prop_assert!(bytes.starts_with(&seen) || seen.ends_with(POISON));
        }
    }

    /// A stream that comes in pieces, one per read.
    struct Pieces(std::collections::VecDeque<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if let Some(mut piece) = self.0.pop_front() {
                let count = piece.len().min(out.remaining());
                out.put_slice(&piece[..count]);
                if count < piece.len() {
                    self.0.push_front(piece.split_off(count));
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    /// What passes when the stream is cut and read into buffers of these sizes.
    async fn read_cut(bytes: &[u8], cuts: &[usize], rooms: &[usize]) -> Vec<u8> {
        let (mut pieces, mut rest) = (std::collections::VecDeque::new(), bytes);
        for cut in cuts {
            let (piece, left) = rest.split_at((*cut).min(rest.len().saturating_sub(1)));
            if !piece.is_empty() {
                pieces.push_back(piece.to_vec());
            }
            rest = left;
        }
        if !rest.is_empty() {
            pieces.push_back(rest.to_vec());
        }
        let connection = Connection::new(Peer::UnixSocket, false);
        let mut guard = HeadGuard::http1(Pieces(pieces), Vec::new(), connection, 64 * 1024);
        let mut seen = Vec::new();
        for room in rooms.iter().cycle() {
            let mut out = vec![0; *room];
            let count = guard.read(&mut out).await.unwrap();
            seen.extend_from_slice(&out[..count]);
            assert!(!guard.buffer.is_empty() || guard.buffer.capacity() == 0, "holds memory for nothing");
            if count == 0 {
                break;
            }
        }
        seen
    }

    /// What may pass of a stream, by the oracle.
    fn expected(mut bytes: &[u8]) -> Vec<u8> {
        let mut seen = Vec::new();
        while !bytes.is_empty() {
            let Some((end, after)) = oracle::judge(bytes) else {
                if matches!(find_end(bytes, 0), Progress::Unfinished) {
                    return seen;
                }
                seen.extend_from_slice(POISON);
                return seen;
            };
            let passing = match after {
                After::Head | After::Held => end,
                After::Body(length) => bytes.len().min(end + usize::try_from(length).unwrap()),
                After::Raw => bytes.len(),
            };
            seen.extend_from_slice(&bytes[..passing]);
            bytes = &bytes[passing..];
        }
        seen
    }

    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            6 => heads(),
            1 => mutated(),
            2 => prop::collection::vec(b'a'..b'f', 0..9),
            2 => Just(b"12345".to_vec()),
        ];
        // NUL ends the reading in these tests.
        prop::collection::vec(part, 1..5)
            .prop_map(|parts| parts.concat().into_iter().filter(|b| *b != 0).collect())
    }

    proptest! {
        #[test]
        fn cuts_and_buffers_make_no_difference(
            bytes in streams(),
            cuts in prop::collection::vec(1_usize..60, 0..12),
            rooms in prop::collection::vec(prop_oneof![1_usize..5, 1_usize..400, Just(8192)], 1..4),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let seen = runtime.block_on(read_cut(&bytes, &cuts, &rooms));
            let expected = expected(&bytes);
            prop_assert_eq!(String::from_utf8_lossy(&seen), String::from_utf8_lossy(&expected));
        }
    }
}
