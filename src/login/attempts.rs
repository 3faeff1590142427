//! Logins that have begun: one sealed cookie each, at most eight, ten minutes. The server keeps nothing.

use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use crate::model::clock::Timestamp;
use crate::model::host::Host;
use crate::model::own_cookie::CookieScope;
use crate::model::pairing;
use crate::model::return_to::ReturnTo;
use crate::model::set_cookie::{SetCookie, received};
use crate::seal::{KeyRing, Purpose, Sealer, hex, random};

/// How long a login may take; a website code lives as long.
const LIFETIME: Duration = Duration::from_secs(600);

/// How long a finished login is remembered by its browser, for callbacks that come twice.
const MEMORY: Duration = Duration::from_secs(120);

/// Logins one browser may have under way.
const MOST: usize = 8;

/// Bytes that they may take in its `Cookie` line: with the session and the application's own, a request has to stay
/// below the limits of every server on its way.
const MOST_BYTES: usize = 6 * 1024;

/// Finished logins within `MEMORY` that make a loop, of a browser that brings no session.
const LOOP: usize = 2;

/// The same of a browser whose session came back, and was ended: an administrator may do that more than once.
const LOOP_OF_ENDED: usize = 4;

/// A login that has begun.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Attempt {
    /// 32 hexadecimal characters when written; names the attempt and its cookie.
    pub state: [u8; 16],
    /// Which app it runs by.
    pub channel: Channel,
    /// The other host to return to, if it is not the login host.
    pub return_host: Option<String>,
    /// Checked path and query to return to.
    pub return_path: String,
    /// The asking host's browser, when it comes from another host.
    pub handoff: Option<[u8; 32]>,
    /// When it began.
    pub begun: Timestamp,
    /// How often it was restarted without the visitor's doing.
    pub round: u8,
    /// How far it has come.
    pub stage: Stage,
    /// What comes of it.
    pub aim: Aim,
}

/// What comes of a login.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Aim {
    /// This phone lets another browser in.
    Confirm {
        /// What it was called with.
        call: String,
        /// Whether the person agreed to share their profile.
        shares: bool,
    },
    /// A sign-in without a word, of somebody who has been here; others are asked first.
    Known,
    /// A sign-in.
    SignIn,
}

impl Attempt {
    /// Where the visitor wanted to go.
    pub fn to(&self) -> ReturnTo {
        let host = self.return_host.as_deref().and_then(|host| Host::parse(host).ok());
        ReturnTo { host, path_and_query: self.return_path.clone() }
    }
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Stage {
    /// It ended without a sign-in.
    Failed,
    /// WeChat has not called back yet.
    Open,
    /// It ended in a sign-in.
    SignedIn,
}

/// Writes and reads attempt cookies of the login host.
#[derive(Debug)]
pub struct Attempts {
    scope: CookieScope,
    host: String,
    sealer: Sealer,
}

/// What a callback's `state` stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// It was answered before: it signed this browser in, or failed. Its code is not spent again.
    Answered(Attempt),
    /// The browser has attempts, but not this one, or this one has run out.
    Expired(Option<Attempt>),
    /// The browser sent no attempt at all: it keeps no cookies, or it is not the browser that began.
    NoCookies,
    /// It is under way.
    Open(Attempt),
}

impl Attempts {
    /// Attempts on the login host.
    pub fn new(scope: &CookieScope, host: String, ring: &KeyRing) -> Self {
        let scope = CookieScope { domain: None, ..scope.clone() };
        Self { scope, host, sealer: Sealer::new(ring, Purpose::Attempt) }
    }

    /// Gives the attempt a fresh `state`, and the cookies that keep it: its own, and deletions so that no browser
    /// collects more than eight, or too many bytes.
    pub fn begin(&self, mut attempt: Attempt, headers: &HeaderMap) -> (String, Vec<SetCookie>) {
        attempt.state = random();
        let own = self.keep(&attempt, LIFETIME);
        let mut kept: Vec<(&str, &str, Option<Attempt>)> = self.received(headers).collect();
        // Unreadable and failed ones go first, then the oldest; last the newest sign-ins, by which a loop is noticed.
        kept.sort_by_key(|(.., attempt)| attempt.as_ref().map(|attempt| (attempt.stage, attempt.begun)));
        let mut bytes = own.as_str().len();
        let room = kept.iter().rev().take(MOST - 1).take_while(|(name, value, _)| {
            bytes += name.len() + value.len();
            bytes <= MOST_BYTES
        });
        let surplus = kept.len() - room.count();
        let mut cookies: Vec<SetCookie> =
            kept[..surplus].iter().map(|(name, ..)| SetCookie::forget(&self.scope, name)).collect();
        cookies.push(own);
        (hex(&attempt.state), cookies)
    }

