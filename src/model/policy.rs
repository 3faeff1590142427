//! Who may pass.

use std::str::FromStr;

/// The policy of a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Policy {
    /// Nobody.
    Deny,
    /// Everybody, signed in or not.
    Public,
    /// Whoever has signed in with WeChat.
    SignedIn,
}

impl Policy {
    /// The word that stands for the policy in the configuration and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Public => "public",
            Self::SignedIn => "signed-in",
        }
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "deny" => Ok(Self::Deny),
            "public" => Ok(Self::Public),
            "signed-in" => Ok(Self::SignedIn),
            "members" | "admins" => {
                Err("this version has no member list yet: write \"signed-in\", \"public\" or \"deny\""
                    .to_owned())
            }
            _ => Err("write \"signed-in\", \"public\" or \"deny\"".to_owned()),
        }
    }
}
