//! User-level access tokens (two hours) and refresh tokens (thirty days, never renewed).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::codes::Granted;
use super::{held, random_text};
use crate::model::clock::Timestamp;

pub(super) const ACCESS_SECONDS: u64 = 7200;
const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Held>>);

/// One login's pair of tokens; kept under the refresh token.
struct Held {
    access_token: String,
    granted: Granted,
    began: Timestamp,
    good_until: Timestamp,
}

/// A pair as it is handed out.
pub(super) struct Pair {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
}

impl Tokens {
    pub(super) fn issue(&self, granted: Granted, now: Timestamp) -> Pair {
        let pair = Pair { access_token: new_token(), refresh_token: new_token() };
        let access_token = pair.access_token.clone();
        let entry = Held { access_token, granted, began: now, good_until: lifetime_from(now) };
        held(&self.0).insert(pair.refresh_token.clone(), entry);
        pair
    }

    /// Whose access token this is, or the errcode for a strange or old one.
    pub(super) fn check(&self, access_token: &str, now: Timestamp) -> Result<Granted, i64> {
        let tokens = held(&self.0);
        let entry = tokens.values().find(|entry| entry.access_token == access_token).ok_or(40001)?;
        if now >= entry.good_until { Err(42001) } else { Ok(entry.granted.clone()) }
    }

    /// A token still good keeps its name and gets its two hours back; an expired one is replaced.
    pub(super) fn refresh(&self, token: &str, app_id: &str, now: Timestamp) -> Result<(Pair, Granted), i64> {
        let mut tokens = held(&self.0);
        let entry = tokens.get_mut(token).filter(|entry| entry.granted.app_id == app_id).ok_or(40030)?;
        if now.since(entry.began) >= REFRESH_LIFETIME {
            return Err(42002);
        }
        if now >= entry.good_until {
            entry.access_token = new_token();
        }
        entry.good_until = lifetime_from(now);
        let pair = Pair { access_token: entry.access_token.clone(), refresh_token: token.to_owned() };
        Ok((pair, entry.granted.clone()))
    }
}

fn lifetime_from(now: Timestamp) -> Timestamp {
    now + Duration::from_secs(ACCESS_SECONDS)
}

fn new_token() -> String {
    format!("98_{}", random_text(84))
}
