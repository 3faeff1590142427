//! One request on its connection, until the head of the answer is there.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::header;
use http::uri::Authority;
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use super::answer_body::Held;
use super::connector::Upstream;
use super::error::ForwardError;
use super::lane::Lane;
use super::pool::Way;
use super::shared::{Sender, UnderWay};
use super::upload::Upload;
use crate::net::body::{Body, Silence};

/// An answer's head, and what its body comes on.
pub(super) struct Arrived {
    pub(super) response: Response<Incoming>,
    pub(super) held: Option<Held>,
    /// Whether it came before the request's body had ended.
    pub(super) is_early: bool,
}

/// A request, and how it goes.
pub(super) struct Sent<'a> {
    pub(super) request: Request<Body>,
    /// Its body, if it has one.
    pub(super) upload: Option<Upload>,
    pub(super) upstream: &'a Upstream,
    /// Whether it may leave HTTP behind.
    pub(super) for_upgrade: bool,
    /// Since when the application may be silent at the earliest, and for how long.
    pub(super) since: Instant,
    pub(super) patience: Duration,
}

/// Sends a request, and waits for the answer's head. No `async fn`: that would keep room for the request to the end.
pub(super) fn send(way: Way, sent: Sent<'_>) -> impl Future<Output = Result<Arrived, ForwardError>> + use<> {
    let Sent { request, upload, patience, .. } = sent;
    match way {
        Way::Lane(mut lane) => {
            if sent.for_upgrade || upload.is_some() {
                // Bytes must move both ways while nobody looks.
                lane.detach();
            }
            let answer = lane.send(request, sent.since.into());
            Sending::Lane { answer, lane: Some(lane), upload, patience }
        }
        Way::Shared(sender, under_way) => {
            let request = over_http2(request, sent.upstream);
            let since = sent.since;
            let arrived =
                async move { over_shared(sender, under_way, request?, upload, since, patience).await };
            Sending::Shared { arrived: Box::pin(arrived) }
        }
    }
}

pin_project! {
    #[project = SendingProjection]
    enum Sending<A> {
        Lane { #[pin] answer: A, lane: Option<Box<Lane>>, upload: Option<Upload>, patience: Duration },
        Shared { arrived: Pin<Box<dyn Future<Output = Result<Arrived, ForwardError>> + Send>> },
    }
}

impl<A: Future<Output = hyper::Result<Response<Incoming>>>> Future for Sending<A> {
    type Output = Result<Arrived, ForwardError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (answer, held, upload, patience) = match self.project() {
            SendingProjection::Shared { arrived } => return arrived.as_mut().poll(context),
            SendingProjection::Lane { answer, lane, upload, patience } => (answer, lane, upload, patience),
        };
        // It is there until the answer is.
        let Some(lane) = held else { return Poll::Pending };
        let moved = upload.as_ref().map(Upload::last_move);
        let response = ready!(lane.poll_answer(context, answer, *patience, moved));
        let is_early = upload.as_ref().is_some_and(|upload| !upload.has_ended());
        let held = held.take().map(|lane| Held::Lane(lane, None));
        Poll::Ready(response.map(|response| Arrived { response, held, is_early }))
    }
}

/// The same on a connection that other requests share.
async fn over_shared(
    mut sender: Sender,
    under_way: UnderWay,
    request: Request<Body>,
    upload: Option<Upload>,
    since: Instant,
    patience: Duration,
) -> Result<Arrived, ForwardError> {
    let mut silence = Silence::default();
    silence.begin(since.into());
    let mut answer = Box::pin(sender.send_request(request));
    let response = poll_fn(|context| {
        if let Poll::Ready(answered) = answer.as_mut().poll(context) {
            return Poll::Ready(answered.map_err(ForwardError::from));
        }
        if let Some(at) = upload.as_ref().map(Upload::last_move) {
            silence.begin(at);
        }
        silence.poll_lasts(context, patience).map(|()| Err(ForwardError::Timeout))
    });
    let response = response.await?;
    under_way.is_answered();
    Ok(Arrived { response, held: Some(Held::Shared(under_way)), is_early: false })
}

/// HTTP/2 names the host in the target, and has no fields about the connection (RFC 9113 §8.2.2, §8.3.1).
fn over_http2(mut request: Request<Body>, upstream: &Upstream) -> Result<Request<Body>, ForwardError> {
    let headers = request.headers_mut();
    for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let host = headers.remove(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(upstream.scheme.of_urls());
    uri.authority = Some(host.unwrap_or_else(|| upstream.authority.clone()));
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| ForwardError::Target)?;
    *request.version_mut() = Version::HTTP_2;
    Ok(request)
}
