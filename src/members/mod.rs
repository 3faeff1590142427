//! The directory: who is a member, how they stand, and what administrators do about it.

mod act;
mod administration;
mod directory;
mod health;
mod housekeeping;
mod joining;
mod near;
mod pairing;
mod refusals;
mod standings;
#[cfg(test)]
pub(crate) mod tests;
mod unfollowing;
mod watch;

pub use act::Act;
pub use administration::Invitation;
pub use directory::Directory;
pub use joining::{Join, JoinSettings, LONGEST_MESSAGE, Newcomer, WelcomeError};
pub use near::Near;
pub use standings::Unsure;
pub use watch::Watch;
