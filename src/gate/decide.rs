//! The one decision. Pure: the same input gives the same verdict, and nothing else can make an `Admission`.

use std::sync::Arc;

use crate::model::policy::Policy;
use crate::model::route::Route;
use crate::model::session::Session;

/// Proof that a visit was admitted, with the person if one is signed in. Only `decide` makes one; forwarding a request
/// and speaking identity headers require one.
#[derive(Debug)]
pub struct Admission {
    session: Option<Arc<Session>>,
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
    /// A connection from another site with the visitor's cookies.
    ForeignOrigin,
    /// The policy lets nobody pass.
    Policy,
}

/// What happens with a visit.
#[derive(Debug)]
pub enum Verdict {
    /// It goes to the application.
    Admit(Admission),
    /// 403, never a redirect.
    Refuse(Refusal),
    /// The visitor must sign in first.
    SignIn,
}

/// Judges a visit that matched `route`.
pub fn decide(route: &Route, session: Option<Arc<Session>>, origin: Origin) -> Verdict {
    match (route.policy, session, origin) {
        (Policy::Deny, _, _) => Verdict::Refuse(Refusal::Policy),
        (_, Some(_), Origin::Foreign) => Verdict::Refuse(Refusal::ForeignOrigin),
        (Policy::Public, session, _) => Verdict::Admit(Admission { session }),
        (Policy::SignedIn, Some(session), _) => Verdict::Admit(Admission { session: Some(session) }),
        (Policy::SignedIn, None, _) => Verdict::SignIn,
    }
}

impl Verdict {
    /// The word for logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Admit(_) => "admit",
            Self::Refuse(_) => "refuse",
            Self::SignIn => "sign-in",
        }
    }
}

impl Admission {
    /// The session of the person admitted; `None` on an open route visited anonymously.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::clock::Timestamp;
    use crate::model::identity::{Account, Identity, Profile};
    use crate::model::route::RouteId;

    pub(crate) fn session(name: &str) -> Session {
        let now = Timestamp::from_unix(1_800_000_000);
        let account = Account { app_id: "wx1".to_owned(), openid: "oABC".to_owned() };
        let profile = Profile { name: name.to_owned(), ..Profile::default() };
        let identity = Identity { member_id: "m-1".to_owned(), account, unionid: None, profile };
        Session::new([7; 16], &identity, now, now)
    }

    pub(crate) fn admission(session: Option<Session>) -> Admission {
        Admission { session: session.map(Arc::new) }
    }

    fn route(policy: Policy) -> Route {
        let label = "a.test".to_owned();
        Route { id: RouteId(0), label, path: String::new(), methods: Vec::new(), policy, api: false }
    }

    #[test]
    fn every_combination_has_its_verdict() {
        let word = |policy, signed_in: bool, origin| match decide(
            &route(policy),
            signed_in.then(|| Arc::new(session("王芳"))),
            origin,
        ) {
            Verdict::Admit(admission) if admission.session().is_some() => "admit with identity",
            Verdict::Admit(_) => "admit",
            Verdict::Refuse(Refusal::Policy) => "refuse",
            Verdict::Refuse(Refusal::ForeignOrigin) => "refuse foreign",
            Verdict::SignIn => "sign in",
        };
        for (policy, signed_in, origin, expected) in [
            (Policy::Deny, false, Origin::Irrelevant, "refuse"),
            (Policy::Deny, true, Origin::Same, "refuse"),
            (Policy::Public, false, Origin::Irrelevant, "admit"),
            (Policy::Public, false, Origin::Foreign, "admit"),
            (Policy::Public, true, Origin::Irrelevant, "admit with identity"),
            (Policy::Public, true, Origin::Foreign, "refuse foreign"),
            (Policy::SignedIn, false, Origin::Irrelevant, "sign in"),
            (Policy::SignedIn, false, Origin::Foreign, "sign in"),
            (Policy::SignedIn, true, Origin::Irrelevant, "admit with identity"),
            (Policy::SignedIn, true, Origin::Same, "admit with identity"),
            (Policy::SignedIn, true, Origin::Foreign, "refuse foreign"),
        ] {
            assert_eq!(word(policy, signed_in, origin), expected, "{policy:?} {signed_in} {origin:?}");
        }
    }
}
