//! The audit trail as log lines: the same events that the store keeps, for whoever collects logs.

use crate::model::audit::AuditEvent;

/// The target of these lines.
pub const AUDIT: &str = "wxgate::audit";

/// Writes the line.
pub fn line(event: &AuditEvent) {
    tracing::info!(
        target: AUDIT,
        actor = %event.actor,
        member = event.member.as_ref().map(crate::model::member::MemberId::as_str),
        client = event.client.map(tracing::field::display),
        request_id = event.request_id,
        detail = event.detail,
        "{}",
        event.kind.as_str()
    );
}

/// Writes a line about something that is in the store or not: the store did not say. It may be all that the log has of it.
pub fn doubtful(event: &AuditEvent) {
    tracing::warn!(
        target: AUDIT,
        kind = event.kind.as_str(),
        actor = %event.actor,
        member = event.member.as_ref().map(crate::model::member::MemberId::as_str),
        client = event.client.map(tracing::field::display),
        request_id = event.request_id,
        detail = event.detail,
        "nobody knows whether this came true: `wxgate audit` shows it if it did"
    );
}
