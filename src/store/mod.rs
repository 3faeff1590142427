//! What outlives the process: members, sessions, invitations, the audit trail. One set of sentences, two kinds of database.
//!
//! [`Store`] is what everybody else sees, with its contract. A sentence (`sentences/`) is made of row operations
//! (`tables.rs`), which each kind of database says in its own SQL (`sqlite/`, `postgres/`). To add another kind of
//! database, implement [`Tables`](tables::Tables) and [`Dialect`], and run the contract suite (`contract.rs`) on it.

#[cfg(test)]
mod contract;
mod error;
mod marker;
mod migrations;
mod open;
mod postgres;
pub mod records;
mod sentences;
mod sqlite;
mod tables;
mod text;
mod trail;
mod url;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use crate::model::audit::AuditEvent;
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{AccessRequest, Change, Member, MemberId, SessionId, Standing, Status, UserName};
use crate::model::pairing::{Pairing, PairingStep};
use crate::telemetry::audit;
use records::{
    Arrival, Arrived, AuditQuery, AuditRow, ClaimKind, Conflict, Invite, MemberDetail, MembersQuery,
    OpenSession, PairingBounds, PairingBy, SessionIds, SessionRow, Settlement,
};
use tables::{Row, Tables};

pub use error::{OpenError, StoreError};
pub use open::{Opening, StoreSettings, open};
pub use url::StoreUrl;

/// What the store will have said.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// How a member is called by whoever looks for one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MemberKey {
    /// By an account.
    Account(Account),
    /// By the stable name.
    Id(MemberId),
    /// By the name for applications, in any case of letters.
    UserName(UserName),
}

