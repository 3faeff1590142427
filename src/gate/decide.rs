//! The one decision. Pure: the same input gives the same verdict, and nothing else can make an `Admission`.

use crate::model::member::Status;
use crate::model::person::{Person, Who};
use crate::model::policy::{Access, Policy};
use crate::model::session::Session;

/// Proof that a visit was admitted, with the person if one is signed in. Only `decide` makes one; forwarding a request
/// and speaking identity headers require one.
#[derive(Debug)]
pub struct Admission {
    person: Option<Person>,
}

/// Where a request that wants to leave HTTP behind (`Upgrade`) says it comes from.
///
/// A page of another site can open a WebSocket with the visitor's cookies (cross-site WebSocket hijacking), and CORS
/// does not stop it. So the person's session counts only on a connection from our own origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Another origin, `null`, or none at all.
    Foreign,
    /// Not an upgrade: the question does not arise.
    Irrelevant,
    /// The visited origin itself.
    Same,
}

/// Why a visit is refused for good: signing in would not help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// An administrator has shut the person out.
    Blocked,
    /// A connection from another site with the visitor's cookies.
    ForeignOrigin,
    /// A member, but not in one of the groups, or no administrator.
    Group,
    /// Signed in, and no member (or not yet, or no longer).
    NoMember(Status),
    /// The policy lets nobody pass.
    Policy,
}

/// What happens with a visit.
#[derive(Debug)]
pub enum Verdict {
    /// It goes to the application.
    Admit(Admission),
    /// 403, never a redirect. With the person, if one is signed in.
    Refuse(Refusal, Option<Person>),
    /// The visitor must sign in first.
    SignIn,
    /// Nobody can say now whether they may: the store does not answer.
    Unsure,
}

/// Judges a visit to what `access` guards.
///
/// On open routes a person without rights, or of whom nothing certain is known, is nobody: the visit passes without identity.
pub fn decide(access: &Access, who: Who, origin: Origin) -> Verdict {
    let is_open = access.policy == Policy::Public;
    match (access.policy, who, origin) {
        (Policy::Deny, who, _) => Verdict::Refuse(Refusal::Policy, who.into_person()),
        (_, Who::Person(person), Origin::Foreign) => Verdict::Refuse(Refusal::ForeignOrigin, Some(person)),
        (_, Who::Person(person), _) => match refusal(access, &person) {
            None => Verdict::Admit(Admission { person: Some(person) }),
            Some(_) if is_open => Verdict::Admit(Admission { person: None }),
            Some(refusal) => Verdict::Refuse(refusal, Some(person)),
        },
        (Policy::Public, Who::Nobody | Who::Unsure, _) => Verdict::Admit(Admission { person: None }),
        (_, Who::Nobody, _) => Verdict::SignIn,
        (_, Who::Unsure, _) => Verdict::Unsure,
    }
}

/// Whether `access` still lets a person pass, who was admitted before.
pub fn still_admits(access: &Access, person: &Person) -> bool {
    access.policy != Policy::Deny && refusal(access, person).is_none()
}

/// Why a person may not pass what `access` guards; nothing in the way is no [`Admission`] yet.
pub fn refusal(access: &Access, person: &Person) -> Option<Refusal> {
    let standing = &person.standing;
    match (access.policy, standing.status) {
        (_, Status::Blocked) => Some(Refusal::Blocked),
        (Policy::Deny, _) => Some(Refusal::Policy),
        (Policy::Public | Policy::SignedIn, _) => None,
        (Policy::Admins | Policy::Members, Status::Active) => {
            let is_in = access.groups.is_empty() || access.groups.meet(&standing.groups);
            let has_rights = is_in && (access.policy == Policy::Members || standing.is_admin);
            (!has_rights).then_some(Refusal::Group)
        }
        (Policy::Admins | Policy::Members, status) => Some(Refusal::NoMember(status)),
    }
}

impl Verdict {
    /// The word for logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Admit(_) => "admit",
            Self::Refuse(..) => "refuse",
            Self::SignIn => "sign-in",
            Self::Unsure => "unsure",
        }
    }
}

