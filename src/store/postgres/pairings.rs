//! The table of browsers that wait for a phone.

use super::super::records::PairingBy;
use super::super::tables::Row;
use super::super::text;
use super::error::unreadable;
use super::reading::{Line, bytes, get, moment, parsed};
use super::session::{Session, Text};
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::pairing::{Pairing, Proof};

/// A statement that begins with all that is known of pairings.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT browser, call, site, user_agent, client, begun, expires, state, app_id, openid, unionid, name, ",
            "avatar FROM pairings ",
            $rest
        )
    };
}

pub(super) async fn count(
    session: &mut Session<'_>,
    network: &str,
    now: Timestamp,
    most: u32,
) -> Row<(u32, u32)> {
    let statement = "SELECT (SELECT count(*) FROM (SELECT 1 FROM pairings WHERE expires > $2 AND state IN ('waiting', 'scanned') \
         LIMIT $3) AS open) AS of_all, \
         (SELECT count(*) FROM pairings WHERE network = $1 AND state IN ('waiting', 'scanned') AND expires > $2) AS near";
    let Some(line) = session.line(statement, &[&network, &now.as_unix(), &i64::from(most)]).await? else {
        return Ok((0, 0));
    };
    let count = |column| get::<i64>(&line, column).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Ok((count("of_all")?, count("near")?))
}

pub(super) async fn drop_waiting(
    session: &mut Session<'_>,
    network: Option<&str>,
    now: Timestamp,
) -> Row<bool> {
    // Nodes that make room at the same time each drop another.
    let statement = "DELETE FROM pairings WHERE browser = ( \
         SELECT browser FROM pairings WHERE state = 'waiting' AND expires > $2 AND network = coalesce($1, ( \
         SELECT network FROM pairings WHERE state = 'waiting' AND expires > $2 \
         GROUP BY network ORDER BY count(*) DESC, min(expires) LIMIT 1 \
         )) ORDER BY expires LIMIT 1 FOR UPDATE SKIP LOCKED)";
    Ok(session.run(statement, &[&network, &now.as_unix()]).await? == 1)
}

pub(super) async fn drop_answers(session: &mut Session<'_>, account: &Account, when: Timestamp) -> Row<()> {
    let statement = "DELETE FROM pairings WHERE app_id = $1 AND openid = $2 AND begun <= $3";
    session.run(statement, &[&account.app_id, &account.openid, &when.as_unix()]).await.map(drop)
}

pub(super) async fn add(session: &mut Session<'_>, pairing: &Pairing) -> Row<()> {
    let statement = "INSERT INTO pairings \
         (browser, call, site, user_agent, client, network, begun, expires, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    session
        .run(
            statement,
            &[
                &pairing.browser.as_slice(),
                &pairing.call.as_slice(),
                &pairing.site,
                &Text(&pairing.user_agent),
                &pairing.client.to_string(),
                &pairing.network(),
                &pairing.begun.as_unix(),
                &pairing.expires.as_unix(),
                &pairing.state.as_str(),
            ],
        )
        .await
        .map(drop)
}

pub(super) async fn one(session: &mut Session<'_>, by: &PairingBy, now: Timestamp) -> Row<Option<Pairing>> {
    let (statement, key) = match by {
        PairingBy::Browser(key) => (select!("WHERE browser = $1 AND expires > $2"), key),
        PairingBy::Call(key) => (select!("WHERE call = $1 AND expires > $2"), key),
    };
    session.line(statement, &[&key.as_slice(), &now.as_unix()]).await?.map(|line| read(&line)).transpose()
}

pub(super) async fn advance(session: &mut Session<'_>, pairing: &Pairing, before: &str) -> Row<bool> {
    let (account, proof) = text::on_the_phone(&pairing.state);
    let statement = "UPDATE pairings SET (state, app_id, openid, unionid, name, avatar) = ($3, $4, $5, $6, $7, $8) \
         WHERE browser = $1 AND state = $2";
    let changed = session
        .run(
            statement,
            &[
                &pairing.browser.as_slice(),
                &before,
                &pairing.state.as_str(),
                &account.map(|account| Text(&account.app_id)),
                &account.map(|account| Text(&account.openid)),
                &proof.and_then(|proof| proof.unionid.as_deref()).map(Text),
                &proof.map(|proof| Text(&proof.profile.name)),
                &proof.map(|proof| Text(&proof.profile.avatar)),
            ],
        )
        .await?;
    Ok(changed == 1)
}

fn read(line: &Line) -> Row<Pairing> {
    let (app_id, openid): (Option<String>, Option<String>) = (get(line, "app_id")?, get(line, "openid")?);
    let who = match app_id.zip(openid) {
        Some((app_id, openid)) => Some(Proof {
            account: Account { app_id, openid },
            unionid: get(line, "unionid")?,
            profile: Profile {
                name: get::<Option<String>>(line, "name")?.unwrap_or_default(),
                avatar: get::<Option<String>>(line, "avatar")?.unwrap_or_default(),
                ..Profile::default()
            },
        }),
        None => None,
    };
    Ok(Pairing {
        browser: bytes(line, "browser")?,
        call: bytes(line, "call")?,
        site: get(line, "site")?,
        user_agent: get(line, "user_agent")?,
        client: parsed(line, "client")?,
        begun: moment(line, "begun")?,
        expires: moment(line, "expires")?,
        state: text::pairing_state(get(line, "state")?, who).map_err(unreadable)?,
    })
}
