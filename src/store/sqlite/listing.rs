//! Pages of the members and of the audit trail. Each begins behind the last line of the page before, and has an index to go by.

use rusqlite::types::Value;
use rusqlite::{Connection, Row as SqlRow, named_params, params_from_iter};

use super::super::records::{AuditQuery, AuditRow, MembersQuery};
use super::super::tables::Row;
use super::super::text;
use super::members;
use super::rows::{self, Read};
use crate::model::audit::AuditEvent;
use crate::model::member::{Member, Status};

const NOTE: &str = "
    INSERT INTO audit (at, kind, actor, member, client, request_id, detail)
    VALUES (:at, :kind, :actor, :member, :client, :request_id, :detail)";

pub(super) fn members(connection: &Connection, query: &MembersQuery) -> Row<Vec<Member>> {
    let (sql, values) = page_of_members(query);
    rows::all(connection, &sql, params_from_iter(values), members::read)
}

/// The status is written out, so that SQLite can see which index of a part of the members it may use.
fn page_of_members(query: &MembersQuery) -> (String, Vec<Value>) {
    let (by, key, behind, order) = match query.status {
        // SQLite would take all who wait and sort them.
        Some(Status::Pending) => ("INDEXED BY members_pending", "coalesce(requested, created)", ">", "ASC"),
        _ => ("", "signed_in", "<", "DESC"),
    };
    let mut sql = format!("SELECT * FROM members {by} WHERE true");
    let mut values = Vec::new();
    if let Some(status) = query.status {
        sql.push_str(&format!(" AND status = '{}'", status.as_str()));
    }
    if let Some((moment, id)) = &query.after {
        sql.push_str(&format!(" AND {key} {behind}= ?1 AND ({key} {behind} ?1 OR id > ?2)"));
        values.extend([Value::from(moment.as_unix()), Value::from(id.as_str().to_owned())]);
    }
    if let Some(search) = &query.search {
        values.push(Value::from(text::folded(search)));
        sql.push_str(&format!(" AND instr(search, ?{}) > 0", values.len()));
    }
    values.push(Value::from(query.limit));
    sql.push_str(&format!(" ORDER BY {key} {order}, id LIMIT ?{}", values.len()));
    (sql, values)
}

pub(super) fn note(connection: &Connection, event: &AuditEvent) -> Row<()> {
    let values = named_params! {
        ":at": event.at.as_unix(),
        ":kind": event.kind.as_str(),
        ":actor": event.actor.to_string(),
        ":member": event.member.as_ref().map(|member| member.as_str()),
        ":client": event.client.map(|client| client.to_string()),
        ":request_id": event.request_id.as_deref().map(text::storable),
        ":detail": text::storable(&event.detail),
    };
    rows::change(connection, NOTE, values).map(drop)
}

pub(super) fn audit(connection: &Connection, query: &AuditQuery) -> Row<Vec<AuditRow>> {
    let (sql, values) = page_of_audit(query);
    rows::all(connection, &sql, params_from_iter(values), read)
}

/// What a member did and what concerns them are two indexes: a page of each, and the newest of both.
fn page_of_audit(query: &AuditQuery) -> (String, Vec<Value>) {
    let mut values = vec![Value::from(query.before.unwrap_or(i64::MAX)), Value::from(query.limit)];
    let mut only = "id < ?1".to_owned();
    if let Some(kind) = query.kind {
        values.push(Value::from(kind.as_str().to_owned()));
        // The plus keeps SQLite from reading everything of a kind where a member is asked for.
        only.push_str(if query.member.is_some() { " AND +kind = ?3" } else { " AND kind = ?3" });
    }
    let newest = "ORDER BY id DESC LIMIT ?2";
    let Some(member) = &query.member else {
        return (format!("SELECT * FROM audit WHERE {only} {newest}"), values);
    };
    values.push(Value::from(member.as_str().to_owned()));
    let at = values.len();
    let sql = format!(
        "SELECT * FROM (SELECT * FROM audit WHERE member = ?{at} AND {only} {newest}) UNION ALL \
         SELECT * FROM (SELECT * FROM audit WHERE actor = ?{at} AND member IS NOT ?{at} AND {only} {newest}) {newest}"
    );
    (sql, values)
}

fn read(row: &SqlRow<'_>) -> Read<AuditRow> {
    let event = AuditEvent {
        at: rows::moment(row, "at")?,
        kind: rows::parsed(row, "kind")?,
        actor: rows::parsed(row, "actor")?,
        member: rows::parsed_if_any(row, "member")?,
        client: rows::parsed_if_any(row, "client")?,
        request_id: row.get("request_id")?,
        detail: row.get("detail")?,
    };
    Ok((row.get("id")?, event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::audit::AuditKind;
    use crate::model::clock::Timestamp;
    use crate::model::member::MemberId;
    use crate::store::migrations;

    /// How SQLite goes about it.
    fn plan(sql: &str) -> String {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(migrations::SQLITE[0]).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get::<_, String>("detail").unwrap());
        }
        steps.join("; ")
    }

    #[test]
    fn every_page_has_an_index_to_go_by() {
        let after = Some((Timestamp::from_unix(0), MemberId::of([0; 10])));
        for status in [None].into_iter().chain(Status::ALL.map(Some)) {
            for after in [None, after.clone()] {
                let query = MembersQuery { status, after: after.clone(), search: None, limit: 50 };
                let plan = plan(&page_of_members(&query).0);
                let index = match status {
                    None => "INDEX members_signed_in",
                    Some(Status::Pending) => "INDEX members_pending",
                    Some(_) => "INDEX members_status",
                };
                assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
                let begins = if status == Some(Status::Pending) { "<expr>>?" } else { "signed_in<?" };
                assert!(after.is_none() || plan.contains(begins), "{query:?}: {plan}");
            }
        }
    }

    #[test]
    fn every_page_of_the_trail_has_an_index_to_go_by() {
        for kind in [None, Some(AuditKind::Approved)] {
            for (member, indexes) in [
                (
                    None,
                    if kind.is_some() {
                        vec!["audit_kind (kind=? AND "]
                    } else {
                        vec!["INTEGER PRIMARY KEY (rowid<?)"]
                    },
                ),
                (
                    Some(MemberId::of([0; 10])),
                    vec!["audit_member (member=? AND ", "audit_actor (actor=? AND "],
                ),
            ] {
                let query = AuditQuery { member, kind, before: Some(7), limit: 50 };
                let plan = plan(&page_of_audit(&query).0);
                assert!(indexes.iter().all(|index| plan.contains(index)), "{query:?}: {plan}");
                assert!(!plan.contains("SCAN audit"), "{query:?}: {plan}");
            }
        }
    }
}
