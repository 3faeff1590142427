//! Who does something, from where and when: what each line of the audit trail begins with.

use std::net::IpAddr;

use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::member::MemberId;

/// Who does something, from where and when.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// From where, if it is done by the pages.
    pub client: Option<IpAddr>,
    /// The request it is done with.
    pub request_id: Option<String>,
    /// When.
    pub now: Timestamp,
}

impl Act {
    /// The line of the audit trail about this act.
    pub fn note(&self, kind: AuditKind, member: Option<&MemberId>, detail: String) -> AuditEvent {
        AuditEvent {
            at: self.now,
            kind,
            actor: self.actor.clone(),
            member: member.cloned(),
            client: self.client,
            request_id: self.request_id.clone(),
            detail,
        }
    }
}
