//! What is written back into the chat (被动回复用户消息).

use std::fmt::Write as _;

use super::body::Syntax;
use super::cipher::Sealed;
use super::event::Message;
use super::{InboxSettings, Mode};
use crate::model::clock::Timestamp;
use crate::seal::{hex, random};
use crate::wechat::message::signature::sign;

/// The answer to a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// The body of the HTTP answer.
    pub body: String,
    /// Its type.
    pub content_type: &'static str,
}

/// Names and values of one level, in the order in which WeChat documents them.
type Fields<'a> = [(&'static str, Value<'a>)];

enum Value<'a> {
    Number(i64),
    Text(&'a str),
}

/// A text for whoever sent `message`, sealed if the account wants that.
pub(super) fn text(
    settings: &InboxSettings,
    syntax: Syntax,
    message: &Message,
    text: &str,
    now: Timestamp,
) -> Result<Reply, Sealed> {
    let plain = written(
        syntax,
        &[
            ("ToUserName", Value::Text(&message.from)),
            ("FromUserName", Value::Text(&message.to)),
            ("CreateTime", Value::Number(now.as_unix())),
            ("MsgType", Value::Text("text")),
            ("Content", Value::Text(text)),
        ],
    );
    let body = match &settings.mode {
        Mode::Plaintext => plain,
        Mode::Compatible(key) | Mode::Secure(key) => {
            let encrypted = key.seal(random(), plain.as_bytes(), &settings.app_id)?;
            let (timestamp, nonce) = (now.as_unix(), hex(&random::<8>()));
            let signature = sign(&settings.token, &[&timestamp.to_string(), &nonce, &encrypted]);
            let fields = [
                ("Encrypt", Value::Text(&encrypted)),
                ("MsgSignature", Value::Text(&signature)),
                ("TimeStamp", Value::Number(timestamp)),
                ("Nonce", Value::Text(&nonce)),
            ];
            written(syntax, &fields)
        }
    };
    let content_type = match syntax {
        Syntax::Json => "application/json; charset=utf-8",
        Syntax::Xml => "application/xml; charset=utf-8",
    };
    Ok(Reply { body, content_type })
}

fn written(syntax: Syntax, fields: &Fields<'_>) -> String {
    match syntax {
        Syntax::Json => {
            let value = |value: &Value<'_>| match value {
                Value::Number(number) => (*number).into(),
                Value::Text(text) => (*text).into(),
            };
            let object: serde_json::Map<_, _> =
                fields.iter().map(|(name, field)| ((*name).to_owned(), value(field))).collect();
            serde_json::Value::Object(object).to_string()
        }
        Syntax::Xml => {
            let mut out = "<xml>".to_owned();
            for (name, field) in fields {
                // Writing into a String cannot fail.
                let _ = match field {
                    Value::Number(number) => write!(out, "<{name}>{number}</{name}>"),
                    Value::Text(text) => {
                        // The end of a section cannot stand inside it: two sections share it.
                        let text = text.replace("]]>", "]]]]><![CDATA[>");
                        write!(out, "<{name}><![CDATA[{text}]]></{name}>")
                    }
                };
            }
            out.push_str("</xml>");
            out
        }
    }
}
