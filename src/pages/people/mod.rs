//! People on their way to becoming members: asking, waiting, invitations, and the first administrator.

mod access;
mod offer;
pub mod page;
mod waiting;

pub(super) use waiting::COME_BACK;
pub use waiting::WaitingRoom;
