//! `/_wxgate/admin/conflicts`: accounts that seem to be one person's, and what becomes of them.

use http::Response;
use minijinja::{Value, context};

use super::super::face::{Face, shown};
use super::super::failure::Failure;
use super::super::forms::Form;
use super::super::moment::moment;
use super::super::page::Malformed;
use super::complaint::Complaint;
use super::desk::{Desk, Frame};
use super::place::Place;
use super::rows;
use crate::model::member::{Member, MemberId};
use crate::net::body::Body;
use crate::store::records::{Conflict, Settlement};
use crate::store::{MemberKey, StoreError};

/// How many are shown at a time; the next follow as these are settled.
const SHOWN: usize = 20;

/// A conflict with both members.
#[derive(Debug)]
pub(in super::super) struct Both {
    pub(in super::super) conflict: Conflict,
    pub(in super::super) holder: Option<Member>,
    pub(in super::super) other: Option<Member>,
}

impl Desk<'_> {
    /// The page.
    pub(super) async fn conflicts(&self) -> Result<Response<Body>, Failure> {
        self.all_conflicts(None).await
    }

    /// Carries out a form of the page.
    pub(super) async fn settle_conflict(&self, mut form: Form) -> Result<Response<Body>, Failure> {
        let (settlement, word) = match form.demand("do")?.as_str() {
            "keep-apart" => (Settlement::KeepApart, "keep-apart"),
            "move-account" => (Settlement::MoveAccount, "move-account"),
            _ => return Err(Failure::Malformed(Malformed::Form)),
        };
        let id = form.demand("conflict")?;
        form.finish()?;
        match self.own.directory.settle(&self.as_act()?, &id, settlement).await {
            Ok(_) => Ok(self.back_to(&Place::Conflicts, word)),
            Err(StoreError::Missing) => Ok(self.back_to(&Place::Conflicts, "gone")),
            Err(StoreError::Change(error)) => {
                let complaint = match Complaint::of(error, word) {
                    Complaint { words: "complaint.status", at } => {
                        Complaint { words: "complaint.holder_blocked", at }
                    }
                    complaint => complaint,
                };
                self.all_conflicts(Some(complaint)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn all_conflicts(&self, complaint: Option<Complaint>) -> Result<Response<Body>, Failure> {
        let conflicts = self.own.directory.conflicts().await?;
        let more = conflicts.len().saturating_sub(SHOWN);
        let mut all = Vec::new();
        for conflict in conflicts.into_iter().take(SHOWN) {
            let holder = self.record(&conflict.holder).await?;
            let other = self.record(&conflict.other).await?;
            all.push(Both { conflict, holder, other });
        }
        Ok(self.show(complaint, |frame| face(frame, &all, more)))
    }

    async fn record(&self, id: &MemberId) -> Result<Option<Member>, StoreError> {
        let detail = self.own.directory.member(MemberKey::Id(id.clone()), self.asking.now).await?;
        Ok(detail.map(|detail| detail.member))
    }
}

/// How the page is laid out; `more` wait behind those shown.
pub(in super::super) fn face(frame: &Frame<'_>, all: &[Both], more: usize) -> Face<'static> {
    let side = |label: &str, id: &MemberId, member: &Option<Member>| {
        context! { label, id => id.as_str(), member => member.as_ref().map(rows::member) }
    };
    let row = |both: &Both| {
        let Both { conflict, holder, other } = both;
        context! {
            id => conflict.id.as_str(),
            app_id => shown(&conflict.account.app_id),
            openid => shown(&conflict.account.openid),
            unionid => shown(&conflict.unionid),
            found => moment(conflict.found),
            sides => vec![
                side("conflict.holder", &conflict.holder, holder),
                side("conflict.other", &conflict.other, other),
            ],
        }
    };
    frame
        .face("conflicts", "admin.conflicts", "admin_conflicts.html")
        .value("conflicts", Value::from(all.iter().map(row).collect::<Vec<_>>()))
        .value("more", more)
}
