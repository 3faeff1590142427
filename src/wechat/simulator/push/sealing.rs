//! How a push becomes a letter: written, encrypted if the account wants that, and signed.
//!
//! Letters are dated by the real clock, however far the simulator's own was moved: the servers that read them have no
//! other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::{App, Person, Simulator};
use super::handwriting::{Handwriting, Value};
use super::letter::Letter;
use super::says::Push;
use super::settings::PushSettings;
use crate::model::clock::{self, Timestamp};
use crate::seal::random;
use crate::wechat::message::signature::sign;
use crate::wechat::message::{Mode, Syntax};

impl Simulator {
    /// `push` as it would be sent to the server of the account `app_id` about `person`, not yet sent. Each call makes a
    /// letter of its own: another nonce, another encryption.
    ///
    /// # Errors
    /// A sentence, when the account is not known or has no server configuration.
    pub fn letter(&self, person: &str, app_id: &str, push: &Push) -> Result<Letter, String> {
        let app = self.app(app_id).ok_or_else(|| format!("{app_id} is not known"))?;
        let person = self.person(person).cloned().unwrap_or_else(|| Person::new(person));
        sealed(&self.push_settings(app_id)?, app, &person.openid(app_id), push)
    }
}

impl Letter {
    /// WeChat's question whether the address is the server's own. It is never encrypted.
    pub(super) fn greeting(settings: &PushSettings) -> Self {
        let echostr = u64::from_be_bytes(random()) >> 1;
        signed(settings, clock::now(), None).with_parameter("echostr", &echostr.to_string())
    }
}

pub(super) fn sealed(
    settings: &PushSettings,
    app: &App,
    openid: &str,
    push: &Push,
) -> Result<Letter, String> {
    let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
    let to = text("ToUserName", push.to.as_deref().unwrap_or(app.original_id()));
    let from = push.from.as_deref().unwrap_or(openid);
    let now = clock::now();
    let created = u64::try_from(push.created.unwrap_or(now).as_unix()).unwrap_or(0);
    let mut fields =
        vec![to.clone(), text("FromUserName", from), ("CreateTime".to_owned(), Value::Number(created))];
    fields.extend(push.fields.iter().cloned());
    let hand = push.handwriting.unwrap_or(Handwriting::DOCUMENTED);
    let plain = hand.write(settings.syntax, fields.clone());
    let signed_at = push.signed_at.unwrap_or(now);
    let letter = match settings.key() {
        None => signed(settings, signed_at, None).with_body(&plain),
        Some(key) => {
            let receive_id = push.receive_id.as_deref().unwrap_or(app.id());
            let sealed = key.seal(random(), plain.as_bytes(), receive_id);
            let mut encrypted = sealed.map_err(|_| "the message is too long".to_owned())?;
            if push.is_tampered {
                encrypted = with_another_bit(&encrypted);
            }
            let beside = if matches!(settings.mode, Mode::Compatible(_)) { fields } else { vec![to] };
            let body = hand.write(settings.syntax, [beside, vec![text("Encrypt", &encrypted)]].concat());
            signed(settings, signed_at, Some(&encrypted)).with_body(&body)
        }
    };
    Ok(letter.with_parameter("openid", from))
}

/// A letter that says nothing yet, signed; also for `encrypted`, if that goes along.
fn signed(settings: &PushSettings, at: Timestamp, encrypted: Option<&str>) -> Letter {
    let timestamp = at.as_unix().to_string();
    let nonce = (u32::from_be_bytes(random()) >> 1).to_string();
    let signature = sign(&settings.token, &[&timestamp, &nonce]);
    let mut query = vec![("signature", signature)];
    if let Some(encrypted) = encrypted {
        let signature = sign(&settings.token, &[&timestamp, &nonce, encrypted]);
        query.extend([("encrypt_type", "aes".to_owned()), ("msg_signature", signature)]);
    }
    query.extend([("timestamp", timestamp), ("nonce", nonce)]);
    let query = query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let content_type = match settings.syntax {
        Syntax::Json => "application/json",
        Syntax::Xml => "text/xml",
    };
    Letter { url: settings.url.clone(), query, body: None, content_type }
}

/// The ciphertext with one bit changed. In CBC that bit changes in the next block too, which begins with the length: the
/// message cannot be cut out any more.
fn with_another_bit(encrypted: &str) -> String {
    let mut bytes = STANDARD.decode(encrypted).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(2) {
        *byte ^= 1;
    }
    STANDARD.encode(bytes)
}
