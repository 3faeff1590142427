//! Applications behind the gateway: one that records and echoes, and one that answers with prepared bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Certificate, Wire};

/// A request as the application parsed it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

/// Records every request and answers with what it saw. `/set-cookie?NAME=VALUE` (percent-encoded) sets a
/// cookie; an upgrade is answered
/// with 101 and echoes bytes.
#[derive(Clone)]
pub(crate) struct EchoUpstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl EchoUpstream {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls(certificate: &Certificate) -> Self {
        Self::start_with(Some(certificate.server())).await
    }

    async fn start_with(tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let echo = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let accepting = echo.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (echo, tls) = (accepting.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => echo.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                echo.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        echo
    }

    async fn serve<S>(self, stream: S)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(move |request| {
            let echo = self.clone();
            async move { Ok::<_, Infallible>(echo.answer(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let _ = connection.await;
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("the application saw a request")
    }

    /// How many requests arrived.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let upgrade = request.headers().get("upgrade").cloned();
        if let Some(protocol) = upgrade {
            let on_upgrade = hyper::upgrade::on(&mut request);
            let key = request.headers().get("sec-websocket-key").cloned();
            self.record(request).await;
            tokio::spawn(async move {
                let Ok(stream) = on_upgrade.await else { return };
                let (mut reader, mut writer) = tokio::io::split(TokioIo::new(stream));
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
                let _ = writer.shutdown().await;
            });
            let mut response =
                Response::builder().status(101).header("connection", "upgrade").header("upgrade", protocol);
            if let Some(key) = key {
                let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
                response = response.header("sec-websocket-accept", accept);
            }
            return response.body(Full::default()).unwrap();
        }
        let seen = self.record(request).await;
        let headers: Vec<_> = seen
            .headers
            .iter()
            .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
            .collect();
        let body = json!({
            "method": seen.method.as_str(),
            "uri": seen.uri.to_string(),
            "headers": headers,
            "length": seen.body.len(),
        });
        let mut response =
            Response::builder().header("content-type", "application/json").header("x-application", "echo");
        if let Some(cookie) = seen.uri.query().filter(|_| seen.uri.path().ends_with("/set-cookie")) {
            let cookie = percent_encoding::percent_decode_str(cookie).decode_utf8_lossy();
            response =
                response.header("set-cookie", cookie.as_ref()).header("set-cookie", "application=kept");
        }
        response.body(Full::new(Bytes::from(body.to_string()))).unwrap()
    }

    async fn record(&self, request: Request<Incoming>) -> Seen {
        let (parts, body) = request.into_parts();
        let (body, trailers) = match body.collect().await {
            Ok(collected) => {
                let trailers = collected.trailers().cloned();
                (collected.to_bytes(), trailers)
            }
            Err(_) => (Bytes::new(), None),
        };
        let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body, trailers };
        self.seen.lock().unwrap().push(seen.clone());
        seen
    }
}

impl Seen {
    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }
}

/// Records the bytes of each connection and answers each with the same prepared bytes, then closes.
#[derive(Clone)]
pub(crate) struct RawUpstream {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl RawUpstream {
    /// Answers with `answer` once a request head has arrived.
    pub(crate) async fn answering(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let raw = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let accepting = raw.clone();
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let raw = accepting.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut chunk = [0; 4096];
                    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                        match stream.read(&mut chunk).await {
                            Ok(0) | Err(_) => return,
                            Ok(count) => {
                                head.extend_from_slice(&chunk[..count]);
                                raw.received.lock().unwrap().extend_from_slice(&chunk[..count]);
                            }
                        }
                    }
                    let _ = stream.write_all(answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        raw
    }

    /// Everything received on all connections.
    pub(crate) fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }
}

/// An application of which a test says, connection by connection, what it does.
#[derive(Clone)]
pub(crate) struct ScriptedUpstream {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ScriptedUpstream {
    /// Hands each connection, with its number from 0, to `play`.
    pub(crate) async fn playing<P, F>(play: P) -> Self
    where
        P: Fn(Played, usize) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scripted = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = Arc::clone(&scripted.heads);
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(play(Played { wire: Wire::on(stream), heads: Arc::clone(&heads) }, number));
            }
        });
        scripted
    }

    /// The address for a configuration.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request head so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// The application's end of one connection.
pub(crate) struct Played {
    pub(crate) wire: Wire<TcpStream>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Played {
    /// Waits for the next request head and notes it down; `None` when the gateway closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let head = self.wire.head().await?;
        self.heads.lock().unwrap().push(head.clone());
        Some(head)
    }

    pub(crate) async fn answer(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes).await;
    }
}
