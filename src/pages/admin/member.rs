//! `/_wxgate/admin/members/ID`: everything about one member, and everything that can be done about them.

use http::Response;

use super::super::face::{Face, shown};
use super::super::failure::Failure;
use super::super::forms::Form;
use super::complaint::Complaint;
use super::deed::{Deed, Order};
use super::desk::{Desk, Frame};
use super::names::{self, Names};
use super::place::Place;
use super::rows;
use crate::model::member::{MemberId, SessionId, Status};
use crate::net::body::Body;
use crate::store::records::{AuditQuery, AuditRow, MemberDetail};
use crate::store::{MemberKey, StoreError};

/// How many lines of the audit trail are shown.
const LINES: u32 = 20;

/// What the page shows.
#[derive(Debug)]
pub(in super::super) struct OneMember {
    /// Their record, accounts and sessions.
    pub(in super::super) detail: MemberDetail,
    /// The latest lines about them.
    pub(in super::super) lines: Vec<AuditRow>,
    /// What those who are named there are called.
    pub(in super::super) names: Names,
    /// The session of whoever looks.
    pub(in super::super) current: SessionId,
    /// What was typed into the form that could not be carried out.
    pub(in super::super) typed: String,
}

impl Desk<'_> {
    /// The page.
    pub(super) async fn member(&self, id: &MemberId) -> Result<Response<Body>, Failure> {
        let one = self.one(id, String::new()).await?;
        Ok(self.show(None, |frame| face(frame, &one)))
    }

    /// Carries out a form of the page.
    pub(super) async fn change_member(&self, id: &MemberId, form: Form) -> Result<Response<Body>, Failure> {
        let Order { word, deed, from_list, typed } = Order::read(form)?;
        let done = match deed {
            Ok(deed) => self.carry_out(id, deed).await?,
            Err(complaint) => return self.complain(id, complaint, typed).await,
        };
        let page = if from_list { Place::Members } else { Place::Member(id.clone()) };
        match done {
            Ok(()) if word == "forget" => Ok(self.back_to(&Place::Members, word)),
            Ok(()) => Ok(self.back_to(&page, word)),
            // The session has ended by itself meanwhile.
            Err(StoreError::Missing) if word == "end-session" => Ok(self.back_to(&page, "gone")),
            Err(StoreError::Change(error)) => self.complain(id, Complaint::of(error, word), typed).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn carry_out(&self, id: &MemberId, deed: Deed) -> Result<Result<(), StoreError>, Failure> {
        let (directory, act) = (&self.own.directory, self.as_act()?);
        Ok(match deed {
            Deed::Change(change) => directory.change(&act, id, change).await.map(drop),
            Deed::EndSession(session) => directory.end_session(&act, session, Some(id)).await.map(drop),
            Deed::Forget => directory.forget(&act, id).await,
            Deed::SignOut => directory.end_sessions(&act, id).await.map(drop),
        })
    }

    /// The page again, with what was typed and what is wrong with it.
    async fn complain(
        &self,
        id: &MemberId,
        complaint: Complaint,
        typed: String,
    ) -> Result<Response<Body>, Failure> {
        let one = self.one(id, typed).await?;
        Ok(self.show(Some(complaint), |frame| face(frame, &one)))
    }

    async fn one(&self, id: &MemberId, typed: String) -> Result<OneMember, Failure> {
        let (directory, now) = (&self.own.directory, self.asking.now);
        let detail = directory.member(MemberKey::Id(id.clone()), now).await?.ok_or(Failure::NotFound)?;
        let query = AuditQuery { member: Some(id.clone()), limit: LINES, ..AuditQuery::default() };
        let lines = directory.audit(query).await?;
        let names = self.names(names::named(&lines)).await?;
        Ok(OneMember { detail, lines, names, current: self.person.session.id, typed })
    }
}

/// How the page is laid out.
pub(in super::super) fn face(frame: &Frame<'_>, one: &OneMember) -> Face<'static> {
    let OneMember { detail: MemberDetail { member, accounts, sessions }, lines, names, current, typed } = one;
    let at = frame.complaint.map(|complaint| complaint.at);
    // Every field holds what is, but for the one that was typed in vain.
    let field = |word, known: String| if at == Some(word) { typed.clone() } else { known };
    let text = |known: Option<&str>| known.unwrap_or_default().to_owned();
    let can = |statuses: &[Status]| statuses.contains(&member.status);
    frame
        .face("member", "admin.member", "admin_member.html")
        .value("name", shown(member.name()))
        .value("member", rows::member(member))
        .value("accounts", accounts.iter().map(rows::account).collect::<Vec<_>>())
        .value("sessions", sessions.iter().map(|row| rows::session(row, current)).collect::<Vec<_>>())
        .value("lines", lines.iter().map(|row| rows::line(row, names)).collect::<Vec<_>>())
        .value("approve_groups", field("approve", rows::written(&member.groups)))
        .value("groups", field("groups", rows::written(&member.groups)))
        .value("user_name", field("rename", text(member.user_name.as_ref().map(|name| name.as_str()))))
        .value(
            "display_name",
            field("display-name", text(member.display_name.as_ref().map(|name| name.as_str()))),
        )
        .value("can_approve", can(&[Status::Guest, Status::Pending, Status::Refused]))
        .value("can_refuse", can(&[Status::Guest, Status::Pending]))
        .value("can_block", !can(&[Status::Blocked]))
        .value("can_grant", can(&[Status::Active]) && !member.is_admin)
}
