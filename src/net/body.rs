//! The one body type, and the wrappers that bound it.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use pin_project_lite::pin_project;
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use super::connection::{AwaitsVisitor, Connection};

/// Any error of a body under way.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// The body of every request and response that passes through.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

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
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body of no bytes.
pub fn empty() -> Body {
    full(Bytes::new())
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

pin_project! {
    /// A body that must keep moving, may not grow past a limit, and carries no trailers unless told so.
    pub struct Bounded<B> {
        #[pin]
        inner: B,
        #[pin]
        timer: Sleep,
        idle: Duration,
        left: Option<u64>,
        trailers: bool,
        progress: Option<Progress>,
    }
}

/// Tells somebody else when a body last moved.
pub type Progress = Box<dyn Fn() + Send>;

impl<B> Bounded<B> {
    /// Bounds `inner`: `idle` between two frames, `limit` bytes in all.
    pub fn new(inner: B, idle: Duration, limit: Option<u64>) -> Self {
        Self { inner, timer: tokio::time::sleep(idle), idle, left: limit, trailers: false, progress: None }
    }

    /// Lets trailers pass. They are dropped otherwise: a trailer must never be taken for a header.
    pub fn with_trailers(self) -> Self {
        Self { trailers: true, ..self }
    }

    /// Calls `progress` whenever a frame passes or the body ends.
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
                ready!(this.timer.as_mut().poll(context));
                return Poll::Ready(Some(Err(BodyBound::Idle.into())));
            };
            this.timer.as_mut().reset(Instant::now() + *this.idle);
            if let Some(progress) = this.progress.as_ref() {
                progress();
            }
            let frame = match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            let Some(data) = frame.data_ref() else {
                if *this.trailers {
                    return Poll::Ready(Some(Ok(frame)));
                }
                continue;
            };
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

pin_project! {
    /// A body that holds something until it is finished or dropped.
    pub struct Holding<B, T> {
        #[pin]
        inner: B,
        held: Option<T>,
    }
}

impl<B, T> Holding<B, T> {
    /// Holds `held` as long as `inner` lives and is not at its end.
    pub fn new(inner: B, held: T) -> Self {
        Self { inner, held: Some(held) }
    }
}

impl<B: HttpBody, T> HttpBody for Holding<B, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            *this.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// An answer's body that says whenever it is the visitor who keeps it waiting, and not the application.
    pub struct Awaiting<B> {
        #[pin]
        inner: B,
        connection: Arc<Connection>,
        visitor: Option<AwaitsVisitor>,
    }
}

impl<B> Awaiting<B> {
    /// Watches `inner`, which goes to the visitor at the other end of `connection`.
    pub fn new(inner: B, connection: Arc<Connection>) -> Self {
        let visitor = Some(connection.await_visitor());
        Self { inner, connection, visitor }
    }
}

impl<B: HttpBody> HttpBody for Awaiting<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        *this.visitor = None;
        let frame = ready!(this.inner.poll_frame(context));
        if matches!(frame, Some(Ok(_))) {
            *this.visitor = Some(this.connection.await_visitor());
        }
        Poll::Ready(frame)
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
    async fn trailers_pass_only_where_wanted() {
        let frames = || {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-wechat-openid", http::HeaderValue::from_static("forged"));
            let frames = [Ok::<_, BodyError>(Frame::data(Bytes::from("x"))), Ok(Frame::trailers(trailers))];
            StreamBody::new(futures_util::stream::iter(frames))
        };
        let dropped = Bounded::new(frames(), Duration::from_secs(5), None).collect().await.unwrap();
        assert!(dropped.trailers().is_none());
        let kept =
            Bounded::new(frames(), Duration::from_secs(5), None).with_trailers().collect().await.unwrap();
        assert!(kept.trailers().is_some());
    }
}
