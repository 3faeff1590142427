//! What the store can be told: the rules of the directory, in row operations of any database.

mod arriving;
mod conflicts;
mod invites;
mod listing;
mod members;
mod open_sessions;
mod pairings;
mod sessions;
mod setup;
mod unfollow;

pub(super) use conflicts::{ListConflicts, Settle};
pub(super) use invites::{FindInvite, Join, ListInvites, MakeInvite, WithdrawInvite};
pub(super) use listing::{CountMembers, Detail, Purge, Standings};
pub(super) use members::{Ask, Forget, MakeChange};
pub(super) use open_sessions::{NamedSessions, OpenSessions};
pub(super) use pairings::{AdvancePairing, BeginPairing, FindPairing};
pub(super) use sessions::{Claim, EndSession, EndSessions};
pub(super) use setup::{IsSetupLink, MakeSetupLink, NeedsSetup, SetUp};
pub(super) use unfollow::Unfollow;
