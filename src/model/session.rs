//! One sign-in in one browser.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::identity::Identity;

/// A session as the sealed cookie carries it. Rights are never in it: they are asked anew for each request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// Random, names this sign-in in logs and revocations.
    pub id: [u8; 16],
    /// Who signed in.
    pub identity: Identity,
    /// When they signed in; the absolute lifetime counts from here.
    pub started: Timestamp,
    /// When the cookie was last renewed; the idle timeout counts from here.
    pub renewed: Timestamp,
}
