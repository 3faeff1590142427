//! The table of sign-ins.

use super::super::records::{NewSession, SessionIds, SessionRow};
use super::super::tables::Row;
use super::reading::{Line, bytes, get, moment, parsed, parsed_if_any};
use super::session::{Session, Text};
use crate::model::clock::Timestamp;
use crate::model::member::{MemberId, SessionId};

pub(super) async fn add(session: &mut Session<'_>, of: &MemberId, new: &NewSession) -> Row<()> {
    let statement = "INSERT INTO sessions (id, member, started, expires, browser, client) \
         VALUES ($1, $2, $3, $4, $5, $6)";
    session
        .run(
            statement,
            &[
                &new.id.as_slice(),
                &of.as_str(),
                &new.started.as_unix(),
                &new.expires.as_unix(),
                &Text(&new.browser),
                &new.client.to_string(),
            ],
        )
        .await
        .map(drop)
}

pub(super) async fn of(session: &mut Session<'_>, member: &MemberId, now: Timestamp) -> Row<Vec<SessionRow>> {
    let statement = "SELECT id, member, started, expires, browser, client, ended FROM sessions \
         WHERE member = $1 AND expires > $2 ORDER BY started DESC, id";
    session.lines(statement, &[&member.as_str(), &now.as_unix()]).await?.iter().map(read).collect()
}

pub(super) async fn open(session: &mut Session<'_>, of: &[MemberId], now: Timestamp) -> Row<Vec<SessionRow>> {
    let ids: Vec<&str> = of.iter().map(MemberId::as_str).collect();
    let statement = "SELECT id, member, started, expires, browser, client, ended FROM sessions \
         WHERE member = ANY ($1) AND expires > $2 AND NOT ended ORDER BY member, started DESC, id";
    session.lines(statement, &[&ids, &now.as_unix()]).await?.iter().map(read).collect()
}

pub(super) async fn named(
    session: &mut Session<'_>,
    ids: &SessionIds,
    now: Timestamp,
    most: u32,
) -> Row<Vec<SessionRow>> {
    let statement = "SELECT id, member, started, expires, browser, client, ended FROM sessions \
         WHERE id BETWEEN $1 AND $2 AND expires > $3 AND NOT ended ORDER BY id LIMIT $4";
    let (first, last) = (ids.first.as_slice(), ids.last.as_slice());
    let lines = session.lines(statement, &[&first, &last, &now.as_unix(), &i64::from(most)]).await?;
    lines.iter().map(read).collect()
}

pub(super) async fn end(session: &mut Session<'_>, id: &SessionId) -> Row<Option<MemberId>> {
    let statement = "UPDATE sessions SET ended = TRUE, expires = greatest(expires, started + 366 * 86400) \
         WHERE id = $1 AND NOT ended RETURNING member";
    session.line(statement, &[&id.as_slice()]).await?.map(|line| parsed(&line, "member")).transpose()
}

pub(super) async fn end_all(
    session: &mut Session<'_>,
    of: &MemberId,
    except: Option<&SessionId>,
) -> Row<u64> {
    let statement = "UPDATE sessions SET ended = TRUE, expires = greatest(expires, started + 366 * 86400) \
         WHERE member = $1 AND NOT ended AND id IS DISTINCT FROM $2";
    session.run(statement, &[&of.as_str(), &except.map(SessionId::as_slice)]).await
}

pub(super) async fn remove_before(session: &mut Session<'_>, of: &MemberId, moment: Timestamp) -> Row<()> {
    let statement = "DELETE FROM sessions WHERE member = $1 AND started < $2";
    session.run(statement, &[&of.as_str(), &moment.as_unix()]).await.map(drop)
}

fn read(line: &Line) -> Row<SessionRow> {
    Ok(SessionRow {
        id: bytes(line, "id")?,
        member: parsed(line, "member")?,
        started: moment(line, "started")?,
        expires: moment(line, "expires")?,
        browser: get(line, "browser")?,
        client: parsed_if_any(line, "client")?,
        ended: get(line, "ended")?,
    })
}
