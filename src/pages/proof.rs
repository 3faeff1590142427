//! `/_wxgate/check`: shows `wxgate check --online` which gateway answers, and how the question arrived.
//!
//! Whoever asks with a nonce gets an HMAC of it under a key that is derived from the session secret for this alone. Who has that
//! secret sees that this is the gateway of their configuration; others see 64 digits.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer;
use super::asking::Asking;
use super::failure::Failure;
use super::own::OwnPages;
use super::query;
use crate::model::visit::Visit;
use crate::net::body::Body;

/// Hexadecimal digits of a nonce.
const NONCE: usize = 32;

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Proof {
    /// Whether the question came to the host of `public_url`.
    pub login_host: bool,
    /// Whether it came by https, as far as the gateway knows.
    pub https: bool,
    /// The HMAC of all that.
    pub proof: String,
}

impl Proof {
    /// What is proven.
    pub fn message(&self, nonce: &str) -> String {
        format!("{nonce} login_host={} https={}", self.login_host, self.https)
    }
}

impl OwnPages {
    /// Answers one question.
    pub(super) fn prove(&self, visit: &Visit, asking: &Asking<'_>) -> Result<Response<Body>, Failure> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_nonce = |nonce: &String| nonce.len() == NONCE && nonce.bytes().all(is_digit);
        let nonce = query::single(asking.query(), "nonce").filter(is_nonce).ok_or(Failure::NotFound)?;
        let mut proof = Proof {
            login_host: visit.authority.host == self.site.login_host,
            https: visit.scheme.is_https(),
            proof: String::new(),
        };
        proof.proof = self.prover.prove(&proof.message(&nonce));
        Ok(answer::json(&self.site, StatusCode::OK, &json!(proof)))
    }
}
