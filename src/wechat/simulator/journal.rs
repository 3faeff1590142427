//! What was asked of the API, for tests that count calls.

use std::sync::Mutex;

use http::Method;

use super::{Fault, held};
use crate::model::clock::Timestamp;

/// One call of the API.
#[derive(Clone, Debug)]
pub struct Call {
    /// When, by the simulator's clock.
    pub at: Timestamp,
    /// GET or POST.
    pub method: Method,
    /// The path, such as `/sns/oauth2/access_token`.
    pub path: String,
    /// The `appid` parameter, also of a posted JSON; empty when there was none.
    pub app_id: String,
    /// The `code` parameter; empty when there was none.
    pub code: String,
    /// The `openid` parameter; empty when there was none.
    pub openid: String,
    /// What WeChat decided, whatever became of the answer: 0 for success.
    pub errcode: i64,
    /// The fault that was played on the answer.
    pub fault: Option<Fault>,
}

#[derive(Default)]
pub(super) struct Journal(Mutex<Vec<Call>>);

impl Journal {
    pub(super) fn record(&self, call: Call) {
        held(&self.0).push(call);
    }

    pub(super) fn read(&self) -> Vec<Call> {
        held(&self.0).clone()
    }
}
