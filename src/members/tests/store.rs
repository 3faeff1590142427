//! A store that is observed: how often standings are read, and what happens when they cannot be.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{AccessRequest, Change, Member, MemberId, SessionId, Standing, Status};
use crate::model::pairing::{Pairing, PairingStep};
use crate::store::records::{
    Arrival, Arrived, AuditQuery, AuditRow, ClaimKind, Conflict, Invite, MemberDetail, MembersQuery,
    OpenSession, PairingBounds, PairingBy, SessionIds, SessionRow, Settlement,
};
use crate::store::{Answer, MemberKey, Store, StoreError};

/// The store behind it, and what is done to readings.
#[derive(Debug)]
pub(super) struct Observed {
    behind: Arc<dyn Store>,
    begun: watch::Sender<usize>,
    ended: watch::Sender<usize>,
    purges: watch::Sender<usize>,
    held: watch::Sender<bool>,
    fails: AtomicBool,
    is_crowded: AtomicBool,
    /// What house is kept by is answered without the store behind it, whose threads know nothing of a clock that jumps.
    is_empty: AtomicBool,
}

impl Observed {
    pub(super) fn over(behind: Arc<dyn Store>) -> Self {
        let (begun, ended, held) = (watch::Sender::new(0), watch::Sender::new(0), watch::Sender::new(false));
        let purges = watch::Sender::new(0);
        let [fails, is_crowded, is_empty] = [(); 3].map(|()| AtomicBool::new(false));
        Self { behind, begun, ended, purges, held, fails, is_crowded, is_empty }
    }

    /// How many readings have begun.
    pub(super) fn readings(&self) -> usize {
        *self.begun.borrow()
    }

    /// Waits until what has run out was deleted so often.
    pub(super) async fn has_purged(&self, count: usize) {
        self.purges.subscribe().wait_for(|purges| *purges >= count).await.unwrap();
    }

    /// Whether what was read is kept back.
    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Whether readings fail from now on.
    pub(super) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Release);
    }

    /// Whether there are too many who ask.
    pub(super) fn crowd(&self, is_crowded: bool) {
        self.is_crowded.store(is_crowded, Ordering::Release);
    }

    /// From now on there is nothing to count and to delete.
    pub(super) fn empty(&self) {
        self.is_empty.store(true, Ordering::Release);
    }

    /// Waits until so many readings have begun.
    pub(super) async fn has_begun(&self, count: usize) {
        self.begun.subscribe().wait_for(|begun| *begun >= count).await.unwrap();
    }

    /// Waits until so many readings have ended.
    pub(super) async fn has_read(&self, count: usize) {
        self.ended.subscribe().wait_for(|ended| *ended >= count).await.unwrap();
    }
}

impl Store for Observed {
    fn standings(&self, of: Vec<MemberId>, now: Timestamp) -> Answer<Vec<(MemberId, Standing)>> {
        self.begun.send_modify(|begun| *begun += 1);
        if self.is_crowded.load(Ordering::Acquire) {
            return Box::pin(async { Err(StoreError::Busy) });
        }
        if self.fails.load(Ordering::Acquire) {
            return Box::pin(async { Err(StoreError::unavailable("on purpose")) });
        }
        let (said, ended, mut held) =
            (self.behind.standings(of, now), self.ended.clone(), self.held.subscribe());
        Box::pin(async move {
            let said = said.await;
            let _ = held.wait_for(|held| !held).await;
            ended.send_modify(|ended| *ended += 1);
            said
        })
    }

    fn arrive(&self, arrival: Arrival) -> Answer<Arrived> {
        self.behind.arrive(arrival)
    }

    fn ask(&self, who: MemberId, request: AccessRequest, note: AuditEvent) -> Answer<Member> {
        self.behind.ask(who, request, note)
    }

    fn change(&self, whom: MemberId, change: Change, note: AuditEvent) -> Answer<Member> {
        self.behind.change(whom, change, note)
    }

    fn forget(&self, whom: MemberId, note: AuditEvent) -> Answer<()> {
        self.behind.forget(whom, note)
    }

    fn members(&self, query: MembersQuery) -> Answer<Vec<Member>> {
        self.behind.members(query)
    }

    fn count_members(&self) -> Answer<Vec<(Status, u64)>> {
        if self.is_empty.load(Ordering::Acquire) {
            return Box::pin(async { Ok(Vec::new()) });
        }
        self.behind.count_members()
    }

