//! What an Official Account may do by itself: make a code to scan, and look somebody up.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::account_token::AccountToken;
pub use super::account_token::TokenSource;
use super::api::{App, WechatApi, WechatError};
use super::errcode::Errcode;
pub use super::wire::Follower;
use super::wire::{self, Unusable};

/// An Official Account, by its own interfaces (`cgi-bin`).
#[derive(Clone, Debug)]
pub struct OfficialAccount {
    api: WechatApi,
    app: App,
    token: Arc<AccountToken>,
}

impl OfficialAccount {
    /// The account; its token is renewed on `background`.
    pub fn new(api: WechatApi, app: App, source: TokenSource, background: Option<Handle>) -> Self {
        let token = AccountToken::new(api.clone(), app.clone(), source, background);
        Self { api, app, token }
    }

    /// AppID and AppSecret.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// A code for `scene` (1 to 64 characters) that ends after `lifetime`: the address that a QR image of it has to show
    /// (`qrcode/create`, 100,000 a day).
    ///
    /// # Errors
    /// When WeChat does not make one.
    pub async fn make_code(&self, scene: &str, lifetime: Duration) -> Result<String, Arc<WechatError>> {
        let body = json!({
            "expire_seconds": lifetime.as_secs(),
            "action_name": "QR_STR_SCENE",
            "action_info": { "scene": { "scene_str": scene } },
        });
        self.request("cgi-bin/qrcode/create", &[], Some(&body), wire::code_answer).await
    }

    /// What the account knows of `openid` (`user/info`). Names and pictures are not told any more since 2021.
    ///
    /// # Errors
    /// When WeChat does not say.
    pub async fn follower(&self, openid: &str) -> Result<Follower, Arc<WechatError>> {
        let parameters = [("openid", openid), ("lang", "zh_CN")];
        self.request("cgi-bin/user/info", &parameters, None, |body| wire::follower_answer(body, openid)).await
    }

    /// A token, as a proof that WeChat lets this server have one.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check(&self) -> Result<(), Arc<WechatError>> {
        self.token.get().await.map(drop)
    }

    /// Asks with the token; with another one, once, where WeChat says that it is about the token.
    async fn request<T>(
        &self,
        api: &'static str,
        parameters: &[(&str, &str)],
        json: Option<&Value>,
        read: impl Fn(&[u8]) -> Result<T, Unusable>,
    ) -> Result<T, Arc<WechatError>> {
        let token = self.token.get().await?;
        let answer = self.request_with(token.reveal(), api, parameters, json, &read).await;
        let answer = match answer {
            Err(WechatError::Errcode { errcode, .. }) if errcode.is_about_token() => {
                let token = self.token.instead_of(&token).await?;
                self.request_with(token.reveal(), api, parameters, json, &read).await
            }
            answer => answer,
        };
        answer.map_err(|error| {
            tracing::error!(api, error = %error, "the Official Account cannot do it");
            Arc::new(error)
        })
    }

    async fn request_with<T>(
        &self,
        token: &str,
        api: &'static str,
        parameters: &[(&str, &str)],
        json: Option<&Value>,
        read: &impl Fn(&[u8]) -> Result<T, Unusable>,
    ) -> Result<T, WechatError> {
        let parameters = [&[("access_token", token)], parameters].concat();
        let (status, body) = self.api.call(api, &parameters, json).await?;
        let answer = read(&body)
            .map_err(|error| self.api.refuse(api, status, body.len(), error, Errcode::reaction_to_account))?;
        self.api.metrics.wechat(api, "0".to_owned());
        Ok(answer)
    }
}
