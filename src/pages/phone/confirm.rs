//! The question on the phone: may that other browser sign in as you?
//!
//! It says site, browser, address and time, because anybody can send anybody a code (QRLjacking). WeChat says who is on the
//! phone, silently; nobody is signed in here.

use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::super::answer;
use super::super::asking::Asking;
use super::super::entering::ascii;
use super::super::failure::Failure;
use super::super::own::OwnPages;
use super::super::page::{Malformed, Page};
use super::super::query;
use super::page::Phone;
use crate::login::{Decided, LoginError, LoginFailure};
use crate::model::audit::Actor;
use crate::model::host::Host;
use crate::model::identity::Account;
use crate::model::member::SessionId;
use crate::model::pairing::{Pairing, PairingState, Proof};
use crate::model::visit::Visit;
use crate::net::body::Body;
use crate::seal::digest;
use crate::wechat::user_agent::{Browser, Program, words};

impl OwnPages {
    /// `GET /_wxgate/confirm`: asks WeChat who is on the phone, then the person.
    pub(in super::super) async fn question(
        &self,
        host: &Host,
        visit: &Visit,
        asking: &Asking<'_>,
    ) -> Result<Response<Body>, Failure> {
        if !asking.is_for_a_window() {
            return Err(Failure::ForeignOrigin);
        }
        let address = format!("{}{}", self.site.login_origin(), ascii(&visit.path_and_query()));
        if *host != self.site.login_host {
            return Ok(answer::redirect(&self.site, StatusCode::FOUND, &address, &[]));
        }
        let site = self.site.login_host.as_str();
        if Browser::of(asking.user_agent()).program != Program::Wechat {
            let page =
                Page::OpenInWechat { site, host: site, page_url: &address, scan_url: None, ways_url: None };
            return Ok(self.page(&page, asking));
        }
        let call = call(query::single(asking.query(), "c"))?;
        let Some(pairing) = self.login.called(&call, asking.now).await.map_err(failed)? else {
            return Ok(self.page(&Page::Phone(Phone::Over), asking));
        };
        let headers = &asking.parts.headers;
        let witness = self.login.witness(&call, headers, asking.now);
        // Whoever is asked for their profile has been shown the question: a link alone does not lead there.
        let shares = query::single(asking.query(), "share").is_some() && witness.is_some();
        let proof = match witness {
            Some(proof) if !shares || !proof.profile.name.is_empty() => proof,
            _ => {
                let visitor = self.visitor(asking);
                let begun = self.login.begin_confirmation(&call, shares, visitor, asking.now)?;
                return Ok(answer::redirect(&self.site, StatusCode::FOUND, &begun.location, &begun.cookies));
            }
        };
        // Whoever is shown the question is the one who answers.
        let pairing = match pairing.state {
            PairingState::Waiting => {
                self.login.answer_call(&call, proof.account.clone(), asking.now).await.map_err(failed)?
            }
            _ => Some(pairing),
        };
        let Some(pairing) = pairing else { return Ok(self.page(&Page::Phone(Phone::Over), asking)) };
        Ok(self.ask_on_phone(&call, &pairing, &proof, asking))
    }

    /// `POST /_wxgate/confirm`: what the person said.
    pub(in super::super) async fn decide_on_phone(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        if *host != self.site.login_host || !asking.is_for_a_window() {
            return Err(Failure::ForeignOrigin);
        }
        let mut form = self.forms.read_of_call(body, &self.site, asking).await?;
        let call = call(form.1.take("c"))?;
        let say = form.1.demand("say")?;
        let token = form.0;
        form.1.finish()?;
        let witness = self.login.witness(&call, &asking.parts.headers, asking.now);
        let is_asked =
            |proof: &Proof| self.forms.is_of_call(&token, id_of(&call, &proof.account), asking.now);
        let Some(proof) = witness.filter(is_asked) else {
            // An answer that was given already, or too late: what has become of it is shown, or the question once more.
            let address = format!("/_wxgate/confirm?c={call}");
            return Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, &address, &[]));
        };
        let is_allowed = match say.as_str() {
            "allow" => true,
            "refuse" => false,
            _ => return Err(Failure::Malformed(Malformed::Form)),
        };
        let act = asking.act(Actor::Gateway);
        let decided = self.login.decide(&call, proof, is_allowed, act).await.map_err(failed)?;
        let page = match &decided {
            Decided::Done(pairing) if is_allowed => Phone::Allowed { site: &pairing.site },
            Decided::Done(_) => Phone::NotMe,
            Decided::Over => Phone::Over,
            Decided::Unsettled => {
                let address = format!("/_wxgate/confirm?c={call}&share=1");
                return Ok(answer::redirect(&self.site, StatusCode::SEE_OTHER, &address, &[]));
            }
        };
        let mut response = self.page(&Page::Phone(page), asking);
        answer::add_cookies(&mut response, &[self.login.forget_witness()]);
        Ok(response)
    }

    fn ask_on_phone(
        &self,
        call: &str,
        pairing: &Pairing,
        proof: &Proof,
        asking: &Asking<'_>,
    ) -> Response<Body> {
        let site = pairing.site.as_str();
        match &pairing.state {
            PairingState::Scanned(by) if *by != proof.account => {
                return self.page(&Page::Phone(Phone::Over), asking);
            }
            PairingState::Scanned(_) | PairingState::Waiting => {}
            PairingState::Allowed(allowed) if allowed.account == proof.account => {
                return self.page(&Page::Phone(Phone::Allowed { site }), asking);
            }
            _ => return self.page(&Page::Phone(Phone::Over), asking),
        }
        let browser = words(&pairing.user_agent).unwrap_or_default();
        let token = self.forms.token_of_call(id_of(call, &proof.account), asking.now);
        let share_url = format!("/_wxgate/confirm?c={call}&share=1");
        let name = proof.profile.name.as_str();
        let login_host = self.site.login_host.as_str();
        let question = Phone::Question {
            site,
            everywhere: if site == login_host { "" } else { login_host },
            browser: &browser,
            client: &pairing.client.to_string(),
            begun: pairing.begun,
            name,
            call,
            token: &token,
            share_url: name.is_empty().then_some(share_url.as_str()),
        };
        self.page(&Page::Phone(question), asking)
    }
}

/// What the phone was called with: 32 hexadecimal digits. The six of the chat could be guessed here, where nobody counts.
fn call(text: Option<String>) -> Result<String, Failure> {
    let is_sound = |text: &String| {
        text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    text.filter(is_sound).ok_or(Failure::Malformed(Malformed::SignIn))
}

/// What the token of the question is bound to, since there is no session on the phone: the question, and who was asked.
fn id_of(call: &str, account: &Account) -> SessionId {
    let mut id = [0; 16];
    let asked = format!("{call}\0{}\0{}", account.app_id, account.openid);
    id.copy_from_slice(&digest(asked.as_bytes())[..16]);
    id
}

fn failed(error: LoginError) -> Failure {
    LoginFailure { error, cookies: Vec::new(), to: None }.into()
}
