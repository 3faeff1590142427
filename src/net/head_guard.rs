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

/// What hyper is given instead of a refused head: it answers 400 and closes.
const POISON: &[u8] = b"\0\r\n\r\n";

/// The client connection preface of HTTP/2 (RFC 9113 §3.4).
pub(super) const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The read side of a client socket, with every HTTP/1 head inspected.
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
}

/// What follows the passing bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    Body(u64),
    Head,
    Held,
    Raw,
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
        self.buffer.drain(..count);
    }

    /// Looks for the end of the head and judges it.
    fn judge(&mut self, looked_at: usize) -> Mode {
        match find_end(&self.buffer, looked_at) {
            Progress::End(end) => match inspect(&self.buffer[..end]) {
                Some(After::Raw) => {
                    self.connection.close_after_this();
                    Mode::Passing(end as u64, After::Raw)
                }
                Some(after) => Mode::Passing(end as u64, after),
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
        Mode::Raw
    }
}

impl<S: AsyncRead + Unpin> HeadGuard<S> {
    /// Reads more into the buffer; 0 at the end of the stream.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0; 8192];
        let mut chunk = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.inner).poll_read(context, &mut chunk))?;
        self.buffer.extend_from_slice(chunk.filled());
        self.ended = chunk.filled().is_empty();
        Poll::Ready(Ok(chunk.filled().len()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
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
                    let before = out.filled().len();
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
                Mode::Raw => {
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
                    if ready!(this.fill(context))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Mode::Head(looked_at) if looked_at < this.buffer.len() => this.mode = this.judge(looked_at),
                Mode::Head(_) => {
                    if this.ended || ready!(this.fill(context))? == 0 {
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

/// How far the search for the end of a head got.
enum Progress {
    End(usize),
    Refused,
    Unfinished,
}

/// Finds the blank line, and refuses a line end that is not CR LF as soon as it is seen.
fn find_end(buffer: &[u8], looked_at: usize) -> Progress {
    for position in looked_at.saturating_sub(1)..buffer.len() {
        match buffer[position] {
            b'\n' if position == 0 || buffer[position - 1] != b'\r' => return Progress::Refused,
            b'\n' if position >= 3 && &buffer[position - 3..=position] == b"\r\n\r\n" => {
                return Progress::End(position + 1);
            }
            b'\n' if position == 1 => return Progress::Refused,
            b'\r' if buffer.get(position + 1).is_some_and(|next| *next != b'\n') => return Progress::Refused,
            0 => return Progress::Refused,
            _ => {}
        }
    }
    Progress::Unfinished
}

/// Judges a whole head, and says what follows it; `None` refuses it.
fn inspect(head: &[u8]) -> Option<After> {
    let text = head.strip_suffix(b"\r\n\r\n")?;
    let mut lines = text.split(|byte| *byte == b'\r').map(|line| line.strip_prefix(b"\n").unwrap_or(line));
    let is_http11 = inspect_request_line(lines.next()?)?;
    let (mut length, mut chunked, mut hosts, mut upgrade) = (None, false, 0, false);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return None;
        }
        if value.iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if length.replace(parse_length(value)?).is_some() {
                return None;
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            chunked = true;
        } else if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            upgrade = true;
        }
    }
    if hosts > 1 || (is_http11 && hosts == 0) || (chunked && (length.is_some() || !is_http11)) {
        return None;
    }
    Some(match length {
        _ if chunked => After::Raw,
        Some(length) if length > 0 => After::Body(length),
        _ if upgrade => After::Held,
        _ => After::Head,
    })
}

/// `METHOD SP target SP HTTP/1.x`, single blanks, no `#` in the target. Says whether it is HTTP/1.1.
fn inspect_request_line(line: &[u8]) -> Option<bool> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    let is_http11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ => return None,
    };
    let method_is_sound =
        !method.is_empty() && method.len() <= 32 && method.iter().all(|byte| is_token(*byte));
    let target_is_sound =
        !target.is_empty() && !target.iter().any(|byte| *byte <= 0x20 || *byte == 0x7f || *byte == b'#');
    (method_is_sound && target_is_sound && parts.next().is_none()).then_some(is_http11)
}

/// Digits only, without leading zeros.
fn parse_length(value: &[u8]) -> Option<u64> {
    let leading_zero = value.len() > 1 && value.first() == Some(&b'0');
    if leading_zero || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The length of the head at the beginning of `bytes`, if the guard lets it through; for fuzzing.
pub fn accepted_head(bytes: &[u8]) -> Option<usize> {
    match find_end(bytes, 0) {
        Progress::End(end) => inspect(&bytes[..end]).map(|_| end),
        Progress::Refused | Progress::Unfinished => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::model::peer::Peer;

    fn judge(head: &str) -> Option<After> {
        match find_end(head.as_bytes(), 0) {
            Progress::End(end) => inspect(&head.as_bytes()[..end]),
            Progress::Refused | Progress::Unfinished => None,
        }
    }

    #[test]
    fn ordinary_heads_pass() {
        for (head, after) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", After::Head),
            ("GET / HTTP/1.0\r\n\r\n", After::Head),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", After::Body(5)),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:0\r\n\r\n", After::Head),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", After::Raw),
            ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", After::Held),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \t\u{4e2d} b\r\n\r\n", After::Head),
        ] {
            assert_eq!(judge(head), Some(after), "{head:?}");
        }
    }

    #[test]
    fn heads_with_a_second_reading_are_refused() {
        let with = |lines: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
        let lines = [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length: 05",
            "Content-Length: 5 5",
            "Content-Length: 0x5",
            "Content-Length: 5_0",
            "Content-Length: -1",
            "Content-Length:",
            "Content-Length: 18446744073709551616",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: identity, chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: \u{b}chunked",
            "Transfer-Encoding : chunked",
            " X: folded",
            "\tX: folded",
            "X Y: z",
            ": z",
            "no colon",
            "N\u{e4}me: z",
            "X: a\u{1}b",
            "X: a\nY: b",
            "X: a\rY: b",
            "X: a\r\r\nY: b",
            "Host: b",
        ];
        let heads = lines.iter().map(|line| with(line)).chain(
            [
                "GET / HTTP/1.1\r\n\r\n",
                "GET /\r\n\r\n",
                "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.32\r\nHost: a\r\n\r\n",
                "GET / hTTP/1.1\r\nHost: a\r\n\r\n",
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /public#/../admin HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\nHost: a\n\n",
            ]
            .map(str::to_owned),
        );
        for head in heads {
            assert_eq!(judge(&head), None, "{head:?}");
        }
    }

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
}
