//! The browser that waits for a phone: its page, the code on it, and its long poll.

use std::time::Duration;

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::json;

use super::super::answer;
use super::super::asking::Asking;
use super::super::failure::Failure;
use super::super::own::OwnPages;
use super::super::page::Page;
use super::super::people::COME_BACK;
use super::super::query;
use super::page::{CalledBy, Phone};
use crate::login::{Attempt, Channel, LoginError, LoginFailure};
use crate::model::host::Host;
use crate::model::pairing::{LIFETIME, Pairing, PairingState};
use crate::model::person::Person;
use crate::net::body::Body;
use crate::wechat::user_agent::Browser;

/// How many times the store is asked while a poll is open, and how long after one another: 20 seconds in all.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_secs(1);

impl OwnPages {
    /// `GET /_wxgate/login/wait`: the page that waits. Once the phone has allowed it, the browser is signed in here.
    pub(in super::super) async fn wait_for_phone(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Result<Response<Body>, Failure> {
        let attempt = match self.attempt(host, asking) {
            // Signed in by another window, or by the back button.
            Err(_) if person.is_some() => {
                return Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, "/", &[]));
            }
            attempt => attempt?,
        };
        let failed = |error| LoginFailure { error, cookies: Vec::new(), to: Some(attempt.to()) };
        let pairing = match attempt.channel {
            // Only who looks at the code makes one.
            Channel::Follow => self.login.progress(&attempt, asking.now).await.map_err(failed)?,
            _ => match self.login.wait(&attempt, self.visitor(asking), asking.now).await {
                // Another attempt has other digits.
                Err(LoginError::DigitsTaken) => {
                    let again = self.login_address(Some("code"), &attempt.to(), attempt.handoff);
                    return Ok(answer::redirect(&self.site, StatusCode::FOUND, &again, &[]));
                }
                pairing => Some(pairing.map_err(failed)?),
            },
        };
        match pairing.as_ref().map(|pairing| &pairing.state) {
            Some(PairingState::Allowed(_)) | Some(PairingState::Taken(_)) => {
                let pairing = pairing.as_ref().ok_or(Failure::NotFound)?;
                match self.login.take(&attempt, pairing, self.visitor(asking), asking.now).await? {
                    Some(finished) => Ok(self.finished(finished, person, asking)),
                    // Another window of this browser was faster: its session is this one's too.
                    None => Ok(self.on_the_way(&attempt)),
                }
            }
            Some(PairingState::Refused) => {
                let again_url = self.login_address(None, &attempt.to(), attempt.handoff);
                Ok(self.page(&Page::Phone(Phone::Refused { again_url: &again_url }), asking))
            }
            Some(PairingState::Scanned(_)) => Ok(self.waiting_page(&attempt, true, asking)),
            Some(PairingState::Waiting) | None => match self.why_no_code(&attempt, asking).await {
                Some(error) => Ok(self.without_code(&error, &attempt, asking)),
                None => Ok(self.waiting_page(&attempt, false, asking)),
            },
        }
    }

    /// Sends a browser that a phone has let in while its waiting page was closed back to that page, which signs it in.
    pub(in super::super) async fn come_back(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        person: Option<&Person>,
    ) -> Option<Response<Body>> {
        let chooses = query::single(asking.query(), "way").is_some();
        if person.is_some() || chooses || *host != self.site.login_host || !asking.is_for_a_window() {
            return None;
        }
        // Where the store does not answer, whoever wants to sign in hears so in a moment.
        let attempt = self.login.allowed(&asking.parts.headers, asking.now).await.ok()??;
        let address = format!("/_wxgate/login/wait?a={}", crate::seal::hex(&attempt.state));
        Some(answer::redirect(&self.site, StatusCode::FOUND, &address, &[]))
    }

    /// `GET /_wxgate/login/status?a=…`: how far it has come, once that changes.
    pub(in super::super) async fn phone_status(
        &self,
        host: &Host,
        asking: &Asking<'_>,
    ) -> Result<Response<Body>, Failure> {
        self.keep_from_other_sites(asking)?;
        let Ok(attempt) = self.attempt(host, asking) else { return Ok(self.progress("over", false)) };
        let known = query::single(asking.query(), "known").unwrap_or_default();
        let waiting = std::sync::Arc::clone(&self.waiting);
        let seat = waiting.enter(attempt.state);
        let mut now = asking.now;
        for look in 1.. {
            let failed = |error: LoginError| LoginFailure { error, cookies: Vec::new(), to: None };
            let pairing: Option<Pairing> = self.login.progress(&attempt, now).await.map_err(failed)?;
            let state = match &pairing {
                // The page says why.
                _ if self.login.code_failure(&attempt).is_some() => "no-code",
                Some(pairing) => pairing.state.as_str(),
                // Nobody has looked at the code yet, or it is over.
                None if now.since(attempt.begun) < LIFETIME => "waiting",
                None => "over",
            };
            let is_news = state != known && !(known.is_empty() && state == "waiting");
            if is_news || look == LOOKS || seat.is_none() || waiting.is_closed() {
                return Ok(self.progress(state, seat.is_none()));
            }
            tokio::time::sleep(PAUSE).await;
            now = crate::model::clock::now();
        }
        Ok(self.progress("over", false))
    }

    fn progress(&self, state: &str, is_crowded: bool) -> Response<Body> {
        let mut response = answer::json(&self.site, StatusCode::OK, &json!({ "state": state }));
        if is_crowded {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(COME_BACK));
        }
        response
    }

    /// The login that a page of this browser is about.
    pub(super) fn attempt(&self, host: &Host, asking: &Asking<'_>) -> Result<Attempt, Failure> {
        if *host != self.site.login_host {
            return Err(Failure::NotFound);
        }
        let state = query::single(asking.query(), "a").unwrap_or_default();
        Ok(self.login.waiting(&state, self.visitor(asking), asking.now)?)
    }

    fn waiting_page(&self, attempt: &Attempt, is_scanned: bool, asking: &Asking<'_>) -> Response<Body> {
        let state = crate::seal::hex(&attempt.state);
        let to = attempt.to();
        let site = to.host.as_ref().unwrap_or(&self.site.login_host).to_string();
        let left = LIFETIME.saturating_sub(asking.now.since(attempt.begun)).as_secs();
        let browser = Browser::of(asking.user_agent());
        let has_other_ways = self.login.apps().has_other_ways(browser, attempt.channel);
        let again_url = self.login_address(Some("choose"), &to, attempt.handoff);
        let again_url = has_other_ways.then_some(again_url.as_str());
        let call = attempt.call();
        let address = match attempt.channel {
            Channel::Chat => call,
            Channel::Link => format!("{}/_wxgate/confirm?c={call}", self.site.login_origin()),
            _ => format!("/_wxgate/login/code?a={state}"),
        };
        let by = match attempt.channel {
            Channel::Chat => CalledBy::Digits(&address),
            Channel::Link => CalledBy::Link(&address),
            _ => CalledBy::Code(&address),
        };
        let account = self.inbox.as_ref().and_then(|inbox| inbox.name.as_deref()).unwrap_or_default();
        let page = Phone::Waiting { site: &site, account, by, is_scanned, state: &state, left, again_url };
        self.page(&Page::Phone(page), asking)
    }

    /// Where the login was to lead.
    fn on_the_way(&self, attempt: &Attempt) -> Response<Body> {
        let to = attempt.to();
        let host = to.host.as_ref().unwrap_or(&self.site.login_host);
        let address =
            format!("{}{}", self.site.origin(host), super::super::entering::ascii(&to.path_and_query));
        answer::redirect(&self.site, StatusCode::SEE_OTHER, &address, &[])
    }
}
