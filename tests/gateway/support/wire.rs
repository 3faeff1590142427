//! A connection on which a test writes and reads bytes itself.

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Answer, PATIENCE, TestGateway};

/// One connection, and what was read of it ahead of time.
pub(crate) struct Wire<S> {
    stream: S,
    ahead: BytesMut,
}

/// The connection ended before the answer did.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Cut;

impl Wire<TcpStream> {
    /// A new connection to the gateway.
    pub(crate) async fn to(gateway: &TestGateway) -> Self {
        Self::on(TcpStream::connect(gateway.address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn on(stream: S) -> Self {
        Self { stream, ahead: BytesMut::new() }
    }

    /// The connection itself.
    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Writes; a peer that has closed already is no error, what it said before can still be read.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes).await;
    }

    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        let sending = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        let sent = tokio::time::timeout(PATIENCE, sending).await;
        sent.unwrap_or_else(|_| panic!("nobody reads, and the connection stays open"))
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish_sending(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The next answer, which must be whole.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.answer_to(&Method::GET).await.expect("a whole answer")
    }

    /// The next answer to a request of this method.
    pub(crate) async fn answer_to(&mut self, method: &Method) -> Result<Answer, Cut> {
        let head = self.head().await.ok_or(Cut)?;
        let (status, headers) = parse(&head);
        let is_bodiless = *method == Method::HEAD
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let length = headers.get(CONTENT_LENGTH).map(|value| value.to_str().unwrap().parse().unwrap());
        let body = if is_bodiless {
            Bytes::new()
        } else if headers.contains_key(TRANSFER_ENCODING) {
            self.chunks().await?
        } else if let Some(length) = length {
            self.exactly(length).await?
        } else {
            self.rest().await
        };
        Ok(Answer { status, headers, body })
    }

    /// The next head, up to its blank line; `None` when the connection ends before that.
    pub(crate) async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = find(&self.ahead, b"\r\n\r\n") {
                return Some(String::from_utf8_lossy(&self.ahead.split_to(end + 4)).into_owned());
            }
            self.more().await.ok()?;
        }
    }

    /// The data of the next chunk of a chunked body; empty at its end, trailers read away.
    pub(crate) async fn chunk(&mut self) -> Result<Bytes, Cut> {
        let line = self.line().await?;
        let size = line.split(';').next().unwrap().trim();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("a chunk size: {line:?}"));
        if size == 0 {
            while !self.line().await?.is_empty() {}
            return Ok(Bytes::new());
        }
        let data = self.exactly(size).await?;
        assert_eq!(self.line().await?, "");
        Ok(data)
    }

    /// So many bytes.
    pub(crate) async fn exactly(&mut self, count: usize) -> Result<Bytes, Cut> {
        while self.ahead.len() < count {
            self.more().await?;
        }
        Ok(self.ahead.split_to(count).freeze())
    }

    /// A line, without its end.
    pub(crate) async fn line(&mut self) -> Result<String, Cut> {
        loop {
            if let Some(end) = find(&self.ahead, b"\r\n") {
                let line = String::from_utf8_lossy(&self.ahead[..end]).into_owned();
                self.ahead.advance(end + 2);
                return Ok(line);
            }
            self.more().await?;
        }
    }

    /// Everything until the other end closes, which it must.
    pub(crate) async fn rest(&mut self) -> Bytes {
        while self.more().await.is_ok() {}
        self.ahead.split().freeze()
    }

    async fn chunks(&mut self) -> Result<Bytes, Cut> {
        let mut body = BytesMut::new();
        loop {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                return Ok(body.freeze());
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// Reads some more; an error or the end is a cut.
    async fn more(&mut self) -> Result<(), Cut> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await;
        match read.unwrap_or_else(|_| panic!("nothing more comes, and the connection stays open")) {
            Ok(0) | Err(_) => Err(Cut),
            Ok(_) => Ok(()),
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn parse(head: &str) -> (StatusCode, HeaderMap) {
    let mut lines = head.trim_end().split("\r\n");
    let status_line = lines.next().unwrap();
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.unwrap_or_else(|| panic!("a status line: {status_line:?}"));
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("a header line: {line:?}"));
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_bytes(value.trim().as_bytes()).unwrap())
    });
    (
        status,
        headers.fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(name, value);
            all
        }),
    )
}
