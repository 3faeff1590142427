//! Applications behind the gateway: one that records and echoes, and one that answers with prepared bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Certificate, Wire};

/// A request as the application parsed it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Which connection it came on, from 0, and in which version of HTTP.
    pub(crate) connection: usize,
    pub(crate) version: Version,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

type AnswerBody = UnsyncBoxBody<Bytes, Infallible>;

/// Records every request and answers with what it saw, over HTTP/2 to those who begin with it. `/set-cookie?NAME=VALUE`
/// (percent-encoded) sets a cookie; `/echo` answers with the body, piece by piece; `/trailers` ends with some; an upgrade
/// is answered with 101 and echoes bytes.
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

    /// The same, offering these protocols by ALPN, the dearest first.
    pub(crate) async fn start_tls_offering(certificate: &Certificate, protocols: &[&[u8]]) -> Self {
        Self::start_with(Some(certificate.server_offering(protocols))).await
    }

    async fn start_with(tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let echo = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let accepting = echo.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (echo, tls) = (accepting.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => {
                            let mut first = [0; 4];
                            let is_http2 = stream.peek(&mut first).await.is_ok() && &first == b"PRI ";
                            echo.serve(stream, number, is_http2).await;
                        }
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                                echo.serve(stream, number, is_http2).await;
                            }
                        }
                    }
                });
            }
        });
        echo
    }

    async fn serve<S>(self, stream: S, number: usize, is_http2: bool)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(move |request| {
            let echo = self.clone();
            async move { Ok::<_, Infallible>(echo.answer(request, number).await) }
        });
        let stream = TokioIo::new(stream);
        if is_http2 {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(stream, service).await;
        } else {
            let builder = hyper::server::conn::http1::Builder::new();
            let _ = builder.serve_connection(stream, service).with_upgrades().await;
        }
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

    async fn answer(&self, mut request: Request<Incoming>, connection: usize) -> Response<AnswerBody> {
        if request.uri().path().ends_with("/echo") {
            return Response::new(request.into_body().map_err(|error| panic!("{error}")).boxed_unsync());
        }
        let upgrade = request.headers().get("upgrade").cloned();
        if let Some(protocol) = upgrade {
            let on_upgrade = hyper::upgrade::on(&mut request);
            let key = request.headers().get("sec-websocket-key").cloned();
            self.record(request, connection).await;
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
            return response.body(Full::default().boxed_unsync()).unwrap();
        }
        let seen = self.record(request, connection).await;
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
        let body = Bytes::from(body.to_string());
        if seen.uri.path().ends_with("/trailers") {
            let trailers = [("x-checksum", "900150983cd2")]
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
            let frames = [Ok(Frame::data(body)), Ok(Frame::trailers(HeaderMap::from_iter(trailers)))];
            let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
            return response.header("trailer", "x-checksum").body(body).unwrap();
        }
        response.body(Full::new(body).boxed_unsync()).unwrap()
    }

    async fn record(&self, request: Request<Incoming>, connection: usize) -> Seen {
        let (parts, body) = request.into_parts();
        let (body, trailers) = match body.collect().await {
            Ok(collected) => {
                let trailers = collected.trailers().cloned();
                (collected.to_bytes(), trailers)
            }
            Err(_) => (Bytes::new(), None),
        };
        let seen = Seen {
            connection,
            version: parts.version,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
            trailers,
        };
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

/// Answers each connection with the same prepared bytes, then closes.
#[derive(Clone)]
pub(crate) struct RawUpstream {
    pub(crate) address: SocketAddr,
}

impl RawUpstream {
    /// Answers with `answer` once a request head has arrived.
    pub(crate) async fn answering(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let raw = Self { address: listener.local_addr().unwrap() };
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut chunk = [0; 4096];
                    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                        match stream.read(&mut chunk).await {
                            Ok(0) | Err(_) => return,
                            Ok(count) => head.extend_from_slice(&chunk[..count]),
                        }
                    }
                    let _ = stream.write_all(answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        raw
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

    /// An application of one endless event stream, with an event at each `pace`, or none ever.
    pub(crate) async fn event_stream(pace: Option<Duration>) -> Self {
        Self::playing(move |mut played, _| async move {
            while played.request().await.is_some() {
                played
                    .answer("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: begin\n\n")
                    .await;
                while let Some(pace) = pace {
                    tokio::time::sleep(pace).await;
                    if played.wire.try_send("data: tick\n\n").await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
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
