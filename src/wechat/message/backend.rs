//! The program that gets what is not ours: an account has one callback address, and wxgate has it.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;

use crate::wechat::api::WechatError;

/// How long it may take; WeChat waits five seconds in all.
const PATIENCE: Duration = Duration::from_secs(4);

/// Longest answer that is passed on.
const LONGEST: usize = 64 * 1024;

/// Where messages go that are not ours.
#[derive(Clone, Debug)]
pub struct Backend {
    client: reqwest::Client,
    url: String,
}

impl Backend {
    /// The program at `url`.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(url: String) -> Result<Self, WechatError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| WechatError::Client(error.without_url()))?;
        Ok(Self { client, url })
    }

    /// The message as it came, with its query, so that the program can check and open it by itself. Its type and body.
    ///
    /// # Errors
    /// When it does not answer, or not well.
    pub async fn pass_on(
        &self,
        query: Option<&str>,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(String, String), WechatError> {
        let unreachable = |error: reqwest::Error| WechatError::Unreachable(error.without_url());
        let separator = if self.url.contains('?') { '&' } else { '?' };
        let address = format!("{}{separator}{}", self.url, query.unwrap_or_default());
        let request =
            self.client.post(address).header(CONTENT_TYPE, content_type.unwrap_or("text/xml")).body(body);
        let mut response =
            request.send().await.and_then(reqwest::Response::error_for_status).map_err(unreachable)?;
        let status = response.status().as_u16();
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("text/plain");
        let kind = kind.to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST {
                return Err(WechatError::Unreadable { api: "message_backend", status, length: bytes.len() });
            }
        }
        let length = bytes.len();
        let text = String::from_utf8(bytes);
        Ok((kind, text.map_err(|_| WechatError::Unreadable { api: "message_backend", status, length })?))
    }
}
