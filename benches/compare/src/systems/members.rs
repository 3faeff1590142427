//! The members that a wxgate under test has, written straight into its database.

use std::path::Path;

use anyhow::Context as _;
use rusqlite::Connection;
use tokio::runtime::Builder;
use wxgate::model::member::SessionId;
use wxgate::store::{Opening, StoreSettings, StoreUrl, open};

const FILE: &str = "wxgate.db";

/// Their ids are those of [`id`].
const MEMBERS: &str = "
    INSERT INTO members (id, status, groups, is_admin, unionid, profile_name, avatar, created, signed_in, ended_before, search)
    WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ?1)
    SELECT printf('wx-5a0c%016x', number), 'active', '', 0, printf('u%027d', number), printf('王芳 Wang Fang %d', number), '',
        1750000000, 1750000000 + number % 1000000, 0, printf('wx-5a0c%016x wang fang %d', number, number)
    FROM numbers";
const ACCOUNTS: &str = "
    INSERT INTO accounts (app_id, openid, member, first_seen, last_seen)
    SELECT 'wx0123456789abcdef', 'o' || substr(unionid, 2), id, created, signed_in FROM members";

/// How the member of this number is called.
pub(super) fn id(number: u64) -> String {
    format!("wx-5a0c{number:016x}")
}

/// Names their sign-in.
pub(super) fn session(number: u64) -> SessionId {
    // Spread as random ones are.
    (u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_be_bytes()
}

/// Makes a database with so many in a data folder.
pub(super) fn make(data_dir: &Path, count: u64) -> anyhow::Result<()> {
    let settings =
        StoreSettings { url: StoreUrl::Sqlite(FILE.into()), ca_file: None, data_dir: data_dir.to_owned() };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    drop(runtime.block_on(open(&settings, Opening::Create, runtime.handle().clone()))?);
    let mut connection = Connection::open(data_dir.join(FILE))?;
    // If this is killed, so is what would read it.
    connection.execute_batch("PRAGMA synchronous = OFF")?;
    let transaction = connection.transaction()?;
    transaction.execute(MEMBERS, [i64::try_from(count)?]).context("members")?;
    transaction.execute(ACCOUNTS, []).context("accounts")?;
    transaction.commit()?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
