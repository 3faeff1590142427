//! Every wait has a deadline, every buffer a bound: the numbers.

use std::time::Duration;

/// Bounds of one listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections held at once; more wait in the kernel's queue.
    pub connections: usize,
    /// From accept to the first byte.
    pub first_byte: Duration,
    /// From accept to the end of the TLS handshake.
    pub tls_handshake: Duration,
    /// From the first byte of a request head to its last.
    pub head: Duration,
    /// Silence between two requests on one connection.
    pub keep_alive: Duration,
    /// A client that accepts no byte of an answer.
    pub write_stall: Duration,
    /// A request body that brings no byte.
    pub body_idle: Duration,
    /// Bytes of one request head.
    pub head_bytes: usize,
    /// Bytes of one request target.
    pub target_bytes: usize,
    /// Bytes of one request body; `None` is unlimited.
    pub body_bytes: Option<u64>,
}

/// Bytes of a refused request's body that are read so that the client sees the answer.
pub const DRAINED_BYTES: u64 = 64 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            first_byte: Duration::from_secs(10),
            tls_handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            write_stall: Duration::from_secs(60),
            body_idle: Duration::from_secs(60),
            head_bytes: 32 * 1024,
            target_bytes: 8 * 1024,
            body_bytes: None,
        }
    }
}