/// The store, in sentences of the domain.
///
/// # Contract
/// - A sentence comes true whole or not at all; once it has answered `Ok`, it survives a kill of this process.
/// - Sentences that change the directory happen one after the other, over all nodes.
/// - What may happen once happens once over all nodes, by one atomic statement.
/// - The line of the audit trail that comes with a change is written with it, or neither is. The log has exactly the lines
///   that were written, whether or not somebody still waits for the answer.
/// - Every sentence answers within two seconds: a database that does not answer is [`StoreError::Unavailable`], and a
///   sentence that was answered so may have come true all the same, but not later than that.
/// - Futures may be awaited on any runtime, and dropped at any time.
pub trait Store: fmt::Debug + Send + Sync {
    /// Somebody has signed in: finds them by account, else by unionid, or makes a record; writes the session.
    ///
    /// A unionid that comes later is kept. One that belongs to another member is a conflict for the administrator, and
    /// changes nothing; only a block counts for both. Whoever is blocked gets no session. Old sessions beyond a hundred end.
    fn arrive(&self, arrival: Arrival) -> Answer<Arrived>;
    /// How these members stand; unknown ids are left out.
    fn standings(&self, of: Vec<MemberId>, now: Timestamp) -> Answer<Vec<(MemberId, Standing)>>;
    /// A guest asks for access. For anybody else nothing changes. The member as they are afterwards.
    fn ask(&self, who: MemberId, request: AccessRequest, note: AuditEvent) -> Answer<Member>;
    /// An administrator changes a member; blocking ends their sessions. The member as they are afterwards.
    fn change(&self, whom: MemberId, change: Change, note: AuditEvent) -> Answer<Member>;
    /// Deletes everything about a person, also from the files where the database lets us; only `note` and what they did
    /// with others stays, by id.
    fn forget(&self, whom: MemberId, note: AuditEvent) -> Answer<()>;
    /// One page of members.
    fn members(&self, query: MembersQuery) -> Answer<Vec<Member>>;
    /// How many members of each status there are.
    fn count_members(&self) -> Answer<Vec<(Status, u64)>>;
    /// Everything about one member.
    fn member(&self, key: MemberKey, now: Timestamp) -> Answer<Option<MemberDetail>>;
    /// One page of members, each with the sessions that count at `now`, newest first.
    fn open_sessions(&self, of: MembersQuery, now: Timestamp) -> Answer<Vec<(Member, Vec<SessionRow>)>>;
    /// Sessions of these ids that count at `now`, by id; a hundred at most.
    fn open_sessions_named(&self, ids: SessionIds, now: Timestamp) -> Answer<Vec<OpenSession>>;
    /// Ends one session, of this member if one is named. Whose it was.
    fn end_session(&self, id: SessionId, of: Option<MemberId>, note: AuditEvent) -> Answer<MemberId>;
    /// Ends all sessions of a member. How many were open.
    fn end_sessions(&self, of: MemberId, note: AuditEvent) -> Answer<u64>;
    /// Somebody left the Official Account at `when`: ends the sessions that had begun by then, and none that came after.
    /// Whose they were; `None` when nobody is known by the account, or the same was said before, which changes nothing.
    fn unfollow(&self, account: Account, when: Timestamp, note: AuditEvent) -> Answer<Option<MemberId>>;
    /// Takes a thing that may be used once: `false` if it was taken before.
    fn claim(&self, kind: ClaimKind, id: [u8; 16], expires: Timestamp) -> Answer<bool>;
    /// Keeps an invitation.
    fn make_invite(&self, invite: Invite, note: AuditEvent) -> Answer<()>;
    /// The invitation with this code, if it is still good.
    fn invite(&self, code_hash: [u8; 32], now: Timestamp) -> Answer<Option<Invite>>;
    /// All invitations that are still good.
    fn invites(&self, now: Timestamp) -> Answer<Vec<Invite>>;
    /// Makes somebody a member by invitation, and uses it once; a member who is in all of its groups uses it not.
    fn join(&self, code_hash: [u8; 32], who: MemberId, note: AuditEvent) -> Answer<Member>;
    /// Takes an invitation back.
    fn withdraw_invite(&self, id: String, note: AuditEvent) -> Answer<()>;
    /// Whether nobody can administer.
    fn needs_setup(&self) -> Answer<bool>;
    /// Keeps a setup link.
    fn make_setup_link(&self, code_hash: [u8; 32], expires: Timestamp, note: AuditEvent) -> Answer<()>;
    /// Whether a setup link is good.
    fn is_setup_link(&self, code_hash: [u8; 32], now: Timestamp) -> Answer<bool>;
    /// Makes somebody an administrator by a setup link, which ends all setup links.
    fn set_up(&self, code_hash: [u8; 32], who: MemberId, note: AuditEvent) -> Answer<Member>;
    /// All conflicts that nobody has settled.
    fn conflicts(&self) -> Answer<Vec<Conflict>>;
    /// Settles a conflict.
    fn settle(&self, id: String, settlement: Settlement, note: AuditEvent) -> Answer<Conflict>;
    /// A browser begins to wait for a phone; once more says nothing new. Where too many wait, the oldest
    /// that nobody has scanned makes room, of a full network its own; `false` if there is none.
    fn begin_pairing(&self, pairing: Pairing, bounds: PairingBounds) -> Answer<bool>;
    /// A pairing, if it is not too late.
    fn pairing(&self, by: PairingBy, now: Timestamp) -> Answer<Option<Pairing>>;
    /// The next step of a pairing ([`Pairing::after`]); as it is afterwards, `None` if the step does not follow, or somebody
    /// else has just taken one.
    fn advance_pairing(&self, by: PairingBy, step: PairingStep, now: Timestamp) -> Answer<Option<Pairing>>;
    /// Writes a line of the audit trail about what has happened already, whether or not it can be written: the log has it at
    /// once.
    fn note(&self, event: AuditEvent) -> Answer<()>;
    /// One page of the audit trail.
    fn audit(&self, query: AuditQuery) -> Answer<Vec<AuditRow>>;
    /// Deletes what has run out at `now`, and lines of the audit trail from before `audit_from`. A part of it, so that
    /// nobody waits for long: `true` if it is to be said again.
    fn purge(&self, now: Timestamp, audit_from: Timestamp) -> Answer<bool>;
    /// Whether the database answers, and is still the one that was opened.
    fn check(&self) -> Answer<()>;
    /// Copies the whole database to a new file while it is in use.
    fn backup(&self, to: PathBuf) -> Answer<()>;
    /// Which database it is, without its password.
    fn place(&self) -> String;
}

/// One thing the store can be told, made of row operations.
trait Sentence: Send + 'static {
    /// What it says back.
    type Answer: Send + 'static;
    /// Whether it changes anything.
    const WRITES: bool;
    /// Whether requests wait for it: then it has a lane of its own, which no crowd at other doors can fill.
    const URGENT: bool = false;
    /// Whether what was deleted must not be found in any file of the database any more.
    const ERASES: bool = false;
    /// Says it inside a transaction, which is taken back if it fails.
    fn say<T: Tables>(self, tables: &mut T) -> impl Future<Output = Row<Self::Answer>> + Send;
}

/// A kind of database.
trait Dialect: fmt::Debug + Send + Sync {
    /// Says a sentence in a transaction of its own.
    fn say<S: Sentence>(&self, sentence: S) -> Answer<S::Answer>;
    /// As [`Store::check`].
    fn check(&self) -> Answer<()>;
    /// As [`Store::backup`].
    fn backup(&self, to: PathBuf) -> Answer<()>;
    /// As [`Store::place`].
    fn place(&self) -> String;
}

impl<D: Dialect> Store for D {
    fn arrive(&self, arrival: Arrival) -> Answer<Arrived> {
        self.say(arrival)
    }

    fn standings(&self, of: Vec<MemberId>, now: Timestamp) -> Answer<Vec<(MemberId, Standing)>> {
        self.say(sentences::Standings { of, now })
    }

    fn ask(&self, who: MemberId, request: AccessRequest, note: AuditEvent) -> Answer<Member> {
        self.say(sentences::Ask { who, request, note })
    }