    /// The attempts of this browser that wait for a phone, and still may.
    pub(super) fn waiting(&self, headers: &HeaderMap, now: Timestamp) -> Vec<Attempt> {
        let waits = |attempt: &Attempt| {
            attempt.stage == Stage::Open
                && attempt.channel.waits_for_phone()
                && now.since(attempt.begun) < pairing::LIFETIME
        };
        self.received(headers).filter_map(|(.., attempt)| attempt.filter(waits)).take(MOST).collect()
    }

    /// Finds the attempt that `state` names.
    pub fn find(&self, state: &str, headers: &HeaderMap, now: Timestamp) -> Lookup {
        let found = self
            .received(headers)
            .find_map(|(.., attempt)| attempt.filter(|attempt| hex(&attempt.state) == state));
        match found {
            Some(attempt) if now.since(attempt.begun) >= LIFETIME => Lookup::Expired(Some(attempt)),
            Some(attempt) if attempt.stage != Stage::Open => Lookup::Answered(attempt),
            Some(attempt) => Lookup::Open(attempt),
            None if self.received(headers).next().is_none() => Lookup::NoCookies,
            None => Lookup::Expired(None),
        }
    }

    /// Whether this browser has just been signed in twice and still comes without a session. If it brings one that
    /// was ended, its cookies work, and it is sent round more often, but not for ever.
    pub fn is_loop(&self, headers: &HeaderMap, brings_session: bool, now: Timestamp) -> bool {
        let finished =
            |attempt: &Attempt| attempt.stage == Stage::SignedIn && now.since(attempt.begun) < LIFETIME;
        let most = if brings_session { LOOP_OF_ENDED } else { LOOP };
        self.received(headers).filter(|(.., attempt)| attempt.as_ref().is_some_and(finished)).count() >= most
    }

    /// Marks the attempt as answered, for a callback that comes twice.
    pub fn answer(&self, attempt: &Attempt, stage: Stage) -> SetCookie {
        self.keep(&Attempt { stage, ..attempt.clone() }, MEMORY)
    }

    /// Deletes the attempt: it ended without a sign-in.
    pub fn forget(&self, attempt: &Attempt) -> SetCookie {
        SetCookie::forget(&self.scope, &self.name(&attempt.state))
    }

    /// Deletes every attempt the browser sent.
    pub fn forget_all(&self, headers: &HeaderMap) -> Vec<SetCookie> {
        self.received(headers).map(|(name, ..)| SetCookie::forget(&self.scope, name)).collect()
    }

    fn keep(&self, attempt: &Attempt, lifetime: Duration) -> SetCookie {
        let name = self.name(&attempt.state);
        let value = self.sealer.seal(attempt, &self.binding(&name));
        SetCookie::keep(&self.scope, &name, &value, lifetime)
    }

