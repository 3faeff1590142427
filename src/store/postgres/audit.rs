//! The table of the audit trail.

use super::super::records::{AuditQuery, AuditRow};
use super::super::tables::Row;
use super::reading::{Line, get, moment, parsed, parsed_if_any};
use super::session::{Parameter, Session, Text};
use crate::model::audit::AuditEvent;
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

/// What a member did and what concerns them are two indexes: a page of each, and the newest of both.
pub(super) async fn page(session: &mut Session<'_>, query: &AuditQuery) -> Row<Vec<AuditRow>> {
    let member = query.member.as_ref().map(MemberId::as_str);
    let before = query.before.unwrap_or(i64::MAX);
    let limit = i64::from(query.limit);
    let lines = "SELECT id, at, kind, actor, member, client, request_id, detail FROM audit";
    let newest = "ORDER BY id DESC LIMIT $1";
    let mut parameters: Vec<Parameter<'_>> = vec![&limit, &before];
    let mut only = "id < $2".to_owned();
    if let Some(kind) = query.kind {
        only.push_str(&format!(" AND kind = '{}'", kind.as_str()));
    }
    let statement = match &member {
        None => format!("{lines} WHERE {only} {newest}"),
        Some(member) => {
            parameters.push(member);
            format!(
                "({lines} WHERE member = $3 AND {only} {newest}) UNION ALL \
                 ({lines} WHERE actor = $3 AND member IS DISTINCT FROM $3 AND {only} {newest}) {newest}"
            )
        }
    };
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
