//! How a login ends otherwise than in a session.

use std::sync::Arc;

use thiserror::Error;

use crate::model::member::MemberId;
use crate::model::return_to::ReturnTo;
use crate::model::set_cookie::SetCookie;
use crate::store::StoreError;
use crate::wechat::api::WechatError;

/// How a callback ended otherwise.
#[derive(Debug, Error)]
pub enum LoginError {
    /// An administrator has shut the person out.
    #[error("the member {0} is blocked")]
    Blocked(MemberId),
    /// Too many browsers wait for a phone.
    #[error("too many browsers wait for a phone, in all or of this network")]
    Crowded,
    /// Another browser has the digits that this one would show.
    #[error("another browser waits with the same digits")]
    DigitsTaken,
    /// The browser did not send the attempt's cookie, or any.
    #[error("the browser brought no login cookie")]
    CookieNotReturned,
    /// The attempt is unknown to this browser, or too old.
    #[error("the login took too long, or did not begin in this browser")]
    Expired,
    /// Signed in twice and still without a session.
    #[error("signed in twice, and the browser still brings no session cookie")]
    Loop,
    /// No app for what was asked.
    #[error("no app is configured for this way of signing in")]
    NoApp,
    /// The person refused.
    #[error("the person refused")]
    Refused,
    /// The store cannot be asked who it is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A unionid is required and WeChat gave none.
    #[error("WeChat gave no unionid: bind the app to an Open Platform account")]
    UnionidRequired,
    /// A callback was repeated whose session was ended since.
    #[error("a login was repeated whose session was ended")]
    Overtaken,
    /// WeChat did not complete it.
    #[error("{0}")]
    Wechat(Arc<WechatError>),
}

/// A login that did not end in a session, and how to begin again.
#[derive(Debug, Error)]
#[error("{error}")]
pub struct LoginFailure {
    /// Why.
    #[source]
    pub error: LoginError,
    /// The end of the attempt.
    pub cookies: Vec<SetCookie>,
    /// Where the visitor wanted to go, as far as that is known.
    pub to: Option<ReturnTo>,
}
