//! The connections: at most eight, none of them used again after it has failed somebody.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Connect, Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod,
    Runtime,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::StoreError;
use super::super::tables::Row;
use super::address::Address;
use super::deadlines::Deadlines;
use super::error::unconnected;

/// When the server has no connection left for us, we share those we have: so soon we look whether one is free. Before we
/// have any it is worth a few looks only.
const FULL: Duration = Duration::from_millis(100);
const LOOKS: u32 = 3;

/// The connections, and who waits for one.
pub(super) struct Pool {
    store_id: String,
    connections: deadpool_postgres::Pool,
    places: Arc<Semaphore>,
    deadlines: Deadlines,
}

/// A connection in use. Unless it is given back it is closed: at a deadline nobody knows in what state it is.
pub(super) struct Held {
    connection: Option<Object>,
    _place: OwnedSemaphorePermit,
}

/// Opens connections, and says nothing to the log: whoever wanted one says what they missed it for.
struct Connector {
    tls: MakeRustlsConnect,
}

impl Pool {
    /// At most so many connections to the store of this id, and so many who wait for one; none is opened yet.
    pub(super) fn new(
        address: Address,
        store_id: String,
        (most, waiting): (usize, usize),
        deadlines: Deadlines,
    ) -> Result<Self, String> {
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let expected = store_id.clone();
        let manager = Manager::from_connect(address.config, Connector { tls: address.tls }, settings);
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(most)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(deadlines.connect))
            .post_create(Hook::async_fn(move |connection: &mut ClientWrapper, _| {
                let store_id = expected.clone();
                Box::pin(async move { greet(connection, &store_id, deadlines.on_the_server).await })
            }))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { store_id, connections, places: Arc::new(Semaphore::new(most + waiting)), deadlines })
    }

    /// The store that all connections lead to.
    pub(super) fn store_id(&self) -> &str {
        &self.store_id
    }

    /// A connection, as soon as one is free; at once none when too many wait already.
    pub(super) async fn hold(&self) -> Row<Held> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| StoreError::Busy)?;
        let mut looks = 0;
        loop {
            // Whoever only waited for others does not know whether it answers.
            let turn = tokio::time::timeout(self.deadlines.turn, self.connections.get())
                .await
                .map_err(|_| StoreError::Busy)?;
            match turn {
                Ok(connection) => return Ok(Held { connection: Some(connection), _place: place }),
                Err(PoolError::Backend(error))
                    if is_full(&error) && (looks < LOOKS || self.connections.status().size > 0) =>
                {
                    looks += 1;
                    tokio::time::sleep(FULL).await;
                }
                Err(error) => return Err(unconnected(error, self.deadlines.connect)),
            }
        }
    }

    /// Closes the connections that nobody uses: a server that has failed one will fail the others.
    pub(super) fn distrust(&self) {
        self.connections.retain(|_, _| false);
    }
}

impl Held {
    /// The connection; none after it was given back.
    pub(super) fn connection(&mut self) -> Row<&mut ClientWrapper> {
        self.connection.as_deref_mut().ok_or_else(|| StoreError::unavailable("the connection is closed"))
    }

    /// Lets others use it.
    pub(super) fn give_back(mut self) {
        drop(self.connection.take());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(self.tls.clone()).await?;
            Ok((client, tokio::spawn(async move { drop(connection.await) })))
        })
    }
}

/// Settings of a new connection, and whether the store is still there. Settings by `SET` and not at the connect: PgBouncer
/// refuses those. (It does as long as it hands out whole sessions; statements are prepared once per session.)
async fn greet(connection: &Client, store_id: &str, on_the_server: &str) -> Result<(), HookError> {
    connection.batch_execute(on_the_server).await.map_err(HookError::Backend)?;
    let answer = connection.simple_query("SELECT store_id FROM wxgate").await.map_err(HookError::Backend)?;
    let found = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    if found == Some(store_id) { Ok(()) } else { Err(HookError::message(ANOTHER)) }
}

/// What is said when the database is no longer the one that was opened.
pub(super) const ANOTHER: &str = "it is empty, or another database than at the start";

fn is_full(error: &Error) -> bool {
    error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS)
}
