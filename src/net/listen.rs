//! Where connections come from: TCP, a unix socket, or a socket inherited from systemd.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::model::peer::Peer;

/// Connections the kernel queues before they are accepted.
const BACKLOG: i32 = 4096;

/// Where to listen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListenAddress {
    /// Sockets passed by systemd (`LISTEN_FDS`).
    Systemd,
    /// `127.0.0.1:8480`.
    Tcp(SocketAddr),
    /// `unix:/run/wxgate/wxgate.sock`; who may connect is decided by file modes.
    Unix(PathBuf),
}

/// A bound socket that no runtime listens on yet.
#[derive(Debug)]
pub enum Bound {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// Unix.
    Unix(std::os::unix::net::UnixListener),
}

/// A connection on its way from one runtime to another.
#[derive(Debug)]
pub enum Loose {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// Unix.
    Unix(std::os::unix::net::UnixStream),
}

/// A socket that is listened on.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// Unix.
    Unix(UnixListener),
}

/// An accepted connection.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// Unix.
    Unix(UnixStream),
}

impl ListenAddress {
    /// Whether file modes decide who may connect.
    pub fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// Binds the socket, or, for TCP, as many as are wanted: the kernel shares connections out among them. A stale unix
    /// socket file that nobody listens on is replaced.
    pub fn bind(&self, wanted: usize) -> io::Result<Vec<Bound>> {
        match self {
            Self::Systemd => inherited().map(|bound| vec![bound]),
            Self::Tcp(address) => bind_tcp(*address, wanted),
            Self::Unix(path) => {
                if path.exists() && std::os::unix::net::UnixStream::connect(path).is_err() {
                    std::fs::remove_file(path)?;
                }
                let listener = std::os::unix::net::UnixListener::bind(path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
                Ok(vec![Bound::Unix(listener)])
            }
        }
    }
}

/// Binds `wanted` sockets to one address. They let others of the same user bind it as well, so one that does not is tried
/// first: a second gateway must hear that the address is taken, not get half of the visitors.
fn bind_tcp(address: SocketAddr, wanted: usize) -> io::Result<Vec<Bound>> {
    let bind = |address: SocketAddr, is_shared: bool| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(is_shared)?;
        socket.bind(&address.into())?;
        Ok::<_, io::Error>(socket)
    };
    drop(bind(address, false)?);
    let mut address = address;
    let mut bound = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let socket = bind(address, wanted > 1)?;
        socket.listen(BACKLOG)?;
        let listener = std::net::TcpListener::from(socket);
        // Port 0 is any free one, and the others join it there.
        address = listener.local_addr()?;
        bound.push(Bound::Tcp(listener));
    }
    Ok(bound)
}

impl Bound {
    /// Begins to listen, in the runtime that is running.
    pub fn listen(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener).map(Listener::Tcp)
            }
            Self::Unix(listener) => {
                listener.set_nonblocking(true)?;
                UnixListener::from_std(listener).map(Listener::Unix)
            }
        }
    }

    /// The bound address, for the log.
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map_or_else(|_| "unknown".to_owned(), |address| address.to_string())
            }
            Self::Unix(listener) => match listener.local_addr() {
                Ok(address) => format!("unix:{}", address.as_pathname().unwrap_or("".as_ref()).display()),
                Err(_) => "unknown".to_owned(),
            },
        }
    }
}

impl Stream {
    /// Takes the connection out of its runtime.
    pub(super) fn release(self) -> io::Result<Loose> {
        match self {
            Self::Tcp(stream) => stream.into_std().map(Loose::Tcp),
            Self::Unix(stream) => stream.into_std().map(Loose::Unix),
        }
    }
}

impl Loose {
    /// Takes the connection into the runtime that is running.
    pub(super) fn hold(self) -> io::Result<Stream> {
        match self {
            Self::Tcp(stream) => TcpStream::from_std(stream).map(Stream::Tcp),
            Self::Unix(stream) => UnixStream::from_std(stream).map(Stream::Unix),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "systemd" {
            return Ok(Self::Systemd);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err("write an absolute path: \"unix:/run/wxgate/wxgate.sock\"".to_owned())
            };
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            "write an address and a port, such as \"127.0.0.1:8480\" or \"[::]:8480\", \
             or \"unix:/run/wxgate/wxgate.sock\", or \"systemd\""
                .to_owned()
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Systemd => formatter.write_str("systemd"),
            Self::Tcp(address) => write!(formatter, "{address}"),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

fn inherited() -> io::Result<Bound> {
    let mut sockets = listenfd::ListenFd::from_env();
    if let Ok(Some(listener)) = sockets.take_tcp_listener(0) {
        return Ok(Bound::Tcp(listener));
    }
    if let Ok(Some(listener)) = sockets.take_unix_listener(0) {
        return Ok(Bound::Unix(listener));
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "systemd passed no socket (LISTEN_FDS is not set)"))
}

impl Listener {
    /// Waits for the next connection, through whatever hinders it.
    pub(super) async fn next(&self) -> (Stream, Peer) {
        loop {
            match self.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => pause_after(&error).await,
            }
        }
    }

    /// Ends listening, and returns the connections that were waiting.
    pub(super) fn waiting(self) -> Vec<(Loose, Peer)> {
        // The kernel is asked itself: a runtime that was busy has not heard of them yet.
        let most = usize::try_from(BACKLOG).unwrap_or(usize::MAX);
        match self {
            Self::Tcp(listener) => listener.into_std().map(|listener| {
                let accepted = std::iter::from_fn(|| listener.accept().ok()).take(most);
                accepted
                    .filter_map(|(stream, address)| {
                        stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true)).ok()?;
                        Some((Loose::Tcp(stream), Peer::Address(address.ip())))
                    })
                    .collect()
            }),
            Self::Unix(listener) => listener.into_std().map(|listener| {
                let accepted = std::iter::from_fn(|| listener.accept().ok()).take(most);
                accepted
                    .filter_map(|(stream, _)| {
                        stream.set_nonblocking(true).ok()?;
                        Some((Loose::Unix(stream), Peer::UnixSocket))
                    })
                    .collect()
            }),
        }
        .unwrap_or_default()
    }

    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Peer::Address(address.ip())))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Peer::UnixSocket))
            }
        }
    }
}

/// Out of descriptors or memory: wait, so that the loop does not spin. Other errors concern one connection only.
async fn pause_after(error: &io::Error) {
    let is_of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !is_of_one_connection {
        tracing::error!(%error, "cannot accept connections; trying again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
