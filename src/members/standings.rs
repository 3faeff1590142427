//! How members stand, as far as this node knows: read from the store, believed for seconds, and for longer only while the
//! store cannot be asked.
//!
//! A change takes effect everywhere within [`FRESH`]. Whoever makes requests all the time never waits for the store: what
//! is known is read anew in the background before it is too old.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::runtime::Handle;

use super::health::Health;
use crate::model::clock;
use crate::model::member::{MemberId, Standing};
use crate::store::{Store, StoreError};

/// How old what is known may be. Revocation is promised within this time on every node.
pub(super) const FRESH: Duration = Duration::from_secs(5);

/// From this age on it is read anew in the background.
pub(super) const AHEAD: Duration = Duration::from_secs(2);

/// How old what is known may be when somebody is about to be refused for it.
const ANEW: Duration = Duration::from_millis(100);

/// How often somebody is read who is being changed all the time.
const READINGS: usize = 5;

/// Members remembered at most; some 300 bytes each.
const MOST: usize = 32_768;

/// The store cannot say how somebody stands, and what it last said is too old.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the store cannot be asked how a member stands")]
pub struct Unsure;

/// What this node knows of everybody who was here a moment ago.
#[derive(Debug)]
pub(super) struct Standings {
    store: Arc<dyn Store>,
    background: Handle,
    slots: Mutex<HashMap<MemberId, Arc<Slot>>>,
    /// Counts changes made by this node: what workers remember from before one is looked up anew.
    changes: AtomicU64,
    /// Whether the store answers.
    pub(super) health: Health,
}

/// One member.
#[derive(Debug, Default)]
pub(super) struct Slot {
    state: Mutex<State>,
    /// Held by whoever asks the store; everybody else waits for the answer.
    turn: tokio::sync::Mutex<()>,
    is_reading: AtomicBool,
    /// Long answers and tunnels that hang on it.
    pub(super) watchers: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Known>,
    /// Counts changes: an answer that was on its way during one says nothing.
    version: u64,
}

/// What the store said.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// `None`: there is no such member.
    pub(super) standing: Option<Arc<Standing>>,
    /// When it was asked.
    pub(super) as_of: Instant,
}

impl Standings {
    pub(super) fn new(store: Arc<dyn Store>, background: Handle) -> Arc<Self> {
        Arc::new(Self {
            store,
            background,
            slots: Mutex::default(),
            changes: AtomicU64::new(0),
            health: Health::default(),
        })
    }

    /// How a member stands at `now`. While the store is down, what it said within `grace` counts.
    pub(super) async fn find(
        self: &Arc<Self>,
        id: &MemberId,
        now: Instant,
        grace: Duration,
    ) -> Result<Known, Unsure> {
        let slot = self.slot(id, now);
        if let Some(known) = slot.known() {
            match now.saturating_duration_since(known.as_of) {
                age if age < AHEAD => return Ok(known),
                age if age < FRESH => {
                    self.read_ahead(id, &slot);
                    return Ok(known);
                }
                age if age < grace && self.health.is_silent() => return Ok(known),
                _ => {}
            }
        }
        if self.health.is_silent() {
            return Err(Unsure);
        }
        self.fetch(id, &slot, now, grace).await
    }

    /// The same for somebody who is about to be refused: another node may have let them in a moment ago.
    pub(super) async fn find_anew(
        &self,
        id: &MemberId,
        now: Instant,
        grace: Duration,
    ) -> Result<Known, Unsure> {
        let slot = self.slot(id, now);
        let age = |known: &Known| now.saturating_duration_since(known.as_of);
        if let Some(known) = slot.known().filter(|known| age(known) < ANEW) {
            return Ok(known);
        }
        if self.health.is_silent() {
            return slot.known().filter(|known| age(known) < grace).ok_or(Unsure);
        }
        self.fetch(id, &slot, now, grace).await
    }

