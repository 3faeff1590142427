//! Columns of an answer, as the words of the model.

use std::str::FromStr;

use super::super::tables::Row;
use super::error::unreadable;
use crate::model::clock::Timestamp;

/// A line of an answer.
pub(super) type Line = tokio_postgres::Row;

/// A moment.
pub(super) fn moment(line: &Line, column: &str) -> Row<Timestamp> {
    get(line, column).map(Timestamp::from_unix)
}

/// Text that says something.
pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(line: &Line, column: &str) -> Row<T> {
    get::<&str>(line, column)?.parse().map_err(unreadable)
}

/// Text that says something, or nothing.
pub(super) fn parsed_if_any<T: FromStr<Err: std::fmt::Display>>(line: &Line, column: &str) -> Row<Option<T>> {
    get::<Option<&str>>(line, column)?.map(str::parse).transpose().map_err(unreadable)
}

/// So many bytes.
pub(super) fn bytes<const N: usize>(line: &Line, column: &str) -> Row<[u8; N]> {
    get::<&[u8]>(line, column)?.try_into().map_err(unreadable)
}

/// Anything that PostgreSQL has a type for.
pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(line: &'a Line, column: &str) -> Row<T> {
    line.try_get(column).map_err(unreadable)
}
