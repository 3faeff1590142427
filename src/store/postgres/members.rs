//! The table of members, and what goes with a member who goes.

use super::super::records::MembersQuery;
use super::super::tables::Row;
use super::super::text;
use super::reading::{Line, bytes, get, moment, parsed, parsed_if_any};
use super::session::{Parameter, Session, Text};
use crate::model::clock::Timestamp;
use crate::model::member::{AccessRequest, Member, MemberId, Standing, Status, UserName};

/// A statement that begins with all that is known of members.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, status, before_block, user_name, display_name, groups, is_admin, unionid, profile_name, avatar, ",
            "request_code, request_message, requested, created, signed_in, ended_before FROM members ",
            $rest
        )
    };
}

pub(super) async fn by_id(session: &mut Session<'_>, id: &MemberId) -> Row<Option<Member>> {
    session.line(select!("WHERE id = $1"), &[&id.as_str()]).await?.map(|line| read(&line)).transpose()
}

pub(super) async fn called(session: &mut Session<'_>, name: &UserName) -> Row<Option<Member>> {
    let statement = select!(r#"WHERE lower(user_name COLLATE "C") = lower($1 COLLATE "C")"#);
    session.line(statement, &[&name.as_str()]).await?.map(|line| read(&line)).transpose()
}

pub(super) async fn of_unionid(session: &mut Session<'_>, unionid: &str) -> Row<Option<Member>> {
    session.line(select!("WHERE unionid = $1"), &[&Text(unionid)]).await?.map(|line| read(&line)).transpose()
}

pub(super) async fn blocked_twin(session: &mut Session<'_>, of: &MemberId) -> Row<Option<Member>> {
    let statement = select!(
        "WHERE status = 'blocked' AND id IN (
           SELECT CASE other WHEN $1 THEN holder ELSE other END FROM conflicts
           WHERE NOT settled AND (other = $1 OR holder = $1)) LIMIT 1"
    );
    session.line(statement, &[&of.as_str()]).await?.map(|line| read(&line)).transpose()
}

