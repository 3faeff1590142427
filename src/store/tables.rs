//! The rows of the store: what each kind of database says in its own SQL, inside one transaction. Sentences are made of it.

use std::future::Future;

use super::StoreError;
use super::records::{
    AccountRow, AuditQuery, AuditRow, ClaimKind, Conflict, Invite, MembersQuery, NewSession, PairingBy,
    SessionIds, SessionRow,
};
use super::trail::Trail;
use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{Member, MemberId, SessionId, Standing, Status, UserName};
use crate::model::pairing::Pairing;

/// What one row operation comes to.
pub(super) type Row<T> = Result<T, StoreError>;

/// A transaction that is open. It is taken back unless the sentence comes true.
///
/// Everything here is one statement, or one per table. `put_` writes a row whole, whether it is there or not.
pub(super) trait Tables: Send {
    /// Lets no other node change the directory until the end of the transaction.
    fn lock_directory(&mut self) -> impl Future<Output = Row<()>> + Send;

    // --- members ---

    /// The member of this id.
    fn member(&mut self, id: &MemberId) -> impl Future<Output = Row<Option<Member>>> + Send;
    /// The member of this user name, in any case of letters.
    fn member_called(&mut self, name: &UserName) -> impl Future<Output = Row<Option<Member>>> + Send;
    /// Who has the unionid.
    fn member_of_unionid(&mut self, unionid: &str) -> impl Future<Output = Row<Option<Member>>> + Send;
    /// One page of members, last sign-in first (then by id, ascending); with `Status::Pending` who asked first comes first.
    fn members(&mut self, query: &MembersQuery) -> impl Future<Output = Row<Vec<Member>>> + Send;
    /// How many members of each status there are.
    fn count_members(&mut self) -> impl Future<Output = Row<Vec<(Status, u64)>>> + Send;
    /// Whether an active administrator other than this member is there.
    fn has_other_admin(&mut self, than: Option<&MemberId>) -> impl Future<Output = Row<bool>> + Send;
    /// Writes a member. A user name that somebody else has is `ChangeError::UserNameTaken`.
    fn put_member(&mut self, member: &Member) -> impl Future<Output = Row<()>> + Send;
    /// Deletes a member with accounts, sessions, conflicts and what a phone of theirs said of pairings. Their lines of the audit trail go too; in what they did with
    /// others the address (`client`) goes, and their id stays.
    fn remove_member(&mut self, id: &MemberId) -> impl Future<Output = Row<()>> + Send;
    /// The standings of these members, in any order; unknown ids are left out. `Standing::ended` holds the ended sessions
    /// that would not have run out at `now`.
    fn standings(
        &mut self,
        of: &[MemberId],
        now: Timestamp,
    ) -> impl Future<Output = Row<Vec<(MemberId, Standing)>>> + Send;

    // --- accounts ---

    /// Whose the account is.
    fn account(&mut self, account: &Account) -> impl Future<Output = Row<Option<AccountRow>>> + Send;
    /// All accounts of a member, first seen first.
    fn accounts(&mut self, of: &MemberId) -> impl Future<Output = Row<Vec<AccountRow>>> + Send;
    /// Writes an account.
    fn put_account(&mut self, account: &AccountRow) -> impl Future<Output = Row<()>> + Send;

    // --- sessions ---

    /// Writes a session that begins.
    fn add_session(&mut self, of: &MemberId, session: &NewSession) -> impl Future<Output = Row<()>> + Send;
    /// The sessions of a member that have not run out at `now`, newest first, ended ones too.
    fn sessions(
        &mut self,
        of: &MemberId,
        now: Timestamp,
    ) -> impl Future<Output = Row<Vec<SessionRow>>> + Send;
    /// Those sessions of these members that have neither run out at `now` nor were ended, of each the newest first.
    fn open_sessions(
        &mut self,
        of: &[MemberId],
        now: Timestamp,
    ) -> impl Future<Output = Row<Vec<SessionRow>>> + Send;
    /// The same of anybody, with ids in this range, by id, and not more than `most`.
    fn open_sessions_named(
        &mut self,
        ids: &SessionIds,
        now: Timestamp,
        most: u32,
    ) -> impl Future<Output = Row<Vec<SessionRow>>> + Send;
    /// Ends a session; whose it was, if it was there and open.
    fn end_session(&mut self, id: &SessionId) -> impl Future<Output = Row<Option<MemberId>>> + Send;
    /// Ends all sessions of a member but one.
    fn end_sessions(
        &mut self,
        of: &MemberId,
        except: Option<&SessionId>,
    ) -> impl Future<Output = Row<u64>> + Send;
    /// Deletes a member's sessions that began before this moment.
    fn remove_sessions_before(
        &mut self,
        of: &MemberId,
        moment: Timestamp,
    ) -> impl Future<Output = Row<()>> + Send;

    // --- what is good for a time or for once ---

