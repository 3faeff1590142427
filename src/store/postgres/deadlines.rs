//! How long everything may take, and how much of it may happen at a time.

use std::time::Duration;

/// A sentence, from the wait for a connection to the commit. Callers are promised two seconds.
pub(super) const SENTENCE: Duration = Duration::from_millis(1500);

/// A new connection, from the look-up of the name to the server's welcome.
pub(super) const CONNECT: Duration = Duration::from_secs(1);

/// Opening the store, with all its migrations.
pub(super) const OPENING: Duration = Duration::from_secs(5);

/// How long an upgrade waits for a table at a time. Whoever wants to read it queues up behind the upgrade meanwhile, on every
/// node, and gives up after a second.
pub(super) const UPGRADE: &str = "SET LOCAL lock_timeout = 500";

/// An upgrade that had to let others go first is tried again after a pause, for as long as this leaves time to end within
/// `OPENING`, also where several nodes take turns.
pub(super) const UPGRADE_PAUSE: Duration = Duration::from_millis(400);
pub(super) const UPGRADE_TRIES: Duration = Duration::from_secs(3);

/// Connections at a time.
pub(super) const CONNECTIONS: usize = 8;

/// Sentences that may wait for one of them; with more, the database is too slow to wait for.
pub(super) const WAITING: usize = 64;

/// Connections for what requests wait for, and how many may wait for those: nobody else is in their way.
pub(super) const URGENT_CONNECTIONS: usize = 2;
pub(super) const URGENT_WAITING: usize = 256;

/// How long somebody waits for others who have all connections; longer than it takes to open one.
pub(super) const TURN: Duration = Duration::from_millis(1200);

/// What the server ends by itself. It sees too late that this end is gone: a statement goes on until the server next
/// writes or reads. And a server that was frozen, or cut off, must not go on with a sentence that was given up: it finds
/// the transaction idle for too long before it reads the next statement.
pub(super) const ON_THE_SERVER: &str = "SET statement_timeout = 1400; SET lock_timeout = 1000; \
     SET idle_in_transaction_session_timeout = 1500";
