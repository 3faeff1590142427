//! Callbacks that arrive twice: the simulator fetches them first, without cookies and from another address.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use url::Url;

use super::script::Delivery;
use super::{Simulator, held};

/// A callback the simulator fetched before the browser came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EarlyDelivery {
    /// The callback with its `code` and `state`.
    pub url: String,
    /// The status it was answered with; `None` if it was not answered, or not yet.
    pub status: Option<u16>,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Simulator {
    /// Fetches `url` as Tencent's own fetchers were seen to do, if the script wants it (plain http only).
    pub(super) async fn deliver_early(&self, url: &str) {
        let (delivery, address) = self.script.scripted_delivery();
        if delivery == Delivery::Once {
            return;
        }
        let place = self.note_early(url);
        let (early, url) = (Arc::clone(&self.early), url.to_owned());
        let fetched = tokio::spawn(async move {
            let status = fetch(&url, address).await;
            if let Some(delivery) = held(&early).get_mut(place) {
                delivery.status = status;
            }
        });
        if delivery == Delivery::FetchedBefore {
            _ = fetched.await;
        }
    }

    fn note_early(&self, url: &str) -> usize {
        let mut early = held(&self.early);
        early.push(EarlyDelivery { url: url.to_owned(), status: None });
        early.len() - 1
    }
}

async fn fetch(url: &str, address: Option<SocketAddr>) -> Option<u16> {
    match tokio::time::timeout(PATIENCE, get(url, address)).await {
        Ok(Ok(status)) => Some(status),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the simulator could not fetch a callback");
            None
        }
        Err(_) => None,
    }
}

async fn get(url: &str, address: Option<SocketAddr>) -> io::Result<u16> {
    let url = Url::parse(url).map_err(io::Error::other)?;
    if url.scheme() != "http" {
        return Err(io::Error::other("only plain http callbacks can be fetched"));
    }
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let address = match address {
        Some(address) => address,
        None => lookup_host((host, port)).await?.next().ok_or(io::ErrorKind::NotFound)?,
    };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(connect(address).await?)).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let host = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    let request = Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, host)
        .header(header::USER_AGENT, "Mozilla/4.0")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let status = sender.send_request(request).await.map_err(io::Error::other)?.status();
    connection.abort();
    Ok(status.as_u16())
}

/// Another client address than the browser's, where the system has one to spare.
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    if address.ip() == Ipv4Addr::LOCALHOST {
        let socket = TcpSocket::new_v4()?;
        if socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0))).is_ok() {
            return socket.connect(address).await;
        }
    }
    TcpStream::connect(address).await
}
