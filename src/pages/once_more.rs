//! Forms of signed-in people: read by one way, and kept for a second try when they could not be carried out.

use http::Response;
use hyper::body::Incoming;

use super::asking::Asking;
use super::failure::Failure;
use super::forms::{Form, Realm, Sent};
use super::own::OwnPages;
use super::page::{Hindrance, Page};
use crate::model::person::Person;
use crate::net::body::Body;
use crate::store::StoreError;

impl OwnPages {
    /// The form of a signed-in person, or the page on which they can send it once more.
    pub(super) async fn form(
        &self,
        body: Option<Incoming>,
        person: &Person,
        asking: &Asking<'_>,
    ) -> Result<Result<Form, Response<Body>>, Failure> {
        if !asking.is_for_a_window() {
            return Err(Failure::ForeignOrigin);
        }
        Ok(match self.forms.read(body, &person.session, &self.site, asking).await? {
            Sent::Good(form) => Ok(form),
            Sent::Stale(form) => Err(self.once_more(Hindrance::Stale, &form, person, asking)),
        })
    }

    /// What came of a form; where the store was down, the page on which it can be sent once more.
    pub(super) fn or_once_more(
        &self,
        answered: Result<Response<Body>, Failure>,
        form: &Form,
        person: &Person,
        asking: &Asking<'_>,
    ) -> Result<Response<Body>, Failure> {
        match answered {
            Err(failure @ Failure::Store(StoreError::Unavailable(_))) => {
                failure.log(asking, asking.visit.map_or("-", |visit| visit.path.as_str()));
                Ok(self.once_more(Hindrance::StoreDown, form, person, asking))
            }
            answered => answered,
        }
    }

    fn once_more(
        &self,
        cause: Hindrance,
        form: &Form,
        person: &Person,
        asking: &Asking<'_>,
    ) -> Response<Body> {
        let target = asking.visit.map_or("/", |visit| visit.path.as_str());
        let token = self.forms.token(&person.session, Realm::of(asking), asking.now);
        let (name, fields) = (person.name(), form.fields());
        self.page(&Page::OnceMore { cause, name, target, fields, token: &token }, asking)
    }
}
