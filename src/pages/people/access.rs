//! Asking for access: what somebody meets who is signed in and no member, and what becomes of their request.

use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::super::answer;
use super::super::asking::Asking;
use super::super::entering::ascii;
use super::super::failure::Failure;
use super::super::forms::Realm;
use super::super::own::OwnPages;
use super::super::page::Page;
use super::super::query;
use super::page::{Joining, Somebody, Step};
use crate::gate::Refusal;
use crate::members::Join;
use crate::model::audit::Actor;
use crate::model::host::Host;
use crate::model::member::Status;
use crate::model::person::Person;
use crate::model::return_to::{LONGEST, ReturnTo};
use crate::model::session::Said;
use crate::model::visit::Visit;
use crate::net::body::Body;
use crate::store::{MemberKey, StoreError};

impl OwnPages {
    /// What somebody gets who is signed in and no member, in place of a page for members.
    pub fn ask_for_access(&self, visit: &Visit, person: &Person, asking: &Asking<'_>) -> Response<Body> {
        let wanted = visit.path_and_query();
        // What is not only read cannot be repeated.
        let is_kept = asking.is_read() && wanted.len() <= LONGEST;
        let path_and_query = if is_kept { wanted } else { "/".to_owned() };
        let to = ReturnTo { host: None, path_and_query };
        self.stranger(&visit.authority.host, &to, person, asking, StatusCode::FORBIDDEN)
    }

    /// `GET /_wxgate/request`: how the person stands, at an address of its own.
    pub(in super::super) fn show_request(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Result<Response<Body>, Failure> {
        let to = self.wish(query::login(asking.query()).to.unwrap_or("/"), host);
        let Some(person) = person else {
            let address = ascii(&request_url(&self.written(&to)));
            let login = format!("/_wxgate/login?to={address}");
            return Ok(answer::redirect(&self.site, StatusCode::FOUND, &login, &[]));
        };
        match person.standing.status {
            Status::Active => {
                let location = ascii(&self.written(&to));
                Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, &location, &[]))
            }
            Status::Blocked => Err(Failure::Refused(Refusal::Blocked, Some(person.name().to_owned()))),
            Status::Guest | Status::Pending | Status::Refused => {
                Ok(self.stranger(host, &to, person, asking, StatusCode::OK))
            }
        }
    }

    /// `POST /_wxgate/request`: they ask.
    pub(in super::super) async fn request(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let Some(person) = person else {
            return Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, "/_wxgate/request", &[]));
        };
        let mut form = match self.form(body, person, asking).await? {
            Ok(form) => form,
            Err(once_more) => return Ok(once_more),
        };
        let kept = form.clone();
        let to = form.take("to").unwrap_or_default();
        let message = form.take("message").unwrap_or_default();
        form.finish()?;
        if let Err(error) = self.ask(person, &message, asking).await {
            return self.or_once_more(Err(error.into()), &kept, person, asking);
        }
        let address = ascii(&request_url(&self.written(&self.wish(&to, host))));
        Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, &address, &[]))
    }

    /// Asks for them, where asking is the way in and they have not been refused. Otherwise nothing changes, and the page
    /// they are sent to says how they stand.
    async fn ask(&self, person: &Person, message: &str, asking: &Asking<'_>) -> Result<(), StoreError> {
        let Some(id) = person.id() else { return Ok(()) };
        // Whoever has asked is known to have a moment later: asking again and again keeps the store from nobody.
        let status = person.standing.status;
        let may_ask = match self.joining.join {
            Join::Closed | Join::Invite => false,
            // By the store's word: somebody who was refused a moment ago must not let themselves in.
            Join::Open if matches!(status, Status::Guest | Status::Pending) => {
                let known = self.directory.member(MemberKey::Id(id.clone()), asking.now).await?;
                known.is_some_and(|known| matches!(known.member.status, Status::Guest | Status::Pending))
            }
            Join::Open => false,
            Join::Request => status == Status::Guest,
        };
        if may_ask {
            let act = asking.act(Actor::Member(id.clone()));
            self.directory.request(&act, &id, message, &self.joining).await?;
        }
        Ok(())
    }

    fn stranger(
        &self,
        host: &Host,
        to: &ReturnTo,
        person: &Person,
        asking: &Asking<'_>,
        status: StatusCode,
    ) -> Response<Body> {
        let token = || self.forms.token(&person.session, Realm::Own, asking.now);
        let written;
        let step = match (person.standing.status, self.joining.join) {
            (Status::Refused, _) => Step::Refused,
            (_, Join::Open) => {
                written = token();
                Step::Join { token: &written }
            }
            (Status::Pending, _) => {
                // A proxy that asks has no room for it.
                Step::Wait(person.standing.request.as_ref().filter(|_| !asking.is_brief()))
            }
            (_, Join::Request) => {
                written = token();
                Step::Ask { token: &written }
            }
            (_, Join::Invite) => Step::Uninvited,
            (_, Join::Closed) => Step::Closed,
        };
        let to_url = self.written(to);
        // A proxy that asks has no room for more.
        let kept = if asking.check.is_some() && to_url.len() > 400 { "/" } else { &to_url };
        let url = ascii(&request_url(kept));
        let url = if asking.check.is_some() { format!("{}{url}", self.site.origin(host)) } else { url };
        let site = to.host.as_ref().unwrap_or(host).as_str();
        let who = Somebody::of(person);
        let page = Joining::Stranger { status, who, site, to: &to_url, url: &url, step };
        self.page(&Page::Joining(page), asking)
    }

    fn wish(&self, to: &str, host: &Host) -> ReturnTo {
        ReturnTo::parse(to, host, |host| self.serves(host))
    }

    /// A return address as it stands in our addresses and forms.
    fn written(&self, to: &ReturnTo) -> String {
        let origin = to.host.as_ref().map(|host| self.site.origin(host)).unwrap_or_default();
        format!("{origin}{}", to.path_and_query)
    }
}

impl<'a> Somebody<'a> {
    /// The person, as pages show them.
    pub(in super::super) fn of(person: &'a Person) -> Self {
        let session = &person.session;
        Self { name: person.name(), avatar: session.text(Said::Avatar), id: session.member_id() }
    }
}

fn request_url(to: &str) -> String {
    format!("/_wxgate/request?to={to}")
}
