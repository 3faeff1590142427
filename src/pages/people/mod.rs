//! People on their way to becoming members: asking, waiting, invitations, and the first administrator.

mod access;
mod offer;
pub mod page;
mod waiting;

pub use waiting::WaitingRoom;
