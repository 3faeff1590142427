//! The one body type, and the bounds of a request's body.

use std::error::Error;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use pin_project_lite::pin_project;
use thiserror::Error;
use tokio::time::Instant;

use super::deadline::Deadline;

/// Any error of a body under way.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// The body of every request and response that passes through: whole in memory, or streamed.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    Streamed(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>),
}

/// A body went past its bounds.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BodyBound {
    /// No byte arrived in time.
    #[error("the body brought no byte for too long")]
    Idle,
    /// More bytes than allowed.
    #[error("the body is larger than allowed")]
    TooLarge,
}

/// A body of fixed bytes.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Body(Kind::Whole(bytes.into()))
}

/// A body of no bytes.
pub fn empty() -> Body {
    full(Bytes::new())
}

impl Body {
    /// A body that comes in pieces.
    pub fn streamed(body: impl HttpBody<Data = Bytes, Error = BodyError> + Send + 'static) -> Self {
        Self(Kind::Streamed(Box::pin(body)))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(mem::take(bytes))))),
            Kind::Streamed(body) => body.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Streamed(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Body").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}

/// How long a body that nobody wants is read.
const DRAIN: Duration = Duration::from_secs(2);

/// Reads away a body of at most `most` bytes. `false` when there was more, or it came too slowly.
pub async fn drain<B>(body: B, most: u64) -> bool
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    if body.is_end_stream() {
        return true;
    }
    if body.size_hint().lower() > most {
        return false;
    }
    let mut body = std::pin::pin!(Bounded::new(body, DRAIN, Some(most)));
    let all = async {
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok::<(), BodyError>(())
    };
    matches!(tokio::time::timeout(DRAIN, all).await, Ok(Ok(())))
}

/// How long a stream has kept somebody waiting, counted from when it had nothing to give.
#[derive(Debug, Default)]
pub struct Silence {
    since: Option<Instant>,
    deadline: Deadline,
}

impl Silence {
    /// Something came.
    pub fn end(&mut self) {
        self.since = None;
    }

    /// Something came last at `at`.
    pub fn begin(&mut self, at: Instant) {
        self.since = Some(at);
    }

    /// Nothing came. Ready once that has been so for `patience`.
    pub fn poll_lasts(&mut self, context: &mut Context<'_>, patience: Duration) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.deadline.poll_passed(context, since + patience)
    }

    /// Another task waits from here on.
    pub fn moves(&mut self) {
        self.deadline.moves();
    }
}

pin_project! {
    /// A visitor's body, which must keep moving, may not grow past a limit, and carries no trailers: one must never be
    /// taken for a header.
    pub struct Bounded<B> {
        #[pin]
        inner: B,
        silence: Silence,
        idle: Duration,
        left: Option<u64>,
        progress: Option<Progress>,
    }
}

/// Tells somebody else when a body moves, and whether it has ended by then.
pub type Progress = Box<dyn Fn(bool) + Send>;

impl<B> Bounded<B> {
    /// Bounds `inner`: `idle` between two frames, `limit` bytes in all.
    pub fn new(inner: B, idle: Duration, limit: Option<u64>) -> Self {
        Self { inner, silence: Silence::default(), idle, left: limit, progress: None }
    }

    /// Calls `progress` whenever a frame passes or the body ends, and says whether it was the last.
    pub fn with_progress(self, progress: Progress) -> Self {
        Self { progress: Some(progress), ..self }
    }
}

impl<B> HttpBody for Bounded<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        loop {
            let Poll::Ready(frame) = this.inner.as_mut().poll_frame(context) else {
                let lasts = this.silence.poll_lasts(context, *this.idle);
                return lasts.map(|()| Some(Err(BodyBound::Idle.into())));
            };
            this.silence.end();
            if let Some(progress) = this.progress.as_ref() {
                // HTTP/2 may say that the body has ended after its last byte has come.
                let is_last = frame.is_none() || this.inner.is_end_stream();
                progress(is_last || this.inner.size_hint().upper() == Some(0));
            }
            let frame = match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            let Some(data) = frame.data_ref() else { continue };
            if let Some(left) = this.left.as_mut() {
                match left.checked_sub(data.len() as u64) {
                    Some(rest) => *left = rest,
                    None => return Poll::Ready(Some(Err(BodyBound::TooLarge.into()))),
                }
            }
            return Poll::Ready(Some(Ok(frame)));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_moving_fails() {
        let silent = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, BodyError>>());
        let body = Bounded::new(silent, Duration::from_secs(5), None);
        let error = body.collect().await.unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&BodyBound::Idle));
    }

    #[tokio::test]
    async fn a_body_past_its_limit_fails() {
        let body = Bounded::new(full("12345"), Duration::from_secs(5), Some(4));
        assert_eq!(body.collect().await.unwrap_err().downcast_ref(), Some(&BodyBound::TooLarge));
        let body = Bounded::new(full("1234"), Duration::from_secs(5), Some(4));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "1234");
    }

    #[tokio::test]
    async fn trailers_of_a_visitor_are_dropped() {
        let frames = || {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-wechat-openid", http::HeaderValue::from_static("forged"));
            let frames = [Ok::<_, BodyError>(Frame::data(Bytes::from("x"))), Ok(Frame::trailers(trailers))];
            StreamBody::new(futures_util::stream::iter(frames))
        };
        let dropped = Bounded::new(frames(), Duration::from_secs(5), None).collect().await.unwrap();
        assert!(dropped.trailers().is_none());
    }
}
