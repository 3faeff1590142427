//! Opening the store: is it there, is it ours, does it know what this version needs?

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Transaction};

use super::super::marker::{Found, Kind, Marker, Plan, fresh_id};
use super::super::migrations::{POSTGRES, ahead};
use super::super::{OpenError, Opening, StoreSettings, StoreUrl};
use super::address::Address;
use super::advice;
use super::deadlines::{
    CONNECTIONS, Deadlines, UPGRADE, UPGRADE_PAUSE, URGENT_CONNECTIONS, URGENT_WAITING, WAITING,
};
use super::error::words;
use super::pool::Pool;
use crate::model::clock::instant;

/// Two nodes that start together make one schema: whoever holds this lock (a number that is ours) looks first.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8675127341)";

/// Of the time for opening, so much is left to whoever has waited for that lock.
const AFTER_LOCK: Duration = Duration::from_secs(1);

/// Opens the store.
pub(super) async fn open(
    settings: StoreSettings,
    opening: Opening,
    deadlines: Deadlines,
) -> Result<(Pool, Pool), OpenError> {
    let place = settings.url.to_string();
    let StoreUrl::Postgres(url) = &settings.url else {
        return Err(broken(&place, "it is no address of PostgreSQL"));
    };
    let marker = Marker::read(&settings.data_dir, Kind::Postgres)?;
    let address = Address::read(url, settings.ca_file.as_deref()).map_err(|error| broken(&place, error))?;
    let most = deadlines.opening;
    let prepare = prepare(&address, &marker, opening, &place, deadlines);
    let late = |_| OpenError::Broken {
        place: place.clone(),
        cause: format!("no answer within {most:?}"),
        advice: advice::SILENT,
    };
    let store_id = tokio::time::timeout(most, prepare).await.map_err(late)??;
    let pool = |most, waiting| {
        Pool::new(address.clone(), store_id.clone(), (most, waiting), deadlines)
            .map_err(|error| broken(&place, error))
    };
    Ok((pool(CONNECTIONS, WAITING)?, pool(URGENT_CONNECTIONS, URGENT_WAITING)?))
}

/// Makes sure that the database is ours and has its tables; its id.
async fn prepare(
    address: &Address,
    marker: &Marker,
    opening: Opening,
    place: &str,
    deadlines: Deadlines,
) -> Result<String, OpenError> {
    let fail = |error| refused(place, &error);
    let (mut client, connection) = match address.config.connect(address.tls.clone()).await {
        Ok(opened) => opened,
        Err(error) if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {
            // No database is a reason to make one, but only for a gateway that never had one.
            return Err(marker
                .judge(&Found::Nothing, Opening::Create, place)
                .err()
                .unwrap_or_else(|| fail(error)));
        }
        Err(error) => return Err(fail(error)),
    };
    // It ends with `client`.
    tokio::spawn(async move { drop(connection.await) });
    if !address.is_local {
        warn_of_plain_text(&client, place).await.map_err(fail)?;
    }
    let lock = format!("SET LOCAL lock_timeout = {}; {LOCK}", (deadlines.opening - AFTER_LOCK).as_millis());
    let tries_end = instant() + deadlines.upgrading;
    loop {
        match take_steps(&mut client, marker, opening, place, &lock).await? {
            Done::Ready(id) => return Ok(id),
            Done::InTheWay if instant() >= tries_end => {
                return Err(OpenError::Broken {
                    place: place.to_owned(),
                    cause: "something reads a table that has to be brought up to date".to_owned(),
                    advice: advice::READER,
                });
            }
            Done::InTheWay => tokio::time::sleep(UPGRADE_PAUSE).await,
        }
    }
}

/// What a look at the database, and the steps it has before it, come to.
enum Done {
    /// It is up to date, and has this id.
    Ready(String),
    /// Nothing was done: somebody held a table.
    InTheWay,
}

