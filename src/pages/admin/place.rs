//! The addresses of administration.

use crate::model::member::MemberId;

/// One of the pages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// `/_wxgate/admin`: everybody, those who wait first.
    Members,
    /// `/_wxgate/admin/members/ID`: everything about one.
    Member(MemberId),
    /// `/_wxgate/admin/invites`: invitations.
    Invites,
    /// `/_wxgate/admin/conflicts`: accounts that may be one person's.
    Conflicts,
    /// `/_wxgate/admin/audit`: who did what.
    Audit,
}

impl Place {
    /// The page at a canonical path.
    pub(super) fn parse(path: &str) -> Option<Self> {
        Some(match path.strip_prefix("/_wxgate/admin")? {
            "" => Self::Members,
            "/invites" => Self::Invites,
            "/conflicts" => Self::Conflicts,
            "/audit" => Self::Audit,
            below => Self::Member(below.strip_prefix("/members/")?.parse().ok()?),
        })
    }

    /// Its address.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Members => "/_wxgate/admin".to_owned(),
            Self::Member(id) => format!("/_wxgate/admin/members/{id}"),
            Self::Invites => "/_wxgate/admin/invites".to_owned(),
            Self::Conflicts => "/_wxgate/admin/conflicts".to_owned(),
            Self::Audit => "/_wxgate/admin/audit".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_one_address() {
        let member = Place::Member("wx-00112233445566778899".parse().unwrap());
        for place in [Place::Members, member, Place::Invites, Place::Conflicts, Place::Audit] {
            assert_eq!(Place::parse(&place.path()), Some(place));
        }
        for path in [
            "/_wxgate/admin/",
            "/_wxgate/admin/members",
            "/_wxgate/admin/members/",
            "/_wxgate/admin/members/wx-0011223344556677889",
            "/_wxgate/admin/members/wx-0011223344556677889A",
            "/_wxgate/admin/members/wx-00112233445566778899/",
            "/_wxgate/admin/members/wx-00112233445566778899/x",
            "/_wxgate/admin/members/%77x-00112233445566778899",
            "/_wxgate/admin/invites;x",
            "/_wxgate/administration",
            "/x/_wxgate/admin",
        ] {
            assert_eq!(Place::parse(path), None, "{path}");
        }
    }
}
