//! The tables of accounts, and of conflicts between those who hold them.

use super::super::records::{AccountRow, Conflict};
use super::super::tables::Row;
use super::reading::{Line, get, moment, parsed};
use super::session::{Session, Text};
use crate::model::identity::Account;
use crate::model::member::MemberId;

/// All columns of conflicts.
macro_rules! conflict {
    () => {
        "id, app_id, openid, holder, other, unionid, found"
    };
}

pub(super) async fn one(session: &mut Session<'_>, account: &Account) -> Row<Option<AccountRow>> {
    let statement = "SELECT app_id, openid, member, unionid, first_seen, last_seen FROM accounts \
         WHERE app_id = $1 AND openid = $2";
    let line = session.line(statement, &[&Text(&account.app_id), &Text(&account.openid)]).await?;
    line.map(|line| read(&line)).transpose()
}

pub(super) async fn of(session: &mut Session<'_>, member: &MemberId) -> Row<Vec<AccountRow>> {
    let statement = "SELECT app_id, openid, member, unionid, first_seen, last_seen FROM accounts \
         WHERE member = $1 ORDER BY first_seen, app_id, openid";
    session.lines(statement, &[&member.as_str()]).await?.iter().map(read).collect()
}

pub(super) async fn put(session: &mut Session<'_>, row: &AccountRow) -> Row<()> {
    let statement = "INSERT INTO accounts (app_id, openid, member, unionid, first_seen, last_seen) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (app_id, openid) DO UPDATE SET (member, unionid, first_seen, last_seen) = ($3, $4, $5, $6)";
    session
        .run(
            statement,
            &[
                &Text(&row.account.app_id),
                &Text(&row.account.openid),
                &row.member.as_str(),
                &row.unionid.as_deref().map(Text),
                &row.first_seen.as_unix(),
                &row.last_seen.as_unix(),
            ],
        )
        .await
        .map(drop)
}

pub(super) async fn add_conflict(session: &mut Session<'_>, conflict: &Conflict) -> Row<bool> {
    let statement = "INSERT INTO conflicts (id, app_id, openid, holder, other, unionid, found) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (app_id, openid, holder, other) DO NOTHING";
    let added = session
        .run(
            statement,
            &[
                &conflict.id,
                &Text(&conflict.account.app_id),
                &Text(&conflict.account.openid),
                &conflict.holder.as_str(),
                &conflict.other.as_str(),
                &Text(&conflict.unionid),
                &conflict.found.as_unix(),
            ],
        )
        .await?;
    Ok(added == 1)
}

pub(super) async fn conflicts(session: &mut Session<'_>) -> Row<Vec<Conflict>> {
    let statement =
        concat!("SELECT ", conflict!(), " FROM conflicts WHERE NOT settled ORDER BY found DESC, id");
    session.lines(statement, &[]).await?.iter().map(read_conflict).collect()
}

pub(super) async fn settle(session: &mut Session<'_>, id: &str) -> Row<Option<Conflict>> {
    let statement =
        concat!("UPDATE conflicts SET settled = TRUE WHERE id = $1 AND NOT settled RETURNING ", conflict!());
    session.line(statement, &[&Text(id)]).await?.map(|line| read_conflict(&line)).transpose()
}

fn read(line: &Line) -> Row<AccountRow> {
    Ok(AccountRow {
        account: Account { app_id: get(line, "app_id")?, openid: get(line, "openid")? },
        member: parsed(line, "member")?,
        unionid: get(line, "unionid")?,
        first_seen: moment(line, "first_seen")?,
        last_seen: moment(line, "last_seen")?,
    })
}

fn read_conflict(line: &Line) -> Row<Conflict> {
    Ok(Conflict {
        id: get(line, "id")?,
        account: Account { app_id: get(line, "app_id")?, openid: get(line, "openid")? },
        holder: parsed(line, "holder")?,
        other: parsed(line, "other")?,
        unionid: get(line, "unionid")?,
        found: moment(line, "found")?,
    })
}
