//! Signing in with a phone beside: the page that waits, the question on the phone, and what WeChat's server tells us.

mod chat;
mod code;
mod confirm;
mod inbox;
mod message;
pub(super) mod page;
mod wait;
mod written;

pub use inbox::Inbox;
pub use message::PATIENCE;
