//! The gateway's own pages: login, callback, hand-off, who am I, sign out.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;

use super::answer;
use super::asking::Asking;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::forms::{self, Forms};
use super::page::Page;
use super::query;
use super::render::Pages;
use crate::login::{Finished, Handoff, LoginFlow, Step, Visitor, choose};
use crate::members::{Directory, JoinSettings, Near, Unsure};
use crate::model::audit::Actor;
use crate::model::clock;
use crate::model::host::Host;
use crate::model::member::MemberId;
use crate::model::own_cookie::CookieScope;
use crate::model::person::{Person, Who};
use crate::model::return_to::{LONGEST, ReturnTo};
use crate::model::session::{Said, Session};
use crate::model::set_cookie::SetCookie;
use crate::model::site::Site;
use crate::model::visit::Visit;
use crate::net::body::Body;
use crate::sessions::Sessions;
use crate::store::StoreError;
use crate::wechat::user_agent::Browser;

/// How long a browser keeps the language its visitor chose.
const LANGUAGE: Duration = Duration::from_secs(365 * 86_400);

/// Longest login address in an answer to a proxy that asks, whose bodies are at most 1 KiB.
const BRIEF_ADDRESS: usize = 768;

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
        let who =
            self.directory.who(session.clone(), &self.near, clock::instant(), self.revocation_grace).await;
        let person = match who {
            Who::Nobody => None,
            Who::Person(person) => Some(person),
            // Whoever wants to leave may, and a page that says who somebody is does not guess.
            Who::Unsure if endpoint == Endpoint::Logout => None,
            Who::Unsure => return Err(Unsure.into()),
        };
        let person = person.as_ref();
        let mut response = match (endpoint, &visit.method) {
            (Endpoint::Login, &Method::GET | &Method::HEAD) => {
                self.login(host, query::login(asking.query()), asking, person)
            }
            (Endpoint::Callback, &Method::GET) => self.callback(host, asking, person).await,
            (Endpoint::Ticket, &Method::GET) => self.ticket(host, asking, person).await,
            (Endpoint::Logout, &Method::GET | &Method::HEAD) => Ok(self.confirm_sign_out(asking, person)),
            (Endpoint::Logout, &Method::POST) => self.sign_out(host, asking, session.as_deref(), body).await,
            (Endpoint::Me, &Method::GET | &Method::HEAD) => self.me(asking, person),
            (Endpoint::Unknown, _) => Err(Failure::NotFound),
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

    /// What an anonymous visitor of a protected page gets: a redirect for navigations, 401 for everything else. A proxy
    /// that asks gets absolute addresses, and the login begins at once where the proxy shows our answers.
    pub fn ask_to_sign_in(&self, visit: &Visit, api: bool, asking: &Asking<'_>) -> Response<Body> {
        let to = match (asking.is_read(), asking.header(http::header::REFERER)) {
            (true, _) => visit.path_and_query(),
            // A POST cannot be repeated after the login: back to the page it came from.
            (false, Some(referer)) => {
                ReturnTo::parse(referer, &visit.authority.host, |_| false).path_and_query
            }
            (false, None) => "/".to_owned(),
        };
        let host = &visit.authority.host;
        let login = format!("/_wxgate/login?to={}", ascii(if to.len() > LONGEST { "/" } else { &to }));
        let login_url = format!("{}{login}", self.site.origin(host));
        if asking.is_navigation() && !api {
            let status = if asking.is_read() { StatusCode::FOUND } else { StatusCode::SEE_OTHER };
            let begun = asking.check.filter(|dialect| dialect.shows_answers()).and_then(|_| {
                let asked = query::LoginQuery { to: Some(&to), ..query::LoginQuery::default() };
                self.login(host, asked, asking, None)
                    .ok()
                    .filter(|response| response.status().is_redirection())
            });
            let address = if asking.check.is_some() { &login_url } else { &login };
            let mut response = begun.unwrap_or_else(|| answer::redirect(&self.site, status, address, &[]));
            *response.status_mut() = status;
            return response;
        }
        let shown = if asking.check.is_some() && login_url.len() > BRIEF_ADDRESS {
            format!("{}/_wxgate/login?to=/", self.site.origin(host))
        } else {
            login_url
        };
        let body = json!({ "error": "login_required", "login_url": shown, "request_id": asking.request_id });
        let mut response = answer::json(&self.site, StatusCode::UNAUTHORIZED, &body);
        if asking.check.is_some() {
            answer::locate(&mut response, &shown);
        }
        response
    }

    /// What somebody gets who is signed in and no member, on a page for members.
    pub fn ask_for_access(&self, visit: &Visit, person: &Person, asking: &Asking<'_>) -> Response<Body> {
        self.page(&Page::Denied { name: Some(person.name()), path: visit.path.as_str() }, asking)
    }

    /// Whether `host` is one of ours.
    pub fn serves(&self, host: &Host) -> bool {
        self.hosts.contains(host)
    }

    fn page(&self, page: &Page<'_>, asking: &Asking<'_>) -> Response<Body> {
        answer::page(&self.pages, &self.site, page, asking)
    }

    fn login(
        &self,
        host: &Host,
        asked: query::LoginQuery<'_>,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Result<Response<Body>, Failure> {
        let to = ReturnTo::parse(asked.to.unwrap_or("/"), host, |host| self.serves(host));
        if *host != self.site.login_host {
            return Ok(self.send_to_login_host(host, &to, asking, person));
        }
        if let Some(person) = person {
            return Ok(self.go_on(&person.session, &to, asked.handoff, &[], asking));
        }
        if self.directory.is_down() {
            return Err(Unsure.into());
        }
        let page_url = format!("{}{}", self.site.origin(to.host.as_ref().unwrap_or(host)), to.path_and_query);
        let site_name = to.host.as_ref().unwrap_or(host).to_string();
        let other_way = |way: &str| {
            let to = to.host.as_ref().map_or_else(|| to.path_and_query.clone(), |_| page_url.clone());
            let handoff =
                asked.handoff.map(|hash| format!("n={}&", crate::seal::hex(&hash))).unwrap_or_default();
            format!("/_wxgate/login?way={way}&{handoff}to={}", ascii(&to))
        };
        let has_qr = self.login.apps().website.is_some();
        let qr_url = has_qr.then(|| other_way("qr"));
        let browser = Browser::of(asking.user_agent());
        let continue_url = other_way("wechat");
        let page = match choose(browser, asked.way, self.login.apps()) {
            Step::Go(channel, scope) => {
                let headers = &asking.parts.headers;
                let begun = self.login.begin(channel, scope, &to, asked.handoff, headers, asking.now)?;
                let redirect =
                    answer::redirect(&self.site, StatusCode::FOUND, &begun.location, &begun.cookies);
                return Ok(redirect);
            }
            Step::ExplainInApp => Page::SignInInsideWechat {
                site: &site_name,
                host: &site_name,
                path: &to.path_and_query,
                continue_url: &continue_url,
            },
            Step::NeedComputer => {
                Page::NeedComputer { site: &site_name, page_url: &page_url, qr_way: qr_url.as_deref() }
            }
            Step::OpenInWechat if browser.is_handheld() => Page::OpenInWechat {
                site: &site_name,
                host: &site_name,
                page_url: &page_url,
                scan_url: qr_url.as_deref(),
            },
            Step::OpenInWechat => {
                Page::NeedWechat { site: &site_name, page_url: &page_url, qr_way: qr_url.as_deref() }
            }
            Step::Wecom => {
                Page::WecomNotSupported { site: &site_name, page_url: &page_url, scan_url: qr_url.as_deref() }
            }
        };
        Ok(self.page(&page, asking))
    }

    /// On a host that WeChat does not call back: off to the one it does.
    fn send_to_login_host(
        &self,
        host: &Host,
        to: &ReturnTo,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Response<Body> {
        if person.is_some() && to.host.is_none() {
            return answer::redirect(&self.site, StatusCode::SEE_OTHER, &to.path_and_query, &[]);
        }
        let target =
            format!("{}{}", self.site.origin(to.host.as_ref().unwrap_or(host)), ascii(&to.path_and_query));
        let login = format!("{}/_wxgate/login", self.site.login_origin());
        if self.site.shares_session(host) {
            return answer::redirect(&self.site, StatusCode::FOUND, &format!("{login}?to={target}"), &[]);
        }
        let (hash, nonce) = self.handoff.ask(&asking.parts.headers);
        answer::redirect(&self.site, StatusCode::FOUND, &format!("{login}?n={hash}&to={target}"), &[nonce])
    }

    async fn callback(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Result<Response<Body>, Failure> {
        if *host != self.site.login_host {
            return Err(Failure::NotFound);
        }
        let callback = query::callback(asking.query());
        let visitor = Visitor {
            headers: &asking.parts.headers,
            browser: asking.user_agent(),
            client: asking.client,
            request_id: asking.request_id,
        };
        let session = person.map(|person| &*person.session);
        let finished = self.login.finish(&callback, visitor, session, asking.now).await?;
        Ok(match finished {
            Finished::Already { to } => match session {
                Some(session) => self.go_on(session, &to, None, &[], asking),
                None => answer::redirect(&self.site, StatusCode::SEE_OTHER, "/", &[]),
            },
            Finished::Again(begun) => {
                answer::redirect(&self.site, StatusCode::SEE_OTHER, &begun.location, &begun.cookies)
            }
            Finished::SignedIn { session, to, handoff, cookies, .. } => {
                self.go_on(&session, &to, handoff, &cookies, asking)
            }
        })
    }

    /// Sends a signed-in browser where it wanted to go, over a ticket where cookies do not reach.
    fn go_on(
        &self,
        session: &Session,
        to: &ReturnTo,
        handoff: Option<[u8; 32]>,
        cookies: &[SetCookie],
        asking: &Asking<'_>,
    ) -> Response<Body> {
        let location = match (&to.host, handoff) {
            (None, _) => ascii(&to.path_and_query),
            (Some(host), Some(browser)) if !self.site.shares_session(host) => {
                let ticket = self.handoff.issue(session, host, browser, &to.path_and_query, asking.now);
                format!("{}/_wxgate/ticket?t={ticket}", self.site.origin(host))
            }
            (Some(host), _) => format!("{}{}", self.site.origin(host), ascii(&to.path_and_query)),
        };
        answer::redirect(&self.site, StatusCode::SEE_OTHER, &location, cookies)
    }

    /// A browser that is signed in already (the back button) just goes on, as with a stale callback.
    async fn ticket(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Result<Response<Body>, Failure> {
        let ticket = query::single(asking.query(), "t").unwrap_or_default();
        let headers = &asking.parts.headers;
        let (session, path, forget) =
            match self.handoff.redeem(&ticket, host, headers, &self.directory, asking.now).await {
                Ok(redeemed) => redeemed,
                Err(_) if person.is_some() => {
                    return Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, "/", &[]));
                }
                Err(error) => return Err(error.into()),
            };
        let cookies = [self.sessions.adopt(&session, host, asking.now), forget];
        Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, &ascii(&path), &cookies))
    }

    fn confirm_sign_out(&self, asking: &Asking<'_>, person: Option<&Person>) -> Response<Body> {
        let site = self.site.login_host.as_str();
        let name = person.map(Person::name);
        self.page(&Page::SignOutConfirm { site, name }, asking)
    }

    /// Signs out this browser, or with `everywhere=1` all of the person's. The cookie goes whatever the store says.
    async fn sign_out(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        session: Option<&Session>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        if !asking.is_from_own_page(&self.site) {
            return Err(Failure::ForeignOrigin);
        }
        let everywhere = forms::is_checked(body, "everywhere", asking).await?;
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

    fn me(&self, asking: &Asking<'_>, person: Option<&Person>) -> Result<Response<Body>, Failure> {
        let fetch_site = asking.header(HeaderName::from_static("sec-fetch-site"));
        if fetch_site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
            return Err(Failure::ForeignOrigin);
        }
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

/// Path and query as they may stand in a `Location`: raw bytes above 127 escaped, nothing else touched.
fn ascii(path_and_query: &str) -> String {
    // No quote and no backslash either: nginx's configuration writes it into JSON.
    const LOCATION: &AsciiSet = &CONTROLS.add(b'#').add(b'"').add(b'<').add(b'>').add(b'\\');
    utf8_percent_encode(path_and_query, LOCATION).to_string()
}
