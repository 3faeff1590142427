//! How long everything may take, and how much of it may happen at a time.

use std::time::Duration;

/// How long one store waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// A sentence, from the wait for a connection to the commit.
    pub(super) sentence: Duration,
    /// A new connection, from the look-up of the name to the server's welcome.
    pub(super) connect: Duration,
    /// How long somebody waits for others who have all connections; longer than it takes to open one.
    pub(super) turn: Duration,
    /// Opening the store, with all its migrations.
    pub(super) opening: Duration,
    /// An upgrade that had to let others go first is tried again after `UPGRADE_PAUSE`, for so long: then there is time to
    /// end within `opening`, also where several nodes take turns.
    pub(super) upgrading: Duration,
    /// What is set on each connection: see `ON_THE_SERVER`.
    pub(super) on_the_server: &'static str,
}

impl Deadlines {
    /// Callers are promised two seconds.
    pub(super) const PROMISED: Self = Self {
        sentence: Duration::from_millis(1500),
        connect: Duration::from_secs(1),
        turn: Duration::from_millis(1200),
        opening: Duration::from_secs(5),
        upgrading: Duration::from_secs(3),
        on_the_server: ON_THE_SERVER,
    };

    /// For tests of everything but time, which a busy computer must not fail.
    #[cfg(test)]
    pub(super) const AMPLE: Self = Self {
        sentence: Duration::from_secs(60),
        connect: Duration::from_secs(60),
        turn: Duration::from_secs(60),
        opening: Duration::from_secs(60),
        upgrading: Duration::from_secs(50),
        on_the_server: "SET statement_timeout = 60000; SET lock_timeout = 60000; \
             SET idle_in_transaction_session_timeout = 60000",
    };
}

/// How long an upgrade waits for a table at a time. Whoever wants to read it queues up behind the upgrade meanwhile, on every
/// node, and gives up after a second.
pub(super) const UPGRADE: &str = "SET LOCAL lock_timeout = 500";

/// An upgrade that had to let others go first is tried again after this pause.
pub(super) const UPGRADE_PAUSE: Duration = Duration::from_millis(400);

/// Connections at a time.
pub(super) const CONNECTIONS: usize = 8;

/// Sentences that may wait for one of them; with more, the database is too slow to wait for.
pub(super) const WAITING: usize = 64;

/// Connections for what requests wait for, and how many may wait for those: nobody else is in their way.
pub(super) const URGENT_CONNECTIONS: usize = 2;
pub(super) const URGENT_WAITING: usize = 256;

/// What the server ends by itself. It sees too late that this end is gone: a statement goes on until the server next
/// writes or reads. And a server that was frozen, or cut off, must not go on with a sentence that was given up: it finds
/// the transaction idle for too long before it reads the next statement.
pub(super) const ON_THE_SERVER: &str = "SET statement_timeout = 1400; SET lock_timeout = 1000; \
     SET idle_in_transaction_session_timeout = 1500";
