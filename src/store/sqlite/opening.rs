//! Opening a file: is it whole, is it ours, is it the one the marker remembers, is its schema this version's?

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, MAIN_DB, OptionalExtension as _, TransactionBehavior};

use super::super::marker::{Found, Kind, Marker, Plan, fresh_id};
use super::super::{OpenError, Opening, migrations};
use super::file::{DatabaseFile, broken, place, refused};
use super::{Sqlite, connect};
use crate::model::clock::instant;

/// How long the pages are looked through at start. A bigger file is looked through in part; what is wrong with the rest
/// shows when it is read.
const LONGEST_CHECK: Duration = Duration::from_millis(800);

/// Looks at the clock come this many steps apart.
const STEPS: i32 = 1000;

/// Opens the file, or makes it.
pub(super) fn file(
    path: PathBuf,
    data_dir: &Path,
    opening: Opening,
    patience: Duration,
) -> Result<Sqlite, OpenError> {
    let marker = Marker::read(data_dir, Kind::Sqlite)?;
    let place = place(&path);
    let file = match DatabaseFile::find(&path)? {
        Some(file) => file,
        None => {
            marker.judge(&Found::Nothing, opening, &place)?;
            DatabaseFile::make(&path)?
        }
    };
    let mut writer = connect::file(&path).map_err(|error| refused(&path, &error))?;
    if writer.is_readonly(MAIN_DB).unwrap_or(true) {
        return Err(broken(&path, "it cannot be written", "let the user that runs wxgate write it"));
    }
    look_through(&mut writer, &path)?;
    let (found, schema) = contents(&writer, &path)?;
    let id = match (marker.judge(&found, opening, &place)?, found) {
        (Plan::Use, Found::Store(id)) => {
            bring_up(&mut writer, &path, schema, opening)?;
            id
        }
        _ => {
            let id = create(&mut writer, &path)?;
            marker.keep(&id)?;
            tracing::info!(%place, "made a database for members");
            id
        }
    };
    let readers = (0..3).map(|_| connect::file(&path)).collect::<Result<Vec<_>, _>>();
    let readers = readers.map_err(|error| refused(&path, &error))?;
    file.is_in_place().map_err(|error| broken(&path, error, "leave it alone while wxgate starts"))?;
    Sqlite::start(writer, readers, Some(file), id, patience)
        .map_err(|error| broken(&path, error, "give wxgate a few more threads"))
}

/// Makes a database in memory.
pub(super) fn memory(patience: Duration) -> Result<Sqlite, OpenError> {
    let path = Path::new(":memory:");
    let mut writer = connect::memory().map_err(|error| refused(path, &error))?;
    let id = create(&mut writer, path)?;
    Sqlite::start(writer, Vec::new(), None, id, patience)
        .map_err(|error| broken(path, error, "give wxgate a few more threads"))
}

fn look_through(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let until = instant() + LONGEST_CHECK;
    let watched = connection.progress_handler(STEPS, Some(move || instant() >= until));
    let said = watched
        .and_then(|()| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)));
    let unwatched = connection.progress_handler(0, None::<fn() -> bool>);
    match said {
        Ok(said) if said == "ok" => {}
        Ok(said) => return Err(broken(path, format!("it is damaged: {said}"), "restore it from a backup")),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            tracing::debug!("looked through a part of the database only: it is big");
        }
        Err(error) => return Err(refused(path, &error)),
    }
    unwatched.map_err(|error| refused(path, &error))
}

/// Which store it is, and its schema.
fn contents(connection: &Connection, path: &Path) -> Result<(Found, i64), OpenError> {
    let fail = |error: rusqlite::Error| refused(path, &error);
    let tables = "SELECT count(*), coalesce(sum(name = 'wxgate'), 0) FROM sqlite_schema";
    let (tables, ours): (i64, i64) =
        connection.query_row(tables, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(fail)?;
    if tables == 0 {
        return Ok((Found::Empty, 0));
    }
    if ours == 0 {
        return Err(broken(path, "it is a database of another program", "name another file"));
    }
    let row =
        connection.query_row("SELECT store_id, schema FROM wxgate", [], |row| Ok((row.get(0)?, row.get(1)?)));
    match row.optional().map_err(fail)? {
        Some((id, schema)) => Ok((Found::Store(id), schema)),
        None => Err(broken(path, "it does not say which store it is", "restore it from a backup")),
    }
}

/// Makes all tables in one transaction, and gives the store an id; the one it has, if another process was faster.
fn create(connection: &mut Connection, path: &Path) -> Result<String, OpenError> {
    let steps = migrations::ahead(migrations::SQLITE, 0, &place(path))?;
    let fail = |error: rusqlite::Error| refused(path, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    if let (Found::Store(id), _) = contents(&transaction, path)? {
        return Ok(id);
    }
    for (_, sql) in steps {
        transaction.execute_batch(sql).map_err(fail)?;
    }
    let id = fresh_id();
    let schema = migrations::newest(migrations::SQLITE);
    transaction
        .execute("INSERT INTO wxgate (store_id, schema) VALUES (?1, ?2)", (&id, schema))
        .map_err(fail)?;
    transaction.commit().map_err(fail)?;
    Ok(id)
}

/// Takes the steps that are ahead, each in a transaction. Only the gateway does: a command must not change the schema
/// below a gateway that runs.
fn bring_up(
    connection: &mut Connection,
    path: &Path,
    schema: i64,
    opening: Opening,
) -> Result<(), OpenError> {
    let fail = |error: rusqlite::Error| refused(path, &error);
    for (number, sql) in migrations::ahead(migrations::SQLITE, schema, &place(path))? {
        if opening == Opening::Existing {
            let cause = "it was written by an older wxgate";
            return Err(broken(
                path,
                cause,
                "start this version of the gateway once, which brings it up to date",
            ));
        }
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        let now: i64 =
            transaction.query_row("SELECT schema FROM wxgate", [], |row| row.get(0)).map_err(fail)?;
        if now < number {
            transaction.execute_batch(sql).map_err(fail)?;
            transaction.execute("UPDATE wxgate SET schema = ?1", [number]).map_err(fail)?;
            transaction.commit().map_err(fail)?;
            tracing::info!(place = %place(path), schema = number, "brought the database up to date");
        }
    }
    Ok(())
}
