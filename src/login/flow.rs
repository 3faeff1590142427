//! One login from the first redirect to the session.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use thiserror::Error;

use super::attempts::{Aim, Attempt, Attempts, Lookup, Stage};
use super::channel::{Apps, Channel};
use super::exchanges::{Exchanges, Led};
use super::guesses::Guesses;
use super::offers::{WebsitePage, WebsiteSettings};
use super::witness::Witnesses;
use crate::members::{Act, Directory, JoinSettings, Newcomer, WelcomeError};
use crate::model::audit::Actor;
use crate::model::clock::Timestamp;
use crate::model::host::Host;
use crate::model::identity::{Identity, Profile};
use crate::model::member::{Member, MemberId};
use crate::model::pairing::Proof;
use crate::model::return_to::ReturnTo;
use crate::model::session::Session;
use crate::model::set_cookie::SetCookie;
use crate::seal::{digest, hex, random};
use crate::sessions::Sessions;
use crate::store::{MemberKey, StoreError};
use crate::telemetry::metrics::Metrics;
use crate::wechat::account::OfficialAccount;
use crate::wechat::api::{Arrival, WechatApi, WechatError};
use crate::wechat::authorize::{self, Scope};
use crate::wechat::errcode::Reaction;

/// Longest `code` that is sent to WeChat; real ones have 32 characters.
const LONGEST_CODE: usize = 512;

/// How far the clocks of nodes may be apart: a session that begins later than that counts nowhere.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

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
    sessions: Arc<Sessions>,
    exchanges: Arc<Exchanges>,
    pub(super) codes: Arc<Exchanges<String>>,
    pub(super) guesses: Guesses,
    api: WechatApi,
    pub(super) account: Option<OfficialAccount>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) directory: Arc<Directory>,
    joining: JoinSettings,
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
}

/// A login that has begun: where to send the browser, with what cookies.
#[derive(Debug)]
pub struct Begun {
    /// WeChat's page, fragment included.
    pub location: String,
    /// The attempt's cookie, and deletions of old ones.
    pub cookies: Vec<SetCookie>,
}

/// What a callback's query says; each parameter at most once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Callback {
    /// WeChat's code; absent when the person refused.
    pub code: Option<String>,
    /// The attempt's name.
    pub state: Option<String>,
}

/// How a callback ended well.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once per sign-in, on the stack")]
pub enum Finished {
    /// The browser is signed in already: just go on.
    Already {
        /// Where to.
        to: ReturnTo,
    },
    /// WeChat wants to be asked again: off there once more.
    Again(Begun),
    /// Nobody wxgate knows has come without a word: they are asked first, by a page of ours.
    AskFirst {
        /// Where to, in the end.
        to: ReturnTo,
        /// The asking host's browser, when it came from another host.
        handoff: Option<[u8; 32]>,
        /// The end of the attempt.
        cookies: Vec<SetCookie>,
    },
    /// It is known who is on this phone.
    Witnessed {
        /// Where to: the question that this phone is asked.
        to: ReturnTo,
        /// Who it is, and the end of the attempt.
        cookies: Vec<SetCookie>,
    },
    /// Signed in.
    SignedIn {
        /// The new session.
        session: Session,
        /// Whose it is, as the directory knows them.
        member: Member,
        /// Where to.
        to: ReturnTo,
        /// The asking host's browser, when it came from another host.
        handoff: Option<[u8; 32]>,
        /// The session's cookie and the end of the attempt.
        cookies: Vec<SetCookie>,
    },
}

/// How a callback ended otherwise.
#[derive(Debug, Error)]
pub enum LoginError {
    /// An administrator has shut the person out.
    #[error("the member {0} is blocked")]
    Blocked(MemberId),
    /// Too many browsers wait for a phone.
    #[error("too many browsers wait for a phone, in all or of this network")]
    Crowded,
    /// The browser did not send the attempt's cookie, or any.
    #[error("the browser brought no login cookie")]
    CookieNotReturned,
    /// The attempt is unknown to this browser, or too old.
    #[error("the login took too long, or did not begin in this browser")]
    Expired,
    /// Signed in twice and still without a session.
    #[error("signed in twice, and the browser still brings no session cookie")]
    Loop,
    /// No app for what was asked.
    #[error("no app is configured for this way of signing in")]
    NoApp,
    /// The person refused.
    #[error("the person refused")]
    Refused,
    /// The store cannot be asked who it is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A unionid is required and WeChat gave none.
    #[error("WeChat gave no unionid: bind the app to an Open Platform account")]
    UnionidRequired,
    /// A callback was repeated whose session was ended since.
    #[error("a login was repeated whose session was ended")]
    Overtaken,
    /// WeChat did not complete it.
    #[error("{0}")]
    Wechat(Arc<WechatError>),
}

