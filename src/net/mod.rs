//! Sockets: listening, TLS, one connection's life, deadlines and bounds. Knows nothing of people.

pub mod asked;
pub mod body;
pub mod causes;
pub mod connection;
pub mod deadline;
mod head_guard;
pub mod limits;
pub mod listen;
mod outgoing;
pub mod serve;
mod timed;
pub mod tls;
pub mod workers;

pub use head_guard::accepted_head;
