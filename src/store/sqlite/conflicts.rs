//! Conflicts between two members about one unionid.

use rusqlite::{Connection, Row as SqlRow, named_params};

use super::super::records::Conflict;
use super::super::tables::Row;
use super::members;
use super::rows::{self, Read};
use crate::model::identity::Account;
use crate::model::member::{Member, MemberId};

const ADD: &str = "
    INSERT INTO conflicts (id, app_id, openid, holder, other, unionid, found)
    VALUES (:id, :app_id, :openid, :holder, :other, :unionid, :found)
    ON CONFLICT (app_id, openid, holder, other) DO NOTHING";
const OPEN: &str = "SELECT * FROM conflicts WHERE settled = 0 ORDER BY found DESC, id";
const BLOCKED_TWIN: &str = "
    SELECT members.* FROM conflicts
    JOIN members ON members.id = CASE conflicts.other WHEN ?1 THEN conflicts.holder ELSE conflicts.other END
    WHERE conflicts.settled = 0 AND (conflicts.other = ?1 OR conflicts.holder = ?1) AND members.status = 'blocked'
    LIMIT 1";
const SETTLE: &str = "UPDATE conflicts SET settled = 1 WHERE id = ?1 AND settled = 0 RETURNING *";

pub(super) fn add(connection: &Connection, conflict: &Conflict) -> Row<bool> {
    let values = named_params! {
        ":id": conflict.id,
        ":app_id": conflict.account.app_id,
        ":openid": conflict.account.openid,
        ":holder": conflict.holder.as_str(),
        ":other": conflict.other.as_str(),
        ":unionid": conflict.unionid,
        ":found": conflict.found.as_unix(),
    };
    rows::change(connection, ADD, values).map(|added| added > 0)
}

pub(super) fn open(connection: &Connection) -> Row<Vec<Conflict>> {
    rows::all(connection, OPEN, [], read)
}

pub(super) fn blocked_twin(connection: &Connection, of: &MemberId) -> Row<Option<Member>> {
    rows::one(connection, BLOCKED_TWIN, [of.as_str()], members::read)
}

pub(super) fn settle(connection: &Connection, id: &str) -> Row<Option<Conflict>> {
    rows::one(connection, SETTLE, [id], read)
}

fn read(row: &SqlRow<'_>) -> Read<Conflict> {
    Ok(Conflict {
        id: row.get("id")?,
        account: Account { app_id: row.get("app_id")?, openid: row.get("openid")? },
        holder: rows::parsed(row, "holder")?,
        other: rows::parsed(row, "other")?,
        unionid: row.get("unionid")?,
        found: rows::moment(row, "found")?,
    })
}