/// Makes the tables, or brings them up to date, all in one transaction.
async fn take_steps(
    client: &mut Client,
    marker: &Marker,
    opening: Opening,
    place: &str,
    lock: &str,
) -> Result<Done, OpenError> {
    let fail = |error| refused(place, &error);
    let transaction = client.transaction().await.map_err(fail)?;
    transaction.batch_execute(lock).await.map_err(fail)?;
    let (found, schema) = look(&transaction, place).await?;
    let plan = marker.judge(&found, opening, place)?;
    let id = match found {
        Found::Store(id) => id,
        Found::Nothing | Found::Empty => fresh_id(),
    };
    if plan == Plan::Create {
        require_unicode(&transaction, place).await?;
    }
    let steps = ahead(POSTGRES, schema, place)?;
    let newest = steps.last().map(|(number, _)| *number).filter(|_| schema > 0);
    if newest.is_some() {
        transaction.batch_execute(UPGRADE).await.map_err(fail)?;
    }
    for (number, step) in steps {
        if opening == Opening::Existing {
            // A command must not change the schema below a gateway that runs.
            return Err(OpenError::Broken {
                place: place.to_owned(),
                cause: "it was written by an older wxgate".to_owned(),
                advice: "start this version of the gateway once, which brings it up to date",
            });
        }
        match transaction.batch_execute(step).await {
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => return Ok(Done::InTheWay),
            taken => taken.map_err(fail)?,
        }
        let keep = match number {
            1 => "INSERT INTO wxgate (store_id, schema) VALUES ($1, $2)",
            _ => "UPDATE wxgate SET schema = $2 WHERE store_id = $1",
        };
        transaction.execute(keep, &[&id, &number]).await.map_err(fail)?;
    }
    transaction.commit().await.map_err(fail)?;
    if plan == Plan::Create {
        marker.keep(&id)?;
        tracing::info!(place, "made the tables for members");
    }
    if let Some(schema) = newest {
        tracing::info!(place, schema, "brought the database up to date");
    }
    Ok(Done::Ready(id))
}

/// What is there, and its schema.
async fn look(transaction: &Transaction<'_>, place: &str) -> Result<(Found, i64), OpenError> {
    let fail = |error| refused(place, &error);
    let is_there =
        transaction.query_one("SELECT to_regclass('wxgate') IS NOT NULL", &[]).await.map_err(fail)?;
    if !is_there.try_get(0).map_err(fail)? {
        return Ok((Found::Empty, 0));
    }
    match transaction.query_opt("SELECT store_id, schema FROM wxgate", &[]).await.map_err(fail)? {
        Some(row) => Ok((Found::Store(row.try_get(0).map_err(fail)?), row.try_get(1).map_err(fail)?)),
        None => Err(OpenError::Broken {
            place: place.to_owned(),
            cause: "it does not say which store it is".to_owned(),
            advice: "restore it from a backup",
        }),
    }
}

/// Names in WeChat are of any script.
async fn require_unicode(transaction: &Transaction<'_>, place: &str) -> Result<(), OpenError> {
    let row =
        transaction.query_one("SHOW server_encoding", &[]).await.map_err(|error| refused(place, &error))?;
    match row.try_get(0) {
        Ok("UTF8") => Ok(()),
        _ => Err(OpenError::Broken {
            place: place.to_owned(),
            cause: "it does not hold text of all languages".to_owned(),
            advice: "make it anew: createdb --encoding=UTF8 --template=template0 --owner=USER DATABASE",
        }),
    }
}

async fn warn_of_plain_text(client: &Client, place: &str) -> Result<(), Error> {
    let row = client.query_opt("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await?;
    if row.is_some_and(|row| row.try_get(0).is_ok_and(|is_encrypted: bool| !is_encrypted)) {
        tracing::warn!(
            place,
            "the connection to PostgreSQL is not encrypted: switch TLS on there, or name sslmode=require"
        );
    }
    Ok(())
}

/// It cannot be opened, and only the cause says why.
pub(super) fn broken(place: &str, cause: impl std::fmt::Display) -> OpenError {
    OpenError::Broken {
        place: place.to_owned(),
        cause: cause.to_string(),
        advice: "correct the configuration",
    }
}

/// It cannot be opened, and PostgreSQL says why.
fn refused(place: &str, error: &Error) -> OpenError {
    OpenError::Broken { place: place.to_owned(), cause: words(error), advice: advice::on(error) }
}
