//! The way out: signing out of this browser, or of all.

use http::Response;
use hyper::body::Incoming;

use super::answer;
use super::asking::Asking;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::forms;
use super::own::OwnPages;
use super::page::Page;
use crate::model::audit::Actor;
use crate::model::host::Host;
use crate::model::member::MemberId;
use crate::model::person::Person;
use crate::model::session::Session;
use crate::net::body::Body;
use crate::store::StoreError;

impl OwnPages {
    pub(super) fn confirm_sign_out(&self, asking: &Asking<'_>, person: Option<&Person>) -> Response<Body> {
        let site = self.site.login_host.as_str();
        let name = person.map(Person::name);
        self.page(&Page::SignOutConfirm { site, name }, asking)
    }

    /// Signs out this browser, or with `everywhere=1` all of the person's. The cookie goes whatever the store says.
    pub(super) async fn sign_out(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        (session, person): (Option<&Session>, Option<&Person>),
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        if !asking.is_from_own_page(&self.site) {
            return Err(Failure::ForeignOrigin);
        }
        // A cookie that counts no longer ends nothing but itself.
        let everywhere = forms::is_checked(body, "everywhere", asking).await? && person.is_some();
        let mut ended = Ok(());
        if let Some(session) = session {
            self.sessions.end(session, asking.now);
            ended = self.end(session, everywhere, asking).await;
        }
        let page = Page::SignedOut { site: self.site.login_host.as_str(), login_url: "/" };
        let mut response = match ended {
            Ok(()) => self.page(&page, asking),
            Err(error) => {
                let failure = Failure::from(error);
                failure.log(asking, Endpoint::Logout.as_str());
                failure.answer(&self.pages, &self.site, asking)
            }
        };
        answer::add_cookies(&mut response, &[self.sessions.forget(host)]);
        answer::add_cookies(&mut response, &self.login.forget_attempts(&asking.parts.headers));
        Ok(response)
    }

    /// Ends a session, or all of its person's, on every node.
    async fn end(&self, session: &Session, everywhere: bool, asking: &Asking<'_>) -> Result<(), StoreError> {
        let Ok(member) = session.member_id().parse::<MemberId>() else { return Ok(()) };
        let act = asking.act(Actor::Member(member.clone()));
        let ended = match everywhere {
            false => self.directory.end_session(&act, session.id, Some(&member)).await.map(drop),
            true => self.directory.end_sessions(&act, &member).await.map(drop),
        };
        match ended {
            // It was ended before, or its member forgotten.
            Err(StoreError::Missing) => Ok(()),
            ended => ended,
        }
    }
}
