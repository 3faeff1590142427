//! Browsers that wait for a phone, as the store keeps them: any node can take either end.

use std::time::Duration;

use super::directory::Directory;
use crate::model::clock::Timestamp;
use crate::model::pairing::{Pairing, PairingKey, PairingStep};
use crate::seal::digest;
use crate::store::StoreError;
use crate::store::records::{ClaimKind, PairingBounds, PairingBy};

/// How many browsers may wait for a phone, or for the word of its owner, before others make room: as many as sign in within minutes at the largest sites, and of one network as many
/// as sit behind one address of an office.
const BOUNDS: PairingBounds = PairingBounds { most: 10_000, most_of_network: 100 };

/// How long a message that is not encrypted is remembered: longer than its signature is taken for new.
const MESSAGE: Duration = Duration::from_secs(900);

impl Directory {
    /// Takes a message that is not encrypted, by the time and nonce it was signed with: `false` if it was taken before.
    pub async fn claim_message(
        &self,
        timestamp: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut id = [0; 16];
        id.copy_from_slice(&digest(format!("{timestamp}\0{nonce}").as_bytes())[..16]);
        self.ask(self.store.claim(ClaimKind::Message, id, now + MESSAGE)).await
    }

    /// A browser begins to wait; once more says nothing new. `false` if too many have been scanned, who are not dropped.
    pub async fn begin_pairing(&self, pairing: Pairing) -> Result<bool, StoreError> {
        self.ask(self.store.begin_pairing(pairing, BOUNDS)).await
    }

    /// How far it has come for the browser that waits; `None` when it is over.
    pub async fn pairing_of(
        &self,
        browser: PairingKey,
        now: Timestamp,
    ) -> Result<Option<Pairing>, StoreError> {
        self.read(self.store.pairing(PairingBy::Browser(browser), now)).await
    }

    /// How far it has come for the phone that was called; `None` when it is over.
    pub async fn pairing_called(
        &self,
        call: PairingKey,
        now: Timestamp,
    ) -> Result<Option<Pairing>, StoreError> {
        self.read(self.store.pairing(PairingBy::Call(call), now)).await
    }

    /// The phone takes a step; `None` if it does not follow.
    pub async fn advance_pairing(
        &self,
        call: PairingKey,
        step: PairingStep,
        now: Timestamp,
    ) -> Result<Option<Pairing>, StoreError> {
        self.ask(self.store.advance_pairing(PairingBy::Call(call), step, now)).await
    }

    /// The waiting browser takes what the phone allowed: `true` for one, and once.
    pub async fn take_pairing(&self, browser: PairingKey, now: Timestamp) -> Result<bool, StoreError> {
        let taken =
            self.ask(self.store.advance_pairing(PairingBy::Browser(browser), PairingStep::Take, now)).await?;
        Ok(taken.is_some())
    }
}
