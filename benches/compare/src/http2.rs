//! A load of HTTP/2: some connections with several requests at a time on each.

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;
use wxgate::model::clock::instant;

use crate::clients::{BODY, Rates, Slot, Stage, Tally, Wire, measure};
use crate::systems::{HOST, System, client, cookie, request};

/// Who is compared; all are held against the first.
pub const SYSTEMS: [&str; 4] = ["nginx", "caddy", "envoy", "wxgate"];

/// Open connections.
const CONNECTIONS: usize = 8;

/// Requests under way on each.
const STREAMS: usize = 8;

/// One GET after the other on every stream.
pub fn requests(stage: &Stage, system: &System, slot: Slot) -> anyhow::Result<Rates> {
    let (config, address) = (client("h2")?, system.address);
    let request = translate(&request(system.kind, true, &cookie(true)?))?;
    measure(stage, system, slot, CONNECTIONS, move |tally| {
        let (config, request) = (Arc::clone(&config), request.clone());
        async move {
            let wire = Wire::open(address, None, Some(&config)).await?;
            let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(wire)).await?;
            let connection = tokio::spawn(connection);
            let mut streams = JoinSet::new();
            for _ in 0..STREAMS {
                streams.spawn(ask(sender.clone(), request.clone(), Arc::clone(&tally)));
            }
            let mut result = Ok(());
            while let Some(stream) = streams.join_next().await {
                result = result.and(stream.context("a stream")?);
            }
            connection.abort();
            result
        }
    })
}

async fn ask(
    mut sender: SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
    tally: Arc<Tally>,
) -> anyhow::Result<()> {
    while !tally.is_over() {
        let began = instant();
        sender.ready().await.context("waiting for a stream")?;
        let answer = sender.send_request(request.clone()).await.context("asking")?;
        anyhow::ensure!(answer.status() == StatusCode::OK, "answered {}", answer.status());
        let body = answer.into_body().collect().await.context("reading an answer")?;
        let length = body.to_bytes().len();
        anyhow::ensure!(length == BODY, "an answer of {length} bytes");
        tally.answered(began.elapsed());
    }
    Ok(())
}

/// The same request in HTTP/2.
fn translate(head: &str) -> anyhow::Result<Request<Empty<Bytes>>> {
    let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).context("no request line")?;
    let mut request = Request::get(format!("https://{HOST}{target}"));
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        // The address says it.
        if name != "Host" {
            request = request.header(name, value);
        }
    }
    Ok(request.body(Empty::new())?)
}
