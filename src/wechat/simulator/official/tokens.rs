//! The tokens of Official Accounts, in two families that leave each other alone: those of `cgi-bin/token`, of which each
//! replaces the last, and those of `cgi-bin/stable_token`, which stay.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::super::{held, random_text};
use crate::model::clock::Timestamp;

const LIFETIME: Duration = Duration::from_secs(7200);
/// How long a token lives on beside its successor, and so how near its end a stable one is replaced.
const OVERLAP: Duration = Duration::from_secs(300);

const PLAIN_A_DAY: usize = 2000;
const FORCED_A_DAY: usize = 20;
const BETWEEN_FORCED: Duration = Duration::from_secs(30);

/// Quotas begin anew at midnight in Beijing.
const BEIJING: i64 = 8 * 3600;
const DAY: i64 = 24 * 3600;

/// The letters of a token. (WeChat asks for room for 512.)
const LETTERS: usize = 136;

/// How often tokens of one account were asked for, and given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TokenCounts {
    /// `GET /cgi-bin/token`.
    pub plain: usize,
    /// `POST /cgi-bin/stable_token`.
    pub stable: usize,
    /// How many of the stable ones said `"force_refresh":true`, whether that was heard or not.
    pub forced: usize,
    /// How many different stable tokens there were.
    pub stable_minted: usize,
}

#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Account>>);

#[derive(Default)]
struct Account {
    plain: Vec<Token>,
    stable: Vec<Token>,
    plain_given: Vec<Timestamp>,
    forced: Vec<Timestamp>,
    counts: TokenCounts,
}

struct Token {
    text: String,
    good_until: Timestamp,
    is_replaced: bool,
}

/// A token as it is handed out.
pub(super) struct Given {
    pub(super) token: String,
    pub(super) expires_in: Duration,
}

impl Tokens {
    /// A new one of the first family; the last one has five minutes left.
    pub(super) fn plain(&self, app_id: &str, now: Timestamp) -> Result<Given, i64> {
        let mut all = held(&self.0);
        let account = all.entry(app_id.to_owned()).or_default();
        account.counts.plain += 1;
        if today(&account.plain_given, now) >= PLAIN_A_DAY {
            return Err(45009);
        }
        account.plain_given.push(now);
        if let Some(last) = account.plain.last_mut() {
            last.replaced_at(now + OVERLAP);
        }
        Ok(mint(&mut account.plain, now))
    }

    /// The one of the second family, or its successor.
    pub(super) fn stable(&self, app_id: &str, is_forced: bool, now: Timestamp) -> Given {
        let mut all = held(&self.0);
        let account = all.entry(app_id.to_owned()).or_default();
        account.counts.stable += 1;
        account.counts.forced += usize::from(is_forced);
        if is_forced && account.may_force(now) {
            account.forced.push(now);
            if let Some(last) = account.stable.last_mut() {
                last.replaced_at(now);
            }
        }
        if let Some(last) = account.stable.last().filter(|last| last.good_until >= now + OVERLAP) {
            return Given { token: last.text.clone(), expires_in: last.good_until.since(now) };
        }
        account.counts.stable_minted += 1;
        mint(&mut account.stable, now)
    }

    /// Whose token this is, or the errcode for one that is none, is dead, or too old.
    pub(super) fn check(&self, token: &str, now: Timestamp) -> Result<String, i64> {
        let all = held(&self.0);
        let mut known = all.iter().flat_map(|(app_id, account)| {
            account.plain.iter().chain(&account.stable).map(move |token| (app_id, token))
        });
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match known.find(|(_, known)| known.text == token) {
            Some((app_id, known)) if now < known.good_until => Ok(app_id.clone()),
            Some((_, known)) if known.is_replaced => Err(40001),
            Some(_) => Err(42001),
            None if token.len() >= LETTERS && token.bytes().all(is_letter) => Err(40001),
            None => Err(40014),
        }
    }

    pub(super) fn end(&self, app_id: &str, now: Timestamp) {
        if let Some(account) = held(&self.0).get_mut(app_id) {
            for token in account.plain.iter_mut().chain(&mut account.stable) {
                token.replaced_at(now);
            }
        }
    }

    pub(super) fn counts(&self, app_id: &str) -> TokenCounts {
        held(&self.0).get(app_id).map(|account| account.counts).unwrap_or_default()
    }
}

impl Account {
    /// Too many and too hasty ones are not heard.
    fn may_force(&self, now: Timestamp) -> bool {
        let is_hasty = self.forced.last().is_some_and(|last| now.since(*last) < BETWEEN_FORCED);
        !self.stable.is_empty() && !is_hasty && today(&self.forced, now) < FORCED_A_DAY
    }
}

impl Token {
    fn replaced_at(&mut self, moment: Timestamp) {
        self.good_until = self.good_until.min(moment);
        self.is_replaced = true;
    }
}

fn mint(family: &mut Vec<Token>, now: Timestamp) -> Given {
    let text = format!("98_{}", random_text(LETTERS - 3));
    family.push(Token { text: text.clone(), good_until: now + LIFETIME, is_replaced: false });
    Given { token: text, expires_in: LIFETIME }
}

fn today(moments: &[Timestamp], now: Timestamp) -> usize {
    let day = |moment: Timestamp| (moment.as_unix() + BEIJING).div_euclid(DAY);
    moments.iter().filter(|moment| day(**moment) == day(now)).count()
}
