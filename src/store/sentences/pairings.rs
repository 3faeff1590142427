//! Browsers that wait for a phone: a few minutes each, and never too many.

use super::super::Sentence;
use super::super::records::{PairingBounds, PairingBy};
use super::super::tables::{Row, Tables};
use crate::model::clock::Timestamp;
use crate::model::pairing::{Pairing, PairingStep};

/// As [`Store::begin_pairing`](super::super::Store::begin_pairing).
pub(in super::super) struct BeginPairing {
    pub(in super::super) pairing: Pairing,
    pub(in super::super) bounds: PairingBounds,
}

/// As [`Store::pairing`](super::super::Store::pairing).
pub(in super::super) struct FindPairing {
    pub(in super::super) by: PairingBy,
    pub(in super::super) now: Timestamp,
}

/// As [`Store::advance_pairing`](super::super::Store::advance_pairing).
pub(in super::super) struct AdvancePairing {
    pub(in super::super) by: PairingBy,
    pub(in super::super) step: PairingStep,
    pub(in super::super) now: Timestamp,
}

impl Sentence for BeginPairing {
    type Answer = bool;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<bool> {
        let (pairing, now) = (&self.pairing, self.pairing.begun);
        let network = pairing.network();
        let (all, near) = tables.count_pairings(&network, now, self.bounds.most).await?;
        let (is_full, is_network_full) = (all >= self.bounds.most, near >= self.bounds.most_of_network);
        if is_full || is_network_full {
            // Who has begun already goes on, and who would be called as another is gets no room: nobody is dropped for them.
            for by in [PairingBy::Browser(pairing.browser), PairingBy::Call(pairing.call)] {
                if tables.pairing(&by, now).await?.is_some() {
                    return Ok(true);
                }
            }
            // A network that is full pays itself. Else the one that takes most room does: a flood drives out itself.
            if !tables.drop_waiting(is_network_full.then_some(network.as_str()), now).await? {
                return Ok(false);
            }
        }
        tables.add_pairing(&self.pairing).await?;
        Ok(true)
    }
}

impl Sentence for FindPairing {
    type Answer = Option<Pairing>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Option<Pairing>> {
        tables.pairing(&self.by, self.now).await
    }
}

impl Sentence for AdvancePairing {
    type Answer = Option<Pairing>;
    const WRITES: bool = true;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Option<Pairing>> {
        let Some(before) = tables.pairing(&self.by, self.now).await? else { return Ok(None) };
        let Some(after) = before.after(self.step, self.now) else { return Ok(None) };
        // Another node may have been faster since it was read.
        let is_first = tables.advance_pairing(&after, before.state.as_str()).await?;
        Ok(is_first.then_some(after))
    }
}
