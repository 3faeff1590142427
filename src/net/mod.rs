//! Sockets: listening, TLS, one connection's life, deadlines and bounds. Knows nothing of people.

mod answered;
pub mod asked;
pub mod body;
pub mod connection;
pub mod deadline;
mod deadlines;
mod head_guard;
pub mod limits;
pub mod listen;
pub mod serve;
pub mod tls;
pub mod workers;

pub use head_guard::accepted_head;
