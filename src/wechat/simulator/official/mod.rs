//! Official Accounts behind the scenes: their console, the `cgi-bin` API, their followers, and what people do with them
//! on their phones.

mod account_type;
mod chats;
mod codes;
mod console;
mod create_code;
mod followers;
mod phone;
mod token_calls;
mod tokens;

pub use account_type::AccountType;
pub use chats::{Chat, ChatMessage, Speaker};
pub use codes::SceneCode;
pub use console::{AddressRefusal, Console};
pub use phone::PhoneError;
pub use tokens::TokenCounts;

pub(super) use create_code::PATH as CREATE_CODE;
pub(super) use followers::PATH as FOLLOWER_INFO;
pub(super) use token_calls::{PATH as TOKEN, STABLE_PATH as STABLE_TOKEN};

use super::push::Pushing;

/// What WeChat knows of all Official Accounts.
#[derive(Default)]
pub(super) struct Official {
    pub(super) chats: chats::Chats,
    codes: codes::Codes,
    consoles: console::Consoles,
    pub(super) followers: followers::Followers,
    pub(super) pushing: Pushing,
    tokens: tokens::Tokens,
}
