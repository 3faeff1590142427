//! A program under test.

use std::net::SocketAddr;
use std::process::Child;

use tempfile::TempDir;

use super::kind::Kind;

/// A program under test that is up.
#[derive(Debug)]
pub struct System {
    /// As `start` was asked for it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it does with a request.
    pub kind: Kind,
    /// What was started; their children are not in it.
    pub processes: Vec<Child>,
    /// Configuration, log and whatever else it writes.
    pub directory: TempDir,
}
