//! Why an application gave no answer, and whether anything was heard of one.

use std::error::Error;
use std::io;

use thiserror::Error;

use super::connector::ConnectError;
use crate::net::body::BodyBound;

/// Why the application gave no answer.
#[derive(Debug, Error)]
pub enum ForwardError {
    /// No connection to the application.
    #[error("cannot connect to the application")]
    Connect(#[from] ConnectError),
    /// The visitor's own body stopped or broke.
    #[error("the visitor's request body did not arrive")]
    RequestBody(#[source] hyper::Error),
    /// The visitor's body is larger than allowed.
    #[error("the request body is larger than allowed")]
    TooLarge,
    /// The application broke off, or spoke no HTTP.
    #[error("the application broke off before it answered")]
    Broken(#[source] hyper::Error),
    /// The application closed the connection without a word.
    #[error("the application closed the connection without an answer")]
    Unanswered(#[source] hyper::Error),
    /// The application was silent for too long.
    #[error("the application did not answer in time")]
    Timeout,
    /// The application's answer says in two ways where it ends.
    #[error("the application's answer says in two ways where it ends")]
    Framing,
    /// The path makes no target; it was judged before, so this cannot be.
    #[error("the request has no target")]
    Target,
    /// The application switched protocols unasked or wrongly.
    #[error("the application answered 101 in a way that was not asked for")]
    UnexpectedUpgrade,
}

impl From<hyper::Error> for ForwardError {
    fn from(error: hyper::Error) -> Self {
        let causes =
            || std::iter::successors(Some(&error as &(dyn Error + 'static)), |cause| (*cause).source());
        if causes().any(|cause| cause.downcast_ref() == Some(&BodyBound::TooLarge)) {
            Self::TooLarge
        } else if causes().any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_user)) {
            Self::RequestBody(error)
        } else if causes().any(is_silence) {
            Self::Unanswered(error)
        } else {
            Self::Broken(error)
        }
    }
}

/// Whether the connection ended before anything of an answer could be read; a wrong answer is none of that.
fn is_silence(cause: &(dyn Error + 'static)) -> bool {
    let is_gone =
        |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    let is_reset = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
        )
    };
    cause.downcast_ref().is_some_and(is_gone) || cause.downcast_ref().is_some_and(is_reset)
}
