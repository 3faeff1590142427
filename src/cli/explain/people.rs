//! What people get on a route, by who they are: the same decision as for a real request, with sessions that are made up.

use std::sync::Arc;

use crate::gate::{Origin, Refusal, Verdict, decide};
use crate::members::Join;
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Identity, Profile};
use crate::model::member::{Groups, Member, MemberId, Standing, Status};
use crate::model::person::{Person, Who};
use crate::model::policy::{Access, Policy};
use crate::model::session::Session;

/// A word for those who are no members and what they get, where that is not what everybody who signs in gets.
pub(super) fn strangers(access: &Access, join: Join, now: Timestamp) -> Vec<(&'static str, String)> {
    let kinds = [
        ("guests", Status::Guest),
        ("pending", Status::Pending),
        ("refused", Status::Refused),
        ("blocked", Status::Blocked),
    ];
    let of = |(word, status)| Some((word, refused(access, &somebody(status), join, now)?));
    kinds.into_iter().filter_map(of).collect()
}

/// What one member gets: `Ok` is how they pass.
pub(super) fn member(
    access: &Access,
    member: &Member,
    join: Join,
    now: Timestamp,
) -> Result<&'static str, String> {
    match refused(access, &(member.id.clone(), member.standing(Vec::new())), join, now) {
        Some(why) => Err(why),
        None if access.policy == Policy::Public && member.status == Status::Blocked => {
            Ok("without identity headers, as nobody: they are blocked")
        }
        None => Ok("with identity headers"),
    }
}

/// Why somebody may not pass; `None` if they may.
fn refused(
    access: &Access,
    (id, standing): &(MemberId, Standing),
    join: Join,
    now: Timestamp,
) -> Option<String> {
    let who = Who::Person(Person { session: session(id, now), standing: Arc::new(standing.clone()) });
    let why = match decide(access, who, Origin::Irrelevant) {
        Verdict::Admit(_) => return None,
        Verdict::Refuse(Refusal::Group, _) if !in_groups(access, &standing.groups) => {
            return Some(format!("403: in none of the groups {}", access.groups));
        }
        Verdict::Refuse(Refusal::Group, _) => "403: no administrator",
        Verdict::Refuse(Refusal::NoMember(Status::Guest), _) => match join {
            Join::Closed => "403: only administrators make members",
            Join::Invite => "403, until they open an invitation",
            Join::Open => "403, with a button to become a member",
            Join::Request => "403, with a page to ask for access",
        },
        Verdict::Refuse(Refusal::NoMember(Status::Pending), _) => "403, until an administrator approves",
        Verdict::Refuse(Refusal::NoMember(_), _) => "403: an administrator did not let them in",
        Verdict::Refuse(Refusal::Blocked, _) => "403: an administrator shut them out",
        Verdict::Refuse(Refusal::ForeignOrigin | Refusal::Policy, _) => "403: nobody may pass",
        Verdict::SignIn | Verdict::Unsure => "cannot be said",
    };
    Some(why.to_owned())
}

fn in_groups(access: &Access, groups: &Groups) -> bool {
    access.groups.is_empty() || access.groups.meet(groups)
}

/// Somebody of whom only the status is known.
fn somebody(status: Status) -> (MemberId, Standing) {
    let id = MemberId::of([0; 10]);
    let standing = Standing {
        status,
        is_admin: false,
        groups: Groups::default(),
        user: id.as_str().to_owned().into(),
        name: "".into(),
        ended_before: Timestamp::from_unix(0),
        ended: Vec::new(),
        request: None,
    };
    (id, standing)
}

/// A sign-in of this moment.
fn session(id: &MemberId, now: Timestamp) -> Arc<Session> {
    let identity = Identity {
        member_id: id.to_string(),
        account: Account { app_id: String::new(), openid: String::new() },
        unionid: None,
        profile: Profile::default(),
    };
    Arc::new(Session::new([0; 16], &identity, now, now))
}

#[cfg(test)]
mod tests {
    use super::super::super::written::tests;
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    #[test]
    fn strangers_are_told_apart() {
        let of = |policy: Policy, join| {
            strangers(&policy.into(), join, NOW)
                .into_iter()
                .map(|(word, why)| format!("{word} {why}"))
                .collect()
        };
        let members: Vec<String> = of(Policy::Members, Join::Request);
        assert_eq!(members.len(), 4);
        assert_eq!(members[0], "guests 403, with a page to ask for access");
        assert_eq!(members[3], "blocked 403: an administrator shut them out");
        assert!(of(Policy::Admins, Join::Invite)[0].contains("invitation"));
        assert_eq!(of(Policy::SignedIn, Join::Request), ["blocked 403: an administrator shut them out"]);
        assert!(of(Policy::Public, Join::Request).is_empty());
    }

    #[test]
    fn a_member_passes_or_is_told_why_not() {
        let of = |access: &Access, who: &Member| member(access, who, Join::Request, NOW);
        let access = |policy, groups: &str| Access { policy, groups: groups.parse().unwrap_or_default() };
        let lin = Member { groups: "it".parse().unwrap_or_default(), ..tests::member() };
        assert_eq!(of(&access(Policy::Members, "it,ops"), &lin), Ok("with identity headers"));
        assert_eq!(
            of(&access(Policy::Members, "ops"), &lin),
            Err("403: in none of the groups ops".to_owned())
        );
        assert_eq!(of(&access(Policy::Admins, "it"), &lin), Err("403: no administrator".to_owned()));
        assert_eq!(of(&access(Policy::Deny, ""), &lin), Err("403: nobody may pass".to_owned()));
        let blocked = Member { status: Status::Blocked, ..lin };
        assert!(of(&access(Policy::Public, ""), &blocked).is_ok_and(|how| how.starts_with("without")));
        assert!(of(&access(Policy::SignedIn, ""), &blocked).is_err());
    }
}
