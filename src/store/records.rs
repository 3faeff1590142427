//! What goes into the store and comes out of it, besides members.

use std::net::IpAddr;

use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::member::{Groups, Member, MemberId, SessionId, Status};
use crate::model::pairing::PairingKey;

/// Somebody has signed in with WeChat.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The id they get if they have never been here.
    pub fresh_id: MemberId,
    /// How the app knows them.
    pub account: Account,
    /// The id shared by all apps of one Open Platform account, when WeChat gave it.
    pub unionid: Option<String>,
    /// Name and picture, as far as WeChat told.
    pub profile: Profile,
    /// What becomes of somebody who has never been here. `Active` lets guests of former times in, too.
    pub newcomer: Status,
    /// Whether the configuration names them an administrator.
    pub is_listed_admin: bool,
    /// The sessions that the same proof of WeChat's has led to, where a callback is repeated.
    pub repeats: Vec<SessionId>,
    /// The sign-in.
    pub session: NewSession,
    /// The request it came with.
    pub request_id: String,
}

/// A session that begins.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id, which the cookie holds.
    pub id: SessionId,
    /// The sign-in.
    pub started: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// The User-Agent, clipped.
    pub browser: String,
    /// From where.
    pub client: IpAddr,
}

/// What the store made of an arrival.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Who it is.
    pub member: Member,
    /// Whether they have never been here.
    pub is_new: bool,
    /// Whether the session has begun: neither are they blocked, nor does a repeated callback bring back what was ended.
    pub is_in: bool,
}

/// A session as it is listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionRow {
    /// Its id, which the cookie holds sealed.
    pub id: SessionId,
    /// Whose it is.
    pub member: MemberId,
    /// The sign-in.
    pub started: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// The User-Agent, clipped.
    pub browser: String,
    /// From where.
    pub client: Option<IpAddr>,
    /// Whether it was ended before its time.
    pub ended: bool,
}

/// A session that counts, and whose it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenSession {
    /// The session.
    pub session: SessionRow,
    /// Whose it is.
    pub member: Member,
}

/// Ids of sessions that begin with the same digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionIds {
    /// The first there could be.
    pub first: SessionId,
    /// The last there could be.
    pub last: SessionId,
}

/// An account as the store knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountRow {
    /// How the app knows them.
    pub account: Account,
    /// Whose it is.
    pub member: MemberId,
    /// The unionid WeChat last gave with it.
    pub unionid: Option<String>,
    /// First sign-in with it.
    pub first_seen: Timestamp,
    /// Last sign-in with it.
    pub last_seen: Timestamp,
}

/// An invitation: whoever opens the link and signs in is a member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invite {
    /// Names it in lists: 16 hexadecimal digits that open nothing.
    pub id: String,
    /// SHA-256 of the code in the link; the code itself is nowhere.
    pub code_hash: [u8; 32],
    /// The groups it puts people into.
    pub groups: Groups,
    /// How many people may still use it; `None` for any number.
    pub uses_left: Option<u32>,
    /// When it ends.
    pub expires: Timestamp,
    /// Who made it.
    pub made_by: Actor,
    /// When.
    pub made_at: Timestamp,
    /// What it is for, in the words of whoever made it.
    pub note: String,
}

/// An account brought a unionid that belongs to another member: probably one person with two records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conflict {
    /// Names it in lists: 16 hexadecimal digits.
    pub id: String,
    /// The account.
    pub account: Account,
    /// Whose the account is.
    pub holder: MemberId,
    /// Who has the unionid.
    pub other: MemberId,
    /// The unionid.
    pub unionid: String,
    /// When it was found.
    pub found: Timestamp,
}

/// What an administrator does about a conflict.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settlement {
    /// They stay two members; the conflict is not listed again.
    KeepApart,
    /// The account becomes the other member's; the holder goes when it was its last.
    MoveAccount,
}

/// Which members are listed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MembersQuery {
    /// Only these; all without.
    pub status: Option<Status>,
    /// Only those whose id, user name, display name, profile name, group or code of their request holds this text, in
    /// any case of letters.
    pub search: Option<String>,
    /// Only those behind this one: [`MembersQuery::place_of`] the last of the page before.
    pub after: Option<(Timestamp, MemberId)>,
    /// How many at most.
    pub limit: u32,
}

/// Which lines of the audit trail are listed, newest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuditQuery {
    /// Only what this member did or what concerns them.
    pub member: Option<MemberId>,
    /// Only this.
    pub kind: Option<AuditKind>,
    /// Only older ones than this line.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// A line of the audit trail with its number.
pub type AuditRow = (i64, AuditEvent);

/// Everything about one member.
#[derive(Clone, Debug)]
pub struct MemberDetail {
    /// Their record.
    pub member: Member,
    /// By what WeChat knows them.
    pub accounts: Vec<AccountRow>,
    /// Sessions that have not run out, newest first.
    pub sessions: Vec<SessionRow>,
}

/// What may be used once, for all nodes together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClaimKind {
    /// A message of WeChat's that is not encrypted.
    Message,
    /// A hand-off ticket between hosts.
    Ticket,
}

/// By what a pairing is found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PairingBy {
    /// By what the waiting browser knows.
    Browser(PairingKey),
    /// By what the phone brings.
    Call(PairingKey),
}

/// How many browsers may wait for a phone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PairingBounds {
    /// In all.
    pub most: u32,
    /// In one network ([`Pairing::network`](crate::model::pairing::Pairing::network)).
    pub most_of_network: u32,
}

impl MembersQuery {
    /// Where a member stands in this list: by the last sign-in, among those who wait by when they asked.
    pub fn place_of(&self, member: &Member) -> (Timestamp, MemberId) {
        let moment = match (self.status, &member.request) {
            (Some(Status::Pending), Some(request)) => request.at,
            (Some(Status::Pending), None) => member.created,
            _ => member.signed_in,
        };
        (moment, member.id.clone())
    }
}

impl SessionRow {
    /// Whether a session of `member` that has not run out still counts.
    pub fn is_open(&self, member: &Member) -> bool {
        !self.ended && self.started >= member.ended_before
    }
}

impl SessionIds {
    /// Those that begin with these hexadecimal digits; `None` where an id has no such digits, or not as many.
    pub fn beginning(digits: &str) -> Option<Self> {
        const DIGITS: usize = 32;
        if digits.len() > DIGITS || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let filled = |with: &str| {
            let whole = format!("{digits}{}", with.repeat(DIGITS - digits.len()));
            u128::from_str_radix(&whole, 16).ok().map(u128::to_be_bytes)
        };
        Some(Self { first: filled("0")?, last: filled("f")? })
    }
}

impl ClaimKind {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Ticket => "ticket",
        }
    }
}
