//! The directory as one node sees it: how a signed-in person stands, and whether the store can be asked at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::act::Act;
use super::near::Near;
use super::refusals::Refusals;
use super::standings::{Known, Standings, Unsure};
use super::watch::Watch;
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::{self, Timestamp};
use crate::model::member::{MemberId, Standing};
use crate::model::person::{Person, Who};
use crate::model::session::Session;
use crate::store::records::ClaimKind;
use crate::store::{Answer, Store, StoreError};

/// People who have left the account and are waited for at a time, while the store does not answer.
const UNFOLLOWING: usize = 100;

/// The directory. One for the whole process, whatever the configuration of the moment.
#[derive(Debug)]
pub struct Directory {
    pub(super) store: Arc<dyn Store>,
    pub(super) standings: Arc<Standings>,
    pub(super) refusals: Refusals,
    /// Places for what the store is told later.
    pub(super) unfollowing: Arc<Semaphore>,
}

impl Directory {
    /// The directory over `store`. What nobody waits for runs on `background`.
    pub fn new(store: Arc<dyn Store>, background: Handle) -> Arc<Self> {
        let standings = Standings::new(Arc::clone(&store), background);
        let unfollowing = Arc::new(Semaphore::new(UNFOLLOWING));
        Arc::new(Self { standings, store, refusals: Refusals::default(), unfollowing })
    }

    /// Who a session belongs to. Remembered by the worker's `near`; the store is asked only about people who were not here
    /// for seconds. While it is down, what it said within `grace` counts.
    pub async fn who(
        &self,
        session: Option<Arc<Session>>,
        near: &Near,
        now: Instant,
        grace: Duration,
    ) -> Who {
        let Some(session) = session else { return Who::Nobody };
        if let Some(standing) = near.find(&session, self.changes(), now) {
            return person(session, standing);
        }
        Box::pin(self.look_up(session, near, now, grace)).await
    }

    /// The same for a person who is about to be refused, who may have been let in elsewhere a moment ago.
    pub async fn who_anew(&self, session: &Arc<Session>, near: &Near, now: Instant, grace: Duration) -> Who {
        let Ok(id) = session.member_id().parse::<MemberId>() else { return Who::Nobody };
        let changes = self.changes();
        let known = self.standings.find_anew(&id, now, grace).await;
        found(session, known, near, changes)
    }

    /// Whether nobody can sign in or administer: the store could not be read, or not be written, a moment ago.
    pub fn is_down(&self) -> bool {
        self.is_silent() || self.standings.health.is_stuck()
    }

    /// Whether not even reading succeeded when the store was last read.
    pub fn is_silent(&self) -> bool {
        self.standings.health.is_silent()
    }

    /// Keeps an eye on a person for as long as something is sent to them.
    pub fn watch(&self, person: &Person, grace: Duration, now: Instant) -> Option<Watch> {
        let id: MemberId = person.session.member_id().parse().ok()?;
        Some(Watch::new(self.standings.slot(&id, now), grace, now))
    }

    /// Writes a line of the audit trail, in the log at once, and in the store as soon as it can be.
    pub async fn note(&self, event: AuditEvent) -> Result<(), StoreError> {
        self.ask(self.store.note(event)).await
    }

    /// The same for what happens whether or not it can be written: nobody waits for the store.
    pub fn note_later(self: &Arc<Self>, event: AuditEvent) {
        let directory = Arc::clone(self);
        self.standings.background().spawn(async move {
            let kind = event.kind.as_str();
            if let Err(error) = directory.note(event).await {
                tracing::warn!(kind, error = %error, "a line of the audit trail could not be written in the store");
            }
        });
    }

    /// A person was refused a page of `route`. Written down in the background, at most once in ten minutes.
    pub fn refused(self: &Arc<Self>, person: &Person, route: &str, act: impl FnOnce(Actor) -> Act) {
        let Ok(id) = person.session.member_id().parse::<MemberId>() else { return };
        if self.refusals.is_new(&id, route, clock::instant()) {
            let act = act(Actor::Member(id.clone()));
            self.note_later(act.note(AuditKind::VisitRefused, Some(&id), route.to_owned()));
        }
    }

    /// Takes a hand-off ticket, which is good once over all nodes: `false` if it was taken before.
    pub async fn claim_ticket(&self, id: [u8; 16], expires: Timestamp) -> Result<bool, StoreError> {
        self.ask(self.store.claim(ClaimKind::Ticket, id, expires)).await
    }

    /// How many changes this node has made.
    pub(super) fn changes(&self) -> u64 {
        self.standings.changes()
    }

    /// Waits for the store to change something, and notes whether it can; not at all if it has just been silent, because
    /// whoever asks may have waited for it before.
    pub(super) async fn ask<T>(&self, answer: Answer<T>) -> Result<T, StoreError> {
        match self.standings.health.refusal() {
            Some(refusal) => Err(refusal),
            None => self.standings.health.writing(answer.await),
        }
    }

    /// Waits for the store to tell something, likewise.
    pub(super) async fn read<T>(&self, answer: Answer<T>) -> Result<T, StoreError> {
        match self.standings.health.refusal() {
            Some(refusal) => Err(refusal),
            None => answer.await,
        }
    }

    /// The same for a change of one member: what this node knows of them no longer counts, whatever came of it.
    pub(super) async fn ask_about<T>(&self, id: &MemberId, answer: Answer<T>) -> Result<T, StoreError> {
        let said = self.ask(answer).await;
        self.standings.forget(id);
        said
    }

    async fn look_up(&self, session: Arc<Session>, near: &Near, now: Instant, grace: Duration) -> Who {
        let Ok(id) = session.member_id().parse::<MemberId>() else { return Who::Nobody };
        let changes = self.changes();
        let known = self.standings.find(&id, now, grace).await;
        found(&session, known, near, changes)
    }
}

/// Who it is by what was found, which the worker remembers.
fn found(session: &Arc<Session>, known: Result<Known, Unsure>, near: &Near, changes: u64) -> Who {
    let Ok(known) = known else { return Who::Unsure };
    let Some(standing) = known.standing else { return Who::Nobody };
    near.keep(session, &standing, known.as_of, changes);
    person(Arc::clone(session), standing)
}

/// The person, unless this session of theirs was ended.
fn person(session: Arc<Session>, standing: Arc<Standing>) -> Who {
    if standing.has_ended(&session) { Who::Nobody } else { Who::Person(Person { session, standing }) }
}
