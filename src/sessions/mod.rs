//! Signed-in browsers: read, start, renew, end.

mod ended;
mod recent;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use crate::model::clock::Timestamp;
use crate::model::host::Host;
use crate::model::identity::Identity;
use crate::model::member::SessionId;
use crate::model::named_cookie::NamedCookie;
use crate::model::own_cookie::CookieScope;
use crate::model::session::{Said, Session};
use crate::model::set_cookie::SetCookie;
use crate::seal::{KeyRing, Purpose, Sealer};

pub use ended::EndedSessions;
pub use recent::{Read, Recent};

/// Longest sealed session: browsers and application servers allow 4 KiB for a whole cookie, and people have others.
const LONGEST: usize = 1024;

/// What is left out of a session that would make the cookie too long: picture and places.
const ORNAMENTS: [Said; 4] = [Said::Avatar, Said::City, Said::Province, Said::Country];

/// A session's clock may run this far ahead of ours (another node's clock) before it is no longer believed.
const SKEW: Duration = Duration::from_secs(60);

/// How long sessions last, and how their cookie is scoped.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// From sign-in to the end, whatever happens.
    pub lifetime: Duration,
    /// From the last renewal to the end.
    pub idle_timeout: Duration,
    /// The site's cookies.
    pub scope: CookieScope,
}

/// Reads and writes session cookies.
#[derive(Debug)]
pub struct Sessions {
    settings: SessionSettings,
    /// The cookie of a host by itself.
    lone: Cookie,
    /// The cookie of all hosts below the shared domain, where there is one.
    shared: Option<Cookie>,
    sealer: Sealer,
    ended: Arc<EndedSessions>,
    /// How old a cookie has to be to be renewed.
    renewed_after: Duration,
}

/// How the cookie is called and scoped.
#[derive(Debug)]
struct Cookie {
    name: String,
    /// How every binding begins: the cookie's name.
    bound: String,
    finder: NamedCookie,
    scope: CookieScope,
}

impl Sessions {
    /// Sessions sealed with `ring`; `ended` is shared by all generations of the configuration.
    pub fn new(settings: SessionSettings, ring: &KeyRing, ended: Arc<EndedSessions>) -> Self {
        let cookie = |scope: CookieScope| {
            let name = scope.session_name();
            Cookie { finder: NamedCookie::new(&name), bound: format!("{name}@"), name, scope }
        };
        let lone = cookie(CookieScope { domain: None, ..settings.scope.clone() });
        let shared = settings.scope.domain.is_some().then(|| cookie(settings.scope.clone()));
        let renewed_after = settings.idle_timeout / 10;
        Self { settings, lone, shared, sealer: Sealer::new(ring, Purpose::Session), ended, renewed_after }
    }

    /// The session of a request to `host`, if it has exactly one that is sealed by us, in time, and not ended.
    pub fn read(&self, headers: &HeaderMap, host: &Host, now: Timestamp) -> Option<Session> {
        let cookie = self.cookie(host);
        let binding = cookie.binding(host);
        let values = cookie.finder.raw_values(headers);
        let mut open = values.filter_map(|value| Session::opened(self.sealer.open_bytes(value, &binding)?));
        let session = open.next()?;
        // Two that open were not set by us: a cookie planted from elsewhere must not win by its place in the line.
        if open.next().is_some() {
            return None;
        }
        self.counts(&session, now).then_some(session)
    }

    /// Whether this browser brings a cookie of ours, even of a session that is over: then it keeps cookies.
    pub fn came_back(&self, headers: &HeaderMap, host: &Host) -> bool {
        let cookie = self.cookie(host);
        let binding = cookie.binding(host);
        cookie.finder.raw_values(headers).any(|value| self.sealer.open_bytes(value, &binding).is_some())
    }

    /// Whether a session that is sealed by us is in time and not ended.
    fn counts(&self, session: &Session, now: Timestamp) -> bool {
        self.is_in_time(session, now) && !self.ended.contains(&session.id)
    }

    /// When a session that begins at `now` ends by itself.
    pub fn end_of(&self, now: Timestamp) -> Timestamp {
        now + self.settings.lifetime
    }

    /// Signs somebody in on `host`: always a new session, of a new `id`.
    pub fn start(
        &self,
        id: SessionId,
        identity: &Identity,
        host: &Host,
        now: Timestamp,
    ) -> (Session, SetCookie) {
        let session = Session::new(id, identity, now, now);
        let cookie = self.keep(&session, host, now);
        (session, cookie)
    }