    /// Takes a thing that may be used once, in one statement: `false` if it was taken before.
    fn claim(
        &mut self,
        kind: ClaimKind,
        id: &[u8; 16],
        expires: Timestamp,
    ) -> impl Future<Output = Row<bool>> + Send;
    /// Writes an invitation.
    fn put_invite(&mut self, invite: &Invite) -> impl Future<Output = Row<()>> + Send;
    /// The invitation with this code if it is still good, without using it.
    fn invite(
        &mut self,
        code_hash: &[u8; 32],
        now: Timestamp,
    ) -> impl Future<Output = Row<Option<Invite>>> + Send;
    /// Uses an invitation once, in one statement; as it is afterwards, `None` if it is no longer good.
    fn use_invite(
        &mut self,
        code_hash: &[u8; 32],
        now: Timestamp,
    ) -> impl Future<Output = Row<Option<Invite>>> + Send;
    /// All invitations that are still good, newest first.
    fn invites(&mut self, now: Timestamp) -> impl Future<Output = Row<Vec<Invite>>> + Send;
    /// Deletes an invitation; whether it was there.
    fn remove_invite(&mut self, id: &str) -> impl Future<Output = Row<bool>> + Send;
    /// Writes a setup link.
    fn add_setup_link(
        &mut self,
        code_hash: &[u8; 32],
        expires: Timestamp,
    ) -> impl Future<Output = Row<()>> + Send;
    /// Whether the setup link is good, without using it.
    fn has_setup_link(
        &mut self,
        code_hash: &[u8; 32],
        now: Timestamp,
    ) -> impl Future<Output = Row<bool>> + Send;
    /// Uses a setup link, in one statement: `false` if it is not good.
    fn use_setup_link(
        &mut self,
        code_hash: &[u8; 32],
        now: Timestamp,
    ) -> impl Future<Output = Row<bool>> + Send;
    /// Deletes all setup links.
    fn remove_setup_links(&mut self) -> impl Future<Output = Row<()>> + Send;

    // --- browsers that wait for a phone ---

    /// How many pairings keep room at `now`, which are those that wait or were scanned: in all (counted up to `most`), and of
    /// a network.
    fn count_pairings(
        &mut self,
        network: &str,
        now: Timestamp,
        most: u32,
    ) -> impl Future<Output = Row<(u32, u32)>> + Send;
    /// Deletes the oldest pairing that waits: of this network, or of the one of which most wait. Whether there was one.
    fn drop_waiting(
        &mut self,
        network: Option<&str>,
        now: Timestamp,
    ) -> impl Future<Output = Row<bool>> + Send;
    /// Deletes the pairings begun until `when` that this account was called for, whatever it has answered.
    fn drop_answers(&mut self, account: &Account, when: Timestamp) -> impl Future<Output = Row<()>> + Send;
    /// Writes a pairing, unless the browser has begun one already.
    fn add_pairing(&mut self, pairing: &Pairing) -> impl Future<Output = Row<()>> + Send;
    /// A pairing that has not run out at `now`.
    fn pairing(
        &mut self,
        by: &PairingBy,
        now: Timestamp,
    ) -> impl Future<Output = Row<Option<Pairing>>> + Send;
    /// Writes the state of a pairing, in one statement, if the state before is still the one of this word; whether it was.
    fn advance_pairing(
        &mut self,
        pairing: &Pairing,
        before: &'static str,
    ) -> impl Future<Output = Row<bool>> + Send;

    // --- conflicts ---

    /// Writes a conflict, unless one of this account and these two members was found before, settled or not; whether it did.
    fn add_conflict(&mut self, conflict: &Conflict) -> impl Future<Output = Row<bool>> + Send;
    /// All conflicts that nobody has settled, newest first.
    fn conflicts(&mut self) -> impl Future<Output = Row<Vec<Conflict>>> + Send;
    /// Somebody blocked who is probably the same person as this member: an open conflict is between the two.
    fn blocked_twin(&mut self, of: &MemberId) -> impl Future<Output = Row<Option<Member>>> + Send;
    /// Marks a conflict as settled and gives it; `None` if there is none of this id that is open.
    fn settle_conflict(&mut self, id: &str) -> impl Future<Output = Row<Option<Conflict>>> + Send;

    // --- the audit trail ---

    /// Writes a line about what the sentence does; the log has it as soon as that has come true.
    fn note(&mut self, event: &AuditEvent) -> impl Future<Output = Row<()>> + Send {
        async move {
            self.write_line(event).await?;
            self.trail().add(event);
            Ok(())
        }
    }
    /// Writes a line that the log has already.
    fn write_line(&mut self, event: &AuditEvent) -> impl Future<Output = Row<()>> + Send;
    /// The lines that were noted in this transaction. Whoever commits it says them.
    fn trail(&mut self) -> &mut Trail;
    /// One page of lines, newest first.
    fn audit(&mut self, query: &AuditQuery) -> impl Future<Output = Row<Vec<AuditRow>>> + Send;

    // --- housekeeping ---

    /// Deletes sessions, claims, invitations, setup links and pairings that have run out at `now`, and lines of the audit trail from
    /// before `audit_from`, at most `most` of each; whether there may be more.
    fn purge(
        &mut self,
        now: Timestamp,
        audit_from: Timestamp,
        most: u32,
    ) -> impl Future<Output = Row<bool>> + Send;
}
