//! Accounts and sessions: by what WeChat knows the members, and where they are signed in.

use rusqlite::{Connection, Row as SqlRow, named_params};

use super::super::records::{AccountRow, NewSession, SessionIds, SessionRow};
use super::super::tables::Row;
use super::super::text;
use super::rows::{self, Read};
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{MemberId, SessionId};

const ACCOUNT: &str = "SELECT * FROM accounts WHERE app_id = ?1 AND openid = ?2";
const ACCOUNTS: &str = "SELECT * FROM accounts WHERE member = ?1 ORDER BY first_seen, app_id, openid";
const PUT_ACCOUNT: &str = "
    INSERT INTO accounts (app_id, openid, member, unionid, first_seen, last_seen)
    VALUES (:app_id, :openid, :member, :unionid, :first_seen, :last_seen)
    ON CONFLICT (app_id, openid) DO UPDATE SET member = excluded.member, unionid = excluded.unionid,
        first_seen = excluded.first_seen, last_seen = excluded.last_seen";
const ADD_SESSION: &str = "
    INSERT INTO sessions (id, member, started, expires, browser, client)
    VALUES (:id, :member, :started, :expires, :browser, :client)";
const SESSIONS: &str = "SELECT * FROM sessions WHERE member = ?1 AND expires > ?2 ORDER BY started DESC, id";
const OPEN: &str =
    "SELECT * FROM sessions WHERE member = ?1 AND expires > ?2 AND ended = 0 ORDER BY started DESC, id";
const NAMED: &str =
    "SELECT * FROM sessions WHERE id BETWEEN ?1 AND ?2 AND expires > ?3 AND ended = 0 ORDER BY id LIMIT ?4";
// An ended session is remembered for as long as any session may last: `session.lifetime` can be made longer.
const END_SESSION: &str = "
    UPDATE sessions SET ended = 1, expires = max(expires, started + 366 * 86400)
    WHERE id = ?1 AND ended = 0 RETURNING member";
const END_SESSIONS: &str = "
    UPDATE sessions SET ended = 1, expires = max(expires, started + 366 * 86400)
    WHERE member = ?1 AND ended = 0 AND id IS NOT ?2";
const REMOVE_SESSIONS: &str = "DELETE FROM sessions WHERE member = ?1 AND started < ?2";

pub(super) fn account(connection: &Connection, account: &Account) -> Row<Option<AccountRow>> {
    rows::one(connection, ACCOUNT, [&account.app_id, &account.openid], read_account)
}

pub(super) fn accounts(connection: &Connection, of: &MemberId) -> Row<Vec<AccountRow>> {
    rows::all(connection, ACCOUNTS, [of.as_str()], read_account)
}

pub(super) fn put_account(connection: &Connection, account: &AccountRow) -> Row<()> {
    let values = named_params! {
        ":app_id": account.account.app_id,
        ":openid": account.account.openid,
        ":member": account.member.as_str(),
        ":unionid": account.unionid,
        ":first_seen": account.first_seen.as_unix(),
        ":last_seen": account.last_seen.as_unix(),
    };
    rows::change(connection, PUT_ACCOUNT, values).map(drop)
}

pub(super) fn add_session(connection: &Connection, of: &MemberId, session: &NewSession) -> Row<()> {
    let values = named_params! {
        ":id": session.id,
        ":member": of.as_str(),
        ":started": session.started.as_unix(),
        ":expires": session.expires.as_unix(),
        ":browser": text::storable(&session.browser),
        ":client": session.client.to_string(),
    };
    rows::change(connection, ADD_SESSION, values).map(drop)
}

pub(super) fn sessions(connection: &Connection, of: &MemberId, now: Timestamp) -> Row<Vec<SessionRow>> {
    rows::all(connection, SESSIONS, (of.as_str(), now.as_unix()), read_session)
}

pub(super) fn open_sessions(
    connection: &Connection,
    of: &[MemberId],
    now: Timestamp,
) -> Row<Vec<SessionRow>> {
    let mut open = Vec::new();
    for member in of {
        open.extend(rows::all(connection, OPEN, (member.as_str(), now.as_unix()), read_session)?);
    }
    Ok(open)
}

pub(super) fn open_sessions_named(
    connection: &Connection,
    ids: &SessionIds,
    now: Timestamp,
    most: u32,
) -> Row<Vec<SessionRow>> {
    rows::all(connection, NAMED, (ids.first, ids.last, now.as_unix(), most), read_session)
}

pub(super) fn end_session(connection: &Connection, id: &SessionId) -> Row<Option<MemberId>> {
    rows::one(connection, END_SESSION, [id], |row| rows::parsed(row, "member"))
}

pub(super) fn end_sessions(connection: &Connection, of: &MemberId, except: Option<&SessionId>) -> Row<u64> {
    let ended = rows::change(connection, END_SESSIONS, (of.as_str(), except))?;
    Ok(u64::try_from(ended).unwrap_or(u64::MAX))
}

pub(super) fn remove_sessions_before(connection: &Connection, of: &MemberId, moment: Timestamp) -> Row<()> {
    rows::change(connection, REMOVE_SESSIONS, (of.as_str(), moment.as_unix())).map(drop)
}

fn read_account(row: &SqlRow<'_>) -> Read<AccountRow> {
    Ok(AccountRow {
        account: Account { app_id: row.get("app_id")?, openid: row.get("openid")? },
        member: rows::parsed(row, "member")?,
        unionid: row.get("unionid")?,
        first_seen: rows::moment(row, "first_seen")?,
        last_seen: rows::moment(row, "last_seen")?,
    })
}

fn read_session(row: &SqlRow<'_>) -> Read<SessionRow> {
    Ok(SessionRow {
        id: row.get("id")?,
        member: rows::parsed(row, "member")?,
        started: rows::moment(row, "started")?,
        expires: rows::moment(row, "expires")?,
        browser: row.get("browser")?,
        client: rows::parsed_if_any(row, "client")?,
        ended: row.get("ended")?,
    })
}