    /// Continues a session on another host of ours.
    pub fn adopt(&self, session: &Session, host: &Host, now: Timestamp) -> SetCookie {
        self.keep(session, host, now)
    }

    /// The renewed cookie, when a tenth of the idle time has gone by since the last one.
    pub fn renew(&self, session: &Session, host: &Host, now: Timestamp) -> Option<SetCookie> {
        if now.since(session.renewed) < self.renewed_after {
            return None;
        }
        let mut renewed = session.clone();
        renewed.renewed = now;
        Some(self.keep(&renewed, host, now))
    }

    /// Ends a session for good: a copied cookie no longer opens the gate either.
    pub fn end(&self, session: &Session, now: Timestamp) {
        self.ended.insert(session.id, session.started + self.settings.lifetime, now);
    }

    /// Whether this node has ended the session.
    pub fn has_ended(&self, session: &Session) -> bool {
        self.ended.contains(&session.id)
    }

    /// Deletes the cookie of `host`.
    pub fn forget(&self, host: &Host) -> SetCookie {
        let cookie = self.cookie(host);
        SetCookie::forget_shared(&cookie.scope, &cookie.name)
    }

    /// How long this session may last at most from now.
    pub fn time_left(&self, session: &Session, now: Timestamp) -> Duration {
        self.settings.lifetime.saturating_sub(now.since(session.started))
    }

    fn is_in_time(&self, session: &Session, now: Timestamp) -> bool {
        let latest = now + SKEW;
        session.started <= latest
            && session.renewed <= latest
            && now.since(session.started) < self.settings.lifetime
            && now.since(session.renewed) < self.settings.idle_timeout
    }

    fn keep(&self, session: &Session, host: &Host, now: Timestamp) -> SetCookie {
        let cookie = self.cookie(host);
        let binding = cookie.binding(host).concat();
        let mut value = self.sealer.seal(session, &binding);
        if value.len() > LONGEST {
            value = self.sealer.seal(&session.clone().without(&ORNAMENTS), &binding);
        }
        let left = self.time_left(session, now).min(self.settings.idle_timeout);
        SetCookie::keep_shared(&cookie.scope, &cookie.name, &value, left)
    }

    /// The shared cookie below its domain, and a cookie of its own on every other host: browsers would take no other.
    fn cookie(&self, host: &Host) -> &Cookie {
        self.shared.as_ref().filter(|cookie| cookie.scope.reaches(host)).unwrap_or(&self.lone)
    }
}

