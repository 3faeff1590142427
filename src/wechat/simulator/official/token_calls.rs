//! `cgi-bin/token` and `cgi-bin/stable_token`: an Official Account's server asks for a token.

use http::Method;
use serde_json::Value;

use super::super::answer::{Json, Refusal, Reply};
use super::super::asked::Asked;
use super::super::{App, AppKind, Simulator};
use super::tokens::{Given, TokenCounts};

pub(in crate::wechat::simulator) const PATH: &str = "/cgi-bin/token";
pub(in crate::wechat::simulator) const STABLE_PATH: &str = "/cgi-bin/stable_token";

/// Who asks, as they say.
struct Caller<'a> {
    app_id: &'a str,
    secret: &'a str,
    grant_type: &'a str,
}

impl Simulator {
    /// How often tokens of `app_id` were asked for, and given. Refused calls are only among `calls`.
    pub fn token_counts(&self, app_id: &str) -> TokenCounts {
        self.official.tokens.counts(app_id)
    }

    pub(in crate::wechat::simulator) async fn cgi_token(&self, asked: &Asked) -> Reply {
        let fault = self.script.take_call_fault(PATH);
        self.answer_api(asked, fault, |simulator| simulator.give_plain(asked)).await
    }

    pub(in crate::wechat::simulator) async fn stable_token(&self, asked: &Asked) -> Reply {
        let fault = self.script.take_call_fault(STABLE_PATH);
        self.answer_api(asked, fault, |simulator| simulator.give_stable(asked)).await
    }

    /// Whose token a call brings.
    pub(super) fn token_owner(&self, asked: &Asked) -> Result<&App, i64> {
        let token = asked.query.get("access_token");
        if token.is_empty() {
            return Err(41001);
        }
        let app_id = self.official.tokens.check(token, self.now())?;
        self.app(&app_id).ok_or(40013)
    }

    fn give_plain(&self, asked: &Asked) -> Result<Json, Refusal> {
        if asked.method != Method::GET {
            return Err(43001.into());
        }
        let [app_id, secret, grant_type] =
            ["appid", "secret", "grant_type"].map(|name| asked.query.get(name));
        let app = self.admitted(asked, &Caller { app_id, secret, grant_type })?;
        Ok(written(&self.official.tokens.plain(app.id(), self.now())?))
    }

    fn give_stable(&self, asked: &Asked) -> Result<Json, Refusal> {
        if asked.method != Method::POST {
            return Err(43002.into());
        }
        let posted = asked.json().filter(Value::is_object).ok_or(47001)?;
        let [app_id, secret, grant_type] =
            ["appid", "secret", "grant_type"].map(|name| posted[name].as_str().unwrap_or_default());
        let app = self.admitted(asked, &Caller { app_id, secret, grant_type })?;
        let is_forced = match posted.get("force_refresh") {
            Some(Value::Bool(is_forced)) => *is_forced,
            Some(_) => return Err(47001.into()),
            None if self.console_settings(app.id()).wants_force_refresh => return Err(41002.into()),
            None => false,
        };
        Ok(written(&self.official.tokens.stable(app.id(), is_forced, self.now())))
    }

    /// The Official Account, if the caller has its secret and calls from where it may.
    fn admitted(&self, asked: &Asked, caller: &Caller<'_>) -> Result<&App, Refusal> {
        for (value, missing) in [(caller.app_id, 41002), (caller.secret, 41004)] {
            if value.is_empty() {
                return Err(missing.into());
            }
        }
        if caller.grant_type != "client_credential" {
            return Err(40002.into());
        }
        let app = self.app(caller.app_id).filter(|app| app.kind() == AppKind::OfficialAccount);
        let app = app.ok_or(40013)?;
        if app.secret() != caller.secret {
            return Err(self.script.wrong_secret().into());
        }
        let settings = self.console_settings(app.id());
        if settings.is_frozen {
            return Err(40243.into());
        }
        settings.admits(asked.peer)?;
        Ok(app)
    }
}

fn written(given: &Given) -> Json {
    let seconds = given.expires_in.as_secs().to_string().into_bytes();
    Json::default().text("access_token", &given.token).raw("expires_in", seconds)
}
