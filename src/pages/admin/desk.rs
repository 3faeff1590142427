//! Where an administrator sits: what every page of administration has in common, and how a form is carried out.

use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::super::answer;
use super::super::asking::Asking;
use super::super::face::{Face, shown};
use super::super::failure::Failure;
use super::super::forms::{Form, Realm};
use super::super::own::OwnPages;
use super::complaint::Complaint;
use super::deed;
use super::place::Place;
use crate::members::Act;
use crate::model::audit::Actor;
use crate::model::member::MemberId;
use crate::model::person::Person;
use crate::net::body::Body;

/// An administrator with a request.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) own: &'a OwnPages,
    pub(super) asking: &'a Asking<'a>,
    pub(super) person: &'a Person,
}

/// What stands around every page.
pub(in super::super) struct Frame<'a> {
    /// The host it is about.
    pub(in super::super) site: &'a str,
    /// Who administers.
    pub(in super::super) name: &'a str,
    /// The token of its forms.
    pub(in super::super) token: &'a str,
    /// What was just done, by the word in the address.
    pub(in super::super) done: Option<&'static str>,
    /// Why something was not done.
    pub(in super::super) complaint: Option<Complaint>,
}

impl Frame<'_> {
    /// A page under the heading `tab`.
    pub(super) fn face(
        &self,
        tab: &'static str,
        title: &'static str,
        template: &'static str,
    ) -> Face<'static> {
        Face { template, sign: None, ..Face::notice(super::super::sign::Sign::Check, title, title) }
            .value("tab", tab)
            .value("site", shown(self.site))
            .value("me", shown(self.name))
            .value("token", self.token)
            .value("done", self.done.and_then(deed::words_when_done))
            .value("complaint", self.complaint.map(|complaint| complaint.words))
            .value("complaint_at", self.complaint.map(|complaint| complaint.at))
    }
}

impl Desk<'_> {
    /// Draws a page.
    pub(super) fn show(
        &self,
        complaint: Option<Complaint>,
        draw: impl FnOnce(&Frame<'_>) -> Face<'static>,
    ) -> Response<Body> {
        let Self { own, asking, person } = self;
        let token = own.forms.token(&person.session, Realm::Office, asking.now);
        let done = Form::of_query(asking.query()).ok().and_then(|mut query| query.take("done"));
        let done = done.filter(|_| asking.is_read()).as_deref().and_then(deed::known);
        let site = own.site.login_host.as_str();
        let face = draw(&Frame { site, name: person.name(), token: &token, done, complaint });
        let status = if complaint.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        answer::sheet(&own.pages, &own.site, status, face, asking)
    }

    /// Carries out the form of a page.
    pub(super) async fn act(&self, place: &Place, body: Option<Incoming>) -> Result<Response<Body>, Failure> {
        let form = match self.own.form(body, self.person, self.asking).await? {
            Ok(form) => form,
            Err(once_more) => return Ok(once_more),
        };
        let kept = form.clone();
        let answered = match place {
            Place::Member(id) => self.change_member(id, form).await,
            Place::Invites => self.change_invites(form).await,
            Place::Conflicts => self.settle_conflict(form).await,
            Place::Members | Place::Audit => Err(Failure::Method),
        };
        self.own.or_once_more(answered, &kept, self.person, self.asking)
    }

    /// Back to a page, which says what was done: reloading it does nothing once more.
    pub(super) fn back_to(&self, place: &Place, done: &str) -> Response<Body> {
        let address = format!("{}?done={done}", place.path());
        answer::redirect(&self.own.site, StatusCode::SEE_OTHER, &address, &[])
    }

    /// What is done at this desk, for the audit trail.
    pub(super) fn as_act(&self) -> Result<Act, Failure> {
        let id: MemberId = self.person.id().ok_or(Failure::NotFound)?;
        Ok(self.asking.act(Actor::Member(id)))
    }
}
