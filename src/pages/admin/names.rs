//! Who is who on a page: the names behind the ids in the audit trail and in invitations.

use std::collections::HashMap;

use minijinja::{Value, context};

use super::super::face::shown;
use super::desk::Desk;
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::member::MemberId;
use crate::store::StoreError;
use crate::store::records::AuditRow;

/// How a line about a conflict begins that names the other member.
pub(super) const UNIONID_OF: &str = "its unionid belongs to ";

/// What the people who are named on a page are called. Whoever is not among them has been deleted.
#[derive(Debug, Default)]
pub(in super::super) struct Names(HashMap<MemberId, String>);

impl Desk<'_> {
    /// The names behind these ids.
    pub(super) async fn names(&self, mut of: Vec<MemberId>) -> Result<Names, StoreError> {
        of.sort_unstable();
        of.dedup();
        if of.is_empty() {
            return Ok(Names::default());
        }
        self.own.directory.names(of, self.asking.now).await.map(Names)
    }
}

impl Names {
    #[cfg(test)]
    pub(super) fn of(known: impl IntoIterator<Item = (MemberId, String)>) -> Self {
        Self(known.into_iter().collect())
    }

    /// A member, for `admin_named.html`.
    pub(super) fn who(&self, id: &MemberId) -> Value {
        context! { id => id.as_str(), name => self.0.get(id).map(|name| shown(name)), words => () }
    }

    /// Who did something: `words` for whoever is no member.
    pub(super) fn actor(&self, actor: &Actor) -> Value {
        let words = match actor {
            Actor::CommandLine => "actor.command-line",
            Actor::Gateway => "actor.gateway",
            Actor::Member(id) => return self.who(id),
        };
        context! { id => (), name => (), words }
    }
}

/// Everybody who is named in these lines.
pub(super) fn named(lines: &[AuditRow]) -> Vec<MemberId> {
    let people = lines.iter().flat_map(|(_, event)| {
        let actor = member(&event.actor).cloned();
        [actor, event.member.clone(), mentioned(event)]
    });
    people.flatten().collect()
}

/// The member who did something, if it was one.
pub(super) fn member(actor: &Actor) -> Option<&MemberId> {
    match actor {
        Actor::Member(id) => Some(id),
        Actor::CommandLine | Actor::Gateway => None,
    }
}

/// The member whom the detail names.
pub(super) fn mentioned(event: &AuditEvent) -> Option<MemberId> {
    match event.kind {
        AuditKind::ConflictFound => event.detail.strip_prefix(UNIONID_OF)?.parse().ok(),
        AuditKind::ConflictSettled => Some(settled(&event.detail)?.1),
        _ => None,
    }
}

/// How a conflict was settled, and with whom besides the member of the line.
pub(super) fn settled(detail: &str) -> Option<(&str, MemberId)> {
    let (what, holder) = detail.split_once(": ")?.1.rsplit_once(' ')?;
    Some((what, holder.parse().ok()?))
}
