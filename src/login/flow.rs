//! A login begins: what it is made of, and where the browser is sent.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;

use super::attempts::{Aim, Attempt, Attempts, Stage};
use super::channel::{Apps, Channel};
use super::failure::{LoginError, LoginFailure};
use super::memory::LoginMemory;
use super::offers::{WebsitePage, WebsiteSettings};
use super::witness::Witnesses;
use crate::members::{Directory, JoinSettings};
use crate::model::clock::Timestamp;
use crate::model::host::Host;
use crate::model::return_to::ReturnTo;
use crate::model::set_cookie::SetCookie;
use crate::sessions::Sessions;
use crate::telemetry::metrics::Metrics;
use crate::wechat::account::OfficialAccount;
use crate::wechat::api::WechatApi;
use crate::wechat::authorize::{self, Scope};

/// What a login needs to know of the configuration.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// The registered apps.
    pub apps: Apps,
    /// Base of WeChat's browser pages.
    pub open_base: String,
    /// `public_url` with the callback's path.
    pub callback_url: String,
    /// The host of `public_url`.
    pub login_host: Host,
    /// How the website app's code is shown.
    pub website: WebsiteSettings,
    /// Refuse accounts without unionid.
    pub require_unionid: bool,
}

/// Begins and finishes logins.
#[derive(Debug)]
pub struct LoginFlow {
    pub(super) settings: LoginSettings,
    pub(super) attempts: Attempts,
    pub(super) witnesses: Witnesses,
    pub(super) sessions: Arc<Sessions>,
    pub(super) memory: Arc<LoginMemory>,
    pub(super) api: WechatApi,
    pub(super) account: Option<OfficialAccount>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) directory: Arc<Directory>,
    pub(super) joining: JoinSettings,
}

/// Whose browser a callback comes from.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    /// The request's head.
    pub headers: &'a HeaderMap,
    /// The User-Agent.
    pub browser: &'a str,
    /// The address.
    pub client: IpAddr,
    /// Names the request.
    pub request_id: &'a str,
    /// Whether they read English rather than Chinese.
    pub reads_english: bool,
}

/// A login that has begun: where to send the browser, with what cookies.
#[derive(Debug)]
pub struct Begun {
    /// WeChat's page, fragment included.
    pub location: String,
    /// The attempt's cookie, and deletions of old ones.
    pub cookies: Vec<SetCookie>,
}

impl LoginFlow {
    /// A flow over its parts; `memory` is shared by all generations of the configuration.
    pub fn new(
        settings: LoginSettings,
        (attempts, witnesses): (Attempts, Witnesses),
        sessions: Arc<Sessions>,
        memory: Arc<LoginMemory>,
        (api, account): (WechatApi, Option<OfficialAccount>),
        metrics: Arc<Metrics>,
        (directory, joining): (Arc<Directory>, JoinSettings),
    ) -> Self {
        Self { settings, attempts, witnesses, sessions, memory, api, account, metrics, directory, joining }
    }

    /// Whether a login by `channel` shows WeChat in a frame of ours.
    pub fn is_framed(&self, channel: Channel) -> bool {
        channel == Channel::Qr && self.settings.website.page == WebsitePage::Embedded
    }

    /// The registered apps.
    pub fn apps(&self) -> &Apps {
        &self.settings.apps
    }

    /// Begins a login by `channel`. A browser that was just signed in twice and has no session is not sent round
    /// again.
    pub fn begin(
        &self,
        channel: Channel,
        scope: Scope,
        to: &ReturnTo,
        handoff: Option<[u8; 32]>,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Begun, LoginFailure> {
        let headers = visitor.headers;
        let fail = |error| LoginFailure { error, cookies: Vec::new(), to: Some(to.clone()) };
        let brings_session = self.sessions.came_back(headers, &self.settings.login_host);
        if self.attempts.is_loop(headers, brings_session, now) {
            return Err(fail(LoginError::Loop));
        }
        let attempt = Attempt {
            state: [0; 16],
            channel,
            return_host: to.host.as_ref().map(Host::to_string),
            return_path: to.path_and_query.clone(),
            handoff,
            begun: now,
            round: 0,
            stage: Stage::Open,
            aim: if (channel, scope) == (Channel::InApp, Scope::Base) { Aim::Known } else { Aim::SignIn },
        };
        self.send(attempt, scope, visitor).map_err(fail)
    }

    /// Asks WeChat who is on this phone, which shall let another browser in, and, if the person `shares` it, what they are
    /// called. Nobody is signed in by that.
    pub fn begin_confirmation(
        &self,
        call: &str,
        shares: bool,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Begun, LoginFailure> {
        let attempt = Attempt {
            state: [0; 16],
            channel: Channel::InApp,
            return_host: None,
            return_path: format!("/_wxgate/confirm?c={call}"),
            handoff: None,
            begun: now,
            round: 0,
            stage: Stage::Open,
            aim: Aim::Confirm { call: call.to_owned(), shares },
        };
        let to = attempt.to();
        let fail = |error| LoginFailure { error, cookies: Vec::new(), to: Some(to.clone()) };
        let scope = if shares { Scope::Userinfo } else { Scope::Base };
        self.send(attempt, scope, visitor).map_err(fail)
    }

    /// Every attempt the browser brought, deleted.
    pub fn forget_attempts(&self, headers: &HeaderMap) -> Vec<SetCookie> {
        self.attempts.forget_all(headers)
    }

    pub(super) fn send(
        &self,
        attempt: Attempt,
        scope: Scope,
        visitor: Visitor<'_>,
    ) -> Result<Begun, LoginError> {
        let app = self.settings.apps.of(attempt.channel).ok_or(LoginError::NoApp)?;
        let channel = attempt.channel;
        let (state, cookies) = self.attempts.begin(attempt, visitor.headers);
        let (open, callback) = (&self.settings.open_base, &self.settings.callback_url);
        let location = match channel {
            Channel::Qr => {
                let WebsiteSettings { page, fast_login, language } = &self.settings.website;
                // Chinese is what WeChat's page is in by itself.
                let language = language.as_deref().or(visitor.reads_english.then_some("en"));
                match page {
                    WebsitePage::Redirect => authorize::qr_page(open, &app.id, callback, &state, language),
                    WebsitePage::Embedded => {
                        authorize::qr_frame(open, &app.id, callback, &state, (language, *fast_login))
                    }
                }
            }
            Channel::InApp => authorize::in_app_page(open, &app.id, callback, scope, &state),
            // Nothing to do at WeChat: the browser waits on a page of ours.
            Channel::Chat | Channel::Follow | Channel::Link => format!("/_wxgate/login/wait?a={state}"),
        };
        Ok(Begun { location, cookies })
    }
}
