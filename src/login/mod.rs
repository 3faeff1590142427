//! Signing in: begin, finish, and the way to the other protected hosts.

mod attempts;
mod channel;
mod exchanges;
mod flow;
mod handoff;

pub use attempts::{Attempt, Attempts, Stage};
pub use channel::{Apps, Channel, Step, Way, choose};
pub use exchanges::Exchanges;
pub use flow::{Begun, Callback, Finished, LoginError, LoginFailure, LoginFlow, LoginSettings, Visitor};
pub use handoff::{Handoff, TicketError};
