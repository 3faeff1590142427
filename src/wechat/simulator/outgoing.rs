//! Requests that WeChat itself makes: plain HTTP/1.1, each on a connection of its own, from an address that is not the
//! browser's where the system has one to spare.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use url::Url;

/// What Tencent's own machines call themselves.
const USER_AGENT: &str = "Mozilla/4.0";

/// Bytes of an answer that are read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// An answer to WeChat.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// Sends `request`, whose address is replaced by `url`; to `address`, whatever the host's name is, if one is given.
/// Dropping the future cuts the connection.
pub(super) async fn send(
    url: &str,
    address: Option<SocketAddr>,
    mut request: Request<Full<Bytes>>,
) -> io::Result<Answer> {
    let url = Url::parse(url).map_err(io::Error::other)?;
    if url.scheme() != "http" {
        return Err(io::Error::other("the simulated WeChat makes plain http requests only"));
    }
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses = match address {
        Some(address) => vec![address],
        None => lookup_host((host, port)).await?.collect(),
    };
    let host = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    *request.uri_mut() = target.parse().map_err(io::Error::other)?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host.parse().map_err(io::Error::other)?);
    headers.insert(header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT));
    let stream = TokioIo::new(connect(&addresses).await?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.map_err(io::Error::other)?;
    Ok(Answer { status, body: body.to_bytes() })
}

/// A connection to the first address that takes one.
async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match connect_to(*address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    if address.ip() == Ipv4Addr::LOCALHOST {
        let socket = TcpSocket::new_v4()?;
        if socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0))).is_ok() {
            return socket.connect(address).await;
        }
    }
    TcpStream::connect(address).await
}
