//! A client's connection: opened in the clear or with TLS, one HTTP/1.1 request at a time, every answer checked.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::stage::BODY;
use crate::systems::HOST;

/// Longest answer head.
const LONGEST_HEAD: usize = 16 * 1024;

/// Bytes to and from a program under test. It is reset when dropped, so that no port waits for a minute.
#[derive(Debug)]
pub enum Wire {
    Clear(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects from a local address, or from any.
    pub async fn open(
        to: SocketAddr,
        from: Option<SocketAddr>,
        tls: Option<&Arc<ClientConfig>>,
    ) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind(from).with_context(|| format!("taking a port of {}", from.ip()))?;
        }
        let stream = socket.connect(to).await.with_context(|| format!("connecting to {to}"))?;
        stream.set_nodelay(true)?;
        stream.set_zero_linger()?;
        let Some(config) = tls else {
            return Ok(Self::Clear(stream));
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector.connect(ServerName::try_from(HOST)?, stream).await.context("TLS handshake")?;
        let offered = config.alpn_protocols.first().map(Vec::as_slice);
        let agreed = stream.get_ref().1.alpn_protocol();
        anyhow::ensure!(agreed.is_none() || agreed == offered, "it speaks another protocol");
        Ok(Self::Encrypted(Box::new(stream)))
    }

    /// Sends a request and reads the whole answer, which must be 200 with the application's body.
    pub async fn ask(&mut self, request: &[u8], buffer: &mut Vec<u8>) -> anyhow::Result<()> {
        self.write_all(request).await.context("sending a request")?;
        self.flush().await.context("sending a request")?;
        buffer.clear();
        loop {
            let read = self.read_buf(buffer).await.context("reading an answer")?;
            anyhow::ensure!(read > 0, "the connection ended in an answer");
            if let Some(length) = length(buffer)? {
                anyhow::ensure!(buffer.len() <= length, "more than an answer");
                if buffer.len() == length {
                    return Ok(());
                }
            }
        }
    }
}

/// The length of the answer that begins here, once its head is complete.
fn length(answer: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(answer)? else {
        anyhow::ensure!(answer.len() < LONGEST_HEAD, "an answer without end");
        return Ok(None);
    };
    anyhow::ensure!(response.code == Some(200), "answered {:?}", response.code);
    let mut lengths =
        response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    anyhow::ensure!(length == Some(BODY), "an answer of {length:?} bytes");
    Ok(Some(head + BODY))
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_good_answer_counts() {
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n";
        assert!(matches!(length(good.as_bytes()), Ok(Some(n)) if n == good.len() + BODY));
        assert!(matches!(length(&good.as_bytes()[..30]), Ok(None)));
        for bad in
            ["HTTP/1.1 302 Found\r\ncontent-length: 1024\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "hello\r\n"]
        {
            assert!(length(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
