//! Who is signed in where, over all members.

use std::collections::HashMap;

use super::super::Sentence;
use super::super::records::{MembersQuery, OpenSession, SessionIds, SessionRow};
use super::super::tables::{Row, Tables};
use crate::model::clock::Timestamp;
use crate::model::member::{Member, MemberId};

/// Sessions that are found by the beginning of their id: more have no beginning in common but by intent.
const MOST_NAMED: u32 = 100;

/// As [`Store::open_sessions`](super::super::Store::open_sessions).
pub(in super::super) struct OpenSessions {
    pub(in super::super) of: MembersQuery,
    pub(in super::super) now: Timestamp,
}

/// As [`Store::open_sessions_named`](super::super::Store::open_sessions_named).
pub(in super::super) struct NamedSessions {
    pub(in super::super) ids: SessionIds,
    pub(in super::super) now: Timestamp,
}

impl Sentence for OpenSessions {
    type Answer = Vec<(Member, Vec<SessionRow>)>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Self::Answer> {
        let members = tables.members(&self.of).await?;
        let ids: Vec<MemberId> = members.iter().map(|member| member.id.clone()).collect();
        let mut sessions: HashMap<MemberId, Vec<SessionRow>> = HashMap::new();
        for session in tables.open_sessions(&ids, self.now).await? {
            sessions.entry(session.member.clone()).or_default().push(session);
        }
        let with_sessions = |member: Member| {
            let mut open = sessions.remove(&member.id).unwrap_or_default();
            open.retain(|session| session.is_open(&member));
            (member, open)
        };
        Ok(members.into_iter().map(with_sessions).collect())
    }
}

impl Sentence for NamedSessions {
    type Answer = Vec<OpenSession>;
    const WRITES: bool = false;

    async fn say<T: Tables>(self, tables: &mut T) -> Row<Vec<OpenSession>> {
        let mut open = Vec::new();
        for session in tables.open_sessions_named(&self.ids, self.now, MOST_NAMED).await? {
            if let Some(member) = tables.member(&session.member).await?
                && session.is_open(&member)
            {
                open.push(OpenSession { session, member });
            }
        }
        Ok(open)
    }
}
