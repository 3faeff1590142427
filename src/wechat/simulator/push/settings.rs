//! The server configuration of an Official Account (基本配置 → 服务器配置), and the question by which WeChat checks it.

use super::super::Simulator;
use super::letter::Letter;
use crate::model::secret::Secret;
use crate::wechat::message::{MessageKey, Mode, Syntax};

/// Where and how an account's messages are pushed.
#[derive(Clone, Debug)]
pub struct PushSettings {
    /// Where to. (WeChat allows port 80 and 443 only; this one any, but no TLS.)
    pub url: String,
    /// The token that signs.
    pub token: Secret,
    /// What is encrypted, and by which EncodingAESKey.
    pub mode: Mode,
    /// How bodies are written.
    pub syntax: Syntax,
}

impl PushSettings {
    /// 明文模式, in XML.
    pub fn plaintext(url: &str, token: &str) -> Self {
        Self::new(url, token, Mode::Plaintext)
    }

    /// 兼容模式, in XML.
    pub fn compatible(url: &str, token: &str, key: MessageKey) -> Self {
        Self::new(url, token, Mode::Compatible(key))
    }

    /// 安全模式, in XML.
    pub fn secure(url: &str, token: &str, key: MessageKey) -> Self {
        Self::new(url, token, Mode::Secure(key))
    }

    /// The same in JSON.
    #[must_use]
    pub fn in_json(mut self) -> Self {
        self.syntax = Syntax::Json;
        self
    }

    fn new(url: &str, token: &str, mode: Mode) -> Self {
        Self { url: url.to_owned(), token: Secret::new(token.to_owned()), mode, syntax: Syntax::Xml }
    }

    pub(super) fn key(&self) -> Option<&MessageKey> {
        match &self.mode {
            Mode::Plaintext => None,
            Mode::Compatible(key) | Mode::Secure(key) => Some(key),
        }
    }
}

impl Simulator {
    /// Enables the server configuration of the account `app_id`, unchecked. It holds at once.
    pub fn set_push(&self, app_id: &str, settings: PushSettings) {
        self.official.pushing.set(app_id, Some(settings));
    }

    /// 停用: nothing is pushed any longer.
    pub fn stop_push(&self, app_id: &str) {
        self.official.pushing.set(app_id, None);
    }

    /// Asks the server whether the address is its own, as the console does before it saves (验证消息的确来自微信服务器).
    ///
    /// # Errors
    /// A sentence about what is wrong, when not exactly the `echostr` comes back.
    pub async fn verify_push(&self, app_id: &str) -> Result<(), String> {
        let greeting = self.greeting(app_id)?;
        let answer = self.send(&greeting).await?;
        let expected = greeting.parameter("echostr");
        if answer.status != 200 {
            return Err(format!("the server answered with status {} instead of 200", answer.status));
        }
        if answer.body != expected {
            return Err(format!(
                "the server answered {:?} instead of the bare echostr {expected}",
                answer.body
            ));
        }
        Ok(())
    }

    /// The question of `verify_push`, not yet sent.
    ///
    /// # Errors
    /// When the account has no server configuration.
    pub fn greeting(&self, app_id: &str) -> Result<Letter, String> {
        let settings = self.push_settings(app_id)?;
        Ok(Letter::greeting(&settings))
    }

    pub(in crate::wechat::simulator) fn push_settings(&self, app_id: &str) -> Result<PushSettings, String> {
        self.official.pushing.settings(app_id).ok_or_else(|| format!("{app_id} has no server configuration"))
    }
}
