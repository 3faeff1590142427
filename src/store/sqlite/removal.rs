//! Deleting: a person, and what has run out.

use rusqlite::{Connection, params};

use super::super::tables::Row;
use super::rows;
use crate::model::clock::Timestamp;
use crate::model::member::MemberId;

/// Accounts, sessions and conflicts go with the member, by their references. Pairings come first: they know accounts only.
pub(super) fn member(connection: &Connection, id: &MemberId) -> Row<()> {
    for sql in [
        "DELETE FROM pairings WHERE (app_id, openid) IN (SELECT app_id, openid FROM accounts WHERE member = ?1)
            OR unionid IN (SELECT unionid FROM accounts WHERE member = ?1
                UNION ALL SELECT unionid FROM members WHERE id = ?1)",
        "DELETE FROM audit WHERE member = ?1",
        "UPDATE audit SET client = NULL WHERE actor = ?1",
        "DELETE FROM members WHERE id = ?1",
    ] {
        rows::change(connection, sql, [id.as_str()])?;
    }
    Ok(())
}

/// Deletes `most` rows of each kind at most; whether more are left.
pub(super) fn purge(connection: &Connection, now: Timestamp, audit_from: Timestamp, most: u32) -> Row<bool> {
    let mut more = false;
    for (sql, moment) in [
        ("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires <= ?1 LIMIT ?2)", now),
        (
            "DELETE FROM claims WHERE (kind, id) IN (SELECT kind, id FROM claims WHERE expires <= ?1 LIMIT ?2)",
            now,
        ),
        ("DELETE FROM invites WHERE id IN (SELECT id FROM invites WHERE expires <= ?1 LIMIT ?2)", now),
        (
            "DELETE FROM setup_links WHERE code_hash IN (SELECT code_hash FROM setup_links WHERE expires <= ?1 LIMIT ?2)",
            now,
        ),
        (
            "DELETE FROM pairings WHERE browser IN (SELECT browser FROM pairings WHERE expires <= ?1 LIMIT ?2)",
            now,
        ),
        ("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 LIMIT ?2)", audit_from),
    ] {
        let gone = rows::change(connection, sql, params![moment.as_unix(), most])?;
        more |= u32::try_from(gone).unwrap_or(u32::MAX) >= most;
    }
    Ok(more)
}
