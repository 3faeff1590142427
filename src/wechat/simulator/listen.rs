//! The accept loop of the demo's servers: plain HTTP/1.1, upgrades allowed, open connections cut at the end. Each
//! request carries the address it came from.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Answers every request that arrives on `listener` with `answer`, until `shutdown` resolves.
pub(crate) async fn serve<Answer, Pending, Body>(
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    answer: Answer,
) where
    Answer: Fn(Request<Incoming>) -> Pending + Clone + Send + 'static,
    Pending: Future<Output = Response<Body>> + Send + 'static,
    Body: http_body::Body<Data = Bytes> + Send + 'static,
    Body::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let answer = answer.clone();
                    connections.spawn(async move {
                        let service = service_fn(move |mut request: Request<Incoming>| {
                            request.extensions_mut().insert(peer);
                            let pending = answer(request);
                            async move { Ok::<_, std::convert::Infallible>(pending.await) }
                        });
                        let mut builder = http1::Builder::new();
                        let connection = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
                        if let Err(error) = connection.with_upgrades().await {
                            tracing::debug!(%error, "a demo connection ended early");
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, mostly: closing connections are the cure, so let them run.
                    tracing::warn!(%error, "a demo listener could not accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}
