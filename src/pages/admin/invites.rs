//! `/_wxgate/admin/invites`: invitations are listed, made and withdrawn. The link of a new one is shown once.

use std::time::Duration;

use http::Response;
use minijinja::{Value, context};

use super::super::face::{Face, shown};
use super::super::failure::Failure;
use super::super::forms::Form;
use super::super::moment::moment;
use super::super::page::Malformed;
use super::super::qr;
use super::complaint::Complaint;
use super::desk::{Desk, Frame};
use super::names::{self, Names};
use super::place::Place;
use super::rows;
use crate::members::{Invitation, Join};
use crate::model::member::Groups;
use crate::net::body::Body;
use crate::store::StoreError;
use crate::store::records::Invite;

/// Longest note, in characters.
const LONGEST_NOTE: usize = 200;

/// Most people who may use one that counts them.
const MOST_USES: u32 = 10_000;

/// For how many days an invitation can be good.
const DAYS: [u64; 3] = [1, 7, 30];

/// What was typed into the form for a new invitation.
#[derive(Clone, Debug)]
pub(in super::super) struct Draft {
    pub(in super::super) groups: String,
    /// `one`, `any` or `some`.
    pub(in super::super) uses: &'static str,
    /// How many, for `some`.
    pub(in super::super) count: String,
    pub(in super::super) days: u64,
    pub(in super::super) note: String,
}

/// What the page shows.
#[derive(Debug, Default)]
pub(in super::super) struct Invitations {
    /// Those that are still good.
    pub(in super::super) invites: Vec<Invite>,
    /// What those who made them are called.
    pub(in super::super) names: Names,
    /// The form.
    pub(in super::super) draft: Draft,
    /// The link of one that was just made.
    pub(in super::super) link: Option<String>,
    /// Whether none counts at present (`access.join`).
    pub(in super::super) is_closed: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Self { groups: String::new(), uses: "one", count: "10".to_owned(), days: 7, note: String::new() }
    }
}

impl Draft {
    /// Reads the form.
    pub(in super::super) fn read(form: &mut Form) -> Result<Self, Failure> {
        let malformed = || Failure::Malformed(Malformed::Form);
        let uses = form.demand("uses")?;
        let days = form.demand("days")?;
        Ok(Self {
            groups: form.take("groups").unwrap_or_default(),
            uses: ["one", "any", "some"].into_iter().find(|known| *known == uses).ok_or_else(malformed)?,
            count: form.take("count").unwrap_or_default(),
            days: DAYS.into_iter().find(|known| known.to_string() == days).ok_or_else(malformed)?,
            note: form.take("note").unwrap_or_default(),
        })
    }

    /// The invitation, or what is wrong with it.
    pub(in super::super) fn invitation(&self) -> Result<Invitation, Complaint> {
        let complain = |words| Complaint { at: "make", words };
        let groups: Groups = self.groups.parse().map_err(|_| complain("complaint.groups"))?;
        let uses = match self.uses {
            "one" => Some(1),
            "any" => None,
            _ => {
                let count = self.count.trim().parse().ok();
                let count = count.filter(|count| (1..=MOST_USES).contains(count));
                Some(count.ok_or_else(|| complain("complaint.count"))?)
            }
        };
        if self.note.chars().count() > LONGEST_NOTE {
            return Err(complain("complaint.note"));
        }
        let note = self.note.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        let note: String = note.collect::<String>().trim().to_owned();
        Ok(Invitation { groups, uses, lifetime: Duration::from_secs(self.days * 86_400), note })
    }
}

impl Desk<'_> {
    /// The page.
    pub(super) async fn invites(&self) -> Result<Response<Body>, Failure> {
        self.invitations(None, Draft::default(), None).await
    }

    /// Carries out a form of the page.
    pub(super) async fn change_invites(&self, mut form: Form) -> Result<Response<Body>, Failure> {
        match form.demand("do")?.as_str() {
            "make" => self.make(form).await,
            "withdraw" => {
                let id = form.demand("invite")?;
                form.finish()?;
                match self.own.directory.withdraw_invite(&self.as_act()?, &id).await {
                    Ok(()) => Ok(self.back_to(&Place::Invites, "withdraw")),
                    Err(StoreError::Missing) => Ok(self.back_to(&Place::Invites, "gone")),
                    Err(error) => Err(error.into()),
                }
            }
            _ => Err(Failure::Malformed(Malformed::Form)),
        }
    }

    /// The link is on this one page and in no address, so that no history and no log has it.
    async fn make(&self, mut form: Form) -> Result<Response<Body>, Failure> {
        let draft = Draft::read(&mut form)?;
        form.finish()?;
        let invitation = match draft.invitation() {
            Ok(invitation) => invitation,
            Err(complaint) => return self.invitations(Some(complaint), draft, None).await,
        };
        let (_, code) = self.own.directory.invite(&self.as_act()?, invitation).await?;
        let link = format!("{}/_wxgate/invite?code={}", self.own.site.login_origin(), code.reveal());
        self.invitations(None, Draft::default(), Some(link)).await
    }

    async fn invitations(
        &self,
        complaint: Option<Complaint>,
        draft: Draft,
        link: Option<String>,
    ) -> Result<Response<Body>, Failure> {
        let invites = self.own.directory.invites(self.asking.now).await;
        // A link that was made is shown, whatever becomes of the list: nothing else has it.
        let invites = if link.is_some() { invites.unwrap_or_default() } else { invites? };
        let makers = invites.iter().filter_map(|invite| names::member(&invite.made_by).cloned());
        let names = self.names(makers.collect()).await;
        let names = if link.is_some() { names.unwrap_or_default() } else { names? };
        let is_closed = self.own.joining.join == Join::Closed;
        let page = Invitations { invites, names, draft, link, is_closed };
        Ok(self.show(complaint, |frame| face(frame, &page)))
    }
}

/// How the page is laid out.
pub(in super::super) fn face(frame: &Frame<'_>, page: &Invitations) -> Face<'static> {
    let Invitations { invites, names, draft, link, is_closed } = page;
    let row = |invite: &Invite| {
        context! {
            id => invite.id.as_str(),
            note => shown(&invite.note),
            groups => rows::names(&invite.groups),
            uses_left => invite.uses_left,
            expires => moment(invite.expires),
            made_at => moment(invite.made_at),
            made_by => names.actor(&invite.made_by),
        }
    };
    let draft = context! {
        groups => draft.groups.as_str(),
        uses => draft.uses,
        count => draft.count.as_str(),
        days => draft.days,
        note => draft.note.as_str(),
    };
    frame
        .face("invites", "admin.invites", "admin_invites.html")
        .value("is_closed", *is_closed)
        .value("invites", invites.iter().map(row).collect::<Vec<_>>())
        .value("draft", draft)
        .value("all_days", DAYS.to_vec())
        .value("page_url", link.as_deref())
        .value("qr", link.as_deref().and_then(qr::code).unwrap_or(Value::from(())))
}