impl Admission {
    /// The person admitted; `None` on an open route visited anonymously.
    pub fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    /// Their session.
    pub fn session(&self) -> Option<&Session> {
        self.person.as_ref().map(|person| &*person.session)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::clock::Timestamp;
    use crate::model::identity::{Account, Identity, Profile};
    use crate::model::member::{Groups, Standing};

    pub(crate) fn session(name: &str) -> Session {
        let now = Timestamp::from_unix(1_800_000_000);
        let account = Account { app_id: "wx1".to_owned(), openid: "oABC".to_owned() };
        let profile = Profile { name: name.to_owned(), ..Profile::default() };
        let identity = Identity { member_id: "m-1".to_owned(), account, unionid: None, profile };
        Session::new([7; 16], &identity, now, now)
    }

    /// An active member of no group and no name but that of the session.
    pub(crate) fn standing() -> Standing {
        Standing {
            status: Status::Active,
            is_admin: false,
            groups: Groups::default(),
            user: "m-1".into(),
            name: "".into(),
            ended_before: Timestamp::from_unix(0),
            ended: Vec::new(),
            request: None,
        }
    }

    pub(crate) fn admission(session: Option<Session>) -> Admission {
        let person = |session| Person { session: Arc::new(session), standing: Arc::new(standing()) };
        Admission { person: session.map(person) }
    }

    fn person(status: Status, groups: &str, is_admin: bool) -> Who {
        let standing = Standing { status, groups: groups.parse().unwrap(), is_admin, ..standing() };
        Who::Person(Person { session: Arc::new(session("王芳")), standing: Arc::new(standing) })
    }

    fn word(access: &Access, who: Who, origin: Origin) -> &'static str {
        match decide(access, who, origin) {
            Verdict::Admit(admission) if admission.session().is_some() => "admit with identity",
            Verdict::Admit(_) => "admit",
            Verdict::Refuse(Refusal::Blocked, _) => "refuse blocked",
            Verdict::Refuse(Refusal::ForeignOrigin, _) => "refuse foreign",
            Verdict::Refuse(Refusal::Group, _) => "refuse group",
            Verdict::Refuse(Refusal::NoMember(_), _) => "refuse stranger",
            Verdict::Refuse(Refusal::Policy, _) => "refuse",
            Verdict::SignIn => "sign in",
            Verdict::Unsure => "unsure",
        }
    }

    #[test]
    fn every_policy_has_its_verdict_for_everybody() {
        let columns = [
            Who::Nobody,
            Who::Unsure,
            person(Status::Guest, "", false),
            person(Status::Pending, "", false),
            person(Status::Refused, "", true),
            person(Status::Blocked, "", true),
            person(Status::Active, "", false),
            person(Status::Active, "", true),
        ];
        let in_ = "admit with identity";
        let (stranger, blocked) = ("refuse stranger", "refuse blocked");
        for (policy, expected) in [
            (Policy::Deny, ["refuse"; 8]),
            (Policy::Public, ["admit", "admit", in_, in_, in_, "admit", in_, in_]),
            (Policy::SignedIn, ["sign in", "unsure", in_, in_, in_, blocked, in_, in_]),
            (Policy::Members, ["sign in", "unsure", stranger, stranger, stranger, blocked, in_, in_]),
            (
                Policy::Admins,
                ["sign in", "unsure", stranger, stranger, stranger, blocked, "refuse group", in_],
            ),
        ] {
            for (who, expected) in columns.iter().zip(expected) {
                for origin in [Origin::Irrelevant, Origin::Same] {
                    assert_eq!(word(&policy.into(), who.clone(), origin), expected, "{policy:?} {who:?}");
                }
            }
        }
    }

    #[test]
    fn a_group_is_asked_of_members_and_of_administrators() {
        let access = |policy, groups: &str| Access { policy, groups: groups.parse().unwrap() };
        for (policy, groups, is_admin, expected) in [
            (Policy::Members, "", false, "refuse group"),
            (Policy::Members, "staff-2,it", false, "refuse group"),
            (Policy::Members, "Staff", false, "refuse group"),
            (Policy::Members, "it,staff", false, "admit with identity"),
            (Policy::Members, "财务", false, "admit with identity"),
            (Policy::Members, "", true, "refuse group"),
            (Policy::Admins, "staff", false, "refuse group"),
            (Policy::Admins, "staff", true, "admit with identity"),
        ] {
            let who = person(Status::Active, groups, is_admin);
            let found = word(&access(policy, "staff,财务"), who, Origin::Irrelevant);
            assert_eq!(found, expected, "{policy:?} {groups} {is_admin}");
        }
    }

    #[test]
    fn a_connection_from_another_site_has_no_person() {
        for (policy, who, expected) in [
            (Policy::Public, Who::Nobody, "admit"),
            (Policy::Public, person(Status::Active, "", false), "refuse foreign"),
            (Policy::SignedIn, Who::Nobody, "sign in"),
            (Policy::Members, person(Status::Active, "", true), "refuse foreign"),
        ] {
            assert_eq!(word(&policy.into(), who, Origin::Foreign), expected, "{policy:?}");
        }
    }

    #[test]
    fn who_was_admitted_is_judged_anew() {
        let admitted = |policy: Policy, who: Who| still_admits(&policy.into(), who.person().unwrap());
        assert!(admitted(Policy::Members, person(Status::Active, "", false)));
        assert!(!admitted(Policy::Members, person(Status::Refused, "", false)));
        assert!(!admitted(Policy::Admins, person(Status::Active, "", false)));
        assert!(!admitted(Policy::SignedIn, person(Status::Blocked, "", false)));
        assert!(!admitted(Policy::Deny, person(Status::Active, "", true)));
    }
}
