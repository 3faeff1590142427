//! The code that a phone scans: its picture, and what is said where there is none.

use std::sync::Arc;

use http::Response;

use super::super::answer;
use super::super::asking::Asking;
use super::super::failure::Failure;
use super::super::own::OwnPages;
use super::super::page::Page;
use super::super::qr;
use super::super::query;
use super::super::words;
use super::page::Phone;
use crate::login::{Attempt, Channel, LoginError, LoginFailure};
use crate::model::host::Host;
use crate::net::body::Body;
use crate::wechat::api::WechatError;
use crate::wechat::errcode::Reaction;
use crate::wechat::user_agent::Browser;

impl OwnPages {
    /// `GET /_wxgate/login/code`: the picture. Where none can be made it is one of words, for a picture is what the browser
    /// has asked for; the page itself says more when it is loaded anew, which its script does at once.
    pub(in super::super) async fn code_to_scan(
        &self,
        host: &Host,
        asking: &Asking<'_>,
    ) -> Result<Response<Body>, Failure> {
        self.keep_from_other_sites(asking)?;
        let attempt = self.attempt(host, asking)?;
        if attempt.channel != Channel::Follow {
            return Err(Failure::NotFound);
        }
        let address = match self.login.code(&attempt, self.visitor(asking), asking.now).await {
            Ok(address) => address,
            Err(error) => {
                let failure =
                    Failure::from(LoginFailure { error, cookies: Vec::new(), to: Some(attempt.to()) });
                failure.log(asking, host.as_str());
                return Ok(self.words_for_code(&failure, asking));
            }
        };
        let image = qr::image(&address).ok_or(Failure::NotFound)?;
        Ok(answer::picture(&self.site, image))
    }

    fn words_for_code(&self, failure: &Failure, asking: &Asking<'_>) -> Response<Body> {
        let language = asking.language(self.pages.fixed_language());
        let words = words::find(language, "no_code.picture").unwrap_or_default();
        let mut response = answer::picture(&self.site, qr::in_words(words));
        *response.status_mut() = failure.answer(&self.pages, &self.site, asking).status();
        response
    }

    /// Why there is no code, as far as this node knows. Where another node had none, the page asks with `why`, and this one
    /// tries for itself: within the same bounds as for the picture.
    pub(super) async fn why_no_code(
        &self,
        attempt: &Attempt,
        asking: &Asking<'_>,
    ) -> Option<Arc<WechatError>> {
        let is_asked = attempt.channel == Channel::Follow && query::single(asking.query(), "why").is_some();
        if is_asked && self.login.code_failure(attempt).is_none() {
            // What went wrong at WeChat is kept; what else there is, the picture and the page say by themselves.
            let _ = self.login.code(attempt, self.visitor(asking), asking.now).await;
        }
        self.login.code_failure(attempt)
    }

    /// The page in place of the one that shows the code.
    pub(super) fn without_code(
        &self,
        error: &Arc<WechatError>,
        attempt: &Attempt,
        asking: &Asking<'_>,
    ) -> Response<Body> {
        let address = |way| self.login_address(Some(way), &attempt.to(), attempt.handoff);
        let (again_url, ways_url) = (address("follow"), address("choose"));
        let browser = Browser::of(asking.user_agent());
        let has_other_ways = self.login.apps().has_other_ways(browser, attempt.channel);
        let ways_url = has_other_ways.then_some(ways_url.as_str());
        let page = match error.as_ref() {
            WechatError::Crowded => Phone::Crowded { again_url: &again_url },
            error => Phone::NoCode {
                code: error.errcode(),
                is_lasting: error.reaction() == Reaction::Administrator,
                again_url: &again_url,
                ways_url,
            },
        };
        let to = Some(attempt.to());
        let error = match error.as_ref() {
            WechatError::Crowded => LoginError::Crowded,
            _ => LoginError::Wechat(Arc::clone(error)),
        };
        Failure::from(LoginFailure { error, cookies: Vec::new(), to }).log(asking, attempt.channel.as_str());
        self.page(&Page::Phone(page), asking)
    }
}
