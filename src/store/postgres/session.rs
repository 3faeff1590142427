//! A transaction that is open: every statement of a sentence goes through here.

use std::error::Error;

use bytes::BytesMut;
use deadpool_postgres::{ClientWrapper, Transaction};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::super::StoreError;
use super::super::tables::Row;
use super::super::text::storable;
use super::super::trail::Trail;
use super::error::refused;
use super::pool::ANOTHER;
use super::reading::{Line, get};

/// One parameter of a statement.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// An open transaction; it is taken back unless it is committed.
pub(super) struct Session<'a> {
    transaction: Transaction<'a>,
    store_id: &'a str,
    trail: Trail,
}

/// Text from outside as a parameter, without what PostgreSQL cannot keep.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl<'a> Session<'a> {
    pub(super) fn new(transaction: Transaction<'a>, store_id: &'a str) -> Self {
        Self { transaction, store_id, trail: Trail::default() }
    }

    /// All lines that a statement answers with.
    pub(super) async fn lines(&mut self, statement: &str, parameters: &[Parameter<'_>]) -> Row<Vec<Line>> {
        let statement = self.transaction.prepare_cached(statement).await.map_err(refused)?;
        self.transaction.query(&statement, parameters).await.map_err(refused)
    }

    /// The only line that a statement answers with, if it does.
    pub(super) async fn line(&mut self, statement: &str, parameters: &[Parameter<'_>]) -> Row<Option<Line>> {
        Ok(self.lines(statement, parameters).await?.pop())
    }

    /// How many rows a statement has changed.
    pub(super) async fn run(&mut self, statement: &str, parameters: &[Parameter<'_>]) -> Row<u64> {
        let statement = self.transaction.prepare_cached(statement).await.map_err(refused)?;
        self.transaction.execute(&statement, parameters).await.map_err(refused)
    }

    /// As [`Tables::lock_directory`](super::super::tables::Tables::lock_directory): the one row of `wxgate` is the lock.
    pub(super) async fn lock_directory(&mut self) -> Row<()> {
        let line = self.line("SELECT store_id FROM wxgate FOR UPDATE", &[]).await?;
        let found: Option<&str> = line.as_ref().map(|line| get(line, "store_id")).transpose()?;
        if found == Some(self.store_id) { Ok(()) } else { Err(StoreError::unavailable(ANOTHER)) }
    }

    /// As [`Tables::trail`](super::super::tables::Tables::trail).
    pub(super) fn trail(&mut self) -> &mut Trail {
        &mut self.trail
    }

    /// What the sentence changed comes true.
    pub(super) async fn commit(self) -> Row<()> {
        let lines = self.trail.commits();
        self.transaction.commit().await.map_err(refused)?;
        lines.came_true();
        Ok(())
    }

    /// What the sentence changed is taken back.
    pub(super) async fn take_back(self) -> Row<()> {
        self.transaction.rollback().await.map_err(refused)
    }
}

/// As [`Store::check`](super::super::Store::check): whether this is the store of this id, and can be written.
pub(super) async fn check(connection: &ClientWrapper, store_id: &str) -> Row<()> {
    let statement = "SELECT store_id, pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean \
         AS reads_only FROM wxgate";
    let statement = connection.prepare_cached(statement).await.map_err(refused)?;
    let line = connection.query_opt(&statement, &[]).await.map_err(refused)?;
    let line = line.ok_or_else(|| StoreError::unavailable(ANOTHER))?;
    if get::<&str>(&line, "store_id")? != store_id {
        return Err(StoreError::unavailable(ANOTHER));
    }
    match get(&line, "reads_only")? {
        true => Err(StoreError::unavailable("it can only be read")),
        false => Ok(()),
    }
}

impl ToSql for Text<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        storable(self.0).as_ref().to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        <&str as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}