    /// Every attempt of the browser: name and value of its cookie, and what is in it, if it is one of ours.
    fn received<'a>(
        &'a self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = (&'a str, &'a str, Option<Attempt>)> {
        let stem = self.scope.host_only_name("login-");
        received(headers)
            .filter(move |(name, _)| name.starts_with(&stem))
            .map(|(name, value)| (name, value, self.sealer.open(value, &self.binding(name))))
    }

    fn name(&self, state: &[u8; 16]) -> String {
        self.scope.host_only_name(&format!("login-{}", hex(&state[..4])))
    }

    fn binding(&self, name: &str) -> String {
        format!("{name}@{}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::COOKIE;

    use super::*;
    use crate::model::secret::Secret;
    use crate::model::visit::Scheme;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn attempts() -> Attempts {
        let scope = CookieScope { scheme: Scheme::Https, domain: None };
        let ring = KeyRing::new(Secret::new("k".repeat(32)), Vec::new()).unwrap();
        Attempts::new(&scope, "a.test".to_owned(), &ring)
    }

    fn attempt(begun: Timestamp) -> Attempt {
        Attempt {
            state: [0; 16],
            channel: Channel::Qr,
            return_host: None,
            return_path: "/x".to_owned(),
            handoff: None,
            begun,
            round: 0,
            stage: Stage::Open,
            aim: Aim::SignIn,
        }
    }

    /// What a browser does with `Set-Cookie` lines.
    fn store(headers: &mut HeaderMap, cookies: &[SetCookie]) {
        for cookie in cookies {
            let pair = cookie.as_str().split(';').next().unwrap();
            let name = pair.split('=').next().unwrap();
            let mut pairs: Vec<String> = headers
                .get_all(COOKIE)
                .iter()
                .map(|line| line.to_str().unwrap().to_owned())
                .filter(|kept| !kept.starts_with(&format!("{name}=")))
                .collect();
            if !cookie.as_str().ends_with("Max-Age=0") {
                pairs.push(pair.to_owned());
            }
            headers.remove(COOKIE);
            for pair in pairs {
                headers.append(COOKIE, HeaderValue::from_str(&pair).unwrap());
            }
        }
    }

    #[test]
    fn a_state_is_128_random_bits_in_32_hexadecimal_characters() {
        let (state, _) = attempts().begin(attempt(NOW), &HeaderMap::new());
        assert!(state.len() == 32 && state.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(state, attempts().begin(attempt(NOW), &HeaderMap::new()).0);
    }

    #[test]
    fn an_attempt_is_found_by_its_own_browser_in_time() {
        let (attempts, mut browser) = (attempts(), HeaderMap::new());
        let (state, cookies) = attempts.begin(attempt(NOW), &browser);
        store(&mut browser, &cookies);
        assert!(
            matches!(attempts.find(&state, &browser, NOW), Lookup::Open(found) if found.return_path == "/x")
        );
        assert!(matches!(attempts.find(&state, &browser, NOW + LIFETIME), Lookup::Expired(Some(_))));
        assert_eq!(attempts.find(&"0".repeat(32), &browser, NOW), Lookup::Expired(None));
        assert_eq!(attempts.find(&state, &HeaderMap::new(), NOW), Lookup::NoCookies);
    }

    #[test]
    fn a_browser_never_keeps_more_than_eight() {
        let (attempts, mut browser) = (attempts(), HeaderMap::new());
        let mut states = Vec::new();
        for second in 0..50 {
            let (state, cookies) = attempts.begin(attempt(NOW + Duration::from_secs(second)), &browser);
            store(&mut browser, &cookies);
            states.push(state);
        }
        assert_eq!(browser.get_all(COOKIE).iter().count(), MOST);
        assert!(matches!(attempts.find(states.last().unwrap(), &browser, NOW), Lookup::Open(_)));
        assert!(matches!(attempts.find(&states[42], &browser, NOW), Lookup::Open(_)));
        assert_eq!(attempts.find(&states[41], &browser, NOW), Lookup::Expired(None));
    }

    #[test]
    fn long_return_addresses_leave_fewer_attempts() {
        let (attempts, mut browser) = (attempts(), HeaderMap::new());
        for second in 0..20 {
            let long = Attempt {
                return_path: format!("/{}", "x".repeat(1023)),
                ..attempt(NOW + Duration::from_secs(second))
            };
            let (state, cookies) = attempts.begin(long, &browser);
            store(&mut browser, &cookies);
            assert!(matches!(attempts.find(&state, &browser, NOW), Lookup::Open(_)));
        }
        let bytes: usize = browser.get_all(COOKIE).iter().map(HeaderValue::len).sum();
        assert!((MOST_BYTES / 2..=MOST_BYTES).contains(&bytes), "{bytes}");
    }

    #[test]
    fn two_sign_ins_without_a_session_are_a_loop_and_four_with_one_that_was_ended() {
        let (attempts, mut browser) = (attempts(), HeaderMap::new());
        // Tabs in which nobody went on hide nothing.
        for second in 1..=6 {
            let (_, cookies) = attempts.begin(attempt(NOW + Duration::from_secs(second)), &browser);
            store(&mut browser, &cookies);
        }
        for round in 1..=5 {
            let (state, cookies) = attempts.begin(attempt(NOW), &browser);
            store(&mut browser, &cookies);
            let Lookup::Open(found) = attempts.find(&state, &browser, NOW) else { panic!("not open") };
            store(&mut browser, &[attempts.answer(&found, Stage::SignedIn)]);
            assert!(matches!(attempts.find(&state, &browser, NOW), Lookup::Answered(_)));
            assert_eq!(attempts.is_loop(&browser, false, NOW), round >= 2);
            assert_eq!(attempts.is_loop(&browser, true, NOW), round >= 4);
        }
    }
}
