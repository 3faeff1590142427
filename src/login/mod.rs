//! Signing in: begin, finish, and the way to the other protected hosts.

mod attempts;
mod channel;
mod exchanges;
mod flow;
mod guesses;
mod handoff;
mod offers;
mod pairing;
mod witness;

pub use attempts::{Aim, Attempt, Attempts, Stage};
pub use channel::{Apps, Channel, Step, Way, choose};
pub use exchanges::Exchanges;
pub use flow::{Begun, Callback, Finished, LoginError, LoginFailure, LoginFlow, LoginSettings, Visitor};
pub use handoff::{Handoff, TicketError};
pub use offers::{AccountWays, WebsitePage, WebsiteSettings};
pub use witness::Witnesses;
