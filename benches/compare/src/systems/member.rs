//! Somebody who is a member of the wxgate under test before it starts.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle};
use wxgate::model::clock;
use wxgate::model::identity::Identity;
use wxgate::model::member::{MemberId, Status};
use wxgate::store::records::{Arrival, NewSession};
use wxgate::store::{Opening, StoreSettings, StoreUrl, open};

/// The member's id.
pub(super) fn id() -> MemberId {
    MemberId::of([0x5a, 0x0c, 0x1b, 0x2d, 0x3e, 0x4f, 0x50, 0x61, 0x72, 0x83])
}

/// Writes the member into the store in `data_dir`.
pub(super) fn sign_up(somebody: &Identity, data_dir: &Path) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let url = StoreUrl::Sqlite("wxgate.db".into());
        let settings = StoreSettings { url, ca_file: None, data_dir: data_dir.to_owned() };
        let store = open(&settings, Opening::Create, Handle::current()).await?;
        let now = clock::now();
        let arrival = Arrival {
            fresh_id: id(),
            account: somebody.account.clone(),
            unionid: somebody.unionid.clone(),
            profile: somebody.profile.clone(),
            newcomer: Status::Active,
            is_listed_admin: false,
            session: NewSession {
                id: [0; 16],
                started: now,
                expires: now,
                browser: String::new(),
                client: Ipv4Addr::LOCALHOST.into(),
            },
            request_id: String::new(),
        };
        store.arrive(arrival).await?;
        Ok(())
    })
}