/// The status is written out, and only what is asked for is in the statement: PostgreSQL can see which index serves.
pub(super) async fn page(session: &mut Session<'_>, query: &MembersQuery) -> Row<Vec<Member>> {
    let (key, behind, order) = match query.status {
        Some(Status::Pending) => ("coalesce(requested, created)", ">", "ASC"),
        _ => ("signed_in", "<", "DESC"),
    };
    let search = query.search.as_deref().map(text::folded);
    let search = search.as_deref().map(Text);
    let after = query.after.as_ref().map(|(moment, id)| (moment.as_unix(), id.as_str()));
    let limit = i64::from(query.limit);
    let mut statement = select!("WHERE TRUE").to_owned();
    let mut parameters: Vec<Parameter<'_>> = vec![&limit];
    if let Some(status) = query.status {
        statement.push_str(&format!(" AND status = '{}'", status.as_str()));
    }
    if let Some((moment, id)) = &after {
        statement.push_str(&format!(" AND {key} {behind}= $2 AND ({key} {behind} $2 OR id > $3)"));
        parameters.extend([moment as Parameter<'_>, id]);
    }
    if let Some(search) = &search {
        parameters.push(search);
        statement.push_str(&format!(" AND position(${} IN search) > 0", parameters.len()));
    }
    statement.push_str(&format!(" ORDER BY {key} {order}, id LIMIT $1"));
    session.lines(&statement, &parameters).await?.iter().map(read).collect()
}

pub(super) async fn count(session: &mut Session<'_>) -> Row<Vec<(Status, u64)>> {
    let lines = session.lines("SELECT status, count(*) FROM members GROUP BY status", &[]).await?;
    let read = |line: &Line| {
        let count: i64 = get(line, "count")?;
        Ok((parsed(line, "status")?, count.unsigned_abs()))
    };
    lines.iter().map(read).collect()
}

pub(super) async fn has_other_admin(session: &mut Session<'_>, than: Option<&MemberId>) -> Row<bool> {
    let statement =
        "SELECT 1 FROM members WHERE is_admin AND status = 'active' AND id IS DISTINCT FROM $1 LIMIT 1";
    Ok(session.line(statement, &[&than.map(MemberId::as_str)]).await?.is_some())
}

pub(super) async fn put(session: &mut Session<'_>, member: &Member) -> Row<()> {
    let request = member.request.as_ref();
    let statement = "INSERT INTO members (id, status, before_block, user_name, display_name, groups, is_admin, unionid, \
         profile_name, avatar, request_code, request_message, requested, created, signed_in, ended_before, search) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
         ON CONFLICT (id) DO UPDATE SET (status, before_block, user_name, display_name, groups, is_admin, unionid, \
         profile_name, avatar, request_code, request_message, requested, created, signed_in, ended_before, search) \
         = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    let parameters: [Parameter<'_>; 17] = [
        &member.id.as_str(),
        &member.status.as_str(),
        &member.before_block.map(Status::as_str),
        &member.user_name.as_ref().map(UserName::as_str),
        &member.display_name.as_ref().map(|name| Text(name.as_str())),
        &member.groups.as_str(),
        &member.is_admin,
        &member.unionid.as_deref().map(Text),
        &Text(&member.profile_name),
        &Text(&member.avatar),
        &request.map(|request| Text(&request.code)),
        &request.map(|request| Text(&request.message)),
        &request.map(|request| request.at.as_unix()),
        &member.created.as_unix(),
        &member.signed_in.as_unix(),
        &member.ended_before.as_unix(),
        &Text(&text::searched(member)),
    ];
    session.run(statement, &parameters).await.map(drop)
}

/// Accounts, sessions and conflicts go with the member: the tables say so. Pairings come first: they know accounts only.
pub(super) async fn remove(session: &mut Session<'_>, id: &MemberId) -> Row<()> {
    let pairings = "DELETE FROM pairings \
         WHERE (app_id, openid) IN (SELECT app_id, openid FROM accounts WHERE member = $1) \
         OR unionid IN (SELECT unionid FROM accounts WHERE member = $1 \
         UNION ALL SELECT unionid FROM members WHERE id = $1)";
    session.run(pairings, &[&id.as_str()]).await?;
    session.run("DELETE FROM members WHERE id = $1", &[&id.as_str()]).await?;
    session.run("DELETE FROM audit WHERE member = $1", &[&id.as_str()]).await?;
    session.run("UPDATE audit SET client = NULL WHERE actor = $1", &[&id.as_str()]).await.map(drop)
}

pub(super) async fn standings(
    session: &mut Session<'_>,
    of: &[MemberId],
    now: Timestamp,
) -> Row<Vec<(MemberId, Standing)>> {
    let ids: Vec<&str> = of.iter().map(MemberId::as_str).collect();
    let members = session.lines(select!("WHERE id = ANY ($1)"), &[&ids]).await?;
    let ended = "SELECT member, id FROM sessions WHERE member = ANY ($1) AND ended AND expires > $2";
    let ended = session.lines(ended, &[&ids, &now.as_unix()]).await?;
    let mut standings = Vec::with_capacity(members.len());
    for line in &members {
        let member = read(line)?;
        let theirs =
            ended.iter().filter(|line| get(line, "member").is_ok_and(|id: &str| id == member.id.as_str()));
        let theirs = theirs.map(|line| bytes(line, "id")).collect::<Row<Vec<_>>>()?;
        standings.push((member.id.clone(), member.standing(theirs)));
    }
    Ok(standings)
}

fn read(line: &Line) -> Row<Member> {
    let request: (Option<String>, Option<String>, Option<i64>) =
        (get(line, "request_code")?, get(line, "request_message")?, get(line, "requested")?);
    let request = match request {
        (Some(code), Some(message), Some(at)) => {
            Some(AccessRequest { code, message, at: Timestamp::from_unix(at) })
        }
        _ => None,
    };
    Ok(Member {
        id: parsed(line, "id")?,
        status: parsed(line, "status")?,
        before_block: parsed_if_any(line, "before_block")?,
        user_name: parsed_if_any(line, "user_name")?,
        display_name: parsed_if_any(line, "display_name")?,
        groups: parsed(line, "groups")?,
        is_admin: get(line, "is_admin")?,
        unionid: get(line, "unionid")?,
        profile_name: get(line, "profile_name")?,
        avatar: get(line, "avatar")?,
        request,
        created: moment(line, "created")?,
        signed_in: moment(line, "signed_in")?,
        ended_before: moment(line, "ended_before")?,
    })
}
