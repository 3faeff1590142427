//! A push, sealed and signed: one HTTP request, which an impostor may change before it is sent, or send twice.

use std::time::Duration;

use http::{Method, Request, header};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::{Simulator, outgoing};
use crate::seal::{hex, random};

/// How long a server may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// One request to an account's server.
#[derive(Clone, Debug)]
pub struct Letter {
    pub(super) url: String,
    pub(super) query: Vec<(String, String)>,
    /// A greeting has none.
    pub(super) body: Option<String>,
    pub(super) content_type: &'static str,
}

/// What the server says to one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PushAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body; what is not UTF-8 in it is replaced.
    pub body: String,
}

impl Letter {
    /// The value of a parameter behind the `?`; empty when it is not there.
    pub fn parameter(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body; empty for a greeting.
    pub fn body(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }

    /// With this parameter behind the `?`, in place of the one of the same name.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        self = self.without_parameter(name);
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this parameter.
    #[must_use]
    pub fn without_parameter(mut self, name: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        self
    }

    /// Both signatures are those of somebody who does not know the token.
    #[must_use]
    pub fn with_wrong_signature(mut self) -> Self {
        for (_, value) in self.query.iter_mut().filter(|(name, _)| name.ends_with("signature")) {
            *value = hex(&random::<20>());
        }
        self
    }

    /// With the body of another letter, and so with its `Encrypt`.
    #[must_use]
    pub fn with_body_of(self, other: &Self) -> Self {
        self.with_body(other.body())
    }

    /// With this body.
    #[must_use]
    pub fn with_body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    fn whole_url(&self) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query = self.query.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let query = query.collect::<Vec<_>>().join("&");
        format!("{}{}{query}", self.url, if self.url.contains('?') { '&' } else { '?' })
    }
}

impl Simulator {
    /// Sends a letter once. Nothing in the simulator changes by it; what it makes of real answers is `deliver`'s.
    ///
    /// # Errors
    /// A sentence about why there was no answer within five seconds of the simulator's clock.
    pub async fn send(&self, letter: &Letter) -> Result<PushAnswer, String> {
        let body = letter.body.clone();
        let mut request = Request::new(Full::from(body.clone().unwrap_or_default()));
        if body.is_some() {
            *request.method_mut() = Method::POST;
            let kind = http::HeaderValue::from_static(letter.content_type);
            request.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        let url = letter.whole_url();
        let (_, address) = self.script.scripted_delivery();
        tokio::select! {
            biased;
            answer = outgoing::send(&url, address, request) => match answer {
                Ok(answer) => {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    Ok(PushAnswer { status: answer.status, body })
                }
                Err(error) => Err(format!("the server cannot be reached: {error}")),
            },
            () = self.time.pass(DEADLINE) => Err("the server did not answer within 5 seconds".to_owned()),
        }
    }
}
