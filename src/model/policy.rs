//! Who may pass.

use std::str::FromStr;

use super::member::Groups;

/// The policy of a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Policy {
    /// Members who may administer members.
    Admins,
    /// Nobody.
    Deny,
    /// People whom an administrator let in.
    Members,
    /// Everybody, signed in or not.
    Public,
    /// Whoever has signed in with WeChat, unless an administrator has blocked them.
    SignedIn,
}

/// Who may pass on a route: its policy, and for members the groups of which they must be in one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Access {
    /// The policy.
    pub policy: Policy,
    /// Groups of which a member must be in one; none means any member.
    pub groups: Groups,
}

impl Policy {
    /// The word that stands for the policy in the configuration and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admins => "admins",
            Self::Deny => "deny",
            Self::Members => "members",
            Self::Public => "public",
            Self::SignedIn => "signed-in",
        }
    }

    /// Whether it asks for members, so that groups can narrow it.
    pub fn knows_members(self) -> bool {
        matches!(self, Self::Admins | Self::Members)
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Members, Self::Admins, Self::SignedIn, Self::Public, Self::Deny];
        all.into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| "write \"members\", \"admins\", \"signed-in\", \"public\" or \"deny\"".to_owned())
    }
}

impl From<Policy> for Access {
    fn from(policy: Policy) -> Self {
        Self { policy, groups: Groups::default() }
    }
}