    fn change(&self, whom: MemberId, change: Change, note: AuditEvent) -> Answer<Member> {
        self.say(sentences::MakeChange { whom, change, note })
    }

    fn forget(&self, whom: MemberId, note: AuditEvent) -> Answer<()> {
        self.say(sentences::Forget { whom, note })
    }

    fn members(&self, query: MembersQuery) -> Answer<Vec<Member>> {
        self.say(query)
    }

    fn count_members(&self) -> Answer<Vec<(Status, u64)>> {
        self.say(sentences::CountMembers)
    }

    fn member(&self, key: MemberKey, now: Timestamp) -> Answer<Option<MemberDetail>> {
        self.say(sentences::Detail { key, now })
    }

    fn open_sessions(&self, of: MembersQuery, now: Timestamp) -> Answer<Vec<(Member, Vec<SessionRow>)>> {
        self.say(sentences::OpenSessions { of, now })
    }

    fn open_sessions_named(&self, ids: SessionIds, now: Timestamp) -> Answer<Vec<OpenSession>> {
        self.say(sentences::NamedSessions { ids, now })
    }

    fn end_session(&self, id: SessionId, of: Option<MemberId>, note: AuditEvent) -> Answer<MemberId> {
        self.say(sentences::EndSession { id, of, note })
    }

    fn end_sessions(&self, of: MemberId, note: AuditEvent) -> Answer<u64> {
        self.say(sentences::EndSessions { of, note })
    }

    fn unfollow(&self, account: Account, when: Timestamp, note: AuditEvent) -> Answer<Option<MemberId>> {
        self.say(sentences::Unfollow { account, when, note })
    }

    fn claim(&self, kind: ClaimKind, id: [u8; 16], expires: Timestamp) -> Answer<bool> {
        self.say(sentences::Claim { kind, id, expires })
    }

    fn make_invite(&self, invite: Invite, note: AuditEvent) -> Answer<()> {
        self.say(sentences::MakeInvite { invite, note })
    }

    fn invite(&self, code_hash: [u8; 32], now: Timestamp) -> Answer<Option<Invite>> {
        self.say(sentences::FindInvite { code_hash, now })
    }

    fn invites(&self, now: Timestamp) -> Answer<Vec<Invite>> {
        self.say(sentences::ListInvites { now })
    }

    fn join(&self, code_hash: [u8; 32], who: MemberId, note: AuditEvent) -> Answer<Member> {
        self.say(sentences::Join { code_hash, who, note })
    }

    fn withdraw_invite(&self, id: String, note: AuditEvent) -> Answer<()> {
        self.say(sentences::WithdrawInvite { id, note })
    }

    fn needs_setup(&self) -> Answer<bool> {
        self.say(sentences::NeedsSetup)
    }

    fn make_setup_link(&self, code_hash: [u8; 32], expires: Timestamp, note: AuditEvent) -> Answer<()> {
        self.say(sentences::MakeSetupLink { code_hash, expires, note })
    }

    fn is_setup_link(&self, code_hash: [u8; 32], now: Timestamp) -> Answer<bool> {
        self.say(sentences::IsSetupLink { code_hash, now })
    }

    fn set_up(&self, code_hash: [u8; 32], who: MemberId, note: AuditEvent) -> Answer<Member> {
        self.say(sentences::SetUp { code_hash, who, note })
    }

    fn conflicts(&self) -> Answer<Vec<Conflict>> {
        self.say(sentences::ListConflicts)
    }

    fn settle(&self, id: String, settlement: Settlement, note: AuditEvent) -> Answer<Conflict> {
        self.say(sentences::Settle { id, settlement, note })
    }

    fn begin_pairing(&self, pairing: Pairing, bounds: PairingBounds) -> Answer<bool> {
        self.say(sentences::BeginPairing { pairing, bounds })
    }

    fn pairing(&self, by: PairingBy, now: Timestamp) -> Answer<Option<Pairing>> {
        self.say(sentences::FindPairing { by, now })
    }

    fn advance_pairing(&self, by: PairingBy, step: PairingStep, now: Timestamp) -> Answer<Option<Pairing>> {
        self.say(sentences::AdvancePairing { by, step, now })
    }

    fn note(&self, event: AuditEvent) -> Answer<()> {
        audit::line(&event);
        self.say(event)
    }

    fn audit(&self, query: AuditQuery) -> Answer<Vec<AuditRow>> {
        self.say(query)
    }

    fn purge(&self, now: Timestamp, audit_from: Timestamp) -> Answer<bool> {
        self.say(sentences::Purge { now, audit_from })
    }

    fn check(&self) -> Answer<()> {
        Dialect::check(self)
    }

    fn backup(&self, to: PathBuf) -> Answer<()> {
        Dialect::backup(self, to)
    }

    fn place(&self) -> String {
        Dialect::place(self)
    }
}
