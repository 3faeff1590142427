//! What is good for a time or for once: claims, invitations, setup links.

use rusqlite::{Connection, Row as SqlRow, named_params};

use super::super::records::{ClaimKind, Invite};
use super::super::tables::Row;
use super::super::text;
use super::rows::{self, Read};
use crate::model::clock::Timestamp;

const CLAIM: &str = "INSERT INTO claims (kind, id, expires) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const PUT_INVITE: &str = "
    INSERT INTO invites (id, code_hash, groups, uses_left, expires, made_by, made_at, note)
    VALUES (:id, :code_hash, :groups, :uses_left, :expires, :made_by, :made_at, :note)
    ON CONFLICT (id) DO UPDATE SET code_hash = excluded.code_hash, groups = excluded.groups,
        uses_left = excluded.uses_left, expires = excluded.expires, made_by = excluded.made_by,
        made_at = excluded.made_at, note = excluded.note";
const INVITE: &str =
    "SELECT * FROM invites WHERE code_hash = ?1 AND expires > ?2 AND (uses_left IS NULL OR uses_left > 0)";
const USE_INVITE: &str = "
    UPDATE invites SET uses_left = uses_left - 1
    WHERE code_hash = ?1 AND expires > ?2 AND (uses_left IS NULL OR uses_left > 0) RETURNING *";
const INVITES: &str = "
    SELECT * FROM invites WHERE expires > ?1 AND (uses_left IS NULL OR uses_left > 0) ORDER BY made_at DESC, id";
const REMOVE_INVITE: &str = "DELETE FROM invites WHERE id = ?1";
const ADD_SETUP_LINK: &str = "INSERT INTO setup_links (code_hash, expires) VALUES (?1, ?2)";
const SETUP_LINK: &str = "SELECT 1 FROM setup_links WHERE code_hash = ?1 AND expires > ?2";
const USE_SETUP_LINK: &str = "DELETE FROM setup_links WHERE code_hash = ?1 AND expires > ?2";

pub(super) fn claim(
    connection: &Connection,
    kind: ClaimKind,
    id: &[u8; 16],
    expires: Timestamp,
) -> Row<bool> {
    rows::change(connection, CLAIM, (kind.as_str(), id, expires.as_unix())).map(|taken| taken > 0)
}

pub(super) fn put_invite(connection: &Connection, invite: &Invite) -> Row<()> {
    let values = named_params! {
        ":id": invite.id,
        ":code_hash": invite.code_hash,
        ":groups": invite.groups.as_str(),
        ":uses_left": invite.uses_left,
        ":expires": invite.expires.as_unix(),
        ":made_by": invite.made_by.to_string(),
        ":made_at": invite.made_at.as_unix(),
        ":note": text::storable(&invite.note),
    };
    rows::change(connection, PUT_INVITE, values).map(drop)
}

pub(super) fn invite(connection: &Connection, code_hash: &[u8; 32], now: Timestamp) -> Row<Option<Invite>> {
    rows::one(connection, INVITE, (code_hash, now.as_unix()), read_invite)
}

pub(super) fn use_invite(
    connection: &Connection,
    code_hash: &[u8; 32],
    now: Timestamp,
) -> Row<Option<Invite>> {
    rows::one(connection, USE_INVITE, (code_hash, now.as_unix()), read_invite)
}

pub(super) fn invites(connection: &Connection, now: Timestamp) -> Row<Vec<Invite>> {
    rows::all(connection, INVITES, [now.as_unix()], read_invite)
}

pub(super) fn remove_invite(connection: &Connection, id: &str) -> Row<bool> {
    rows::change(connection, REMOVE_INVITE, [id]).map(|removed| removed > 0)
}

pub(super) fn add_setup_link(connection: &Connection, code_hash: &[u8; 32], expires: Timestamp) -> Row<()> {
    rows::change(connection, ADD_SETUP_LINK, (code_hash, expires.as_unix())).map(drop)
}

pub(super) fn has_setup_link(connection: &Connection, code_hash: &[u8; 32], now: Timestamp) -> Row<bool> {
    rows::one(connection, SETUP_LINK, (code_hash, now.as_unix()), |_| Ok(())).map(|found| found.is_some())
}

pub(super) fn use_setup_link(connection: &Connection, code_hash: &[u8; 32], now: Timestamp) -> Row<bool> {
    rows::change(connection, USE_SETUP_LINK, (code_hash, now.as_unix())).map(|used| used > 0)
}

pub(super) fn remove_setup_links(connection: &Connection) -> Row<()> {
    rows::change(connection, "DELETE FROM setup_links", []).map(drop)
}

fn read_invite(row: &SqlRow<'_>) -> Read<Invite> {
    Ok(Invite {
        id: row.get("id")?,
        code_hash: row.get("code_hash")?,
        groups: rows::parsed(row, "groups")?,
        uses_left: row.get("uses_left")?,
        expires: rows::moment(row, "expires")?,
        made_by: rows::parsed(row, "made_by")?,
        made_at: rows::moment(row, "made_at")?,
        note: row.get("note")?,
    })
}
