//! Somebody has signed in: who is it, as far as the directory knows?

use super::super::records::{AccountRow, Arrival, Arrived, Conflict};
use super::super::tables::{Row, Tables};
use super::super::{Sentence, StoreError};
use super::members::end_twins;
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::member::{Groups, Member, MemberId, SessionId, Status};
use crate::seal::{hex, random};

/// Sessions of one person that are remembered; older ones end.
const MOST_SESSIONS: usize = 100;

impl Sentence for Arrival {
    type Answer = Arrived;
    const WRITES: bool = true;

    async fn say<T: Tables>(mut self, tables: &mut T) -> Row<Arrived> {
        tables.lock_directory().await?;
        let known = tables.account(&self.account).await?;
        // A silent sign-in may come without the unionid. What it once was still counts, or a block could be slipped.
        self.unionid = self.unionid.or_else(|| known.as_ref()?.unionid.clone());
        let other = match &self.unionid {
            Some(unionid) => tables.member_of_unionid(unionid).await?,
            None => None,
        };
        let holder = match &known {
            Some(account) => Some(tables.member(&account.member).await?.ok_or(StoreError::Missing)?),
            None => None,
        };
        if let (Some(holder), Some(other)) = (&holder, &other)
            && holder.id != other.id
        {
            self.note_conflict(holder, other, tables).await?;
        }
        let is_new = holder.is_none() && other.is_none();
        let mut member = holder.or(other).unwrap_or_else(|| self.newcomer());
        if let Some(twin) = tables.blocked_twin(&member.id).await? {
            end_twins(&twin.id, self.session.started, tables).await?;
            member = twin;
        }
        if member.status != Status::Blocked && self.is_overtaken(&member, tables).await? {
            self.note_overtaken(&member, is_new, tables).await?;
            return Ok(Arrived { member, is_new, is_in: false });
        }
        self.tell(&mut member, is_new, tables).await?;
        tables.put_member(&member).await?;
        // The one who is signed in and the one who holds the account differ where a block counts for both.
        let holder = known.as_ref().map_or(&member.id, |account| &account.member).clone();
        let first_seen = known.map_or(self.session.started, |account| account.first_seen);
        let account = AccountRow {
            account: self.account.clone(),
            member: holder,
            unionid: self.unionid.clone(),
            first_seen,
            last_seen: self.session.started,
        };
        tables.put_account(&account).await?;
        let is_in = member.status != Status::Blocked;
        let mut kind = AuditKind::SignInRefused;
        if is_in {
            kind = AuditKind::SignedIn;
            tables.add_session(&member.id, &self.session).await?;
            self.end_oldest(&mut member, tables).await?;
        }
        tables.note(&self.note(kind, &member.id, self.session.browser.clone())).await?;
        Ok(Arrived { member, is_new, is_in })
    }
}

impl Arrival {
    /// Whether a session that the same proof has led to was ended, or is gone with its member: a repeated callback must not
    /// bring it back.
    async fn is_overtaken<T: Tables>(&self, member: &Member, tables: &mut T) -> Row<bool> {
        if self.repeats.is_empty() {
            return Ok(false);
        }
        let sessions = tables.sessions(&member.id, self.session.started).await?;
        let is_open = |id: &SessionId| sessions.iter().any(|session| session.id == *id && !session.ended);
        Ok(!self.repeats.iter().all(is_open))
    }

    /// Turned away is turned away, whatever for. Whose member is gone has no id that could stand there.
    async fn note_overtaken<T: Tables>(&self, member: &Member, is_new: bool, tables: &mut T) -> Row<()> {
        let mut note = self.note(AuditKind::SignInRefused, &member.id, self.session.browser.clone());
        if is_new {
            (note.actor, note.member) = (Actor::Gateway, None);
        }
        tables.note(&note).await
    }

    fn newcomer(&self) -> Member {
        Member {
            id: self.fresh_id.clone(),
            status: self.newcomer,
            before_block: None,
            user_name: None,
            display_name: None,
            groups: Groups::default(),
            is_admin: false,
            unionid: self.unionid.clone(),
            profile_name: String::new(),
            avatar: String::new(),
            request: None,
            created: self.session.started,
            signed_in: self.session.started,
            ended_before: Timestamp::from_unix(0),
        }
    }

    /// Two members turn out to have one unionid. They stay as they are until an administrator settles it, but whoever is
    /// blocked as one of them is blocked.
    async fn note_conflict<T: Tables>(&self, holder: &Member, other: &Member, tables: &mut T) -> Row<()> {
        let conflict = Conflict {
            id: hex(&random::<8>()),
            account: self.account.clone(),
            holder: holder.id.clone(),
            other: other.id.clone(),
            unionid: self.unionid.clone().unwrap_or_default(),
            found: self.session.started,
        };
        if tables.add_conflict(&conflict).await? {
            let detail = format!("its unionid belongs to {}", other.id);
            let note = self.note(AuditKind::ConflictFound, &holder.id, detail);
            tables.note(&AuditEvent { actor: Actor::Gateway, ..note }).await?;
        }
        Ok(())
    }

    /// Brings the record up to date with what WeChat and the configuration say.
    async fn tell<T: Tables>(&self, member: &mut Member, is_new: bool, tables: &mut T) -> Row<()> {
        let administered = member.administers();
        member.signed_in = self.session.started;
        // In-app sign-ins tell no profile.
        if !self.profile.name.is_empty() {
            member.profile_name.clone_from(&self.profile.name);
        }
        if !self.profile.avatar.is_empty() {
            member.avatar.clone_from(&self.profile.avatar);
        }
        if let Some(unionid) = &self.unionid
            && tables.member_of_unionid(unionid).await?.is_none()
        {
            member.unionid = Some(unionid.clone());
        }
        let is_let_in = self.newcomer == Status::Active && (is_new || member.status == Status::Guest);
        if is_let_in {
            member.status = Status::Active;
            let note = self.note(AuditKind::Approved, &member.id, "access.join is open".to_owned());
            tables.note(&AuditEvent { actor: Actor::Gateway, ..note }).await?;
        }
        if self.is_listed_admin && member.status != Status::Blocked && !member.administers() {
            (member.status, member.is_admin) = (Status::Active, true);
            let note = self.note(AuditKind::AdminGranted, &member.id, "named in access.admins".to_owned());
            tables.note(&AuditEvent { actor: Actor::Gateway, ..note }).await?;
        }
        if !administered && member.administers() {
            // A link from before, in some log, must not make another one.
            tables.remove_setup_links().await?;
        }
        Ok(())
    }

    async fn end_oldest<T: Tables>(&self, member: &mut Member, tables: &mut T) -> Row<()> {
        let sessions = tables.sessions(&member.id, self.session.started).await?;
        let Some(oldest) = sessions.get(MOST_SESSIONS - 1).filter(|_| sessions.len() > MOST_SESSIONS) else {
            return Ok(());
        };
        member.ended_before = member.ended_before.max(oldest.started);
        tables.remove_sessions_before(&member.id, oldest.started).await?;
        tables.put_member(member).await
    }

    fn note(&self, kind: AuditKind, member: &MemberId, detail: String) -> AuditEvent {
        AuditEvent {
            at: self.session.started,
            kind,
            actor: Actor::Member(member.clone()),
            member: Some(member.clone()),
            client: Some(self.session.client),
            request_id: Some(self.request_id.clone()),
            detail,
        }
    }
}
