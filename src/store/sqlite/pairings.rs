//! Browsers that wait for a phone.

use rusqlite::{Connection, Row as SqlRow, named_params};

use super::super::records::PairingBy;
use super::super::tables::Row;
use super::super::text;
use super::rows::{self, Read};
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::pairing::{Pairing, Proof};

const COUNT: &str =
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM pairings WHERE expires > ?2 AND state IN ('waiting', 'scanned') LIMIT ?3))
        AS of_all,
    (SELECT count(*) FROM pairings WHERE network = ?1 AND state IN ('waiting', 'scanned') AND expires > ?2) AS near";
const DROP_WAITING: &str = "
    DELETE FROM pairings WHERE browser = (
        SELECT browser FROM pairings WHERE state = 'waiting' AND expires > ?2 AND network = coalesce(?1, (
            SELECT network FROM pairings WHERE state = 'waiting' AND expires > ?2
            GROUP BY network ORDER BY count(*) DESC, min(expires) LIMIT 1
        )) ORDER BY expires LIMIT 1
    )";
const ADD: &str = "
    INSERT INTO pairings (browser, call, site, user_agent, client, network, begun, expires, state)
    VALUES (:browser, :call, :site, :user_agent, :client, :network, :begun, :expires, :state)
    ON CONFLICT DO NOTHING";
const BY_BROWSER: &str = "SELECT * FROM pairings WHERE browser = ?1 AND expires > ?2";
const BY_CALL: &str = "SELECT * FROM pairings WHERE call = ?1 AND expires > ?2";
const ADVANCE: &str = "
    UPDATE pairings SET state = :state, app_id = :app_id, openid = :openid, unionid = :unionid, name = :name,
        avatar = :avatar WHERE browser = :browser AND state = :before";

pub(super) fn count(connection: &Connection, network: &str, now: Timestamp, most: u32) -> Row<(u32, u32)> {
    let counted = rows::one(connection, COUNT, (network, now.as_unix(), most), |row| {
        Ok((row.get("of_all")?, row.get("near")?))
    })?;
    Ok(counted.unwrap_or_default())
}

pub(super) fn drop_waiting(connection: &Connection, network: Option<&str>, now: Timestamp) -> Row<bool> {
    rows::change(connection, DROP_WAITING, (network, now.as_unix())).map(|dropped| dropped == 1)
}

pub(super) fn drop_answers(connection: &Connection, account: &Account, when: Timestamp) -> Row<()> {
    let sql = "DELETE FROM pairings WHERE app_id = ?1 AND openid = ?2 AND begun <= ?3";
    rows::change(connection, sql, (&account.app_id, &account.openid, when.as_unix())).map(drop)
}

pub(super) fn add(connection: &Connection, pairing: &Pairing) -> Row<()> {
    let values = named_params! {
        ":browser": pairing.browser,
        ":call": pairing.call,
        ":site": pairing.site,
        ":user_agent": text::storable(&pairing.user_agent),
        ":client": pairing.client.to_string(),
        ":network": pairing.network(),
        ":begun": pairing.begun.as_unix(),
        ":expires": pairing.expires.as_unix(),
        ":state": pairing.state.as_str(),
    };
    rows::change(connection, ADD, values).map(drop)
}

pub(super) fn one(connection: &Connection, by: &PairingBy, now: Timestamp) -> Row<Option<Pairing>> {
    let (sql, key) = match by {
        PairingBy::Browser(key) => (BY_BROWSER, key),
        PairingBy::Call(key) => (BY_CALL, key),
    };
    rows::one(connection, sql, (key, now.as_unix()), read)
}

pub(super) fn advance(connection: &Connection, pairing: &Pairing, before: &str) -> Row<bool> {
    let (account, proof) = text::on_the_phone(&pairing.state);
    let values = named_params! {
        ":browser": pairing.browser,
        ":before": before,
        ":state": pairing.state.as_str(),
        ":app_id": account.map(|account| &account.app_id),
        ":openid": account.map(|account| &account.openid),
        ":unionid": proof.and_then(|proof| proof.unionid.as_deref()),
        ":name": proof.map(|proof| text::storable(&proof.profile.name)),
        ":avatar": proof.map(|proof| text::storable(&proof.profile.avatar)),
    };
    rows::change(connection, ADVANCE, values).map(|changed| changed == 1)
}

fn read(row: &SqlRow<'_>) -> Read<Pairing> {
    let account: Option<(String, String)> = row.get::<_, Option<String>>("app_id")?.zip(row.get("openid")?);
    let who = match account {
        Some((app_id, openid)) => Some(Proof {
            account: Account { app_id, openid },
            unionid: row.get("unionid")?,
            profile: Profile {
                name: row.get::<_, Option<String>>("name")?.unwrap_or_default(),
                avatar: row.get::<_, Option<String>>("avatar")?.unwrap_or_default(),
                ..Profile::default()
            },
        }),
        None => None,
    };
    let word: String = row.get("state")?;
    Ok(Pairing {
        browser: row.get("browser")?,
        call: row.get("call")?,
        site: row.get("site")?,
        user_agent: row.get("user_agent")?,
        client: rows::parsed(row, "client")?,
        begun: rows::moment(row, "begun")?,
        expires: rows::moment(row, "expires")?,
        state: text::pairing_state(&word, who).map_err(|error| rows::unreadable("state", error))?,
    })
}
