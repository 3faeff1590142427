//! What the gateway says of its store at start, and how the first administrator gets in.

use std::sync::Arc;
use std::time::Duration;

use super::store::link;
use crate::config::fields::Config;
use crate::members::{Act, Directory};
use crate::model::audit::Actor;
use crate::model::clock;
use crate::store::StoreError;

/// How long the first link is good.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);

/// Makes and logs a setup link as long as nobody can administer. That this fails keeps nobody from anything.
pub(super) async fn offer_setup(config: &Config, directory: &Arc<Directory>) {
    let offered: Result<(), StoreError> = async {
        if !directory.needs_setup().await? {
            return Ok(());
        }
        let now = clock::now();
        let act = Act { actor: Actor::Gateway, client: None, request_id: None, now };
        let code = directory.make_setup_link(&act, now + GOOD_FOR).await?;
        let link = link(config, "setup", code.reveal());
        tracing::warn!(
            "nobody administers yet: whoever opens this link within 24 hours and signs in becomes administrator (`wxgate setup-link` makes another); \
             还没有管理员：24 小时内打开此链接并登录的人将成为管理员（可用 `wxgate setup-link` 重新生成）： {link}"
        );
        Ok(())
    }
    .await;
    if let Err(error) = offered {
        tracing::warn!(error = %error, "cannot tell whether somebody administers; `wxgate setup-link` makes a link for the first administrator");
    }
}
