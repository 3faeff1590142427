//! The program that gets what is not ours: an account has one callback address, and wxgate has it.

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use thiserror::Error;

use crate::net::causes::told;

/// Longest answer that is passed on.
const LONGEST: usize = 64 * 1024;

/// Where messages go that are not ours.
#[derive(Clone, Debug)]
pub struct Backend {
    client: reqwest::Client,
    url: String,
}

/// A message that was passed on and not answered.
#[derive(Debug, Error)]
pub enum BackendError {
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {}", told(.0))]
    Client(reqwest::Error),
    /// Another status than 200.
    #[error("it answers with status {0}")]
    Status(u16),
    /// More than a message's answer can be.
    #[error("its answer is longer than {LONGEST} bytes")]
    TooLong,
    /// It cannot be connected to, or breaks off.
    #[error("it could not be reached: {}", told(.0))]
    Unreachable(reqwest::Error),
    /// Bytes that are no UTF-8.
    #[error("its answer is no text")]
    Unreadable,
}

impl Backend {
    /// The program at `url`.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(url: String) -> Result<Self, BackendError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .map_err(|error| BackendError::Client(error.without_url()))?;
        Ok(Self { client, url })
    }

    /// The message as it came, with its query, so that the program can check and open it by itself. Its type and body. Whoever passes
    /// it on bounds the time: WeChat waits five seconds in all.
    ///
    /// # Errors
    /// When it does not answer, or not well.
    pub async fn pass_on(
        &self,
        query: Option<&str>,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(String, String), BackendError> {
        let unreachable = |error: reqwest::Error| BackendError::Unreachable(error.without_url());
        let separator = if self.url.contains('?') { '&' } else { '?' };
        let address = format!("{}{separator}{}", self.url, query.unwrap_or_default());
        let request =
            self.client.post(address).header(CONTENT_TYPE, content_type.unwrap_or("text/xml")).body(body);
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(BackendError::Status(response.status().as_u16()));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("text/plain").to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST {
                return Err(BackendError::TooLong);
            }
        }
        Ok((kind, String::from_utf8(bytes).map_err(|_| BackendError::Unreadable)?))
    }
}
