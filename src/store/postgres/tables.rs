//! Every row operation, and where it is said in SQL.

use super::super::records::{
    AccountRow, AuditQuery, AuditRow, ClaimKind, Conflict, Invite, MembersQuery, NewSession, PairingBy,
    SessionIds, SessionRow,
};
use super::super::tables::{Row, Tables};
use super::super::trail::Trail;
use super::session::Session;
use super::{accounts, audit, members, once, pairings, sessions};
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{Member, MemberId, SessionId, Standing, Status, UserName};
use crate::model::pairing::Pairing;

impl Tables for Session<'_> {
    async fn lock_directory(&mut self) -> Row<()> {
        Session::lock_directory(self).await
    }

    async fn member(&mut self, id: &MemberId) -> Row<Option<Member>> {
        members::by_id(self, id).await
    }

    async fn member_called(&mut self, name: &UserName) -> Row<Option<Member>> {
        members::called(self, name).await
    }

    async fn member_of_unionid(&mut self, unionid: &str) -> Row<Option<Member>> {
        members::of_unionid(self, unionid).await
    }

    async fn members(&mut self, query: &MembersQuery) -> Row<Vec<Member>> {
        members::page(self, query).await
    }

    async fn count_members(&mut self) -> Row<Vec<(Status, u64)>> {
        members::count(self).await
    }

    async fn has_other_admin(&mut self, than: Option<&MemberId>) -> Row<bool> {
        members::has_other_admin(self, than).await
    }

    async fn put_member(&mut self, member: &Member) -> Row<()> {
        members::put(self, member).await
    }

    async fn remove_member(&mut self, id: &MemberId) -> Row<()> {
        members::remove(self, id).await
    }

    async fn standings(&mut self, of: &[MemberId], now: Timestamp) -> Row<Vec<(MemberId, Standing)>> {
        members::standings(self, of, now).await
    }

    async fn account(&mut self, account: &Account) -> Row<Option<AccountRow>> {
        accounts::one(self, account).await
    }

    async fn accounts(&mut self, of: &MemberId) -> Row<Vec<AccountRow>> {
        accounts::of(self, of).await
    }

    async fn put_account(&mut self, account: &AccountRow) -> Row<()> {
        accounts::put(self, account).await
    }

    async fn add_session(&mut self, of: &MemberId, session: &NewSession) -> Row<()> {
        sessions::add(self, of, session).await
    }

    async fn sessions(&mut self, of: &MemberId, now: Timestamp) -> Row<Vec<SessionRow>> {
        sessions::of(self, of, now).await
    }

    async fn open_sessions(&mut self, of: &[MemberId], now: Timestamp) -> Row<Vec<SessionRow>> {
        sessions::open(self, of, now).await
    }

    async fn open_sessions_named(
        &mut self,
        ids: &SessionIds,
        now: Timestamp,
        most: u32,
    ) -> Row<Vec<SessionRow>> {
        sessions::named(self, ids, now, most).await
    }

    async fn end_session(&mut self, id: &SessionId) -> Row<Option<MemberId>> {
        sessions::end(self, id).await
    }

    async fn end_sessions(&mut self, of: &MemberId, except: Option<&SessionId>) -> Row<u64> {
        sessions::end_all(self, of, except).await
    }

    async fn remove_sessions_before(&mut self, of: &MemberId, moment: Timestamp) -> Row<()> {
        sessions::remove_before(self, of, moment).await
    }

    async fn claim(&mut self, kind: ClaimKind, id: &[u8; 16], expires: Timestamp) -> Row<bool> {
        once::claim(self, kind, id, expires).await
    }

    async fn put_invite(&mut self, invite: &Invite) -> Row<()> {
        once::put_invite(self, invite).await
    }

    async fn invite(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<Option<Invite>> {
        once::invite(self, code_hash, now).await
    }

    async fn use_invite(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<Option<Invite>> {
        once::use_invite(self, code_hash, now).await
    }

    async fn invites(&mut self, now: Timestamp) -> Row<Vec<Invite>> {
        once::invites(self, now).await
    }

    async fn remove_invite(&mut self, id: &str) -> Row<bool> {
        once::remove_invite(self, id).await
    }

    async fn add_setup_link(&mut self, code_hash: &[u8; 32], expires: Timestamp) -> Row<()> {
        once::add_setup_link(self, code_hash, expires).await
    }

    async fn has_setup_link(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<bool> {
        once::has_setup_link(self, code_hash, now).await
    }

    async fn use_setup_link(&mut self, code_hash: &[u8; 32], now: Timestamp) -> Row<bool> {
        once::use_setup_link(self, code_hash, now).await
    }

    async fn remove_setup_links(&mut self) -> Row<()> {
        once::remove_setup_links(self).await
    }

    async fn count_pairings(&mut self, network: &str, now: Timestamp, most: u32) -> Row<(u32, u32)> {
        pairings::count(self, network, now, most).await
    }

    async fn drop_waiting(&mut self, network: Option<&str>, now: Timestamp) -> Row<bool> {
        pairings::drop_waiting(self, network, now).await
    }

    async fn drop_answers(&mut self, account: &Account, when: Timestamp) -> Row<()> {
        pairings::drop_answers(self, account, when).await
    }

    async fn add_pairing(&mut self, pairing: &Pairing) -> Row<()> {
        pairings::add(self, pairing).await
    }

    async fn pairing(&mut self, by: &PairingBy, now: Timestamp) -> Row<Option<Pairing>> {
        pairings::one(self, by, now).await
    }

    async fn advance_pairing(&mut self, pairing: &Pairing, before: &'static str) -> Row<bool> {
        pairings::advance(self, pairing, before).await
    }

    async fn add_conflict(&mut self, conflict: &Conflict) -> Row<bool> {
        accounts::add_conflict(self, conflict).await
    }

    async fn conflicts(&mut self) -> Row<Vec<Conflict>> {
        accounts::conflicts(self).await
    }

    async fn blocked_twin(&mut self, of: &MemberId) -> Row<Option<Member>> {
        members::blocked_twin(self, of).await
    }

    async fn settle_conflict(&mut self, id: &str) -> Row<Option<Conflict>> {
        accounts::settle(self, id).await
    }

    async fn write_line(&mut self, event: &AuditEvent) -> Row<()> {
        audit::note(self, event).await
    }

    fn trail(&mut self) -> &mut Trail {
        Session::trail(self)
    }

    async fn audit(&mut self, query: &AuditQuery) -> Row<Vec<AuditRow>> {
        audit::page(self, query).await
    }

    async fn purge(&mut self, now: Timestamp, audit_from: Timestamp, most: u32) -> Row<bool> {
        once::purge(self, now, audit_from, most).await
    }
}
