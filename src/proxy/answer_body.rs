//! The body of an application's answer on its way to the visitor, and the connection it comes on.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::lane::Lane;
use super::pool::Pool;
use super::shared::UnderWay;
use super::tether::{ASK, Ended, Leash};
use crate::net::body::{BodyBound, BodyError, Silence};

/// An answer's body. It must keep moving, and its trailers pass.
pub(super) struct AnswerBody {
    inner: Incoming,
    held: Option<Held>,
    silence: Silence,
    patience: Duration,
    broken: Option<hyper::Error>,
    leash: Option<Leash>,
    /// How often it was asked in this silence whether the leash holds.
    asks: u32,
}

/// What the body comes on.
pub(super) enum Held {
    /// A connection, and where it goes when the body has ended; nowhere if it is not to be used again.
    Lane(Box<Lane>, Option<Arc<Pool>>),
    /// A place on a connection shared with others.
    #[expect(dead_code, reason = "held for its Drop")]
    Shared(UnderWay),
}

impl AnswerBody {
    /// A body that may be silent for `patience`, and goes on while the `leash` holds. What it `held` goes back at the end.
    pub(super) fn new(inner: Incoming, held: Option<Held>, patience: Duration, leash: Option<Leash>) -> Self {
        Self { inner, held, silence: Silence::default(), patience, broken: None, leash, asks: 0 }
    }

    /// Nothing has come. Ready with what ends the wait.
    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        loop {
            let next = if self.leash.is_some() { ASK * (self.asks + 1) } else { self.patience };
            let patience = next.min(self.patience);
            if self.silence().poll_lasts(context, patience).is_pending() {
                return Poll::Pending;
            }
            if patience == self.patience {
                return Poll::Ready(BodyBound::Idle.into());
            }
            self.asks += 1;
            if !self.leash.as_mut().is_none_or(Leash::holds) {
                return Poll::Ready(Ended.into());
            }
        }
    }

    fn poll_inner(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let inner = &mut self.inner;
        let Some(Held::Lane(lane, _)) = &mut self.held else { return Pin::new(inner).poll_frame(context) };
        // What came with the head is there already.
        let frame = lane.look(|context| Pin::new(&mut *inner).poll_frame(context));
        if frame.is_ready() {
            return frame;
        }
        lane.poll(context, |context| Pin::new(&mut *inner).poll_frame(context))
    }

    fn silence(&mut self) -> &mut Silence {
        match &mut self.held {
            Some(Held::Lane(lane, _)) => &mut lane.silence,
            _ => &mut self.silence,
        }
    }
}

impl Held {
    /// The answer has ended.
    pub(super) fn give_back(self) {
        if let Self::Lane(lane, Some(pool)) = self {
            pool.keep(lane);
        }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error.into())));
        }
        let Poll::Ready(frame) = this.poll_inner(context) else {
            return this.poll_wait(context).map(|error| Some(Err(error)));
        };
        this.silence().end();
        this.asks = 0;
        match frame {
            Some(Err(error)) => {
                // The visitor gets first what came before: HTTP/2 forgets what it has not sent of a stream that breaks.
                this.held = None;
                this.broken = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            frame => {
                let is_last = frame.as_ref().is_none_or(|frame| frame.as_ref().is_ok_and(Frame::is_trailers));
                if is_last || this.inner.is_end_stream() {
                    if let Some(held) = this.held.take() {
                        held.give_back();
                    }
                } else if !this.leash.as_mut().is_none_or(Leash::still_holds) {
                    this.held = None;
                    return Poll::Ready(Some(Err(Ended.into())));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
