//! What WeChat makes of a server's answer (被动回复用户消息): nothing, `success`, or a text for the chat; all else is wrong.

use super::super::App;
use super::letter::PushAnswer;
use super::settings::PushSettings;
use crate::wechat::message::signature::is_signed;
use crate::wechat::message::{Body, Mode};

/// Longest text of a reply, in bytes.
const LONGEST_TEXT: usize = 2048;

/// What became of one attempt to push something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answered {
    /// The answer is empty or `success`.
    Accepted,
    /// There was no answer in time, or one with another status than 200. It is attempted again.
    Nothing(String),
    /// A text for the chat.
    Said(String),
    /// Anything else; the sentence says why. It is not attempted again.
    Wrong(String),
}

impl Answered {
    /// Whether WeChat is content with it.
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Accepted | Self::Said(_))
    }

    pub(super) fn judge(
        answer: Result<PushAnswer, String>,
        settings: &PushSettings,
        app: &App,
        openid: &str,
    ) -> Self {
        match answer {
            Err(reason) => Self::Nothing(reason),
            Ok(PushAnswer { status: 200, body }) if body.is_empty() || body == "success" => Self::Accepted,
            Ok(PushAnswer { status: 200, body }) => match said(&body, settings, app, openid) {
                Ok(text) => Self::Said(text),
                Err(reason) => Self::Wrong(reason.to_owned()),
            },
            Ok(PushAnswer { status, .. }) => {
                Self::Nothing(format!("the server answered with status {status}"))
            }
        }
    }
}

/// The text of a passive reply to `openid`.
fn said(body: &str, settings: &PushSettings, app: &App, openid: &str) -> Result<String, &'static str> {
    let parse = |bytes: &[u8]| {
        let body = Body::parse(bytes).map_err(|_| "the answer is neither empty, nor success, nor a reply")?;
        let is_ours = body.syntax == settings.syntax;
        if is_ours { Ok(body) } else { Err("the reply is JSON where XML is spoken, or the other way") }
    };
    let outside = parse(body.as_bytes())?;
    let reply = match (&settings.mode, outside.text("Encrypt")) {
        (Mode::Plaintext | Mode::Compatible(_), None) => outside,
        (Mode::Plaintext, Some(_)) => return Err("the reply is encrypted, and the account speaks plaintext"),
        (Mode::Secure(_), None) => return Err("the reply has to be encrypted"),
        (Mode::Compatible(key) | Mode::Secure(key), Some(encrypted)) => {
            let text = |name| outside.text(name).unwrap_or_default();
            let parts = [text("TimeStamp"), text("Nonce"), encrypted];
            if parts[0].parse::<u64>().is_err() || parts[1].is_empty() {
                return Err("the reply has no TimeStamp or no Nonce");
            }
            if !is_signed(&settings.token, &parts, text("MsgSignature")) {
                return Err("the MsgSignature of the reply is wrong");
            }
            parse(&key.open(encrypted, app.id()).map_err(|_| "the reply cannot be decrypted")?)?
        }
    };
    let is = |name, value| reply.text(name) == Some(value);
    if !is("ToUserName", openid) || !is("FromUserName", app.original_id()) {
        return Err("the reply is not from this account to this person");
    }
    if reply.text("CreateTime").is_none_or(|time| time.parse::<u64>().is_err()) {
        return Err("the CreateTime of the reply is not a number");
    }
    if !is("MsgType", "text") {
        return Err("the simulated WeChat takes texts only");
    }
    let text = reply.text("Content").unwrap_or_default();
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return Err("the Content of the reply is empty or too long");
    }
    Ok(text.to_owned())
}
