//! Somebody who is signed in: what their cookie says, and how they stand.

use std::sync::Arc;

use super::member::{MemberId, Standing, Status};
use super::session::{Said, Session};

/// Somebody who is signed in and known.
#[derive(Clone, Debug)]
pub struct Person {
    /// The sign-in.
    pub session: Arc<Session>,
    /// What the directory makes of them.
    pub standing: Arc<Standing>,
}

/// Who a request comes from.
#[derive(Clone, Debug)]
pub enum Who {
    /// Nobody is signed in.
    Nobody,
    /// Somebody who is signed in.
    Person(Person),
    /// Somebody who is signed in, and the store cannot be asked whether they still may be.
    Unsure,
}

impl Person {
    /// What people call them; what applications call them where nobody gave them a name.
    pub fn name(&self) -> &str {
        let of_bytes = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        match (of_bytes(&self.standing.name), self.session.text(Said::Name)) {
            ("", "") => self.user(),
            ("", name) | (name, _) => name,
        }
    }

    /// What applications call them.
    pub fn user(&self) -> &str {
        std::str::from_utf8(&self.standing.user).unwrap_or_default()
    }

    /// Their member id.
    pub fn id(&self) -> Option<MemberId> {
        self.session.member_id().parse().ok()
    }

    /// Whether they may administer members.
    pub fn administers(&self) -> bool {
        self.standing.is_admin && self.standing.status == Status::Active
    }
}

impl Who {
    /// The person, if somebody known is signed in.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Nobody | Self::Unsure => None,
        }
    }

    /// The same, to keep.
    pub fn into_person(self) -> Option<Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Nobody | Self::Unsure => None,
        }
    }
}