/// A login that did not end in a session, and how to begin again.
#[derive(Debug, Error)]
#[error("{error}")]
pub struct LoginFailure {
    /// Why.
    #[source]
    pub error: LoginError,
    /// The end of the attempt.
    pub cookies: Vec<SetCookie>,
    /// Where the visitor wanted to go, as far as that is known.
    pub to: Option<ReturnTo>,
}

impl LoginFlow {
    /// A flow over its parts; `exchanges` is shared by all generations of the configuration.
    pub fn new(
        settings: LoginSettings,
        (attempts, witnesses): (Attempts, Witnesses),
        sessions: Arc<Sessions>,
        (exchanges, codes): (Arc<Exchanges>, Arc<Exchanges<String>>),
        (api, account): (WechatApi, Option<OfficialAccount>),
        metrics: Arc<Metrics>,
        (directory, joining): (Arc<Directory>, JoinSettings),
    ) -> Self {
        Self {
            settings,
            attempts,
            witnesses,
            sessions,
            exchanges,
            codes,
            guesses: Guesses::default(),
            api,
            account,
            metrics,
            directory,
            joining,
        }
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
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Begun, LoginFailure> {
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
        self.send(attempt, scope, headers).map_err(fail)
    }

    /// Asks WeChat who is on this phone, which shall let another browser in. Nobody is signed in by that.
    pub fn begin_confirmation(
        &self,
        call: &str,
        scope: Scope,
        headers: &HeaderMap,
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
            aim: Aim::Confirm(call.to_owned()),
        };
        let to = attempt.to();
        let fail = |error| LoginFailure { error, cookies: Vec::new(), to: Some(to.clone()) };
        self.send(attempt, scope, headers).map_err(fail)
    }

    /// Finishes a login. The attempt's cookie is checked before the code is spent: whoever has the code without the
    /// cookie (a Tencent fetcher, an attacker's link) neither burns it nor gains by it.
    pub async fn finish(
        &self,
        callback: &Callback,
        visitor: Visitor<'_>,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Result<Finished, LoginFailure> {
        let headers = visitor.headers;
        let fail = |error, attempt: Option<&Attempt>| LoginFailure {
            error,
            cookies: attempt
                .map(|attempt| self.attempts.answer(attempt, Stage::Failed))
                .into_iter()
                .collect(),
            to: attempt.map(Attempt::to),
        };
        let state = callback.state.as_deref().unwrap_or_default();
        let attempt = match (self.attempts.find(state, headers, now), session) {
            // Nobody is called back for a login that waits for a phone: a code beside it is of another one.
            (Lookup::Open(attempt), _) if attempt.channel.waits_for_phone() => {
                return Err(LoginFailure {
                    cookies: Vec::new(),
                    ..fail(LoginError::Expired, Some(&attempt))
                });
            }
            (Lookup::Open(attempt), _) => attempt,
            (Lookup::Answered(attempt), _) if matches!(attempt.aim, Aim::Confirm(_)) => {
                return Ok(Finished::Witnessed { to: attempt.to(), cookies: Vec::new() });
            }
            (Lookup::Answered(attempt), Some(_)) => return Ok(Finished::Already { to: attempt.to() }),
            (_, Some(_)) => return Ok(Finished::Already { to: ReturnTo::front_page() }),
            (Lookup::NoCookies, None) => return Err(fail(LoginError::CookieNotReturned, None)),
            (Lookup::Answered(attempt), None) => {
                return Err(LoginFailure {
                    cookies: Vec::new(),
                    ..fail(LoginError::Expired, Some(&attempt))
                });
            }
            (Lookup::Expired(attempt), None) => return Err(fail(LoginError::Expired, attempt.as_ref())),
        };
        let Some(code) = callback.code.clone().filter(|code| is_code(code)) else {
            self.metrics.login(attempt.channel.as_str(), "refused");
            return Err(fail(LoginError::Refused, Some(&attempt)));
        };
        if self.directory.is_down() {
            // The code is not spent, and the attempt goes on: the page can be asked for again.
            let error = StoreError::unavailable("it did not answer a moment ago").into();
            return Err(LoginFailure { cookies: Vec::new(), ..fail(error, Some(&attempt)) });
        }
        let result = match self.exchange(&attempt, code).await {
            (Ok(arrival), led) => match &attempt.aim {
                Aim::Confirm(call) => Ok(self.witnessed(&attempt, call, &arrival, now)),
                Aim::Known => match self.recall(&arrival, now).await {
                    Some(known) if known.unionid.is_some() || !self.settings.require_unionid => {
                        self.sign_in(&attempt, &known, &led, visitor, now).await
                    }
                    _ => Ok(self.ask_first(&attempt)),
                },
                Aim::SignIn => self.sign_in(&attempt, &arrival, &led, visitor, now).await,
            },
            (Err(LoginError::Wechat(error)), _) => self.recover(&attempt, error, headers, now),
            (Err(error), _) => Err(error),
        };
        let word = match &result {
            Ok(Finished::SignedIn { .. }) => "signed-in",
            Ok(Finished::Witnessed { .. }) => "witnessed",
            Ok(_) => "restarted",
            Err(_) => "failed",
        };
        self.metrics.login(attempt.channel.as_str(), word);
        result.map_err(|error| match error {
            // The outcome of the code is remembered for a minute: the same callback can be tried again.
            LoginError::Store(_) => LoginFailure { cookies: Vec::new(), ..fail(error, Some(&attempt)) },
            error => fail(error, Some(&attempt)),
        })
    }

