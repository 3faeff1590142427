//! PostgreSQL's complaints, in words without a password.

use std::error::Error as _;
use std::time::Duration;

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::Error;

use super::super::StoreError;
use crate::model::member::ChangeError;

/// The index that keeps user names apart.
const USER_NAMES: &str = "members_user_name";

/// What a sentence comes to when PostgreSQL complains.
pub(super) fn refused(error: Error) -> StoreError {
    match error.as_db_error().and_then(|complaint| complaint.constraint()) {
        Some(USER_NAMES) => ChangeError::UserNameTaken.into(),
        _ => StoreError::unavailable(words(&error)),
    }
}

/// What a sentence comes to when there is no connection for it.
pub(super) fn unconnected(error: PoolError, connect: Duration) -> StoreError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => refused(error),
        PoolError::PostCreateHook(HookError::Message(message)) => StoreError::unavailable(message),
        PoolError::Timeout(_) => late(connect),
        PoolError::Closed | PoolError::NoRuntimeSpecified => StoreError::unavailable("it is closed"),
    }
}

/// What a sentence comes to at its deadline.
pub(super) fn late(after: Duration) -> StoreError {
    StoreError::unavailable(format_args!("no answer within {after:?}"))
}

/// What a sentence comes to when a row holds what no version of this program writes.
pub(super) fn unreadable(what: impl std::fmt::Display) -> StoreError {
    StoreError::unavailable(format_args!("a row cannot be read: {what}"))
}

/// The complaint itself. Of the server's words only the message is told: the details may hold names of members.
pub(super) fn words(error: &Error) -> String {
    if let Some(complaint) = error.as_db_error() {
        return format!("{} ({})", complaint.message(), complaint.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
