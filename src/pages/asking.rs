//! Who is asking for one of our pages: what they want to see, in which language, and on whose behalf.

use std::net::IpAddr;

use http::header::{self, HeaderMap};
use http::{Method, request};

use super::endpoint::Endpoint;
use super::language::{Language, LanguageLinks};
use super::query;
use crate::forward_auth::Dialect;
use crate::gate::Origin;
use crate::members::Act;
use crate::model::audit::Actor;
use crate::model::clock::Timestamp;
use crate::model::host::Authority;
use crate::model::set_cookie::received;
use crate::model::site::Site;
use crate::model::visit::{Scheme, Visit};

/// One request, as far as pages care.
#[derive(Clone, Debug)]
pub struct Asking<'a> {
    /// The request's head; where a proxy asks, that of the request it asks about.
    pub parts: &'a request::Parts,
    /// The proxy that asks, in place of the visitor.
    pub check: Option<Dialect>,
    /// What it asks for; `None` when that cannot be told.
    pub visit: Option<&'a Visit>,
    /// Names the request in logs and on pages.
    pub request_id: &'a str,
    /// The visitor's address.
    pub client: IpAddr,
    /// The time of the request.
    pub now: Timestamp,
}

impl<'a> Asking<'a> {
    /// What `actor` does with this request.
    pub fn act(&self, actor: Actor) -> Act {
        Act { actor, client: Some(self.client), request_id: Some(self.request_id.to_owned()), now: self.now }
    }

    /// A header that is text and stands there once.
    pub fn header(&self, name: header::HeaderName) -> Option<&'a str> {
        one(&self.parts.headers, name)
    }

    /// The `User-Agent`, or nothing.
    pub fn user_agent(&self) -> &'a str {
        self.header(header::USER_AGENT).unwrap_or_default()
    }

    /// Whether a person looks at the answer: a top-level navigation, by the browser's word (Fetch Metadata), else by
    /// what older browsers send.
    pub fn is_navigation(&self) -> bool {
        let headers = &self.parts.headers;
        if headers.contains_key(header::UPGRADE) {
            return false;
        }
        match one(headers, header::HeaderName::from_static("sec-fetch-mode")) {
            Some(mode) => mode == "navigate",
            None => self.is_read() && self.accepts_html() && !headers.contains_key("x-requested-with"),
        }
    }

    /// Whether the answer should be a page rather than JSON.
    pub fn wants_page(&self) -> bool {
        self.is_navigation() || (self.accepts_html() && !self.parts.headers.contains_key("x-requested-with"))
    }

    /// Whether a page is to be shown in place of the application's: only a proxy that asks has no room for a whole one.
    pub fn is_brief(&self) -> bool {
        self.check.is_some() && !self.is_own_page()
    }

    /// Whether one of our own addresses is asked for.
    pub fn is_own_page(&self) -> bool {
        self.visit.is_some_and(|visit| Endpoint::parse(&visit.path).is_some())
    }

    /// Whether the answer is for a person in a window, by the browser's word: no script fetches it, no frame shows it, not
    /// even of an application on the same host, whose holes are not ours. Browsers that say nothing are too old to.
    pub fn is_for_a_window(&self) -> bool {
        let says = |name: &'static str, wanted: &str| {
            let name = header::HeaderName::from_static(name);
            !self.parts.headers.contains_key(&name) || self.header(name) == Some(wanted)
        };
        says("sec-fetch-dest", "document") && says("sec-fetch-mode", "navigate")
    }

    /// Whether a browser asks on behalf of a page: programs say nothing of pages.
    pub fn is_from_browser(&self) -> bool {
        let mut names = self.parts.headers.keys();
        names.any(|name| *name == header::ORIGIN || name.as_str().starts_with("sec-fetch-"))
    }

    /// GET or HEAD.
    pub fn is_read(&self) -> bool {
        matches!(self.parts.method, Method::GET | Method::HEAD)
    }

    /// The query, or nothing.
    pub fn query(&self) -> Option<&'a str> {
        self.parts.uri.query()
    }

    /// The language to answer in. `fixed` is the operator's.
    pub fn language(&self, fixed: Option<Language>) -> Language {
        let parameter = self.query().and_then(query::language);
        let cookie = received(&self.parts.headers)
            .find(|(name, _)| name.ends_with("wxgate-lang"))
            .map(|(_, value)| value);
        Language::choose(parameter, cookie, self.header(header::ACCEPT_LANGUAGE), fixed)
    }

    /// Links to this page in the other language; only where asking again does no harm, and where the address holds
    /// nothing that is good for one use and has no place on a page.
    pub fn language_links(&self) -> Option<LanguageLinks> {
        let endpoint = self.visit.and_then(|visit| Endpoint::parse(&visit.path));
        let is_for_one_use = matches!(endpoint, Some(Endpoint::Callback | Endpoint::Ticket));
        (self.is_read() && !is_for_one_use).then(|| LanguageLinks::from_query(self.query()))
    }

    /// Whether a form was sent by a page of ours: the browser's word, else its `Origin`. Neither is no.
    pub fn is_from_own_page(&self, site: &Site) -> bool {
        match one(&self.parts.headers, header::HeaderName::from_static("sec-fetch-site")) {
            Some(word) => word == "same-origin",
            None => self.origin(site) == Origin::Same,
        }
    }

    /// Where a request that changes something, or leaves HTTP behind, comes from.
    pub fn origin(&self, site: &Site) -> Origin {
        let same = self.visit.is_some_and(|visit| {
            self.header(header::ORIGIN).and_then(read_origin).is_some_and(|(scheme, authority)| {
                scheme == site.scheme
                    && authority.host == visit.authority.host
                    && authority.port == visit.authority.clone().without_default_port(scheme.is_https()).port
            })
        });
        if same { Origin::Same } else { Origin::Foreign }
    }

    fn accepts_html(&self) -> bool {
        let lines = self.parts.headers.get_all(header::ACCEPT);
        lines.iter().filter_map(|line| line.to_str().ok()).any(|line| line.contains("text/html"))
    }
}

fn one(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        _ => None,
    }
}

/// Scheme and authority of an `Origin` (RFC 6454 §7); `null` and anything odd is `None`.
fn read_origin(text: &str) -> Option<(Scheme, Authority)> {
    let (scheme, rest) = match text.split_once("://")? {
        ("https", rest) => (Scheme::Https, rest),
        ("http", rest) => (Scheme::Http, rest),
        _ => return None,
    };
    Some((scheme, Authority::parse(rest).ok()?.without_default_port(scheme.is_https())))
}
