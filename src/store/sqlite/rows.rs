//! Statements and rows: from SQL to values and back.

use std::fmt::Display;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Row as SqlRow};

use super::super::StoreError;
use super::super::tables::Row;
use crate::model::clock::Timestamp;

/// What SQLite says of a value, or of a whole statement.
pub(super) type Read<T> = rusqlite::Result<T>;

/// The first row there is.
pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&SqlRow<'_>) -> Read<T>,
) -> Row<Option<T>> {
    let answer =
        connection.prepare_cached(sql).and_then(|mut statement| statement.query_row(values, read).optional());
    answer.map_err(StoreError::unavailable)
}

/// All rows.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnMut(&SqlRow<'_>) -> Read<T>,
) -> Row<Vec<T>> {
    let answer =
        connection.prepare_cached(sql).and_then(|mut statement| statement.query_map(values, read)?.collect());
    answer.map_err(StoreError::unavailable)
}

/// Changes rows; how many.
pub(super) fn change(connection: &Connection, sql: &str, values: impl Params) -> Row<usize> {
    try_change(connection, sql, values).map_err(StoreError::unavailable)
}

/// Changes rows, where a constraint may have something against it.
pub(super) fn try_change(connection: &Connection, sql: &str, values: impl Params) -> Read<usize> {
    connection.prepare_cached(sql)?.execute(values)
}

/// A moment.
pub(super) fn moment(row: &SqlRow<'_>, column: &str) -> Read<Timestamp> {
    row.get(column).map(Timestamp::from_unix)
}

/// A value that is kept as text.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &SqlRow<'_>, column: &str) -> Read<T> {
    parse(column, &row.get::<_, String>(column)?)
}

/// A value that is kept as text, or not.
pub(super) fn parsed_if_any<T: FromStr<Err: Display>>(row: &SqlRow<'_>, column: &str) -> Read<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(column, &text)).transpose()
}

fn parse<T: FromStr<Err: Display>>(column: &str, text: &str) -> Read<T> {
    text.parse().map_err(|error: T::Err| unreadable(column, error))
}

/// A column holds what cannot be.
pub(super) fn unreadable(column: &str, error: impl Display) -> rusqlite::Error {
    let complaint = format!("the column {column} holds what cannot be: {error}");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, complaint.into())
}