    /// Asks the store, once for all who wait.
    async fn fetch(
        &self,
        id: &MemberId,
        slot: &Arc<Slot>,
        now: Instant,
        grace: Duration,
    ) -> Result<Known, Unsure> {
        let _turn = slot.turn.lock().await;
        match slot.known() {
            Some(known) if known.as_of >= now => return Ok(known),
            _ => {}
        }
        let this = [(id.clone(), Arc::clone(slot))];
        for _ in 0..READINGS {
            // Whoever had the turn before may have found out that the store is down; then nobody else tries.
            if self.health.is_silent() || self.read(&this).await.is_err() {
                let is_usable = |known: &Known| now.saturating_duration_since(known.as_of) < grace;
                return slot.known().filter(is_usable).ok_or(Unsure);
            }
            // Nothing is known where this node changed them meanwhile: what was read may be from before.
            if let Some(known) = slot.known() {
                return Ok(known);
            }
        }
        Err(Unsure)
    }

    /// Asks the store about these members.
    pub(super) async fn read(&self, of: &[(MemberId, Arc<Slot>)]) -> Result<(), StoreError> {
        let as_of = clock::instant();
        let versions: Vec<u64> = of.iter().map(|(_, slot)| slot.state().version).collect();
        let ids = of.iter().map(|(id, _)| id.clone()).collect();
        let said = self.health.reading(self.store.standings(ids, clock::now()).await)?;
        let mut said: HashMap<MemberId, Standing> = said.into_iter().collect();
        for ((id, slot), version) in of.iter().zip(versions) {
            let standing = said.remove(id).map(Arc::new);
            let mut state = slot.state();
            if state.version == version {
                state.known = Some(Known { standing, as_of });
            }
        }
        Ok(())
    }

    /// Where work goes that nobody waits for.
    pub(super) fn background(&self) -> &Handle {
        &self.background
    }

    /// This node changed something about a member: what is known of them no longer counts.
    pub(super) fn forget(&self, id: &MemberId) {
        if let Some(slot) = self.slots().get(id) {
            let mut state = slot.state();
            state.known = None;
            state.version += 1;
        }
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// How many changes this node has made.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Everybody who is watched, with what is known of them.
    pub(super) fn watched(&self) -> Vec<(MemberId, Arc<Slot>)> {
        let slots = self.slots();
        let watched = slots.iter().filter(|(_, slot)| slot.watchers.load(Ordering::Acquire) > 0);
        watched.map(|(id, slot)| (id.clone(), Arc::clone(slot))).collect()
    }

    /// The place of a member.
    pub(super) fn slot(&self, id: &MemberId, now: Instant) -> Arc<Slot> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(id) {
            return Arc::clone(slot);
        }
        if slots.len() >= MOST {
            make_room(&mut slots, now);
        }
        Arc::clone(slots.entry(id.clone()).or_default())
    }

    fn read_ahead(self: &Arc<Self>, id: &MemberId, slot: &Arc<Slot>) {
        if self.health.is_silent() || slot.is_reading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (this, id, slot) = (Arc::clone(self), id.clone(), Arc::clone(slot));
        self.background.spawn(async move {
            // A failure is noted, and whoever comes next sees to it.
            let _ = this.read(&[(id, Arc::clone(&slot))]).await;
            slot.is_reading.store(false, Ordering::Release);
        });
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<MemberId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// What the store said of this member.
    pub(super) fn known(&self) -> Option<Known> {
        self.state().known.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets those nobody has asked about for longest, a quarter of all, and nobody who is watched.
fn make_room(slots: &mut HashMap<MemberId, Arc<Slot>>, now: Instant) {
    let age =
        |slot: &Slot| slot.known().map_or(Duration::MAX, |known| now.saturating_duration_since(known.as_of));
    let is_free = |slot: &Arc<Slot>| slot.watchers.load(Ordering::Acquire) == 0;
    let mut ages: Vec<Duration> = slots.values().filter(|slot| is_free(slot)).map(|slot| age(slot)).collect();
    ages.sort_unstable();
    let Some(limit) = ages.get(ages.len() * 3 / 4).copied() else { return };
    slots.retain(|_, slot| !is_free(slot) || age(slot) < limit);
}
