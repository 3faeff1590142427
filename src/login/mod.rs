//! Signing in: begin, finish, and the way to the other protected hosts.

mod arrival;
mod attempts;
mod callback;
mod channel;
mod exchanges;
mod failure;
mod flow;
mod handoff;
mod memory;
mod offers;
mod pairing;
mod phone;
mod tries;
mod witness;

pub use attempts::{Aim, Attempt, Attempts, Stage};
pub use callback::{Callback, Finished};
pub use channel::{Apps, Channel, Step, Way, choose};
pub use failure::{LoginError, LoginFailure};
pub use flow::{Begun, LoginFlow, LoginSettings, Visitor};
pub use handoff::{Handoff, TicketError};
pub use memory::LoginMemory;
pub use offers::{AccountWays, WebsitePage, WebsiteSettings};
pub use pairing::SCENE;
pub use phone::Decided;
pub use witness::Witnesses;
