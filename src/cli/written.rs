//! How the command line writes moments and members.

use std::time::{Duration, UNIX_EPOCH};

use super::listing::visible;
use crate::model::clock::Timestamp;
use crate::model::member::Member;

/// The last second of the year 9999, the last that RFC 3339 can write.
const LAST: u64 = 253_402_300_799;

/// A moment for programs: RFC 3339, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    let seconds = u64::try_from(at.as_unix()).unwrap_or(0).min(LAST);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// A moment for people, to the minute, in UTC.
pub(super) fn minute(at: Timestamp) -> String {
    let moment = moment(at);
    moment.get(..16).unwrap_or(&moment).replace('T', " ")
}

/// A member in half a line: the id, who that is, and how they stand.
pub(super) fn stands(member: &Member) -> String {
    let mut text = format!("{}: {}", called(member), member.status.as_str());
    if member.is_admin {
        text.push_str(", administrator");
    }
    if !member.groups.is_empty() {
        text.push_str(&format!(", in {}", member.groups));
    }
    text
}

/// The id, the user name where there is one, and what people call them.
pub(super) fn called(member: &Member) -> String {
    let names = [member.user(), member.name()];
    let mut names: Vec<&str> = names.into_iter().filter(|name| *name != member.id.as_str()).collect();
    names.dedup();
    match names.as_slice() {
        [] => member.id.to_string(),
        names => format!("{} ({})", member.id, visible(&names.join(", "))),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::member::{Groups, MemberId, Status};

    pub(in super::super) fn member() -> Member {
        Member {
            id: MemberId::of([7; 10]),
            status: Status::Active,
            before_block: None,
            user_name: None,
            display_name: None,
            groups: Groups::default(),
            is_admin: false,
            unionid: None,
            profile_name: "王芳".to_owned(),
            avatar: String::new(),
            request: None,
            created: Timestamp::from_unix(1_790_000_000),
            signed_in: Timestamp::from_unix(1_790_000_000),
            ended_before: Timestamp::from_unix(0),
        }
    }

    #[test]
    fn moments() {
        let at = Timestamp::from_unix(1_790_000_000);
        assert_eq!((moment(at).as_str(), minute(at).as_str()), ("2026-09-21T14:13:20Z", "2026-09-21 14:13"));
        assert_eq!(moment(Timestamp::from_unix(i64::MAX)), "9999-12-31T23:59:59Z");
        assert_eq!(minute(Timestamp::from_unix(-1)), "1970-01-01 00:00");
    }

    #[test]
    fn members_in_half_a_line() {
        let plain = member();
        assert_eq!(stands(&plain), "wx-07070707070707070707 (王芳): active");
        let known = Member {
            user_name: "fang".parse().ok(),
            display_name: "fang".parse().ok(),
            groups: "it,staff".parse().unwrap_or_default(),
            is_admin: true,
            ..plain
        };
        let text = "wx-07070707070707070707 (fang): active, administrator, in it,staff";
        assert_eq!(stands(&known), text);
        let nameless = Member { profile_name: String::new(), ..member() };
        assert_eq!(called(&nameless), "wx-07070707070707070707");
    }
}
