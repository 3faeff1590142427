//! Conflicts between two members about one unionid.

use rusqlite::{Connection, Row as SqlRow, named_params};

use super::super::records::Conflict;
use super::super::tables::Row;
use super::rows::{self, Read};
use crate::model::identity::Account;

const ADD: &str = "
    INSERT INTO conflicts (id, app_id, openid, holder, other, unionid, found)
    VALUES (:id, :app_id, :openid, :holder, :other, :unionid, :found)
    ON CONFLICT (app_id, openid, holder, other) DO NOTHING";
const OPEN: &str = "SELECT * FROM conflicts WHERE settled = 0 ORDER BY found DESC, id";
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
