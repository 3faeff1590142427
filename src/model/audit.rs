//! What is written down of who did what: the trail that makes every privileged act attributable.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::clock::Timestamp;
use super::member::MemberId;

/// One line of the trail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// Who did it.
    pub actor: Actor,
    /// Whom it concerns.
    pub member: Option<MemberId>,
    /// From where.
    pub client: Option<IpAddr>,
    /// The request it was done with.
    pub request_id: Option<String>,
    /// What exactly, in words for an operator: groups, a user name, a route. Never a secret.
    pub detail: String,
}

/// Who does something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Actor {
    /// Whoever runs commands on the server.
    CommandLine,
    /// The gateway by itself.
    Gateway,
    /// A person.
    Member(MemberId),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum AuditKind { $($(#[$doc])* $name,)* }

        impl AuditKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word in the store and in logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

kinds! {
    /// Given the right to administer.
    AdminGranted = "admin-granted",
    /// That right taken.
    AdminTaken = "admin-taken",
    /// Asked for access.
    Asked = "asked",
    /// Let in.
    Approved = "approved",
    /// Shut out.
    Blocked = "blocked",
    /// The configuration was read anew, and put in force or not.
    ConfigurationReloaded = "configuration-reloaded",
    /// Two members turn out to have one unionid.
    ConflictFound = "conflict-found",
    /// An administrator decided what becomes of that.
    ConflictSettled = "conflict-settled",
    /// Another name for people.
    DisplayNameChanged = "display-name-changed",
    /// All that is known of a person was deleted.
    Forgotten = "forgotten",
    /// Other groups.
    GroupsChanged = "groups-changed",
    /// An invitation was made.
    InviteMade = "invite-made",
    /// An invitation was used.
    InviteUsed = "invite-used",
    /// An invitation was taken back.
    InviteWithdrawn = "invite-withdrawn",
    /// Asked on their phone, they let another browser in as themselves.
    PhoneAllowed = "phone-allowed",
    /// Asked on their phone, they said that another browser was not theirs.
    PhoneRefused = "phone-refused",
    /// Not let in.
    Refused = "refused",
    /// Another name for applications.
    Renamed = "renamed",
    /// One session was ended by an administrator.
    SessionEnded = "session-ended",
    /// All sessions of a person were ended.
    SessionsEnded = "sessions-ended",
    /// A link for the first administrator was made.
    SetupLinkMade = "setup-link-made",
    /// Such a link was used.
    SetupUsed = "setup-used",
    /// A sign-in was turned away.
    SignInRefused = "sign-in-refused",
    /// Signed in.
    SignedIn = "signed-in",
    /// Signed out.
    SignedOut = "signed-out",
    /// Let in again after a block.
    Unblocked = "unblocked",
    /// A signed-in person was refused a page.
    VisitRefused = "visit-refused",
}

impl FromStr for AuditKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|kind| kind.as_str() == text);
        known.copied().ok_or_else(|| format!("{text:?} is nothing that is written down"))
    }
}

/// How whoever is no member is called; no member id reads like that.
const COMMAND_LINE: &str = "command-line";
const GATEWAY: &str = "gateway";

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            COMMAND_LINE => Ok(Self::CommandLine),
            GATEWAY => Ok(Self::Gateway),
            id => id.parse().map(Self::Member),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => formatter.write_str(COMMAND_LINE),
            Self::Gateway => formatter.write_str(GATEWAY),
            Self::Member(id) => id.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: HashSet<&str> = AuditKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), AuditKind::ALL.len());
        for kind in AuditKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert!(kind.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        }
        assert!("Blocked".parse::<AuditKind>().is_err() && "".parse::<AuditKind>().is_err());
    }

    #[test]
    fn every_actor_comes_back() {
        for actor in [Actor::CommandLine, Actor::Gateway, Actor::Member(MemberId::of([9; 10]))] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        assert!("somebody".parse::<Actor>().is_err());
    }
}
