//! An answer's body on its way out: what is under way until it ends, and whom it waits for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::body::{Body, BodyError};
use super::connection::{AwaitsVisitor, Connection, InFlight};

/// A body that counts as under way until it is finished or dropped. Over HTTP/2 it says whenever it is the visitor who
/// keeps it waiting, and not the application.
pub(super) struct Outgoing {
    inner: Body,
    in_flight: Option<InFlight>,
    connection: Option<Arc<Connection>>,
    visitor: Option<AwaitsVisitor>,
}

impl Outgoing {
    /// A body that holds `in_flight`; `connection` is the one it goes out on, if that speaks HTTP/2.
    pub(super) fn new(inner: Body, in_flight: InFlight, connection: Option<Arc<Connection>>) -> Self {
        let visitor = connection.as_ref().map(Connection::await_visitor);
        Self { inner, in_flight: Some(in_flight), connection, visitor }
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        this.visitor = None;
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
        match frame {
            Some(Ok(_)) => this.visitor = this.connection.as_ref().map(Connection::await_visitor),
            _ => this.in_flight = None,
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
