//! The gateway's own pages: which of them answers, who am I, and the parts they are made of.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use super::answer;
use super::asking::Asking;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::forms::Forms;
use super::ownership::{OwnershipFile, OwnershipFiles};
use super::page::Page;
use super::people::WaitingRoom;
use super::phone::Inbox;
use super::query;
use super::render::Pages;
use crate::login::{Handoff, LoginFlow};
use crate::members::{Directory, JoinSettings, Near, Unsure};
use crate::model::clock;
use crate::model::host::Host;
use crate::model::own_cookie::CookieScope;
use crate::model::person::{Person, Who};
use crate::model::route::Routes;
use crate::model::session::{Said, Session};
use crate::model::set_cookie::SetCookie;
use crate::model::site::Site;
use crate::model::visit::Visit;
use crate::net::body::Body;
use crate::seal::Prover;
use crate::sessions::Sessions;

/// How long a browser keeps the language its visitor chose.
const LANGUAGE: Duration = Duration::from_secs(365 * 86_400);

/// The parts that own pages are made of.
#[derive(Debug)]
pub struct OwnPages {
    /// Looks and words.
    pub pages: Pages,
    /// Public addresses.
    pub site: Site,
    /// Names and scope of cookies.
    pub scope: CookieScope,
    /// Every host that is served.
    pub hosts: Vec<Host>,
    /// Files by which WeChat sees whose the hosts are.
    pub ownership: OwnershipFiles,
    /// Sessions.
    pub sessions: Arc<Sessions>,
    /// Logins.
    pub login: LoginFlow,
    /// Sign-ins between hosts.
    pub handoff: Handoff,
    /// Members.
    pub directory: Arc<Directory>,
    /// How strangers become members.
    pub joining: JoinSettings,
    /// How long what the store last said counts while it is down.
    pub revocation_grace: Duration,
    /// How the people stand who were here a moment ago.
    pub near: Near,
    /// Tokens of forms.
    pub forms: Forms,
    /// Which page is for whom.
    pub routes: Arc<Routes>,
    /// People who wait for an administrator, and browsers that wait for a phone.
    pub waiting: Arc<WaitingRoom>,
    /// What WeChat's server may tell us.
    pub inbox: Option<Inbox>,
    /// Proofs of which gateway this is.
    pub prover: Prover,
}

