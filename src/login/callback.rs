//! WeChat sends the browser back: what becomes of the code it brings.

use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::attempts::{Aim, Attempt, Lookup, Stage};
use super::channel::Channel;
use super::exchanges::Led;
use super::failure::{LoginError, LoginFailure};
use super::flow::{Begun, LoginFlow, Visitor};
use crate::model::clock::Timestamp;
use crate::model::member::Member;
use crate::model::pairing::Proof;
use crate::model::return_to::ReturnTo;
use crate::model::session::Session;
use crate::model::set_cookie::SetCookie;
use crate::seal::{digest, hex};
use crate::store::StoreError;
use crate::wechat::api::{Arrival, WechatError};
use crate::wechat::authorize::Scope;
use crate::wechat::errcode::Reaction;

/// Longest `code` that is sent to WeChat; real ones have 32 characters.
const LONGEST_CODE: usize = 512;

/// WeChat's number for a code that has been spent.
const USED: i64 = 40163;

/// What a callback's query says; each parameter at most once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Callback {
    /// WeChat's code; absent when the person refused.
    pub code: Option<String>,
    /// The attempt's name.
    pub state: Option<String>,
    /// Whether the browser was sent here once more by us, with what it has got meanwhile.
    pub is_repeated: bool,
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
    /// Not yet: off to WeChat once more, which wants to be asked again, or back here.
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

impl LoginFlow {
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
            (Lookup::Answered(attempt), _) if matches!(attempt.aim, Aim::Confirm { .. }) => {
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
        let result = match self.exchange(&attempt, code.clone()).await {
            (Ok(arrival), led) => match &attempt.aim {
                Aim::Confirm { call, .. } => Ok(self.witnessed(&attempt, call, &arrival, now)),
                Aim::Known => match self.recall(&arrival, now).await {
                    Some(known) if known.unionid.is_some() || !self.settings.require_unionid => {
                        self.sign_in(&attempt, &known, &led, visitor, now).await
                    }
                    _ => Ok(self.ask_first(&attempt)),
                },
                Aim::SignIn => self.sign_in(&attempt, &arrival, &led, visitor, now).await,
            },
            (Err(LoginError::Wechat(error)), _)
                if error.errcode() == Some(USED) && !callback.is_repeated && attempt.aim != Aim::Known =>
            {
                Ok(self.look_again(&attempt, &code))
            }
            (Err(LoginError::Wechat(error)), _) => self.recover(&attempt, error, visitor, now),
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

    /// The outcome of the code, shared only by callbacks of the same attempt: whoever else got hold of a spent code has
    /// WeChat say so.
    async fn exchange(&self, attempt: &Attempt, code: String) -> (Result<Arc<Arrival>, LoginError>, Led) {
        let Some(app) = self.settings.apps.of(attempt.channel).cloned() else {
            return (Err(LoginError::NoApp), Led::default());
        };
        let key = digest(format!("{}\0{}\0{code}", app.id, hex(&attempt.state)).as_bytes());
        let api = self.api.clone();
        let exchange = async move { api.identify(&app, &code).await.map_err(Arc::new) };
        let (outcome, led) = self.memory.exchanges.join(attempt.state, key, exchange).await;
        (outcome.map_err(LoginError::Wechat), led)
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

    /// Sends the browser here once more with the same code, which somebody has spent: where the same callback came to two nodes
    /// at once, it was the other one, and by then the browser has its session, or comes to the node that knows the outcome.
    /// Whoever comes in without a word is not sent here: asking WeChat again costs them nothing.
    fn look_again(&self, attempt: &Attempt, code: &str) -> Finished {
        let code = utf8_percent_encode(code, NON_ALPHANUMERIC);
        let (callback, state) = (&self.settings.callback_url, hex(&attempt.state));
        let location = format!("{callback}?code={code}&state={state}&repeated=1");
        Finished::Again(Begun { location, cookies: Vec::new() })
    }

    /// Sends the person round once more where WeChat asks for that.
    fn recover(
        &self,
        attempt: &Attempt,
        error: Arc<WechatError>,
        visitor: Visitor<'_>,
        now: Timestamp,
    ) -> Result<Finished, LoginError> {
        if error.reaction() != Reaction::Restart || attempt.round > 0 {
            return Err(LoginError::Wechat(error));
        }
        tracing::info!(error = %error, channel = attempt.channel.as_str(), "asking WeChat once more");
        let scope = match (attempt.channel, &attempt.aim) {
            (Channel::InApp, Aim::SignIn | Aim::Confirm { shares: true, .. }) => Scope::Userinfo,
            (Channel::InApp, Aim::Known | Aim::Confirm { shares: false, .. }) => Scope::Base,
            (Channel::Qr, _) => Scope::Login,
            // There is no code that could be refused.
            (Channel::Chat | Channel::Follow | Channel::Link, _) => Scope::Base,
        };
        let again = Attempt { round: attempt.round + 1, begun: now, ..attempt.clone() };
        let mut begun = self.send(again, scope, visitor)?;
        begun.cookies.push(self.attempts.forget(attempt));
        Ok(Finished::Again(begun))
    }
}

fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
}
