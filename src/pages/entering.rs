//! The way in: the login, WeChat's callback, and the ticket between hosts.

use std::sync::Arc;

use http::{Method, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;

use super::answer;
use super::asking::Asking;
use super::failure::Failure;
use super::language::Language;
use super::own::OwnPages;
use super::page::Page;
use super::query;
use crate::gate::{Refusal, refusal};
use crate::login::{Begun, Channel, Finished, Step, Visitor, Way, choose};
use crate::members::Unsure;
use crate::model::host::Host;
use crate::model::member::Status;
use crate::model::path::is_under;
use crate::model::person::Person;
use crate::model::return_to::{LONGEST, OWN_PREFIX, ReturnTo};
use crate::model::route::Found;
use crate::model::set_cookie::SetCookie;
use crate::model::visit::Visit;
use crate::net::body::Body;
use crate::wechat::user_agent::Browser;

/// Longest login address in an answer to a proxy that asks, whose bodies are at most 1 KiB.
const BRIEF_ADDRESS: usize = 768;

impl OwnPages {
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

    pub(super) fn login(
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
            return Ok(self.go_on(person, &to, asked.handoff, &[], asking));
        }
        if self.directory.is_down() {
            return Err(Unsure.into());
        }
        let page_url = format!("{}{}", self.site.origin(to.host.as_ref().unwrap_or(host)), to.path_and_query);
        let site_name = to.host.as_ref().unwrap_or(host).to_string();
        let other_way = |way: &str| self.login_address(Some(way), &to, asked.handoff);
        let has_qr = self.login.apps().website.is_some();
        let qr_url = has_qr.then(|| other_way("qr"));
        let browser = Browser::of(asking.user_agent());
        let continue_url = other_way("wechat");
        let apps = self.login.apps();
        let ways: Vec<_> = apps.ways(browser).into_iter().filter_map(labelled).collect();
        let ways: Vec<_> = ways.into_iter().map(|(label, way)| (label, other_way(way))).collect();
        let ways_url = other_way("choose");
        // What these pages say themselves is done inside WeChat.
        let ways_url = apps.has_other_ways(browser, Channel::InApp).then_some(ways_url.as_str());
        let page = match choose(browser, asked.way, apps) {
            Step::Go(channel, scope) => {
                let visitor = self.visitor(asking);
                let begun = self.login.begin(channel, scope, &to, asked.handoff, visitor, asking.now)?;
                if self.login.is_framed(channel) {
                    return Ok(self.framed(&begun, &to, asked.handoff, asking));
                }
                let redirect =
                    answer::redirect(&self.site, StatusCode::FOUND, &begun.location, &begun.cookies);
                return Ok(redirect);
            }
            Step::Choose => Page::ChooseWay { site: &site_name, ways: &ways },
            Step::ExplainInApp => Page::SignInInsideWechat {
                site: &site_name,
                host: &site_name,
                path: &to.path_and_query,
                continue_url: &continue_url,
                ways_url,
            },
            Step::NeedComputer => {
                Page::NeedComputer { site: &site_name, page_url: &page_url, qr_way: qr_url.as_deref() }
            }
            Step::OpenInWechat if browser.is_handheld() => Page::OpenInWechat {
                site: &site_name,
                host: &site_name,
                page_url: &page_url,
                scan_url: qr_url.as_deref(),
                ways_url,
            },
            Step::OpenInWechat => Page::NeedWechat {
                site: &site_name,
                page_url: &page_url,
                qr_way: qr_url.as_deref(),
                ways_url,
            },
            Step::Wecom => Page::WecomNotSupported {
                site: &site_name,
                page_url: &page_url,
                scan_url: qr_url.as_deref(),
                ways_url,
            },
        };
        Ok(self.page(&page, asking))
    }

    /// WeChat's code in a frame on a page of ours.
    fn framed(
        &self,
        begun: &Begun,
        to: &ReturnTo,
        handoff: Option<[u8; 32]>,
        asking: &Asking<'_>,
    ) -> Response<Body> {
        let site = to.host.as_ref().unwrap_or(&self.site.login_host).to_string();
        let again_url = self.login_address(Some("qr"), to, handoff);
        let ways_url = self.login_address(Some("choose"), to, handoff);
        let browser = Browser::of(asking.user_agent());
        let has_other_ways = self.login.apps().has_other_ways(browser, Channel::Qr);
        let ways_url = has_other_ways.then_some(ways_url.as_str());
        let page = Page::Framed { site: &site, frame_url: &begun.location, again_url: &again_url, ways_url };
        let mut response = self.page(&page, asking);
        answer::allow_frame(&mut response, &begun.location);
        answer::add_cookies(&mut response, &begun.cookies);
        response
    }

    /// Signs in whoever wants one of our own pages, and brings them back.
    pub(super) fn sign_in_first(&self, visit: &Visit) -> Response<Body> {
        let login = format!("/_wxgate/login?to={}", ascii(&visit.path_and_query()));
        answer::redirect(&self.site, StatusCode::FOUND, &login, &[])
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

    pub(super) async fn callback(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Result<Response<Body>, Failure> {
        if *host != self.site.login_host {
            return Err(Failure::NotFound);
        }
        let callback = query::callback(asking.query());
        let session = person.map(|person| &*person.session);
        let finished = self.login.finish(&callback, self.visitor(asking), session, asking.now).await?;
        Ok(self.finished(finished, person, asking))
    }

    /// Whose browser asks.
    pub(super) fn visitor<'a>(&self, asking: &Asking<'a>) -> Visitor<'a> {
        Visitor {
            headers: &asking.parts.headers,
            browser: asking.user_agent(),
            client: asking.client,
            request_id: asking.request_id,
            reads_english: asking.language(self.pages.fixed_language()) == Language::English,
        }
    }

    /// What a login came to, for the browser.
    pub(super) fn finished(
        &self,
        finished: Finished,
        person: Option<&Person>,
        asking: &Asking<'_>,
    ) -> Response<Body> {
        let redirect = |location: &str, cookies: &[SetCookie]| {
            answer::redirect(&self.site, StatusCode::SEE_OTHER, location, cookies)
        };
        match finished {
            Finished::Already { to } => match person {
                Some(person) => self.go_on(person, &to, None, &[], asking),
                None => redirect("/", &[]),
            },
            Finished::Again(begun) => redirect(&begun.location, &begun.cookies),
            Finished::AskFirst { to, handoff, cookies } => {
                redirect(&self.login_address(Some("ask"), &to, handoff), &cookies)
            }
            Finished::Witnessed { to, cookies } => redirect(&ascii(&to.path_and_query), &cookies),
            Finished::SignedIn { session, member, to, handoff, cookies } => {
                let standing = Arc::new(member.standing(Vec::new()));
                let person = Person { session: Arc::new(session), standing };
                self.go_on(&person, &to, handoff, &cookies, asking)
            }
        }
    }

    /// Our login page, by one way in or by the one that fits.
    pub(super) fn login_address(
        &self,
        way: Option<&str>,
        to: &ReturnTo,
        handoff: Option<[u8; 32]>,
    ) -> String {
        let to_url = match &to.host {
            Some(host) => format!("{}{}", self.site.origin(host), to.path_and_query),
            None => to.path_and_query.clone(),
        };
        let way = way.map(|way| format!("way={way}&")).unwrap_or_default();
        let handoff = handoff.map(|hash| format!("n={}&", crate::seal::hex(&hash))).unwrap_or_default();
        format!("/_wxgate/login?{way}{handoff}to={}", ascii(&to_url))
    }

    /// Sends a signed-in browser where it wanted to go, over a ticket where cookies do not reach.
    pub(super) fn go_on(
        &self,
        person: &Person,
        to: &ReturnTo,
        handoff: Option<[u8; 32]>,
        cookies: &[SetCookie],
        asking: &Asking<'_>,
    ) -> Response<Body> {
        let path = self.first_stop(person, to);
        let location = match (&to.host, handoff) {
            (None, _) => ascii(&path),
            (Some(host), Some(browser)) if !self.site.shares_session(host) => {
                let ticket = self.handoff.issue(&person.session, host, browser, &path, asking.now);
                format!("{}/_wxgate/ticket?t={ticket}", self.site.origin(host))
            }
            (Some(host), _) => format!("{}{}", self.site.origin(host), ascii(&path)),
        };
        answer::redirect(&self.site, StatusCode::SEE_OTHER, &location, cookies)
    }

    /// Where they wanted to go; for whoever is no member and comes for a page for members, the page that says what to do
    /// about it. Behind a proxy that only asks they would see nothing but the proxy's own 403.
    fn first_stop(&self, person: &Person, to: &ReturnTo) -> String {
        let (path, query) = match to.path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (to.path_and_query.as_str(), None),
        };
        let host = to.host.as_ref().unwrap_or(&self.site.login_host);
        if person.standing.status != Status::Active && !is_under(path, OWN_PREFIX) {
            let visit = Visit::parse(Method::GET, self.site.scheme, host.as_str(), path, query);
            let route = visit.as_ref().ok().map(|visit| self.routes.find(visit));
            if let Some(Found::Route(route)) = route
                && let Some(Refusal::NoMember(_)) = refusal(&route.access, person)
            {
                return format!("/_wxgate/request?to={}", to.path_and_query);
            }
        }
        to.path_and_query.clone()
    }

    /// A browser that is signed in already (the back button) just goes on, as with a stale callback.
    pub(super) async fn ticket(
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
}

/// Path and query as they may stand in a `Location`: raw bytes above 127 escaped, nothing else touched.
pub(super) fn ascii(path_and_query: &str) -> String {
    // No quote and no backslash either: nginx's configuration writes it into JSON.
    const LOCATION: &AsciiSet = &CONTROLS.add(b'#').add(b'"').add(b'<').add(b'>').add(b'\\');
    utf8_percent_encode(path_and_query, LOCATION).to_string()
}

/// What a way is called, on a page and in our addresses.
fn labelled(way: Way) -> Option<(&'static str, &'static str)> {
    match way {
        Way::Qr => Some(("choose.qr", "qr")),
        Way::Follow => Some(("choose.follow", "follow")),
        Way::Chat => Some(("choose.chat", "code")),
        Way::Link => Some(("choose.link", "link")),
        Way::InApp => Some(("sign_in.button", "wechat")),
        Way::Ask | Way::Choose => None,
    }
}
