//! Links that make somebody something, once they press the button: invitations, and the first administrator's.
//!
//! Reading such a link never uses it: previews of links are fetched by programs.

use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::super::answer;
use super::super::asking::Asking;
use super::super::endpoint::Endpoint;
use super::super::entering::ascii;
use super::super::failure::Failure;
use super::super::forms::Realm;
use super::super::own::OwnPages;
use super::super::page::Page;
use super::super::query;
use super::page::{Joining, Offer, Somebody};
use crate::gate::Refusal;
use crate::members::Join;
use crate::model::audit::Actor;
use crate::model::host::Host;
use crate::model::member::{ChangeError, Status};
use crate::model::person::Person;
use crate::model::visit::Visit;
use crate::net::body::Body;
use crate::store::StoreError;

impl OwnPages {
    /// `GET` of either link: who would become what.
    pub(in super::super) async fn offer(
        &self,
        endpoint: Endpoint,
        host: &Host,
        visit: &Visit,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Result<Response<Body>, Failure> {
        if !asking.is_for_a_window() {
            return Err(Failure::ForeignOrigin);
        }
        if *host != self.site.login_host {
            let address = format!("{}{}", self.site.login_origin(), ascii(&visit.path_and_query()));
            return Ok(answer::redirect(&self.site, StatusCode::FOUND, &address, &[]));
        }
        let Some(person) = person else { return Ok(self.sign_in_first(visit)) };
        if person.standing.status == Status::Blocked {
            return Err(blocked(person));
        }
        let code = query::single(asking.query(), "code").unwrap_or_default();
        let is_good = match endpoint {
            Endpoint::Setup => self.directory.is_setup_code(&code, asking.now).await?,
            // Where only administrators make members, no link does.
            _ if self.joining.join == Join::Closed => false,
            _ => self.directory.invitation(&code, asking.now).await?.is_some(),
        };
        if !is_good {
            return Ok(self.spent(endpoint, person, asking));
        }
        let token = self.forms.token(&person.session, Realm::Office, asking.now);
        let site = self.site.login_host.as_str();
        let offer = Offer { who: Somebody::of(person), site, code: &code, token: &token };
        let page = if endpoint == Endpoint::Setup { Joining::SetUp(offer) } else { Joining::Invited(offer) };
        Ok(self.page(&Page::Joining(page), asking))
    }

    /// `POST` from either page: they pressed the button.
    pub(in super::super) async fn accept(
        &self,
        endpoint: Endpoint,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        if *host != self.site.login_host {
            return Err(Failure::Method);
        }
        let Some(person) = person else { return Err(Failure::FormExpired) };
        let mut form = match self.form(body, person, asking).await? {
            Ok(form) => form,
            Err(once_more) => return Ok(once_more),
        };
        let kept = form.clone();
        let code = form.demand("code")?;
        form.finish()?;
        if endpoint == Endpoint::Invite && self.joining.join == Join::Closed {
            return Ok(self.spent(endpoint, person, asking));
        }
        let Some(id) = person.id() else { return Err(Failure::NotFound) };
        let act = asking.act(Actor::Member(id.clone()));
        let (done, next) = match endpoint {
            Endpoint::Setup => (self.directory.set_up(&act, &id, &code).await, "/_wxgate/admin"),
            _ => (self.directory.join(&act, &id, &code).await, "/"),
        };
        match done {
            Ok(_) => Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, next, &[])),
            Err(StoreError::Missing) => Ok(self.spent(endpoint, person, asking)),
            Err(StoreError::Change(ChangeError::Status(Status::Blocked))) => Err(blocked(person)),
            Err(error) => self.or_once_more(Err(error.into()), &kept, person, asking),
        }
    }

    fn spent(&self, endpoint: Endpoint, person: &Person, asking: &Asking<'_>) -> Response<Body> {
        let page = match endpoint {
            Endpoint::Setup => Joining::SetUpLinkSpent { administers: person.administers() },
            _ => Joining::InvitationSpent,
        };
        self.page(&Page::Joining(page), asking)
    }
}

fn blocked(person: &Person) -> Failure {
    Failure::Refused(Refusal::Blocked, Some(person.name().to_owned()))
}
