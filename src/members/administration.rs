//! What administrators do with members, sessions, invitations and conflicts. Each act is written down with whoever did it.

use std::collections::HashMap;
use std::time::Duration;

use super::act::Act;
use super::directory::Directory;
use crate::model::audit::{Actor, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::member::{Change, Groups, Member, MemberId, SessionId, Standing, Status};
use crate::model::secret::Secret;
use crate::seal::{digest, hex, random};
use crate::store::records::{
    AuditQuery, AuditRow, Conflict, Invite, MemberDetail, MembersQuery, OpenSession, SessionIds, SessionRow,
    Settlement,
};
use crate::store::{MemberKey, StoreError};

/// An invitation to be made.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The groups it puts people into.
    pub groups: Groups,
    /// How many people may use it; any number without.
    pub uses: Option<u32>,
    /// How long it is good.
    pub lifetime: Duration,
    /// What it is for.
    pub note: String,
}

impl Directory {
    /// Changes a member: as they are afterwards.
    pub async fn change(&self, act: &Act, whom: &MemberId, change: Change) -> Result<Member, StoreError> {
        let (kind, detail) = describe(&change);
        let note = act.note(kind, Some(whom), detail);
        self.ask_about(whom, self.store.change(whom.clone(), change, note)).await
    }

    /// Deletes everything about a person.
    pub async fn forget(&self, act: &Act, whom: &MemberId) -> Result<(), StoreError> {
        let note = act.note(AuditKind::Forgotten, Some(whom), String::new());
        self.ask_about(whom, self.store.forget(whom.clone(), note)).await
    }

    /// One page of members, each with their sessions that count, newest first.
    pub async fn open_sessions(
        &self,
        of: MembersQuery,
        now: Timestamp,
    ) -> Result<Vec<(Member, Vec<SessionRow>)>, StoreError> {
        self.ask(self.store.open_sessions(of, now)).await
    }

    /// Sessions of these ids that count; a hundred at most.
    pub async fn open_sessions_named(
        &self,
        ids: SessionIds,
        now: Timestamp,
    ) -> Result<Vec<OpenSession>, StoreError> {
        self.ask(self.store.open_sessions_named(ids, now)).await
    }

    /// Ends one session, of this member if one is named: whose it was.
    pub async fn end_session(
        &self,
        act: &Act,
        id: SessionId,
        of: Option<&MemberId>,
    ) -> Result<MemberId, StoreError> {
        let is_own = of.is_some_and(|of| act.actor == Actor::Member(of.clone()));
        let kind = if is_own { AuditKind::SignedOut } else { AuditKind::SessionEnded };
        let note = act.note(kind, of, String::new());
        let whose = self.ask(self.store.end_session(id, of.cloned(), note)).await?;
        self.standings.forget(&whose);
        Ok(whose)
    }

    /// Ends all sessions of a member: how many were open.
    pub async fn end_sessions(&self, act: &Act, of: &MemberId) -> Result<u64, StoreError> {
        let note = act.note(AuditKind::SessionsEnded, Some(of), String::new());
        self.ask_about(of, self.store.end_sessions(of.clone(), note)).await
    }

    /// Makes an invitation, and the code of its link, which is kept nowhere.
    pub async fn invite(&self, act: &Act, invitation: Invitation) -> Result<(Invite, Secret), StoreError> {
        let Invitation { groups, uses, lifetime, note } = invitation;
        let code = hex(&random::<16>());
        let invite = Invite {
            id: hex(&random::<8>()),
            code_hash: digest(code.as_bytes()),
            groups,
            uses_left: uses,
            expires: act.now + lifetime,
            made_by: act.actor.clone(),
            made_at: act.now,
            note,
        };
        let note = act.note(AuditKind::InviteMade, None, format!("invitation {}", invite.id));
        self.ask(self.store.make_invite(invite.clone(), note)).await?;
        Ok((invite, Secret::new(code)))
    }

    /// Takes an invitation back.
    pub async fn withdraw_invite(&self, act: &Act, id: &str) -> Result<(), StoreError> {
        let note = act.note(AuditKind::InviteWithdrawn, None, format!("invitation {id}"));
        self.ask(self.store.withdraw_invite(id.to_owned(), note)).await
    }

    /// Settles a conflict.
    pub async fn settle(&self, act: &Act, id: &str, settlement: Settlement) -> Result<Conflict, StoreError> {
        let note = act.note(AuditKind::ConflictSettled, None, String::new());
        let conflict = self.ask(self.store.settle(id.to_owned(), settlement, note)).await?;
        self.standings.forget(&conflict.holder);
        self.standings.forget(&conflict.other);
        Ok(conflict)
    }

    /// One page of members.
    pub async fn members(&self, query: MembersQuery) -> Result<Vec<Member>, StoreError> {
        self.read(self.store.members(query)).await
    }

    /// How many members of each status there are.
    pub async fn count(&self) -> Result<Vec<(Status, u64)>, StoreError> {
        self.read(self.store.count_members()).await
    }

    /// Everything about one member.
    pub async fn member(&self, key: MemberKey, now: Timestamp) -> Result<Option<MemberDetail>, StoreError> {
        self.read(self.store.member(key, now)).await
    }

    /// What people call these members: by name, else by what applications call them. Whoever was deleted is left out.
    pub async fn names(
        &self,
        of: Vec<MemberId>,
        now: Timestamp,
    ) -> Result<HashMap<MemberId, String>, StoreError> {
        let standings = self.read(self.store.standings(of, now)).await?;
        let name = |standing: &Standing| {
            let called = if standing.name.is_empty() { &standing.user } else { &standing.name };
            String::from_utf8_lossy(called).into_owned()
        };
        Ok(standings.iter().map(|(id, standing)| (id.clone(), name(standing))).collect())
    }

    /// All invitations that are still good.
    pub async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>, StoreError> {
        self.read(self.store.invites(now)).await
    }

    /// All conflicts that nobody has settled.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>, StoreError> {
        self.read(self.store.conflicts()).await
    }

    /// One page of the audit trail.
    pub async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        self.read(self.store.audit(query)).await
    }
}

/// How a change is written down.
fn describe(change: &Change) -> (AuditKind, String) {
    match change {
        Change::Approve(groups) => {
            (AuditKind::Approved, groups.as_ref().map(ToString::to_string).unwrap_or_default())
        }
        Change::Block => (AuditKind::Blocked, String::new()),
        // A name given to a person goes with them when they are forgotten, as their lines do.
        Change::DisplayName(name) => {
            (AuditKind::DisplayNameChanged, name.as_ref().map(ToString::to_string).unwrap_or_default())
        }
        Change::Groups(groups) => (AuditKind::GroupsChanged, groups.to_string()),
        Change::MakeAdmin(true) => (AuditKind::AdminGranted, String::new()),
        Change::MakeAdmin(false) => (AuditKind::AdminTaken, String::new()),
        Change::Refuse => (AuditKind::Refused, String::new()),
        Change::Unblock => (AuditKind::Unblocked, String::new()),
        Change::UserName(name) => {
            (AuditKind::Renamed, name.as_ref().map(ToString::to_string).unwrap_or_default())
        }
    }
}
