//! What is pushed: a message or an event, the oddities it may have, and the lies that only an impostor would tell.

use super::handwriting::{Handwriting, Value};
use crate::model::clock::Timestamp;
use crate::seal::random;

/// A message or an event, for whichever account and person it is sealed.
#[derive(Clone, Debug)]
pub struct Push {
    pub(super) fields: Vec<(String, Value)>,
    pub(super) created: Option<Timestamp>,
    pub(super) to: Option<String>,
    pub(super) from: Option<String>,
    pub(super) handwriting: Option<Handwriting>,
    pub(super) receive_id: Option<String>,
    pub(super) signed_at: Option<Timestamp>,
    pub(super) is_tampered: bool,
}

/// What happens to people.
impl Push {
    /// A follower scans the code of `scene`.
    pub fn scan(scene: &str) -> Self {
        Self::event("SCAN").with_field("EventKey", scene)
    }

    /// Somebody follows the account by the code of `scene`.
    pub fn followed_by(scene: &str) -> Self {
        Self::event("subscribe").with_field("EventKey", &format!("qrscene_{scene}"))
    }

    /// Somebody follows the account in another way.
    pub fn follow() -> Self {
        Self::event("subscribe").with_field("EventKey", "")
    }

    /// Somebody does not follow the account any longer.
    pub fn unfollow() -> Self {
        Self::event("unsubscribe").with_field("EventKey", "")
    }

    /// A follower writes a text. It has a `MsgId` of its own.
    pub fn text(text: &str) -> Self {
        let id = u64::from_be_bytes(random()) >> 2;
        let mut push = Self::of_type("text").with_field("Content", text);
        push.fields.push(("MsgId".to_owned(), Value::Number(id)));
        push
    }

    /// A menu's button scans some code: it looks like `SCAN`, and is not.
    pub fn scancode_push(key: &str, result: &str) -> Self {
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        let info = vec![text("ScanType", "qrcode"), text("ScanResult", result)];
        let mut push = Self::event("scancode_push").with_field("EventKey", key);
        push.fields.push(("ScanCodeInfo".to_owned(), Value::Nested(info)));
        push
    }

    /// Any event, such as one that does not exist yet.
    pub fn event(name: &str) -> Self {
        Self::of_type("event").with_field("Event", name)
    }

    /// Any type of message.
    pub fn of_type(name: &str) -> Self {
        let push = Self {
            fields: Vec::new(),
            created: None,
            to: None,
            from: None,
            handwriting: None,
            receive_id: None,
            signed_at: None,
            is_tampered: false,
        };
        push.with_field("MsgType", name)
    }

    /// One element more, at the end.
    #[must_use]
    pub fn with_field(mut self, name: &str, text: &str) -> Self {
        self.fields.push((name.to_owned(), Value::Text(text.to_owned())));
        self
    }

    /// The ticket of the code.
    #[must_use]
    pub fn with_ticket(self, ticket: &str) -> Self {
        self.with_field("Ticket", ticket)
    }
}

/// Oddities, all of them true.
impl Push {
    /// In this hand; each push has another one without.
    #[must_use]
    pub fn written(mut self, handwriting: Handwriting) -> Self {
        self.handwriting = Some(handwriting);
        self
    }

    /// `CreateTime`; the moment of sealing without. Duplicates have the same.
    #[must_use]
    pub fn created_at(mut self, moment: Timestamp) -> Self {
        self.created = Some(moment);
        self
    }
}

/// Lies. The signatures are right in spite of them.
impl Push {
    /// Names another account by its original id.
    #[must_use]
    pub fn to_account(mut self, original_id: &str) -> Self {
        self.to = Some(original_id.to_owned());
        self
    }

    /// Names another sender, whatever is an openid or not.
    #[must_use]
    pub fn from_openid(mut self, openid: &str) -> Self {
        self.from = Some(openid.to_owned());
        self
    }

    /// Encrypted for another AppID.
    #[must_use]
    pub fn sealed_for(mut self, receive_id: &str) -> Self {
        self.receive_id = Some(receive_id.to_owned());
        self
    }

    /// Signed at another time than now.
    #[must_use]
    pub fn signed_at(mut self, moment: Timestamp) -> Self {
        self.signed_at = Some(moment);
        self
    }

    /// A bit of the ciphertext is another one, and the signature is about the changed one.
    #[must_use]
    pub fn tampered(mut self) -> Self {
        self.is_tampered = true;
        self
    }
}
