//! Cookie lines read a moment ago: one page is dozens of requests that bring one and the same line.
//!
//! What is remembered is what the line says, which never changes: the session that is sealed in it, and the line as
//! applications see it. Whether the session still counts is asked anew each time. A line is known again byte for byte and
//! for its host only, and only lines with a session of ours are remembered.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::Sessions;
use crate::model::clock::Timestamp;
use crate::model::host::Host;
use crate::model::own_cookie::application_cookies;
use crate::model::session::Session;

/// Lines remembered; a new one takes the place of another that falls on the same.
const PLACES: usize = 512;

/// Longer lines are read anew each time, so that all of them together, with what they say, take 3 MiB at most.
const LONGEST: usize = 2048;

/// What one worker remembers. Its lock is never waited for.
#[derive(Default)]
pub struct Recent(Mutex<Vec<Option<Known>>>);

/// A line that was read.
struct Known {
    line: HeaderValue,
    host: Host,
    session: Arc<Session>,
    for_application: Option<HeaderValue>,
}

/// What the cookies of a request say.
#[derive(Debug)]
pub struct Read {
    /// The session, if there is exactly one that is sealed by us, in time, and not ended.
    pub session: Option<Arc<Session>>,
    known: Option<Option<HeaderValue>>,
}

impl Recent {
    /// Reads the cookies of a request to `host`.
    pub fn read(&self, sessions: &Sessions, headers: &HeaderMap, host: &Host, now: Timestamp) -> Read {
        let mut lines = headers.get_all(COOKIE).iter();
        let line = match (lines.next(), lines.next()) {
            (Some(line), None) if line.len() <= LONGEST => line,
            _ => return Read { session: sessions.read(headers, host, now).map(Arc::new), known: None },
        };
        let place = place(line.as_bytes());
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(known)) = places.get(place)
            && known.line == line
            && known.host == *host
        {
            let session = sessions.counts(&known.session, now).then(|| Arc::clone(&known.session));
            return Read { session, known: Some(known.for_application.clone()) };
        }
        let session = sessions.read(headers, host, now).map(Arc::new);
        let for_application = session.as_ref().map(|session| {
            let for_application = application_cookies(headers);
            places.resize_with(PLACES, || None);
            places[place] = Some(Known {
                // A copy: the one received holds on to the whole head.
                line: HeaderValue::from_bytes(line.as_bytes()).unwrap_or_else(|_| line.clone()),
                host: host.clone(),
                session: Arc::clone(session),
                for_application: for_application.clone(),
            });
            for_application
        });
        Read { session, known: for_application }
    }
}

impl Read {
    /// The cookies as an application is to see them; `headers` are the ones that were read.
    pub fn for_application(self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.known.unwrap_or_else(|| application_cookies(headers))
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recent").finish_non_exhaustive()
    }
}

/// Where a line falls. Whoever finds lines that fall on the same place only makes his own be read anew.
fn place(line: &[u8]) -> usize {
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
    let (chunks, rest) = line.as_chunks::<16>();
    let word = |chunk: &[u8; 16]| u128::from_le_bytes(*chunk);
    let mut sum = chunks.iter().fold(line.len() as u128, |sum, chunk| {
        let product = (sum ^ word(chunk)).wrapping_mul(FACTOR);
        product ^ product >> 64
    });
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    sum = (sum ^ word(&last)).wrapping_mul(FACTOR);
    // The upper bits of a product depend on all of its factors.
    usize::try_from(sum >> 96).unwrap_or_default() % PLACES
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::{NOW, host, sent, sessions, somebody};
    use super::*;
    use crate::seal::random;

    #[test]
    fn a_line_that_is_known_says_the_same_again() {
        let (sessions, recent) = (sessions(), Recent::default());
        let (session, cookie) = sessions.start(random(), &somebody("王芳"), &host("a.test"), NOW);
        let headers = sent(&cookie);
        for _ in 0..3 {
            let read = recent.read(&sessions, &headers, &host("a.test"), NOW);
            assert_eq!(read.session.as_ref().map(|session| session.id), Some(session.id));
            assert_eq!(read.for_application(&headers).unwrap(), "a=1; b=2");
        }
    }

    #[test]
    fn a_known_line_counts_on_its_own_host_in_its_time_and_until_its_session_is_ended() {
        let (sessions, recent) = (sessions(), Recent::default());
        let (session, cookie) = sessions.start(random(), &somebody("x"), &host("a.test"), NOW);
        let headers = sent(&cookie);
        let counts = |name: &str, now| recent.read(&sessions, &headers, &host(name), now).session.is_some();
        assert!(counts("a.test", NOW) && counts("a.test", NOW));
        assert!(!counts("b.test", NOW));
        assert!(!counts("a.test", NOW + Duration::from_secs(86_400)));
        sessions.end(&session, NOW);
        assert!(!counts("a.test", NOW));
    }

    #[test]
    fn a_line_with_one_other_byte_is_another() {
        let (sessions, recent) = (sessions(), Recent::default());
        let (_, cookie) = sessions.start(random(), &somebody("x"), &host("a.test"), NOW);
        let headers = sent(&cookie);
        assert!(recent.read(&sessions, &headers, &host("a.test"), NOW).session.is_some());
        let line = headers[COOKIE].as_bytes();
        for at in (0..line.len()).filter(|at| line[*at].is_ascii_alphanumeric()) {
            let mut other = line.to_vec();
            other[at] = if other[at] == b'Q' { b'R' } else { b'Q' };
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_bytes(&other).unwrap())]);
            let read = recent.read(&sessions, &headers, &host("a.test"), NOW);
            let anew = sessions.read(&headers, &host("a.test"), NOW);
            assert_eq!(read.session.is_some(), anew.is_some(), "{at}");
            assert_eq!(read.for_application(&headers), application_cookies(&headers), "{at}");
        }
    }
}
