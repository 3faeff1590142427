//! The rows of the store in SQLite: which file says which of them.

use rusqlite::Connection;

use super::super::records::{
    AccountRow, AuditQuery, AuditRow, ClaimKind, Conflict, Invite, MembersQuery, NewSession, PairingBy,
    SessionIds, SessionRow,
};
use super::super::tables::{Row, Tables};
use super::super::trail::Trail;
use super::{accounts, codes, conflicts, listing, members, pairings, removal};
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{Member, MemberId, SessionId, Standing, Status, UserName};
use crate::model::pairing::Pairing;

/// A transaction on one connection, which nobody else uses meanwhile, and what it notes.
pub(super) struct SqliteTables<'a>(pub(super) &'a mut Connection, pub(super) Trail);

/// None of them waits: SQLite answers at once, or not at all.
impl Tables for SqliteTables<'_> {
    /// The transaction began as one that writes: nobody else writes until its end.
    async fn lock_directory(&mut self) -> Row<()> {
        Ok(())
    }

    async fn member(&mut self, id: &MemberId) -> Row<Option<Member>> {
        members::by_id(self.0, id)
    }

    async fn member_called(&mut self, name: &UserName) -> Row<Option<Member>> {
        members::by_user_name(self.0, name)
    }

    async fn member_of_unionid(&mut self, unionid: &str) -> Row<Option<Member>> {
        members::by_unionid(self.0, unionid)
    }

    async fn members(&mut self, query: &MembersQuery) -> Row<Vec<Member>> {
        listing::members(self.0, query)
    }

    async fn count_members(&mut self) -> Row<Vec<(Status, u64)>> {
        members::count(self.0)
    }

    async fn has_other_admin(&mut self, than: Option<&MemberId>) -> Row<bool> {
        members::has_other_admin(self.0, than)
    }

    async fn put_member(&mut self, member: &Member) -> Row<()> {
        members::put(self.0, member)
    }

    async fn remove_member(&mut self, id: &MemberId) -> Row<()> {
        removal::member(self.0, id)
    }

    async fn standings(&mut self, of: &[MemberId], now: Timestamp) -> Row<Vec<(MemberId, Standing)>> {
        members::standings(self.0, of, now)
    }

    async fn account(&mut self, account: &Account) -> Row<Option<AccountRow>> {
        accounts::account(self.0, account)
    }

    async fn accounts(&mut self, of: &MemberId) -> Row<Vec<AccountRow>> {
        accounts::accounts(self.0, of)
    }

    async fn put_account(&mut self, account: &AccountRow) -> Row<()> {
        accounts::put_account(self.0, account)
    }

    async fn add_session(&mut self, of: &MemberId, session: &NewSession) -> Row<()> {
        accounts::add_session(self.0, of, session)
    }

    async fn sessions(&mut self, of: &MemberId, now: Timestamp) -> Row<Vec<SessionRow>> {
        accounts::sessions(self.0, of, now)
    }

    async fn open_sessions(&mut self, of: &[MemberId], now: Timestamp) -> Row<Vec<SessionRow>> {
        accounts::open_sessions(self.0, of, now)
    }

    async fn open_sessions_named(
        &mut self,
        ids: &SessionIds,
        now: Timestamp,
        most: u32,
    ) -> Row<Vec<SessionRow>> {
        accounts::open_sessions_named(self.0, ids, now, most)
    }

    async fn end_session(&mut self, id: &SessionId) -> Row<Option<MemberId>> {
        accounts::end_session(self.0, id)
    }

    async fn end_sessions(&mut self, of: &MemberId, except: Option<&SessionId>) -> Row<u64> {
        accounts::end_sessions(self.0, of, except)
    }

    async fn remove_sessions_before(&mut self, of: &MemberId, moment: Timestamp) -> Row<()> {
        accounts::remove_sessions_before(self.0, of, moment)
    }

    async fn claim(&mut self, kind: ClaimKind, id: &[u8; 16], expires: Timestamp) -> Row<bool> {
        codes::claim(self.0, kind, id, expires)
    }

    async fn put_invite(&mut self, invite: &Invite) -> Row<()> {
        codes::put_invite(self.0, invite)
    }

    async fn invite(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<Option<Invite>> {
        codes::invite(self.0, code_hash, now)
    }

    async fn use_invite(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<Option<Invite>> {
        codes::use_invite(self.0, code_hash, now)
    }

    async fn invites(&mut self, now: Timestamp) -> Row<Vec<Invite>> {
        codes::invites(self.0, now)
    }

    async fn remove_invite(&mut self, id: &str) -> Row<bool> {
        codes::remove_invite(self.0, id)
    }

    async fn add_setup_link(&mut self, code_hash: &[u8; 32], expires: Timestamp) -> Row<()> {
        codes::add_setup_link(self.0, code_hash, expires)
    }

    async fn has_setup_link(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<bool> {
        codes::has_setup_link(self.0, code_hash, now)
    }

    async fn use_setup_link(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<bool> {
        codes::use_setup_link(self.0, code_hash, now)
    }

    async fn remove_setup_links(&mut self) -> Row<()> {
        codes::remove_setup_links(self.0)
    }

    async fn count_pairings(&mut self, network: &str, now: Timestamp, most: u32) -> Row<(u32, u32)> {
        pairings::count(self.0, network, now, most)
    }

    async fn drop_waiting(&mut self, network: Option<&str>, now: Timestamp) -> Row<bool> {
        pairings::drop_waiting(self.0, network, now)
    }

    async fn drop_answers(&mut self, account: &Account, when: Timestamp) -> Row<()> {
        pairings::drop_answers(self.0, account, when)
    }

    async fn add_pairing(&mut self, pairing: &Pairing) -> Row<()> {
        pairings::add(self.0, pairing)
    }

    async fn pairing(&mut self, by: &PairingBy, now: Timestamp) -> Row<Option<Pairing>> {
        pairings::one(self.0, by, now)
    }

    async fn advance_pairing(&mut self, pairing: &Pairing, before: &'static str) -> Row<bool> {
        pairings::advance(self.0, pairing, before)
    }

    async fn add_conflict(&mut self, conflict: &Conflict) -> Row<bool> {
        conflicts::add(self.0, conflict)
    }

    async fn conflicts(&mut self) -> Row<Vec<Conflict>> {
        conflicts::open(self.0)
    }

    async fn blocked_twin(&mut self, of: &MemberId) -> Row<Option<Member>> {
        conflicts::blocked_twin(self.0, of)
    }

    async fn settle_conflict(&mut self, id: &str) -> Row<Option<Conflict>> {
        conflicts::settle(self.0, id)
    }

    async fn write_line(&mut self, event: &AuditEvent) -> Row<()> {
        listing::note(self.0, event)
    }

    fn trail(&mut self) -> &mut Trail {
        &mut self.1
    }

    async fn audit(&mut self, query: &AuditQuery) -> Row<Vec<AuditRow>> {
        listing::audit(self.0, query)
    }

    async fn purge(&mut self, now: Timestamp, audit_from: Timestamp, most: u32) -> Row<bool> {
        removal::purge(self.0, now, audit_from, most)
    }
}
