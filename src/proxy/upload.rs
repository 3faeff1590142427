//! A request's body on its way to the application.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http::header::{self, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::pool::Way;
use super::tether::{Ended, Leash};
use crate::model::clock;
use crate::net::body::{Body, BodyError, Bounded};
use crate::net::limits::Limits;

/// When a request's body moved, and whether it has ended.
pub(super) struct Upload {
    started: Instant,
    /// Milliseconds since then, and `ENDED`.
    moved: Arc<AtomicU64>,
}

impl Upload {
    /// All of the body has been given to the connection.
    const ENDED: u64 = 1 << 63;

    /// Gives `body` to the request, bounded, and remembers when it moves. On a connection shared with others it has a
    /// place until it has ended.
    pub(super) fn watch(
        body: Incoming,
        limits: &Limits,
        way: &Way,
        request: &mut Request<Body>,
        leash: Option<Leash>,
    ) -> Self {
        if body.size_hint().exact().is_none() {
            // Said in so many words, because hyper leaves out the body of a GET without length otherwise.
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
        }
        let upload = Self { started: clock::instant(), moved: Arc::default() };
        let (started, moved) = (upload.started, Arc::clone(&upload.moved));
        let under_way = match way {
            Way::Lane(_) => None,
            Way::Shared(_, under_way) => Some(under_way.again()),
        };
        let progress = move |has_ended: bool| {
            let _held = &under_way;
            let elapsed = clock::instant().duration_since(started).as_millis();
            let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX) & !Self::ENDED;
            moved.store(if has_ended { elapsed | Self::ENDED } else { elapsed }, Ordering::Relaxed);
        };
        let body = Bounded::new(body, limits.body_idle, limits.body_bytes);
        let inner = body.with_progress(Box::new(progress));
        *request.body_mut() = Body::streamed(Leashed { inner, leash });
        upload
    }

    /// When it last moved.
    pub(super) fn last_move(&self) -> tokio::time::Instant {
        let elapsed = self.moved.load(Ordering::Relaxed) & !Self::ENDED;
        (self.started + Duration::from_millis(elapsed)).into()
    }

    /// Whether nothing of it is left to send.
    pub(super) fn has_ended(&self) -> bool {
        self.moved.load(Ordering::Relaxed) & Self::ENDED != 0
    }
}

/// A body that goes on while whoever sends it may. One that stands still ends by its bounds.
struct Leashed {
    inner: Bounded<Incoming>,
    leash: Option<Leash>,
}

impl HttpBody for Leashed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.inner).poll_frame(context);
        let moves = matches!(frame, Poll::Ready(Some(Ok(_)))) && !this.inner.is_end_stream();
        if moves && !this.leash.as_mut().is_none_or(Leash::still_holds) {
            return Poll::Ready(Some(Err(Ended.into())));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
