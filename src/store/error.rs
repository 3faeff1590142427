//! Why the store did not do what it was told.

use std::sync::Arc;

use thiserror::Error;

use crate::model::member::ChangeError;

/// A sentence to the store did not come true.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// It cannot be, whatever the state of the database.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// There is no such member, session, invitation or conflict, or no longer.
    #[error("there is no such entry, or no longer")]
    Missing,
    /// Too many ask at once. It says nothing of whether the database answers.
    #[error("too many ask the database at once")]
    Busy,
    /// What is asked for, this kind of database does otherwise.
    #[error("{0}")]
    NotHere(&'static str),
    /// The database does not answer, is locked, full, gone or broken: try again later. Nothing was acknowledged.
    #[error("the database cannot be used: {0}")]
    Unavailable(Arc<str>),
    /// The copy was not made; the database is fine.
    #[error("no copy was made: {0}")]
    Copy(Arc<str>),
}

/// The store cannot be opened; each says what to do.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It cannot be reached, read or written.
    #[error("{place} cannot be used: {cause}; {advice}")]
    Broken {
        /// Which database, without its password.
        place: String,
        /// What happened.
        cause: String,
        /// What to do.
        advice: &'static str,
    },
    /// There was a database, and there is none now, or an empty or another one.
    #[error(
        "{place} {what}, but {marker} says that this gateway has one: approvals and revocations would be forgotten. \
         Name the right one in store.url, or restore it from a backup, or, to begin anew with no members, delete {marker}"
    )]
    Lost {
        /// Which database.
        place: String,
        /// `is not there`, `is empty` or `is another database`.
        what: &'static str,
        /// The file in `data_dir` that remembers.
        marker: String,
    },
    /// There is none, and never was; the gateway makes it at its first start.
    #[error(
        "{place} cannot be used: there is no database yet; if the gateway has run, it was started in another folder or with another data_dir: start this command there; if not, start the gateway once, which makes it"
    )]
    NotYet {
        /// Which database.
        place: String,
    },
    /// It was written by a newer version.
    #[error(
        "{place} was written by a newer wxgate (schema {found}, this one knows {known}): run that version, or restore \
         a backup from before the upgrade"
    )]
    Newer {
        /// Which database.
        place: String,
        /// The schema found.
        found: i64,
        /// The newest schema known.
        known: i64,
    },
}

impl StoreError {
    /// The database's own complaint.
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self::Unavailable(cause.to_string().into())
    }
}
