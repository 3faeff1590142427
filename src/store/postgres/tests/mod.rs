//! What only PostgreSQL has to show: several nodes, a server that fails, and what is told of it.

mod nodes;
mod openings;
mod outages;
#[path = "../../../../tests/support/postgres.rs"]
mod server;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::{Client, NoTls};

use super::super::records::{Arrival, NewSession};
use super::super::{OpenError, Opening, Store, StoreError, StoreSettings};
use super::deadlines::Deadlines;
use super::open_within;
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::member::{Change, Member, MemberId, Status};
use crate::seal::random;
use server::{PASSWORD, Postgres};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const LATER: Timestamp = Timestamp::from_unix(1_800_003_600);

/// Waits are for events; this only bounds a test that has failed. Far below `Deadlines::AMPLE`: what comes true within it
/// has not waited for a deadline.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store in a new, empty database.
pub(in crate::store) async fn fresh() -> Arc<dyn Store> {
    let server = Postgres::shared();
    let folder = tempfile::tempdir().unwrap();
    at(&server.url(&database(server)), folder.path()).await.unwrap()
}

/// The connections have a runtime of their own, as in the gateway: whoever asks is on another one.
fn background() -> Handle {
    static BACKGROUND: OnceLock<Runtime> = OnceLock::new();
    let build = || Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    BACKGROUND.get_or_init(build).handle().clone()
}

/// A new, empty database.
fn database(server: &Postgres) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("store_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.create_database(&name);
    name
}

fn settings(url: &str, data_dir: &Path) -> StoreSettings {
    StoreSettings { url: url.parse().unwrap(), ca_file: None, data_dir: data_dir.to_owned() }
}

/// What comes of it, which must be soon.
async fn within<T>(most: Duration, what: &str, comes: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(most, comes).await;
    came.unwrap_or_else(|_| panic!("waited for more than {most:?} until {what}"))
}

/// The store at `url`, of a gateway with this folder. It is as slow as this computer has to be.
async fn at(url: &str, data_dir: &Path) -> Result<Arc<dyn Store>, OpenError> {
    at_within(Deadlines::AMPLE, url, data_dir).await
}

async fn at_within(deadlines: Deadlines, url: &str, data_dir: &Path) -> Result<Arc<dyn Store>, OpenError> {
    open_within(deadlines, &settings(url, data_dir), Opening::Create, background()).await
}

/// Opens it as a command does, which makes nothing.
async fn existing(url: &str, data_dir: &Path) -> Result<Arc<dyn Store>, OpenError> {
    open_within(Deadlines::AMPLE, &settings(url, data_dir), Opening::Existing, background()).await
}

/// Another program that is connected to this database.
async fn connected(server: &Postgres, name: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(name), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Two nodes with one new database, and its name.
async fn two_nodes(server: &Postgres) -> ([Arc<dyn Store>; 2], String) {
    let name = database(server);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let url = server.url(&name);
    ([at(&url, folders[0].path()).await.unwrap(), at(&url, folders[1].path()).await.unwrap()], name)
}

/// One node with a new database, and its name.
async fn one_node(server: &Postgres) -> (Arc<dyn Store>, String) {
    let name = database(server);
    let folder = tempfile::tempdir().unwrap();
    (at(&server.url(&name), folder.path()).await.unwrap(), name)
}

/// A node that keeps the promised deadlines, with a new database of this name; and one that has time.
async fn one_in_time(server: &Postgres) -> (Arc<dyn Store>, Arc<dyn Store>, String) {
    let (patient, name) = one_node(server).await;
    let folder = tempfile::tempdir().unwrap();
    let deadlines = Deadlines { opening: Deadlines::AMPLE.opening, ..Deadlines::PROMISED };
    (at_within(deadlines, &server.url(&name), folder.path()).await.unwrap(), patient, name)
}

fn arrival(openid: &str) -> Arrival {
    Arrival {
        fresh_id: MemberId::of(random()),
        account: Account { app_id: "wx1".to_owned(), openid: openid.to_owned() },
        unionid: None,
        profile: Profile { name: format!("{openid}\0 李"), ..Profile::default() },
        newcomer: Status::Guest,
        is_listed_admin: false,
        repeats: Vec::new(),
        session: NewSession {
            id: random(),
            started: NOW,
            expires: LATER,
            browser: "a browser".to_owned(),
            client: Ipv4Addr::LOCALHOST.into(),
        },
        request_id: "r".to_owned(),
    }
}

async fn member(store: &Arc<dyn Store>, openid: &str) -> Member {
    store.arrive(arrival(openid)).await.unwrap().member
}

async fn admin(store: &Arc<dyn Store>, openid: &str) -> Member {
    store.arrive(Arrival { is_listed_admin: true, ..arrival(openid) }).await.unwrap().member
}

fn note(kind: AuditKind) -> AuditEvent {
    AuditEvent {
        at: NOW,
        kind,
        actor: Actor::CommandLine,
        member: None,
        client: None,
        request_id: None,
        detail: String::new(),
    }
}

/// What `change` of a member comes to.
async fn change(store: &Arc<dyn Store>, id: &MemberId, change: Change) -> Result<Member, StoreError> {
    store.change(id.clone(), change, note(AuditKind::Approved)).await
}

/// The sentence that somebody who signs in waits for.
async fn claim(store: &Arc<dyn Store>) -> Result<bool, StoreError> {
    store.claim(super::super::records::ClaimKind::Ticket, random(), LATER).await
}
