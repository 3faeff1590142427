//! What the configuration says of the Official Account's messages.

use crate::wechat::message::{Backend, InboxSettings};

/// What of the Official Account's messages is answered.
#[derive(Debug)]
pub struct Inbox {
    /// How messages are known to be WeChat's.
    pub settings: InboxSettings,
    /// What people see the account is called.
    pub name: Option<String>,
    /// Whether codes are scanned to sign in.
    pub by_code: bool,
    /// Whether digits are written into the chat to sign in.
    pub by_chat: bool,
    /// Whether somebody who does not follow the account any longer is signed out.
    pub ends_sessions: bool,
    /// Where messages go that are not ours.
    pub backend: Option<Backend>,
}