    /// Every attempt the browser brought, deleted.
    pub fn forget_attempts(&self, headers: &HeaderMap) -> Vec<SetCookie> {
        self.attempts.forget_all(headers)
    }

    fn send(&self, attempt: Attempt, scope: Scope, headers: &HeaderMap) -> Result<Begun, LoginError> {
        let app = self.settings.apps.of(attempt.channel).ok_or(LoginError::NoApp)?;
        let channel = attempt.channel;
        let (state, cookies) = self.attempts.begin(attempt, headers);
        let (open, callback) = (&self.settings.open_base, &self.settings.callback_url);
        let location = match channel {
            Channel::Qr => {
                let WebsiteSettings { page, fast_login, language } = &self.settings.website;
                let language = language.as_deref();
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

    /// The outcome of the code, shared only by callbacks of the same attempt: whoever else got hold of a spent code has
    /// WeChat say so.
    async fn exchange(&self, attempt: &Attempt, code: String) -> (Result<Arc<Arrival>, LoginError>, Led) {
        let Some(app) = self.settings.apps.of(attempt.channel).cloned() else {
            return (Err(LoginError::NoApp), Led::default());
        };
        let key = digest(format!("{}\0{}\0{code}", app.id, hex(&attempt.state)).as_bytes());
        let api = self.api.clone();
        let exchange = async move { api.identify(&app, &code).await.map_err(Arc::new) };
        let (outcome, led) = self.exchanges.join(attempt.state, key, exchange).await;
        (outcome.map_err(LoginError::Wechat), led)
    }

    pub(super) async fn sign_in(
        &self,
        attempt: &Attempt,
        arrival: &Arrival,
        led: &Led,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Finished, LoginError> {
        if self.settings.require_unionid && arrival.unionid.is_none() {
            return Err(LoginError::UnionidRequired);
        }
        let newcomer = Newcomer {
            account: arrival.account.clone(),
            unionid: arrival.unionid.clone(),
            profile: arrival.profile.clone(),
            repeats: led.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            browser: visitor.browser.to_owned(),
            client: visitor.client,
            request_id: visitor.request_id.to_owned(),
        };
        let (id, expires) = (random(), self.sessions.end_of(now));
        let member = match self.directory.welcome(newcomer, id, expires, &self.joining, now).await {
            Ok(member) => member,
            Err(WelcomeError::Blocked(member)) => return Err(LoginError::Blocked(member)),
            Err(WelcomeError::Overtaken) => return Err(LoginError::Overtaken),
            Err(WelcomeError::Store(error)) => return Err(LoginError::Store(error)),
        };
        led.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        let identity = Identity {
            member_id: member.id.to_string(),
            account: arrival.account.clone(),
            unionid: arrival.unionid.clone(),
            profile: arrival.profile.clone(),
        };
        if let Some(old) = self.sessions.read(visitor.headers, &self.settings.login_host, now) {
            self.end(&old, visitor, now).await;
        }
        // All sessions may have been ended a moment ago, by a node whose clock is ahead of ours.
        let begins = now.max(member.ended_before).min(now + CLOCKS_DIFFER);
        let (session, cookie) = self.sessions.start(id, &identity, &self.settings.login_host, begins);
        let cookies = vec![cookie, self.attempts.answer(attempt, Stage::SignedIn)];
        let (to, handoff) = (attempt.to(), attempt.handoff);
        Ok(Finished::SignedIn { session, member, to, handoff, cookies })
    }

    /// Somebody who has been here, with what WeChat said of them then and does not say without asking them. If the store does
    /// not answer, they are a stranger.
    pub(super) async fn recall(&self, arrival: &Arrival, now: Timestamp) -> Option<Arrival> {
        let Arrival { account, unionid, profile } = arrival.clone();
        let detail = self.directory.member(MemberKey::Account(account.clone()), now).await.ok()??;
        let row = detail.accounts.iter().find(|row| row.account == account);
        let unionid = unionid.or_else(|| row.and_then(|row| row.unionid.clone())).or(detail.member.unionid);
        let known =
            Profile { name: detail.member.profile_name, avatar: detail.member.avatar, ..Profile::default() };
        Some(Arrival { account, unionid, profile: if profile.name.is_empty() { known } else { profile } })
    }

    fn ask_first(&self, attempt: &Attempt) -> Finished {
        let cookies = vec![self.attempts.forget(attempt)];
        Finished::AskFirst { to: attempt.to(), handoff: attempt.handoff, cookies }
    }

    fn witnessed(&self, attempt: &Attempt, call: &str, arrival: &Arrival, now: Timestamp) -> Finished {
        let Arrival { account, unionid, profile } = arrival.clone();
        let witness = self.witnesses.keep(call, &Proof { account, unionid, profile }, now);
        let cookies = vec![witness, self.attempts.answer(attempt, Stage::Failed)];
        Finished::Witnessed { to: attempt.to(), cookies }
    }

    /// Ends the session that a new one takes the place of.
    async fn end(&self, old: &Session, visitor: Visitor<'_>, now: Timestamp) {
        self.sessions.end(old, now);
        let Ok(member) = old.member_id().parse::<MemberId>() else { return };
        let act = Act {
            actor: Actor::Member(member.clone()),
            client: Some(visitor.client),
            request_id: Some(visitor.request_id.to_owned()),
            now,
        };
        // Its record may be gone with its member; this browser's cookie is overwritten in any case.
        if let Err(error) = self.directory.end_session(&act, old.id, Some(&member)).await {
            tracing::debug!(error = %error, "the session before this one could not be ended in the store");
        }
    }

    /// Sends the person round once more where WeChat asks for that.
    fn recover(
        &self,
        attempt: &Attempt,
        error: Arc<WechatError>,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Finished, LoginError> {
        if error.reaction() != Reaction::Restart || attempt.round > 0 {
            return Err(LoginError::Wechat(error));
        }
        tracing::info!(error = %error, channel = attempt.channel.as_str(), "asking WeChat once more");
        let scope = match attempt.channel {
            Channel::InApp if attempt.aim != Aim::SignIn => Scope::Base,
            Channel::InApp => Scope::Userinfo,
            Channel::Qr => Scope::Login,
            // There is no code that could be refused.
            Channel::Chat | Channel::Follow | Channel::Link => Scope::Base,
        };
        let again = Attempt { round: attempt.round + 1, begun: now, ..attempt.clone() };
        let mut begun = self.send(again, scope, headers)?;
        begun.cookies.push(self.attempts.forget(attempt));
        Ok(Finished::Again(begun))
    }
}

fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
}
