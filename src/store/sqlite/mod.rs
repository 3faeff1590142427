//! The store in SQLite: one file, one thread that writes and two that read.

mod accounts;
mod backup;
mod codes;
mod conflicts;
mod connect;
mod file;
mod listing;
mod members;
mod opening;
mod pairings;
mod removal;
mod rows;
mod tables;
#[cfg(test)]
pub(super) mod tests;
mod transaction;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Answer, Dialect, OpenError, Opening, Sentence, Store, StoreError, StoreSettings, StoreUrl};
use file::DatabaseFile;
use worker::Workers;

/// An open database of SQLite.
#[derive(Debug)]
struct Sqlite {
    /// `None` in memory.
    file: Option<DatabaseFile>,
    id: String,
    writer: Workers,
    /// The writer where there is one connection only.
    readers: Workers,
    /// As the readers, for what requests wait for.
    urgent: Workers,
}

/// Opens the file, or makes one in memory.
pub(super) async fn open(
    settings: &StoreSettings,
    opening: Opening,
    background: Handle,
) -> Result<Arc<dyn Store>, OpenError> {
    open_within(worker::PATIENCE, settings, opening, background).await
}

/// The same; a sentence may take as long as `patience`.
async fn open_within(
    patience: Duration,
    settings: &StoreSettings,
    opening: Opening,
    background: Handle,
) -> Result<Arc<dyn Store>, OpenError> {
    let place = match &settings.url {
        StoreUrl::Sqlite(path) => file::place(&settings.data_dir.join(path)),
        other => other.to_string(),
    };
    let (url, data_dir) = (settings.url.clone(), settings.data_dir.clone());
    let opened = background.spawn_blocking(move || match url {
        StoreUrl::Sqlite(path) => opening::file(data_dir.join(path), &data_dir, opening, patience),
        _ => opening::memory(patience),
    });
    match opened.await {
        Ok(opened) => Ok(Arc::new(opened?)),
        Err(error) => {
            Err(OpenError::Broken { place, cause: error.to_string(), advice: "please report this" })
        }
    }
}

impl Sqlite {
    fn start(
        writer: Connection,
        mut readers: Vec<Connection>,
        file: Option<DatabaseFile>,
        id: String,
        patience: Duration,
    ) -> io::Result<Self> {
        let writer = Workers::start("writer", vec![writer], patience)?;
        let lane = |name: &str, connections: Vec<Connection>| match connections.is_empty() {
            true => Ok(writer.clone()),
            false => Workers::start(name, connections, patience),
        };
        let urgent = lane("urgent", readers.pop().into_iter().collect())?;
        let readers = lane("reader", readers)?;
        Ok(Self { file, id, writer, readers, urgent })
    }
}

impl Dialect for Sqlite {
    fn say<S: Sentence>(&self, sentence: S) -> Answer<S::Answer> {
        let workers = match () {
            () if S::WRITES => self.writer.clone(),
            () if S::URGENT => self.urgent.clone(),
            () => self.readers.clone(),
        };
        let file = self.file.clone();
        Box::pin(
            workers.ask(move |connection, deadline| {
                transaction::say(connection, sentence, file.as_ref(), deadline)
            }),
        )
    }

    fn check(&self) -> Answer<()> {
        let (file, id, workers) = (self.file.clone(), self.id.clone(), self.urgent.clone());
        Box::pin(workers.ask(move |connection, _| {
            file.as_ref().map_or(Ok(()), DatabaseFile::is_in_place)?;
            let held: String = connection
                .query_row("SELECT store_id FROM wxgate", [], |row| row.get(0))
                .map_err(StoreError::unavailable)?;
            match held == id {
                true => Ok(()),
                false => Err(StoreError::unavailable("another database was copied over it: restart wxgate")),
            }
        }))
    }

    /// On a thread of its own: it takes as long as the disk takes.
    fn backup(&self, to: PathBuf) -> Answer<()> {
        let file = self.file.clone();
        Box::pin(async move {
            let file = file.ok_or(StoreError::NotHere("a store in memory has nothing to back up"))?;
            let (answer, answered) = oneshot::channel();
            thread::Builder::new()
                .name("store-backup".to_owned())
                .spawn(move || drop(answer.send(backup::copy(&file, &to))))
                .map_err(StoreError::unavailable)?;
            answered.await.unwrap_or_else(|_| Err(StoreError::unavailable("the copy broke off")))
        })
    }

    fn place(&self) -> String {
        self.file.as_ref().map_or("memory".to_owned(), |file| file::place(file.path()))
    }
}
