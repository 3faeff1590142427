//! Administration: for administrators, on the login host, in windows of their own.

mod audit;
mod complaint;
mod conflicts;
mod deed;
mod desk;
mod invites;
mod member;
mod members;
mod names;
mod place;
mod rows;
#[cfg(test)]
pub(super) mod tests;
mod told;

use http::{Method, Response, StatusCode};
use hyper::body::Incoming;

use super::answer;
use super::asking::Asking;
use super::endpoint::Endpoint;
use super::entering::ascii;
use super::failure::Failure;
use super::own::OwnPages;
use crate::gate::Refusal;
use crate::model::host::Host;
use crate::model::member::Status;
use crate::model::person::Person;
use crate::model::visit::Visit;
use crate::net::body::Body;
use desk::Desk;
use place::Place;

impl OwnPages {
    /// Answers at `/_wxgate/admin` and below.
    pub(super) async fn administer(
        &self,
        host: &Host,
        visit: &Visit,
        asking: &Asking<'_>,
        person: Option<&Person>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        if !asking.is_for_a_window() {
            return Err(Failure::ForeignOrigin);
        }
        let is_post = visit.method == Method::POST;
        if !is_post && !asking.is_read() {
            return Err(Failure::Method);
        }
        if *host != self.site.login_host {
            if is_post {
                return Err(Failure::Method);
            }
            let address = format!("{}{}", self.site.login_origin(), ascii(&visit.path_and_query()));
            return Ok(answer::redirect(&self.site, StatusCode::FOUND, &address, &[]));
        }
        let person = match person {
            Some(person) => person,
            None if is_post => return Err(Failure::FormExpired),
            None => return Ok(self.sign_in_first(visit)),
        };
        if !person.administers() {
            let is_blocked = person.standing.status == Status::Blocked;
            self.directory.refused(person, Endpoint::Admin.as_str(), |actor| asking.act(actor));
            let refusal = if is_blocked { Refusal::Blocked } else { Refusal::Group };
            return Err(Failure::Refused(refusal, Some(person.name().to_owned())));
        }
        let place = Place::parse(visit.path.as_str()).ok_or(Failure::NotFound)?;
        let desk = Desk { own: self, asking, person };
        match (place, is_post) {
            (Place::Members, false) => desk.members().await,
            (Place::Member(id), false) => desk.member(&id).await,
            (Place::Invites, false) => desk.invites().await,
            (Place::Conflicts, false) => desk.conflicts().await,
            (Place::Audit, false) => desk.audit().await,
            (Place::Members | Place::Audit, true) => Err(Failure::Method),
            (place, true) => desk.act(&place, body).await,
        }
    }
}
