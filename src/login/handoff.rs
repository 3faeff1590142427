//! From the login host to another protected host: cookies do not cross hosts, a ticket does, once.
//!
//! The asking host gives its browser a nonce and sends it to the login host with the nonce's hash. The ticket that comes
//! back names host, hash and time, so it works in that browser, on that host, for thirty seconds.

use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::members::Directory;
use crate::model::clock::Timestamp;
use crate::model::host::Host;
use crate::model::own_cookie::CookieScope;
use crate::model::session::Session;
use crate::model::set_cookie::{SetCookie, received};
use crate::seal::{KeyRing, Purpose, Sealer, digest, hex, random};
use crate::store::StoreError;

/// How long a ticket is good for.
const TICKET: Duration = Duration::from_secs(30);

/// How long a browser may take to come back with one.
const NONCE: Duration = Duration::from_secs(600);

/// A session on its way to another host.
#[derive(Debug, Deserialize, Serialize)]
struct Ticket {
    id: [u8; 16],
    session: Session,
    browser: [u8; 32],
    return_path: String,
    expires: Timestamp,
}

/// Writes and redeems tickets.
#[derive(Debug)]
pub struct Handoff {
    scope: CookieScope,
    sealer: Sealer,
}

/// The ticket is good for nothing.
#[derive(Clone, Debug, Error)]
pub enum TicketError {
    /// Another browser's ticket, or this browser lost its nonce.
    #[error("the ticket belongs to another browser")]
    OtherBrowser,
    /// Not sealed by us for this host, or too old.
    #[error("the ticket is not valid here, or no longer")]
    Invalid,
    /// Redeemed before.
    #[error("the ticket was used before")]
    Spent,
    /// Whether it was redeemed before cannot be known.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Handoff {
    /// Tickets sealed with `ring`.
    pub fn new(scope: &CookieScope, ring: &KeyRing) -> Self {
        let scope = CookieScope { domain: None, ..scope.clone() };
        Self { scope, sealer: Sealer::new(ring, Purpose::Ticket) }
    }

    /// On the asking host: a nonce for the browser (kept if it has one), and its hash for the login host.
    pub fn ask(&self, headers: &HeaderMap) -> (String, SetCookie) {
        let nonce = self.nonce(headers).map_or_else(|| hex(&random::<16>()), str::to_owned);
        let hash = hex(&digest(nonce.as_bytes()));
        (hash, SetCookie::keep(&self.scope, &self.name(), &nonce, NONCE))
    }

    /// On the login host: a ticket for `host` and the browser behind `browser`.
    pub fn issue(
        &self,
        session: &Session,
        host: &Host,
        browser: [u8; 32],
        path: &str,
        now: Timestamp,
    ) -> String {
        let ticket = Ticket {
            id: random(),
            session: session.clone(),
            browser,
            return_path: path.to_owned(),
            expires: now + TICKET,
        };
        self.sealer.seal(&ticket, host.as_str())
    }

    /// On the asking host again: the session, where to go, and the deletion of the nonce.
    pub async fn redeem(
        &self,
        ticket: &str,
        host: &Host,
        headers: &HeaderMap,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<(Session, String, SetCookie), TicketError> {
        let ticket: Ticket = self.sealer.open(ticket, host.as_str()).ok_or(TicketError::Invalid)?;
        if ticket.expires <= now || ticket.expires > now + TICKET * 2 {
            return Err(TicketError::Invalid);
        }
        let browser = self.nonce(headers).map(|nonce| digest(nonce.as_bytes()));
        if browser != Some(ticket.browser) {
            return Err(TicketError::OtherBrowser);
        }
        if !directory.claim_ticket(ticket.id, ticket.expires).await? {
            return Err(TicketError::Spent);
        }
        Ok((ticket.session, ticket.return_path, SetCookie::forget(&self.scope, &self.name())))
    }

    fn name(&self) -> String {
        self.scope.host_only_name("handoff")
    }

    fn nonce<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.name();
        received(headers).find(|(found, value)| *found == name && value.len() == 32).map(|(_, nonce)| nonce)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::COOKIE;

    use super::*;
    use crate::gate::tests::session;
    use crate::model::secret::Secret;
    use crate::model::visit::Scheme;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn handoff() -> Handoff {
        let scope = CookieScope { scheme: Scheme::Https, domain: None };
        Handoff::new(&scope, &KeyRing::new(Secret::new("k".repeat(32)), Vec::new()).unwrap())
    }

    fn browser(handoff: &Handoff) -> (HeaderMap, [u8; 32]) {
        let (hash, cookie) = handoff.ask(&HeaderMap::new());
        let pair = cookie.as_str().split(';').next().unwrap();
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(pair).unwrap())]);
        let nonce = pair.split_once('=').unwrap().1;
        assert_eq!(hash, hex(&digest(nonce.as_bytes())));
        (headers, digest(nonce.as_bytes()))
    }

    #[tokio::test]
    async fn a_ticket_works_once_in_its_browser_on_its_host_in_time() {
        let (handoff, directory) = (handoff(), crate::members::tests::directory().await);
        let (headers, hash) = browser(&handoff);
        let (b, c) = (Host::parse("b.test").unwrap(), Host::parse("c.test").unwrap());
        let ticket = handoff.issue(&session("王芳"), &b, hash, "/x", NOW);
        let lost = HeaderMap::new();
        let (other, _) = browser(&handoff);
        for (headers, host, now, expected) in [
            (&headers, &c, NOW, "the ticket is not valid here, or no longer"),
            (&lost, &b, NOW, "the ticket belongs to another browser"),
            (&other, &b, NOW, "the ticket belongs to another browser"),
            (&headers, &b, NOW + TICKET, "the ticket is not valid here, or no longer"),
            (&headers, &b, NOW, "/x"),
            (&headers, &b, NOW, "the ticket was used before"),
        ] {
            let redeemed = handoff.redeem(&ticket, host, headers, &directory, now).await;
            assert_eq!(redeemed.map_or_else(|error| error.to_string(), |found| found.1), expected);
        }
    }
}