impl OwnPages {
    /// Answers at one of our own addresses.
    pub async fn serve(
        &self,
        endpoint: Endpoint,
        visit: &Visit,
        asking: &Asking<'_>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let host = &visit.authority.host;
        let session = self.sessions.read(&asking.parts.headers, host, asking.now).map(Arc::new);
        let who = match self.who(session.clone()).await {
            Who::Person(person) if endpoint == Endpoint::Admin && !person.administers() => {
                let grace = self.revocation_grace;
                self.directory.who_anew(&person.session, &self.near, clock::instant(), grace).await
            }
            who => who,
        };
        let person = match who {
            Who::Nobody => None,
            Who::Person(person) => Some(person),
            // Whoever wants to leave may, and a page that says who somebody is does not guess.
            Who::Unsure if endpoint == Endpoint::Logout => None,
            Who::Unsure => return Err(Unsure.into()),
        };
        let person = person.as_ref();
        let is_read = asking.is_read();
        let mut response = match endpoint {
            Endpoint::Admin => self.administer(host, visit, asking, person, body).await,
            Endpoint::Callback if visit.method == Method::GET => self.callback(host, asking, person).await,
            Endpoint::Check if visit.method == Method::GET => self.prove(visit, asking),
            Endpoint::Confirm if is_read => self.question(host, visit, asking).await,
            Endpoint::Confirm if visit.method == Method::POST => {
                self.decide_on_phone(host, asking, body).await
            }
            Endpoint::Invite | Endpoint::Setup if is_read => {
                self.offer(endpoint, host, visit, asking, person).await
            }
            Endpoint::Invite | Endpoint::Setup if visit.method == Method::POST => {
                self.accept(endpoint, host, asking, person, body).await
            }
            Endpoint::Login if is_read => match self.come_back(host, asking, person).await {
                Some(response) => Ok(response),
                None => self.login(host, query::login(asking.query()), asking, person),
            },
            Endpoint::LoginCode if visit.method == Method::GET => self.code_to_scan(host, asking).await,
            Endpoint::LoginStatus
                if visit.method == Method::GET && query::single(asking.query(), "a").is_some() =>
            {
                self.phone_status(host, asking).await
            }
            Endpoint::LoginStatus if visit.method == Method::GET => self.status(asking, session).await,
            Endpoint::LoginWait if is_read => self.wait_for_phone(host, asking, person).await,
            Endpoint::Logout if is_read => Ok(self.confirm_sign_out(asking, person)),
            Endpoint::Logout if visit.method == Method::POST => {
                self.sign_out(host, asking, (session.as_deref(), person), body).await
            }
            Endpoint::Message if matches!(visit.method, Method::GET | Method::POST) => {
                self.message(host, asking, body).await
            }
            Endpoint::Me if is_read => self.me(asking, person),
            Endpoint::Request if is_read => self.show_request(host, asking, person),
            Endpoint::Request if visit.method == Method::POST => {
                self.request(host, asking, person, body).await
            }
            Endpoint::Ticket if visit.method == Method::GET => self.ticket(host, asking, person).await,
            Endpoint::Unknown => Err(Failure::NotFound),
            _ => Err(Failure::Method),
        }?;
        if let Some(language) =
            asking.query().and_then(query::language).and_then(super::language::Language::named)
        {
            let name = self.scope.host_only_name("lang");
            let scope = CookieScope { domain: None, ..self.scope.clone() };
            answer::add_cookies(&mut response, &[SetCookie::keep(&scope, &name, language.name(), LANGUAGE)]);
        }
        Ok(response)
    }

    /// A file of ownership, for whoever asks: WeChat fetches it without signing in.
    pub fn show(&self, file: &OwnershipFile) -> Response<Body> {
        answer::text(&self.site, StatusCode::OK, file.text().to_owned())
    }

    /// Whether `host` is one of ours.
    pub fn serves(&self, host: &Host) -> bool {
        self.hosts.contains(host)
    }

    /// Who a session belongs to.
    pub(super) async fn who(&self, session: Option<Arc<Session>>) -> Who {
        self.directory.who(session, &self.near, clock::instant(), self.revocation_grace).await
    }

    pub(super) fn page(&self, page: &Page<'_>, asking: &Asking<'_>) -> Response<Body> {
        answer::page(&self.pages, &self.site, page, asking)
    }

    /// Other sites learn nothing of who is signed in here.
    pub(super) fn keep_from_other_sites(&self, asking: &Asking<'_>) -> Result<(), Failure> {
        match asking.header(HeaderName::from_static("sec-fetch-site")) {
            None | Some("same-origin" | "none") => Ok(()),
            Some(_) => Err(Failure::ForeignOrigin),
        }
    }

    fn me(&self, asking: &Asking<'_>, person: Option<&Person>) -> Result<Response<Body>, Failure> {
        self.keep_from_other_sites(asking)?;
        let Some(person) = person else {
            let body = json!({ "error": "login_required", "request_id": asking.request_id });
            return Ok(answer::json(&self.site, StatusCode::UNAUTHORIZED, &body));
        };
        let (session, standing) = (&person.session, &person.standing);
        let unionid = Some(session.text(Said::Unionid)).filter(|unionid| !unionid.is_empty());
        let body = json!({
            "user": person.user(),
            "id": session.member_id(),
            "status": standing.status.as_str(),
            "groups": standing.groups.iter().collect::<Vec<_>>(),
            "admin": person.administers(),
            "name": person.name(),
            "avatar": session.text(Said::Avatar),
            "openid": session.text(Said::Openid),
            "unionid": unionid,
            "signed_in_at": session.started.as_unix(),
            "expires_in": self.sessions.time_left(session, asking.now).as_secs(),
        });
        Ok(answer::json(&self.site, StatusCode::OK, &body))
    }
}
