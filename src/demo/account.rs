//! The demo's Official Account, and what it and the simulated WeChat agree on (服务器配置), so that its messages are believed.

use std::sync::Arc;

use anyhow::anyhow;

use crate::seal::{hex, random};
use crate::wechat::simulator::{PushSettings, Simulator};

/// The simulated Official Account.
pub(super) const ACCOUNT_APP: &str = "wxdemoaccount0001";
pub(super) const ACCOUNT_SECRET: &str = "demo-account-secret";

/// The account's original id (原始ID).
pub(super) const ORIGINAL_ID: &str = "gh_demoaccount0001";

/// Letters of an EncodingAESKey.
const KEY_LETTERS: usize = 43;

/// Token and EncodingAESKey.
pub(super) struct Agreement {
    token: String,
    key: String,
}

impl Agreement {
    /// For a gateway that ends with this process.
    pub(super) fn random() -> Self {
        let key = hex(&random::<32>()).chars().take(KEY_LETTERS).collect();
        Self { token: hex(&random::<16>()), key }
    }

    /// For a gateway whose configuration is to outlive this process; as public as the secrets of the demo's apps.
    pub(super) fn printed() -> Self {
        let key = "demo".chars().cycle().take(KEY_LETTERS).collect();
        Self { token: "demotoken".to_owned(), key }
    }

    /// The account's ways in, and what they need, as `[wechat.official_account]` wants them.
    pub(super) fn keys(&self) -> String {
        let Self { token, key } = self;
        format!(
            "name = \"wxgate demo\"\n\
             original_id = \"{ORIGINAL_ID}\"\n\
             qr_login = true\n\
             chat_login = true\n\
             token = \"{token}\"\n\
             encoding_aes_key = \"{key}\"\n"
        )
    }

    /// Has WeChat's server tell the gateway at `gateway_url` what happens with the account, from now on.
    pub(super) fn enter(&self, simulator: &Arc<Simulator>, gateway_url: &str) -> anyhow::Result<()> {
        let key = self.key.parse().map_err(|error: String| anyhow!(error))?;
        let url = message_url(gateway_url);
        simulator.set_push(ACCOUNT_APP, PushSettings::secure(&url, &self.token, key));
        Ok(())
    }
}

/// Where a gateway takes the account's messages.
pub(super) fn message_url(gateway_url: &str) -> String {
    format!("{gateway_url}/_wxgate/wechat/message")
}