impl Cookie {
    /// What the seal is bound to: the cookie's name, and the host or the shared domain.
    fn binding<'a>(&'a self, host: &'a Host) -> [&'a str; 2] {
        [&self.bound, self.scope.domain.as_deref().unwrap_or(host.as_str())]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::model::identity::{Account, Profile};
    use crate::model::secret::Secret;
    use crate::model::visit::Scheme;
    use crate::seal::random;

    pub(in crate::sessions) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    pub(in crate::sessions) fn sessions() -> Sessions {
        let settings = SessionSettings {
            lifetime: Duration::from_secs(7 * 86_400),
            idle_timeout: Duration::from_secs(86_400),
            scope: CookieScope { scheme: Scheme::Https, domain: None },
        };
        let ring = KeyRing::new(Secret::new("k".repeat(32)), Vec::new()).unwrap();
        Sessions::new(settings, &ring, Arc::default())
    }

    pub(in crate::sessions) fn somebody(name: &str) -> Identity {
        let account = Account { app_id: "wx0123456789abcdef".to_owned(), openid: "o".repeat(28) };
        let profile = Profile {
            name: name.to_owned(),
            avatar: format!("https://thirdwx.qlogo.cn/{}", "a".repeat(230)),
            city: "c".repeat(32),
            province: "p".repeat(32),
            country: "l".repeat(32),
            sex: "1".to_owned(),
        };
        Identity { member_id: "m-1".to_owned(), account, unionid: Some("u".repeat(28)), profile }
    }

    pub(in crate::sessions) fn host(name: &str) -> Host {
        Host::parse(name).unwrap()
    }

    pub(in crate::sessions) fn sent(cookie: &SetCookie) -> HeaderMap {
        let pair = cookie.as_str().split(';').next().unwrap();
        HeaderMap::from_iter([(
            http::header::COOKIE,
            HeaderValue::from_str(&format!("a=1; {pair}; b=2")).unwrap(),
        )])
    }

    #[test]
    fn a_session_is_read_back_on_its_own_host_only() {
        let sessions = sessions();
        let (session, cookie) = sessions.start(random(), &somebody("王芳"), &host("a.test"), NOW);
        assert_eq!(sessions.read(&sent(&cookie), &host("a.test"), NOW), Some(session));
        assert_eq!(sessions.read(&sent(&cookie), &host("b.test"), NOW), None);
    }

    #[test]
    fn a_shared_domain_ends_where_it_ends() {
        let mut settings = sessions().settings;
        settings.scope.domain = Some("shared.test".to_owned());
        let ring = KeyRing::new(Secret::new("k".repeat(32)), Vec::new()).unwrap();
        let sessions = Sessions::new(settings, &ring, Arc::default());
        let (session, cookie) = sessions.start(random(), &somebody("王芳"), &host("a.shared.test"), NOW);
        assert!(sessions.read(&sent(&cookie), &host("b.shared.test"), NOW).is_some());
        assert!(sessions.read(&sent(&cookie), &host("evil-shared.test"), NOW).is_none());
        let elsewhere = sessions.adopt(&session, &host("other.test"), NOW);
        assert!(elsewhere.as_str().starts_with("__Host-wxgate=") && !elsewhere.as_str().contains("Domain"));
        assert!(sessions.read(&sent(&elsewhere), &host("other.test"), NOW).is_some());
        assert!(sessions.forget(&host("other.test")).as_str().starts_with("__Host-wxgate=;"));
    }

    #[test]
    fn idle_time_slides_and_the_lifetime_does_not() {
        let sessions = sessions();
        let (session, cookie) = sessions.start(random(), &somebody("x"), &host("a.test"), NOW);
        let hours = |count: u64| NOW + Duration::from_secs(count * 3600);
        assert!(sessions.read(&sent(&cookie), &host("a.test"), hours(23)).is_some());
        assert!(sessions.read(&sent(&cookie), &host("a.test"), hours(24)).is_none());
        assert!(sessions.renew(&session, &host("a.test"), hours(1)).is_none());
        let renewed = sessions.renew(&session, &host("a.test"), hours(3)).unwrap();
        assert!(sessions.read(&sent(&renewed), &host("a.test"), hours(26)).is_some());
        let late = sessions.renew(&session, &host("a.test"), hours(167)).unwrap();
        assert!(late.as_str().ends_with("Max-Age=3600"));
        assert!(sessions.read(&sent(&late), &host("a.test"), hours(168)).is_none());
    }

    #[test]
    fn a_session_from_the_future_is_not_believed() {
        let sessions = sessions();
        let (_, cookie) =
            sessions.start(random(), &somebody("x"), &host("a.test"), NOW + Duration::from_secs(3600));
        assert!(sessions.read(&sent(&cookie), &host("a.test"), NOW).is_none());
    }

    #[test]
    fn an_ended_session_stays_ended_for_a_copied_cookie() {
        let sessions = sessions();
        let (session, cookie) = sessions.start(random(), &somebody("x"), &host("a.test"), NOW);
        sessions.end(&session, NOW);
        assert!(sessions.read(&sent(&cookie), &host("a.test"), NOW).is_none());
    }

    #[test]
    fn a_second_cookie_of_the_same_name_does_not_decide() {
        let sessions = sessions();
        let mut headers = sent(&sessions.start(random(), &somebody("x"), &host("a.test"), NOW).1);
        headers.append(http::header::COOKIE, HeaderValue::from_static("__Host-wxgate=planted"));
        assert!(sessions.read(&headers, &host("a.test"), NOW).is_some());
        let other = sent(&sessions.start(random(), &somebody("attacker"), &host("a.test"), NOW).1);
        headers.append(http::header::COOKIE, other[http::header::COOKIE].clone());
        assert!(sessions.read(&headers, &host("a.test"), NOW).is_none());
    }

    #[test]
    fn the_cookie_fits_whatever_the_profile() {
        let sessions = sessions();
        let (_, cookie) = sessions.start(random(), &somebody(&"王".repeat(42)), &host("a.test"), NOW);
        let value = cookie.as_str().split(['=', ';']).nth(1).unwrap();
        assert!(value.len() <= LONGEST, "{}", value.len());
        assert!(sessions.read(&sent(&cookie), &host("a.test"), NOW).is_some());
    }
}