    fn member(&self, key: MemberKey, now: Timestamp) -> Answer<Option<MemberDetail>> {
        self.behind.member(key, now)
    }

    fn open_sessions(&self, of: MembersQuery, now: Timestamp) -> Answer<Vec<(Member, Vec<SessionRow>)>> {
        self.behind.open_sessions(of, now)
    }

    fn open_sessions_named(&self, ids: SessionIds, now: Timestamp) -> Answer<Vec<OpenSession>> {
        self.behind.open_sessions_named(ids, now)
    }

    fn end_session(&self, id: SessionId, of: Option<MemberId>, note: AuditEvent) -> Answer<MemberId> {
        self.behind.end_session(id, of, note)
    }

    fn end_sessions(&self, of: MemberId, note: AuditEvent) -> Answer<u64> {
        self.behind.end_sessions(of, note)
    }

    fn unfollow(&self, account: Account, when: Timestamp, note: AuditEvent) -> Answer<Option<MemberId>> {
        self.behind.unfollow(account, when, note)
    }

    fn begin_pairing(&self, pairing: Pairing, bounds: PairingBounds) -> Answer<bool> {
        self.behind.begin_pairing(pairing, bounds)
    }

    fn pairing(&self, by: PairingBy, now: Timestamp) -> Answer<Option<Pairing>> {
        self.behind.pairing(by, now)
    }

    fn advance_pairing(&self, by: PairingBy, step: PairingStep, now: Timestamp) -> Answer<Option<Pairing>> {
        self.behind.advance_pairing(by, step, now)
    }

    fn claim(&self, kind: ClaimKind, id: [u8; 16], expires: Timestamp) -> Answer<bool> {
        self.behind.claim(kind, id, expires)
    }

    fn make_invite(&self, invite: Invite, note: AuditEvent) -> Answer<()> {
        self.behind.make_invite(invite, note)
    }

    fn invite(&self, code_hash: [u8; 32], now: Timestamp) -> Answer<Option<Invite>> {
        self.behind.invite(code_hash, now)
    }

    fn invites(&self, now: Timestamp) -> Answer<Vec<Invite>> {
        self.behind.invites(now)
    }

    fn join(&self, code_hash: [u8; 32], who: MemberId, note: AuditEvent) -> Answer<Member> {
        self.behind.join(code_hash, who, note)
    }

    fn withdraw_invite(&self, id: String, note: AuditEvent) -> Answer<()> {
        self.behind.withdraw_invite(id, note)
    }

    fn needs_setup(&self) -> Answer<bool> {
        self.behind.needs_setup()
    }

    fn make_setup_link(&self, code_hash: [u8; 32], expires: Timestamp, note: AuditEvent) -> Answer<()> {
        self.behind.make_setup_link(code_hash, expires, note)
    }

    fn is_setup_link(&self, code_hash: [u8; 32], now: Timestamp) -> Answer<bool> {
        self.behind.is_setup_link(code_hash, now)
    }

    fn set_up(&self, code_hash: [u8; 32], who: MemberId, note: AuditEvent) -> Answer<Member> {
        self.behind.set_up(code_hash, who, note)
    }

    fn conflicts(&self) -> Answer<Vec<Conflict>> {
        self.behind.conflicts()
    }

    fn settle(&self, id: String, settlement: Settlement, note: AuditEvent) -> Answer<Conflict> {
        self.behind.settle(id, settlement, note)
    }

    fn note(&self, event: AuditEvent) -> Answer<()> {
        self.behind.note(event)
    }

    fn audit(&self, query: AuditQuery) -> Answer<Vec<AuditRow>> {
        self.behind.audit(query)
    }

    fn purge(&self, now: Timestamp, audit_from: Timestamp) -> Answer<bool> {
        self.purges.send_modify(|purges| *purges += 1);
        if self.is_empty.load(Ordering::Acquire) {
            return Box::pin(async { Ok(false) });
        }
        self.behind.purge(now, audit_from)
    }

    fn check(&self) -> Answer<()> {
        if self.is_empty.load(Ordering::Acquire) {
            return Box::pin(async { Ok(()) });
        }
        self.behind.check()
    }

    fn backup(&self, to: PathBuf) -> Answer<()> {
        self.behind.backup(to)
    }

    fn place(&self) -> String {
        self.behind.place()
    }
}
