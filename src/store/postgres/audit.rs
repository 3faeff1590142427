//! The table of the audit trail.

use super::super::records::{AuditQuery, AuditRow};
use super::super::tables::Row;
use super::reading::{get, moment, parsed, parsed_if_any};
use super::session::{Line, Parameter, Session, Text};
use crate::model::audit::{AuditEvent, AuditKind};
use crate::model::member::MemberId;

pub(super) async fn note(session: &mut Session<'_>, event: &AuditEvent) -> Row<()> {
    let statement = "INSERT INTO audit (at, kind, actor, member, client, request_id, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    session
        .run(
            statement,
            &[
                &event.at.as_unix(),
                &event.kind.as_str(),
                &event.actor.to_string(),
                &event.member.as_ref().map(MemberId::as_str),
                &event.client.map(|client| client.to_string()),
                &event.request_id.as_deref().map(Text),
                &Text(&event.detail),
            ],
        )
        .await
        .map(drop)
}

/// Only the conditions that are asked for are in the statement, so that each page is read by its index.
pub(super) async fn page(session: &mut Session<'_>, query: &AuditQuery) -> Row<Vec<AuditRow>> {
    let member = query.member.as_ref().map(MemberId::as_str);
    let kind = query.kind.map(AuditKind::as_str);
    let limit = i64::from(query.limit);
    let mut conditions = vec!["TRUE".to_owned()];
    let mut parameters: Vec<Parameter<'_>> = vec![&limit];
    if let Some(member) = &member {
        parameters.push(member);
        conditions.push(format!("(member = ${0} OR actor = ${0})", parameters.len()));
    }
    if let Some(kind) = &kind {
        parameters.push(kind);
        conditions.push(format!("kind = ${}", parameters.len()));
    }
    if let Some(before) = &query.before {
        parameters.push(before);
        conditions.push(format!("id < ${}", parameters.len()));
    }
    let statement = format!(
        "SELECT id, at, kind, actor, member, client, request_id, detail FROM audit WHERE {} \
         ORDER BY id DESC LIMIT $1",
        conditions.join(" AND ")
    );
    session.lines(&statement, &parameters).await?.iter().map(read).collect()
}

fn read(line: &Line) -> Row<AuditRow> {
    let event = AuditEvent {
        at: moment(line, "at")?,
        kind: parsed(line, "kind")?,
        actor: parsed(line, "actor")?,
        member: parsed_if_any(line, "member")?,
        client: parsed_if_any(line, "client")?,
        request_id: get(line, "request_id")?,
        detail: get(line, "detail")?,
    };
    Ok((get(line, "id")?, event))
}
