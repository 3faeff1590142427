//! What a message is about, as far as wxgate answers to it (接收事件推送, 接收普通消息).

use super::body::{Body, Unreadable};
use crate::model::clock::Timestamp;

/// What WeChat puts before the scene when somebody follows by its code.
const FOLLOWED_BY: &str = "qrscene_";

/// Longest text that is looked at, in bytes; WeChat's own limit is 2048.
const LONGEST_TEXT: usize = 4096;

/// One message or event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Who it comes from: their openid.
    pub from: String,
    /// Whom it is for: the account's original id (原始ID, `gh_…`).
    pub to: String,
    /// What happened.
    pub what: What,
    /// When, by WeChat's clock; when it was signed, if it does not say.
    pub created: Timestamp,
}

/// What somebody did with the account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// Began to follow it (`subscribe`), by the code of a scene or in another way.
    Follow(Option<String>),
    /// Anything else: not ours.
    Other,
    /// Scanned the code of a scene, as somebody who follows it already (`SCAN`).
    Scan(String),
    /// Wrote a text.
    Text(String),
    /// Does not follow it any longer (`unsubscribe`).
    Unfollow,
}

impl Message {
    /// The message in `body`, which was signed at that moment.
    pub(super) fn read(body: &Body, signed: Timestamp) -> Result<Self, Unreadable> {
        let id = |name| body.text(name).map(str::trim).filter(|id| is_id(id)).map(str::to_owned);
        let (from, to) = id("FromUserName").zip(id("ToUserName")).ok_or(Unreadable)?;
        let scene = || body.text("EventKey").map(str::trim).unwrap_or_default();
        let what = match (body.text("MsgType"), body.text("Event")) {
            (Some("event"), Some("subscribe")) => What::Follow(
                scene().strip_prefix(FOLLOWED_BY).filter(|scene| is_id(scene)).map(str::to_owned),
            ),
            (Some("event"), Some("SCAN")) if is_id(scene()) => What::Scan(scene().to_owned()),
            (Some("event"), Some("unsubscribe")) => What::Unfollow,
            (Some("text"), _) => match body.text("Content") {
                Some(text) if text.len() <= LONGEST_TEXT => What::Text(text.trim().to_owned()),
                _ => What::Other,
            },
            (Some(_), _) => What::Other,
            (None, _) => return Err(Unreadable),
        };
        let created = body.text("CreateTime").and_then(|time| time.trim().parse().ok());
        let created = created.filter(|seconds| *seconds > 0).map_or(signed, Timestamp::from_unix);
        Ok(Self { from, to, what, created })
    }
}

/// The letters of openids, original ids and wxgate's own scenes.
fn is_id(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inside: &str) -> Result<Message, Unreadable> {
        let head = "<ToUserName><![CDATA[gh_21ee2dc92d7d]]></ToUserName>\
                    <FromUserName><![CDATA[oDeKAjhkN0aVuhKTj4zqGKFfpnGo]]></FromUserName><CreateTime>1</CreateTime>";
        Message::read(&Body::parse(format!("<xml>{head}{inside}</xml>").as_bytes())?, Timestamp::from_unix(7))
    }

    fn event(name: &str, key: &str) -> What {
        read(&format!("<MsgType>event</MsgType><Event>{name}</Event><EventKey>{key}</EventKey>"))
            .unwrap()
            .what
    }

    #[test]
    fn a_scene_comes_with_a_scan_or_with_following() {
        assert_eq!(event("subscribe", "qrscene_1000000"), What::Follow(Some("1000000".to_owned())));
        assert_eq!(event("SCAN", "1000000"), What::Scan("1000000".to_owned()));
        assert_eq!(
            event("subscribe", "qrscene_qrscene_1"),
            What::Follow(Some("qrscene_1".to_owned())),
            "one prefix"
        );
        for (name, key, what) in [
            ("subscribe", "", What::Follow(None)),
            ("subscribe", "1000000", What::Follow(None)),
            ("subscribe", "qrscene_", What::Follow(None)),
            ("subscribe", "qrscene_&lt;b&gt;", What::Follow(None)),
            ("unsubscribe", "", What::Unfollow),
            ("SCAN", "", What::Other),
            ("scan", "1000000", What::Other),
            ("SUBSCRIBE", "qrscene_1", What::Other),
            ("scancode_push", "1000000", What::Other),
            ("VIEW", "https://a.example/", What::Other),
        ] {
            assert_eq!(event(name, key), what, "{name} {key}");
        }
    }

    #[test]
    fn a_text_is_a_text_and_nothing_is_guessed() {
        assert_eq!(
            read("<MsgType>text</MsgType><Content> 8341 </Content>").unwrap().what,
            What::Text("8341".to_owned())
        );
        assert_eq!(read("<MsgType>text</MsgType>").unwrap().what, What::Other);
        assert_eq!(read("<MsgType>image</MsgType>").unwrap().what, What::Other);
        assert!(read("").is_err());
        let nobodys = Body::parse(b"<xml><MsgType>text</MsgType></xml>").unwrap();
        assert!(Message::read(&nobodys, Timestamp::from_unix(7)).is_err());
    }

    #[test]
    fn it_happened_when_it_says_or_else_when_it_was_signed() {
        for (time, created) in [
            ("<CreateTime>1714112445</CreateTime>", 1_714_112_445),
            ("<CreateTime> 1714112445\n</CreateTime>", 1_714_112_445),
            ("", 7),
            ("<CreateTime/>", 7),
            ("<CreateTime>0</CreateTime>", 7),
            ("<CreateTime>-5</CreateTime>", 7),
            ("<CreateTime>today</CreateTime>", 7),
            ("<CreateTime>99999999999999999999</CreateTime>", 7),
        ] {
            let body = format!(
                "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><MsgType>text</MsgType>{time}</xml>"
            );
            let message = Message::read(&Body::parse(body.as_bytes()).unwrap(), Timestamp::from_unix(7));
            assert_eq!(message.unwrap().created, Timestamp::from_unix(created), "{time}");
        }
    }
}
