//! What is sent to a person for long hangs on them: it must not outlive their session, nor their rights.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::model::clock;
use crate::model::person::Person;
use crate::model::route::RouteId;

/// How often somebody is looked after. With the seconds it takes a revocation to be known, an end comes within ten.
pub(super) const ASK: Duration = Duration::from_secs(3);

/// Whoever knows how people stand.
pub trait Anchor: Send + Sync + fmt::Debug {
    /// Keeps an eye on a person who was admitted to a route.
    fn tether(&self, person: &Person, route: RouteId) -> Tether;
}

/// An eye on one person.
pub struct Tether {
    /// When their session ends by itself.
    pub ends: Instant,
    /// Whether they may go on, by what is known at this moment.
    pub goes_on: Box<dyn FnMut(Instant) -> bool + Send>,
}

/// What an answer hangs on. Nothing is done for it until it has lasted for a while: few answers do.
pub(super) struct Leash {
    anchor: Arc<dyn Anchor>,
    person: Person,
    route: RouteId,
    tether: Option<Tether>,
    /// When it was last asked while bytes moved, or would have been.
    asked: Option<Instant>,
}

/// The person may no longer have what is being sent to them.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the session ended, or its rights did, on the way")]
pub(super) struct Ended;

impl Leash {
    /// What is sent to this person on this route.
    pub(super) fn new(anchor: Arc<dyn Anchor>, person: Person, route: RouteId) -> Self {
        Self { anchor, person, route, tether: None, asked: None }
    }

    /// Whether they may go on.
    pub(super) fn holds(&mut self) -> bool {
        let now = clock::instant();
        let tether = self.tether.get_or_insert_with(|| self.anchor.tether(&self.person, self.route));
        now < tether.ends && (tether.goes_on)(now)
    }

    /// Bytes move. Whether they may go on, asked every few seconds.
    pub(super) fn still_holds(&mut self) -> bool {
        let now = clock::instant();
        let asked = *self.asked.get_or_insert(now);
        if now.duration_since(asked) < ASK {
            return true;
        }
        self.asked = Some(now);
        self.holds()
    }

    /// When to ask again at the latest.
    pub(super) fn asks_at(&self) -> Instant {
        let next = clock::instant() + ASK;
        self.tether.as_ref().map_or(next, |tether| next.min(tether.ends))
    }
}

impl fmt::Debug for Leash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Leash").field("route", &self.route).finish_non_exhaustive()
    }
}
