//! Somebody does not follow the Official Account any longer: at once where the store answers, else as soon as it does.

use std::sync::Arc;
use std::time::Duration;

use super::act::Act;
use super::directory::Directory;
use crate::model::audit::AuditKind;
use crate::model::clock::{self, Timestamp};
use crate::model::identity::Account;
use crate::store::StoreError;

/// How long after one another the store is told once more; WeChat itself gives up after three times, within seconds.
const PAUSES: [u64; 7] = [2, 4, 8, 16, 32, 64, 128];

impl Directory {
    /// Ends the sessions that they had begun when they left. What began later stays: this is told late, and twice.
    pub async fn unfollowed(&self, account: Account, when: Timestamp, act: &Act) -> Result<(), StoreError> {
        let note = act.note(AuditKind::SessionsEnded, None, "unfollowed the account".to_owned());
        // Another's clock that is ahead of ours must not end what is to come.
        if let Some(whose) = self.ask(self.store.unfollow(account, when.min(act.now), note)).await? {
            self.standings.forget(&whose);
        }
        Ok(())
    }

    /// The same in the background, for some minutes: the store did not answer. To say it twice does no harm.
    /// Of a message that is not encrypted, `unclaimed` is the time and nonce it was signed with, if nobody knows yet whether
    /// they were taken before.
    pub fn unfollowed_later(
        self: &Arc<Self>,
        account: Account,
        when: Timestamp,
        act: Act,
        mut unclaimed: Option<(String, String)>,
    ) {
        let Ok(place) = Arc::clone(&self.unfollowing).try_acquire_owned() else {
            tracing::error!(
                request_id = act.request_id,
                "somebody stopped following the account and stays signed in: the store does not answer, and too many wait for it"
            );
            return;
        };
        tracing::warn!(
            request_id = act.request_id,
            "somebody stopped following the account, and the store does not answer: they are signed out later"
        );
        let directory = Arc::clone(self);
        self.standings.background().spawn(async move {
            let _place = place;
            for pause in PAUSES {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                if let Some((timestamp, nonce)) = &unclaimed {
                    match directory.claim_message(timestamp, nonce, clock::now()).await {
                        Ok(true) => unclaimed = None,
                        // WeChat has said it again meanwhile, and was heard.
                        Ok(false) => return,
                        Err(_) => continue,
                    }
                }
                if directory.unfollowed(account.clone(), when, &act).await.is_ok() {
                    return;
                }
            }
            tracing::error!(
                request_id = act.request_id,
                "somebody who stopped following the account was not signed out: the store did not answer for minutes"
            );
        });
    }
}
