//! The store in PostgreSQL, for several nodes.
//!
//! A sentence runs as a task on the runtime that its connections belong to, so that whoever asked may wait anywhere, or
//! leave. It has one try: a deadlock takes the server as long to see as a sentence has, and after a commit that was not
//! answered nobody knows whether it came true.

mod accounts;
mod address;
mod advice;
mod audit;
mod deadlines;
mod error;
mod members;
mod once;
mod opening;
mod pairings;
mod pool;
mod reading;
mod session;
mod sessions;
mod tables;
#[cfg(test)]
pub(super) mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_postgres::IsolationLevel;

use super::tables::Row;
use super::{Answer, Dialect, OpenError, Opening, Sentence, Store, StoreError, StoreSettings};
use deadlines::Deadlines;
use pool::{Held, Pool};
use session::Session;

/// A store in PostgreSQL.
struct PostgresStore {
    place: String,
    pool: Arc<Pool>,
    /// For what requests wait for.
    urgent: Arc<Pool>,
    background: Handle,
    deadlines: Deadlines,
}

/// Opens the store; its connections belong to `background`.
pub(super) async fn open(
    settings: &StoreSettings,
    opening: Opening,
    background: Handle,
) -> Result<Arc<dyn Store>, OpenError> {
    open_within(Deadlines::PROMISED, settings, opening, background).await
}

/// The same with these deadlines.
async fn open_within(
    deadlines: Deadlines,
    settings: &StoreSettings,
    opening: Opening,
    background: Handle,
) -> Result<Arc<dyn Store>, OpenError> {
    let place = settings.url.to_string();
    let work = opening::open(settings.clone(), opening, deadlines);
    let opened = background.spawn(work).await.unwrap_or_else(|error| Err(opening::broken(&place, error)));
    let (pool, urgent) = opened?;
    let (pool, urgent) = (Arc::new(pool), Arc::new(urgent));
    Ok(Arc::new(PostgresStore { place, pool, urgent, background, deadlines }))
}

impl PostgresStore {
    /// Runs `work` where the connections are, until its deadline.
    fn in_time<T: Send + 'static>(
        &self,
        pool: Arc<Pool>,
        work: impl Future<Output = Row<T>> + Send + 'static,
    ) -> Answer<T> {
        let (background, patience) = (self.background.clone(), self.deadlines.sentence);
        let in_time = async move {
            let answer = tokio::time::timeout(patience, work).await;
            answer.unwrap_or_else(|_| {
                pool.distrust();
                Err(error::late(patience))
            })
        };
        Box::pin(async move {
            background.spawn(in_time).await.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
        })
    }
}

impl Dialect for PostgresStore {
    fn say<S: Sentence>(&self, sentence: S) -> Answer<S::Answer> {
        let pool = Arc::clone(if S::URGENT { &self.urgent } else { &self.pool });
        self.in_time(Arc::clone(&pool), async move {
            let mut held = pool.hold().await?;
            let answer = say(&mut held, pool.store_id(), sentence).await;
            if !matches!(answer, Err(StoreError::Unavailable(_))) {
                held.give_back();
            }
            answer
        })
    }

    fn check(&self) -> Answer<()> {
        let pool = Arc::clone(&self.urgent);
        self.in_time(Arc::clone(&pool), async move {
            let mut held = pool.hold().await?;
            session::check(held.connection()?, pool.store_id()).await?;
            held.give_back();
            Ok(())
        })
    }

    fn backup(&self, _to: PathBuf) -> Answer<()> {
        Box::pin(async {
            Err(StoreError::NotHere(
                "PostgreSQL makes its own backups: pg_dump --format=custom --file=FILE \"$DATABASE_URL\", \
                 and pg_restore --clean to restore one",
            ))
        })
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

/// Says a sentence in a transaction. One that only reads sees the same moment throughout.
async fn say<S: Sentence>(held: &mut Held, store_id: &str, sentence: S) -> Row<S::Answer> {
    let isolation = if S::WRITES { IsolationLevel::ReadCommitted } else { IsolationLevel::RepeatableRead };
    let transaction = held.connection()?.build_transaction().isolation_level(isolation).read_only(!S::WRITES);
    let mut session = Session::new(transaction.start().await.map_err(error::refused)?, store_id);
    match sentence.say(&mut session).await {
        Ok(answer) => session.commit().await.map(|()| answer),
        Err(refusal) => session.take_back().await.and(Err(refusal)),
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresStore").field("place", &self.place).finish_non_exhaustive()
    }
}
