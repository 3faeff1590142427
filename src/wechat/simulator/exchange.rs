//! `sns/oauth2/access_token` and `refresh_token`: a code becomes a token and an openid.

use super::answer::{Json, Reply};
use super::asked::Asked;
use super::codes::Granted;
use super::tokens::{ACCESS_SECONDS, Pair};
use super::{App, Simulator};

/// The path of the code exchange.
pub(super) const PATH: &str = "/sns/oauth2/access_token";

impl Simulator {
    pub(super) async fn access_token(&self, asked: &Asked) -> Reply {
        let fault = self.script.take_exchange_fault();
        self.answer_api(asked, fault, |simulator| Ok(simulator.exchange(asked)?)).await
    }

    pub(super) async fn refresh_token(&self, asked: &Asked) -> Reply {
        self.answer_api(asked, None, |simulator| Ok(simulator.refresh(asked)?)).await
    }

    /// The checks in WeChat's order: a wrong call never uses the code up.
    fn exchange(&self, asked: &Asked) -> Result<Json, i64> {
        present(asked, "appid", 41002)?;
        let secret = present(asked, "secret", 41004)?;
        let code = present(asked, "code", 41008)?;
        granting(asked, "authorization_code")?;
        let app = self.known_app(asked)?;
        if app.secret() != secret {
            return Err(self.script.wrong_secret());
        }
        let granted = self.codes.redeem(code, app.id(), self.now())?;
        let pair = self.tokens.issue(granted.clone(), self.now());
        Ok(token_answer(app, &granted, &pair))
    }

    fn refresh(&self, asked: &Asked) -> Result<Json, i64> {
        present(asked, "appid", 41002)?;
        let token = present(asked, "refresh_token", 41003)?;
        granting(asked, "refresh_token")?;
        let app = self.known_app(asked)?;
        let (pair, granted) = self.tokens.refresh(token, app.id(), self.now())?;
        Ok(token_answer(app, &granted, &pair).without("unionid").without("is_snapshotuser"))
    }

    fn known_app(&self, asked: &Asked) -> Result<&App, i64> {
        self.app(asked.parameter("appid")).ok_or(40013)
    }
}

/// Success has no errcode; `unionid` and `is_snapshotuser` are there only when they say something.
fn token_answer(app: &App, granted: &Granted, pair: &Pair) -> Json {
    let person = if granted.snapshot { granted.person.virtual_account() } else { granted.person.clone() };
    let mut json = Json::default()
        .text("access_token", &pair.access_token)
        .raw("expires_in", ACCESS_SECONDS.to_string().into_bytes())
        .text("refresh_token", &pair.refresh_token)
        .text("openid", &person.openid(app.id()))
        .text("scope", &granted.scope);
    if granted.scope != "snsapi_base"
        && let Some(unionid) = person.unionid(app)
    {
        json = json.text("unionid", &unionid);
    }
    if granted.snapshot { json.number("is_snapshotuser", 1) } else { json }
}

/// A parameter that must be there, or the errcode that says it is missing.
pub(super) fn present<'a>(asked: &'a Asked, name: &str, missing: i64) -> Result<&'a str, i64> {
    Some(asked.parameter(name)).filter(|value| !value.is_empty()).ok_or(missing)
}

fn granting(asked: &Asked, grant_type: &str) -> Result<(), i64> {
    if asked.parameter("grant_type") == grant_type { Ok(()) } else { Err(40002) }
}
