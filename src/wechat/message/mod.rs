//! Messages from an Official Account's server side (消息推送): whether WeChat sent them, what they say, and the answer.

mod backend;
mod body;
mod cipher;
mod event;
mod reply;
pub(in crate::wechat) mod signature;

use thiserror::Error;

pub use backend::{Backend, BackendError};
pub use body::Syntax;
pub use cipher::MessageKey;
pub use event::{Message, What};
pub use reply::Reply;

pub(in crate::wechat) use self::body::Body;
use self::body::Unreadable;
use self::cipher::Sealed;
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;

/// How far WeChat's clock and ours may be apart, in seconds. Older messages could be repeated ones.
const CLOCKS_DIFFER: i64 = 300;

/// Longest `echostr` that is given back.
const LONGEST_ECHO: usize = 128;

/// What the WeChat console and the configuration agree on.
#[derive(Clone, Debug)]
pub struct InboxSettings {
    /// AppID; it is inside every encrypted message.
    pub app_id: String,
    /// The account's original id (`gh_…`), which every message names; any without it.
    pub original_id: Option<String>,
    /// The token that signs.
    pub token: Secret,
    /// What is encrypted.
    pub mode: Mode,
}

/// What of a message is encrypted (消息加解密方式).
#[derive(Clone, Debug)]
pub enum Mode {
    /// The plain text comes with the encrypted one, which alone is read.
    Compatible(MessageKey),
    /// Nothing. The signature does not cover the body: whoever has seen one address of ours can write others.
    Plaintext,
    /// Everything.
    Secure(MessageKey),
}

/// What stands behind the `?` of the address. Absent is empty.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Signs timestamp and nonce.
    pub signature: String,
    /// Seconds since 1970.
    pub timestamp: String,
    /// Any text, other each time.
    pub nonce: String,
    /// Signs timestamp, nonce and the encrypted message.
    pub msg_signature: String,
    /// To be given back, when WeChat asks whether the address is ours.
    pub echostr: String,
}

/// Why a message is not taken. WeChat, or whoever it was, learns nothing of this.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Unwelcome {
    /// It is for another account.
    #[error("the message is for another account than original_id says")]
    AnotherAccount,
    /// A browser sent it, in which somebody may have been led here.
    #[error(
        "a browser sent it, or a proxy in between adds Origin or Sec-Fetch headers, which WeChat does not send"
    )]
    Browser,
    /// Encrypted where it should not be, or the other way.
    #[error(
        "the message is not encrypted as message_mode says: compare it with 消息加解密方式 in the WeChat console"
    )]
    Mode,
    /// It cannot be opened.
    #[error(
        "the message cannot be opened: compare encoding_aes_key and app_id with the WeChat console, letter by letter"
    )]
    Sealed,
    /// The signature is wrong.
    #[error("the signature is wrong: it is not from WeChat, or token is not the one in the WeChat console")]
    Signature,
    /// It was signed at another time.
    #[error("it was signed {0} seconds from now: is this server's clock right?")]
    Stale(i64),
    /// It is not a message.
    #[error("the message is neither the XML nor the JSON that WeChat sends")]
    Unreadable,
}

/// A message that came from WeChat.
#[derive(Debug)]
pub struct Opened {
    /// What it says.
    pub message: Message,
    syntax: Syntax,
}

impl InboxSettings {
    /// The answer to WeChat's question whether this address is ours (接入指南): the text it sent along. It is never
    /// encrypted.
    ///
    /// # Errors
    /// When it is not WeChat who asks.
    pub fn greet(&self, query: &Query, now: Timestamp) -> Result<String, Unwelcome> {
        self.verify(query, now)?;
        let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let echo = query.echostr.as_str();
        if !(1..=LONGEST_ECHO).contains(&echo.len()) || !echo.bytes().all(is_sound) {
            return Err(Unwelcome::Unreadable);
        }
        Ok(echo.to_owned())
    }

    /// WeChat's question whether an address is ours, as the query that it sends.
    pub fn question(&self, nonce: &str, echostr: &str, now: Timestamp) -> [(&'static str, String); 4] {
        let timestamp = now.as_unix().to_string();
        let signature = signature::sign(&self.token, &[&timestamp, nonce]);
        [
            ("signature", signature),
            ("timestamp", timestamp),
            ("nonce", nonce.to_owned()),
            ("echostr", echostr.to_owned()),
        ]
    }

    /// Opens what was posted.
    ///
    /// # Errors
    /// When it is not from WeChat, not for this account, or no message.
    pub fn open(&self, query: &Query, bytes: &[u8], now: Timestamp) -> Result<Opened, Unwelcome> {
        let signed = self.verify(query, now)?;
        let envelope = Body::parse(bytes)?;
        let body = match (&self.mode, envelope.text("Encrypt")) {
            (Mode::Plaintext, None) => envelope,
            (Mode::Secure(_), Some(_)) if envelope.text("MsgType").is_some() => return Err(Unwelcome::Mode),
            (Mode::Compatible(key) | Mode::Secure(key), Some(encrypted)) => {
                let parts = [query.timestamp.as_str(), &query.nonce, encrypted];
                if !signature::is_signed(&self.token, &parts, &query.msg_signature) {
                    return Err(Unwelcome::Signature);
                }
                Body::parse(&key.open(encrypted, &self.app_id)?)?
            }
            (Mode::Plaintext, Some(_)) | (Mode::Compatible(_) | Mode::Secure(_), None) => {
                return Err(Unwelcome::Mode);
            }
        };
        let message = Message::read(&body, signed)?;
        if self.original_id.as_ref().is_some_and(|ours| *ours != message.to) {
            return Err(Unwelcome::AnotherAccount);
        }
        Ok(Opened { message, syntax: body.syntax })
    }

    /// A text for whoever sent `opened`.
    ///
    /// # Errors
    /// When it is too long to be sealed.
    pub fn reply(&self, opened: &Opened, text: &str, now: Timestamp) -> Result<Reply, Unwelcome> {
        Ok(reply::text(self, opened.syntax, &opened.message, text, now)?)
    }

    /// When the address was signed, if it was with the token, and just now.
    fn verify(&self, query: &Query, now: Timestamp) -> Result<Timestamp, Unwelcome> {
        let parts = [query.timestamp.as_str(), &query.nonce];
        if query.nonce.is_empty() || !signature::is_signed(&self.token, &parts, &query.signature) {
            return Err(Unwelcome::Signature);
        }
        let signed: i64 = query.timestamp.parse().map_err(|_| Unwelcome::Signature)?;
        let apart = now.as_unix().saturating_sub(signed);
        if apart.unsigned_abs() > CLOCKS_DIFFER.unsigned_abs() {
            return Err(Unwelcome::Stale(apart));
        }
        Ok(Timestamp::from_unix(signed))
    }
}

/// Reads and opens hostile bytes as a message; for fuzzing.
pub fn read_anything(bytes: &[u8]) {
    let message = Body::parse(bytes).and_then(|body| Message::read(&body, Timestamp::from_unix(0)));
    drop(message);
    if let (Ok(text), Ok(key)) = (str::from_utf8(bytes), "a".repeat(43).parse::<MessageKey>()) {
        drop(key.open(text, "wx1"));
    }
}

impl From<Sealed> for Unwelcome {
    fn from(_: Sealed) -> Self {
        Self::Sealed
    }
}

impl From<Unreadable> for Unwelcome {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

#[cfg(test)]
mod tests;
