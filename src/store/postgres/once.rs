//! The tables of what is good for a time or for once: claims, invitations, setup links. And what goes when it has run out.

use super::super::records::{ClaimKind, Invite};
use super::super::tables::Row;
use super::reading::{Line, bytes, get, moment, parsed};
use super::session::{Session, Text};
use crate::model::clock::Timestamp;

/// All columns of invitations.
macro_rules! invite {
    () => {
        "id, code_hash, groups, uses_left, expires, made_by, made_at, note"
    };
}

/// What makes an invitation good, at the moment that is the parameter `$1`.
macro_rules! is_good {
    () => {
        "expires > $1 AND (uses_left IS NULL OR uses_left > 0)"
    };
}

/// Deletes what has run out, `$2` rows at most. What another sentence is busy with stays for the next time, so that neither
/// waits for the other.
macro_rules! sweep {
    ($table:literal, $key:literal, $moment:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $moment,
            " LIMIT $2 FOR UPDATE SKIP LOCKED)"
        )
    };
}

pub(super) async fn claim(
    session: &mut Session<'_>,
    kind: ClaimKind,
    id: &[u8; 16],
    expires: Timestamp,
) -> Row<bool> {
    let statement = "INSERT INTO claims (kind, id, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(session.run(statement, &[&kind.as_str(), &id.as_slice(), &expires.as_unix()]).await? == 1)
}

pub(super) async fn put_invite(session: &mut Session<'_>, invite: &Invite) -> Row<()> {
    let statement = "INSERT INTO invites (id, code_hash, groups, uses_left, expires, made_by, made_at, note) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE \
         SET (code_hash, groups, uses_left, expires, made_by, made_at, note) = ($2, $3, $4, $5, $6, $7, $8)";
    session
        .run(
            statement,
            &[
                &invite.id,
                &invite.code_hash.as_slice(),
                &invite.groups.as_str(),
                &invite.uses_left.map(i64::from),
                &invite.expires.as_unix(),
                &invite.made_by.to_string(),
                &invite.made_at.as_unix(),
                &Text(&invite.note),
            ],
        )
        .await
        .map(drop)
}

pub(super) async fn invite(
    session: &mut Session<'_>,
    code_hash: &[u8; 32],
    now: Timestamp,
) -> Row<Option<Invite>> {
    let statement = concat!("SELECT ", invite!(), " FROM invites WHERE code_hash = $2 AND ", is_good!());
    session
        .line(statement, &[&now.as_unix(), &code_hash.as_slice()])
        .await?
        .map(|line| read(&line))
        .transpose()
}

pub(super) async fn use_invite(
    session: &mut Session<'_>,
    code_hash: &[u8; 32],
    now: Timestamp,
) -> Row<Option<Invite>> {
    let statement = concat!(
        "UPDATE invites SET uses_left = uses_left - 1 WHERE code_hash = $2 AND ",
        is_good!(),
        " RETURNING ",
        invite!()
    );
    session
        .line(statement, &[&now.as_unix(), &code_hash.as_slice()])
        .await?
        .map(|line| read(&line))
        .transpose()
}

pub(super) async fn invites(session: &mut Session<'_>, now: Timestamp) -> Row<Vec<Invite>> {
    let statement =
        concat!("SELECT ", invite!(), " FROM invites WHERE ", is_good!(), " ORDER BY made_at DESC, id");
    session.lines(statement, &[&now.as_unix()]).await?.iter().map(read).collect()
}

pub(super) async fn remove_invite(session: &mut Session<'_>, id: &str) -> Row<bool> {
    Ok(session.run("DELETE FROM invites WHERE id = $1", &[&Text(id)]).await? == 1)
}

pub(super) async fn add_setup_link(
    session: &mut Session<'_>,
    code_hash: &[u8; 32],
    expires: Timestamp,
) -> Row<()> {
    let statement = "INSERT INTO setup_links (code_hash, expires) VALUES ($1, $2) \
         ON CONFLICT (code_hash) DO UPDATE SET expires = $2";
    session.run(statement, &[&code_hash.as_slice(), &expires.as_unix()]).await.map(drop)
}

pub(super) async fn has_setup_link(
    session: &mut Session<'_>,
    code_hash: &[u8; 32],
    now: Timestamp,
) -> Row<bool> {
    let statement = "SELECT 1 FROM setup_links WHERE code_hash = $1 AND expires > $2";
    Ok(session.line(statement, &[&code_hash.as_slice(), &now.as_unix()]).await?.is_some())
}

pub(super) async fn use_setup_link(
    session: &mut Session<'_>,
    code_hash: &[u8; 32],
    now: Timestamp,
) -> Row<bool> {
    let statement = "DELETE FROM setup_links WHERE code_hash = $1 AND expires > $2";
    Ok(session.run(statement, &[&code_hash.as_slice(), &now.as_unix()]).await? == 1)
}

pub(super) async fn remove_setup_links(session: &mut Session<'_>) -> Row<()> {
    session.run("DELETE FROM setup_links", &[]).await.map(drop)
}

pub(super) async fn purge(
    session: &mut Session<'_>,
    now: Timestamp,
    audit_from: Timestamp,
    most: u32,
) -> Row<bool> {
    let mut more = false;
    for (statement, moment) in [
        (sweep!("sessions", "id", "expires <= $1"), now),
        (sweep!("claims", "ctid", "expires <= $1"), now),
        (sweep!("invites", "id", "expires <= $1"), now),
        (sweep!("setup_links", "code_hash", "expires <= $1"), now),
        (sweep!("pairings", "browser", "expires <= $1"), now),
        (sweep!("audit", "id", "at < $1"), audit_from),
    ] {
        let gone = session.run(statement, &[&moment.as_unix(), &i64::from(most)]).await?;
        more |= gone >= u64::from(most);
    }
    Ok(more)
}

fn read(line: &Line) -> Row<Invite> {
    let uses_left: Option<i64> = get(line, "uses_left")?;
    Ok(Invite {
        id: get(line, "id")?,
        code_hash: bytes(line, "code_hash")?,
        groups: parsed(line, "groups")?,
        uses_left: uses_left.map(|left| u32::try_from(left).unwrap_or(0)),
        expires: moment(line, "expires")?,
        made_by: parsed(line, "made_by")?,
        made_at: moment(line, "made_at")?,
        note: get(line, "note")?,
    })
}
