//! Clients in one thread with tokio, for what needs more than plain HTTP/1.1: TLS, HTTP/2, thousands of connections.

mod rounds;
mod slot;
mod stage;
mod wire;

pub use rounds::{Plan, compare, table};
pub use slot::{Rates, Slot, Tally, measure};
pub use stage::{BODY, Stage};
pub use wire::Wire;
