//! The members: who they are and how they stand.

use rusqlite::{Connection, Row as SqlRow, named_params};

use super::super::tables::Row;
use super::super::{StoreError, text};
use super::rows::{self, Read};
use crate::model::clock::Timestamp;
use crate::model::member::{
    AccessRequest, ChangeError, DisplayName, Member, MemberId, SessionId, Standing, Status, UserName,
};

const BY_ID: &str = "SELECT * FROM members WHERE id = ?1";
const BY_USER_NAME: &str = "SELECT * FROM members WHERE lower(user_name) = lower(?1)";
const BY_UNIONID: &str = "SELECT * FROM members WHERE unionid = ?1";
const COUNT: &str = "SELECT status, count(*) AS how_many FROM members GROUP BY status";
const OTHER_ADMIN: &str =
    "SELECT 1 FROM members WHERE is_admin = 1 AND status = 'active' AND id IS NOT ?1 LIMIT 1";
const ENDED: &str = "SELECT id FROM sessions WHERE member = ?1 AND ended = 1 AND expires > ?2";
const PUT: &str = "
    INSERT INTO members (id, status, before_block, user_name, display_name, groups, is_admin, unionid, profile_name, avatar,
        request_code, request_message, requested, created, signed_in, ended_before, search)
    VALUES (:id, :status, :before_block, :user_name, :display_name, :groups, :is_admin, :unionid, :profile_name, :avatar,
        :request_code, :request_message, :requested, :created, :signed_in, :ended_before, :search)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status,
        before_block = excluded.before_block, user_name = excluded.user_name,
        display_name = excluded.display_name, groups = excluded.groups, is_admin = excluded.is_admin,
        unionid = excluded.unionid, profile_name = excluded.profile_name, avatar = excluded.avatar,
        request_code = excluded.request_code, request_message = excluded.request_message,
        requested = excluded.requested, created = excluded.created, signed_in = excluded.signed_in,
        ended_before = excluded.ended_before, search = excluded.search";

pub(super) fn by_id(connection: &Connection, id: &MemberId) -> Row<Option<Member>> {
    rows::one(connection, BY_ID, [id.as_str()], read)
}

pub(super) fn by_user_name(connection: &Connection, name: &UserName) -> Row<Option<Member>> {
    rows::one(connection, BY_USER_NAME, [name.as_str()], read)
}

pub(super) fn by_unionid(connection: &Connection, unionid: &str) -> Row<Option<Member>> {
    rows::one(connection, BY_UNIONID, [unionid], read)
}

pub(super) fn count(connection: &Connection) -> Row<Vec<(Status, u64)>> {
    rows::all(connection, COUNT, [], |row| {
        let how_many: i64 = row.get("how_many")?;
        Ok((rows::parsed(row, "status")?, how_many.unsigned_abs()))
    })
}

pub(super) fn has_other_admin(connection: &Connection, than: Option<&MemberId>) -> Row<bool> {
    rows::one(connection, OTHER_ADMIN, [than.map(MemberId::as_str)], |_| Ok(())).map(|found| found.is_some())
}

pub(super) fn put(connection: &Connection, member: &Member) -> Row<()> {
    let request = member.request.as_ref();
    let values = named_params! {
        ":id": member.id.as_str(),
        ":status": member.status.as_str(),
        ":before_block": member.before_block.map(Status::as_str),
        ":user_name": member.user_name.as_ref().map(UserName::as_str),
        ":display_name": member.display_name.as_ref().map(DisplayName::as_str),
        ":groups": member.groups.as_str(),
        ":is_admin": member.is_admin,
        ":unionid": member.unionid,
        ":profile_name": text::storable(&member.profile_name),
        ":avatar": text::storable(&member.avatar),
        ":request_code": request.map(|request| text::storable(&request.code)),
        ":request_message": request.map(|request| text::storable(&request.message)),
        ":requested": request.map(|request| request.at.as_unix()),
        ":created": member.created.as_unix(),
        ":signed_in": member.signed_in.as_unix(),
        ":ended_before": member.ended_before.as_unix(),
        ":search": text::searched(member),
    };
    match rows::try_change(connection, PUT, values) {
        Ok(_) => Ok(()),
        Err(error) if is_user_name_taken(&error) => Err(ChangeError::UserNameTaken.into()),
        Err(error) => Err(StoreError::unavailable(error)),
    }
}

pub(super) fn standings(
    connection: &Connection,
    of: &[MemberId],
    now: Timestamp,
) -> Row<Vec<(MemberId, Standing)>> {
    let mut standings = Vec::with_capacity(of.len());
    for id in of {
        if let Some(member) = by_id(connection, id)? {
            let ended: Vec<SessionId> =
                rows::all(connection, ENDED, (id.as_str(), now.as_unix()), |row| row.get("id"))?;
            standings.push((id.clone(), member.standing(ended)));
        }
    }
    Ok(standings)
}

pub(super) fn read(row: &SqlRow<'_>) -> Read<Member> {
    let request = match row.get("request_code")? {
        Some(code) => Some(AccessRequest {
            code,
            message: row.get("request_message")?,
            at: rows::moment(row, "requested")?,
        }),
        None => None,
    };
    Ok(Member {
        id: rows::parsed(row, "id")?,
        status: rows::parsed(row, "status")?,
        before_block: rows::parsed_if_any(row, "before_block")?,
        user_name: rows::parsed_if_any(row, "user_name")?,
        display_name: rows::parsed_if_any(row, "display_name")?,
        groups: rows::parsed(row, "groups")?,
        is_admin: row.get("is_admin")?,
        unionid: row.get("unionid")?,
        profile_name: row.get("profile_name")?,
        avatar: row.get("avatar")?,
        request,
        created: rows::moment(row, "created")?,
        signed_in: rows::moment(row, "signed_in")?,
        ended_before: rows::moment(row, "ended_before")?,
    })
}

/// SQLite names the index, not the column, as it is one of an expression.
fn is_user_name_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
        && error.to_string().contains("members_user_name")
}
