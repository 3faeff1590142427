//! What one worker remembers of standings, so that a request of somebody who was here a moment ago asks nobody.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::standings::AHEAD;
use crate::model::member::{SessionId, Standing};
use crate::model::session::Session;

/// Sessions remembered; a new one takes the place of another that falls on the same.
const PLACES: usize = 2048;

/// One worker's memory. Its lock is never waited for.
#[derive(Default)]
pub struct Near(Mutex<Vec<Option<Place>>>);

struct Place {
    session: SessionId,
    standing: Arc<Standing>,
    as_of: Instant,
    changes: u64,
}

impl Near {
    /// The standing of a session's member, if it was read within seconds, and this node has made no more `changes` since.
    pub(super) fn find(&self, session: &Session, changes: u64, now: Instant) -> Option<Arc<Standing>> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.get(place(&session.id))?.as_ref()?;
        let is_known = place.session == session.id
            && now.saturating_duration_since(place.as_of) < AHEAD
            && place.changes == changes;
        is_known.then(|| Arc::clone(&place.standing))
    }

    /// Remembers what was found. `changes` is the count from before it was looked for.
    pub(super) fn keep(&self, session: &Session, standing: &Arc<Standing>, as_of: Instant, changes: u64) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.is_empty() {
            places.resize_with(PLACES, || None);
        }
        let standing = Arc::clone(standing);
        places[place(&session.id)] = Some(Place { session: session.id, standing, as_of, changes });
    }
}

/// Where a session falls: its id is random, and our own, so nobody chooses.
fn place(id: &SessionId) -> usize {
    usize::from(u16::from_le_bytes([id[0], id[1]])) % PLACES
}

impl fmt::Debug for Near {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Near").finish_non_exhaustive()
    }
}
