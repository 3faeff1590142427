//! Forms of our own pages: read once, in bounds, and only with a token that a page of ours gave to this session.

use http::header;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::asking::Asking;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::page::Malformed;
use crate::model::clock::Timestamp;
use crate::model::member::SessionId;
use crate::model::session::Session;
use crate::model::site::Site;
use crate::net::body::Bounded;
use crate::seal::{KeyRing, Purpose, Sealer};

/// Longest form in bytes: the groups of a person, or two hundred characters of a message, escaped, and a token.
const LONGEST: u64 = 16 * 1024;

/// How long one field of a form may be on its way.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// How long the token of a page is good.
const TOKEN: std::time::Duration = std::time::Duration::from_secs(12 * 3600);

/// The field that holds the token.
pub(super) const TOKEN_FIELD: &str = "token";

/// Which pages a token is for. One that a page of strangers gave opens nothing in administration: a script of an
/// application on the same host can fetch the former, and never the latter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Realm {
    /// Administration, and the links that make administrators and members.
    Office,
    /// Everything that somebody does for themselves.
    Own,
}

impl Realm {
    /// Where a page is.
    pub(super) fn of(asking: &Asking<'_>) -> Self {
        let endpoint = asking.visit.and_then(|visit| Endpoint::parse(&visit.path));
        match endpoint {
            Some(Endpoint::Admin | Endpoint::Invite | Endpoint::Setup) => Self::Office,
            _ => Self::Own,
        }
    }

    /// What its tokens are bound to besides their purpose.
    fn binding(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Own => "own",
        }
    }
}

/// Makes tokens, and knows them again.
#[derive(Debug)]
pub struct Forms {
    sealer: Sealer,
}

/// What a form says. Ask for each field it may have, then [`finish`](Self::finish).
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

/// A form that was sent from a page of ours.
#[derive(Debug)]
pub(super) enum Sent {
    /// From a page that this session was shown a while ago at most.
    Good(Form),
    /// From a page of another session, or one that was open for too long: what was typed, to be sent once more.
    Stale(Form),
}

#[derive(Deserialize, Serialize)]
struct Token {
    session: SessionId,
    given: Timestamp,
}

impl Forms {
    /// Tokens sealed with `ring`.
    pub fn new(ring: &KeyRing) -> Self {
        Self { sealer: Sealer::new(ring, Purpose::Form) }
    }

    /// The token for the forms of a page that this session is shown.
    pub(super) fn token(&self, session: &Session, realm: Realm, now: Timestamp) -> String {
        self.sealer.seal(&Token { session: session.id, given: now }, realm.binding())
    }

    /// The token for the question that a phone is asked, of which there is no session: bound to what it was called with.
    pub(super) fn token_of_call(&self, call: SessionId, now: Timestamp) -> String {
        self.sealer.seal(&Token { session: call, given: now }, Realm::Office.binding())
    }

    /// Whether it is the token of that question.
    pub(super) fn is_of_call(&self, token: &str, call: SessionId, now: Timestamp) -> bool {
        let token: Option<Token> = self.sealer.open(token, Realm::Office.binding());
        token.is_some_and(|token| {
            token.session == call && token.given <= now + TOKEN && now.since(token.given) < TOKEN
        })
    }

    /// Reads the form of a phone: its token and the rest. It must come from a page of ours, by the browser's word.
    pub(super) async fn read_of_call(
        &self,
        body: Option<Incoming>,
        site: &Site,
        asking: &Asking<'_>,
    ) -> Result<(String, Form), Failure> {
        if !asking.is_from_own_page(site) {
            return Err(Failure::ForeignOrigin);
        }
        let mut form = Form::read(body, asking).await?;
        Ok((form.take(TOKEN_FIELD).ok_or(Failure::FormExpired)?, form))
    }

    /// Reads the form of a signed-in person. It must come from a page of ours, by the browser's word and by its token.
    pub(super) async fn read(
        &self,
        body: Option<Incoming>,
        session: &Session,
        site: &Site,
        asking: &Asking<'_>,
    ) -> Result<Sent, Failure> {
        if !asking.is_from_own_page(site) {
            return Err(Failure::ForeignOrigin);
        }
        let mut form = Form::read(body, asking).await?;
        let realm = Realm::of(asking);
        let token = form.take(TOKEN_FIELD);
        let token: Option<Token> = token.and_then(|token| self.sealer.open(&token, realm.binding()));
        if token.is_none() && realm == Realm::Office {
            // No page of ours sends that: nothing of it is shown to be sent once more.
            return Err(Failure::FormExpired);
        }
        let is_ours = |token: &Token| {
            token.session == session.id
                && token.given <= asking.now + TOKEN
                && asking.now.since(token.given) < TOKEN
        };
        Ok(if token.as_ref().is_some_and(is_ours) { Sent::Good(form) } else { Sent::Stale(form) })
    }
}

/// Whether a box of a form without token is checked: for a sign-out, which asks for less. No body is an empty form.
pub(super) async fn is_checked(
    body: Option<Incoming>,
    name: &str,
    asking: &Asking<'_>,
) -> Result<bool, Failure> {
    let Some(body) = body.filter(|body| !body.is_end_stream()) else { return Ok(false) };
    let mut form = Form::read(Some(body), asking).await?;
    let is_checked = form.take(name).is_some_and(|value| value == "1");
    form.finish()?;
    Ok(is_checked)
}

impl Form {
    /// Reads a form as browsers send it without being told otherwise (WHATWG URL, `application/x-www-form-urlencoded`).
    async fn read(body: Option<Incoming>, asking: &Asking<'_>) -> Result<Self, Failure> {
        const URL_ENCODED: &str = "application/x-www-form-urlencoded";
        let content_type = asking.header(header::CONTENT_TYPE).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(URL_ENCODED) {
            return Err(Failure::Malformed(Malformed::Form));
        }
        let Some(body) = body else { return Ok(Self(Vec::new())) };
        let body = Bounded::new(body, PATIENCE, Some(LONGEST));
        let whole = tokio::time::timeout(PATIENCE, body.collect()).await;
        let Ok(Ok(bytes)) = whole.map(|body| body.map(|body| body.to_bytes())) else {
            return Err(Failure::Malformed(Malformed::Form));
        };
        Self::parse(&bytes).ok_or(Failure::Malformed(Malformed::Form))
    }

    /// What the query of an address says, in the way browsers write forms into it.
    pub(super) fn of_query(query: Option<&str>) -> Result<Self, Failure> {
        let form = Self::parse(query.unwrap_or_default().as_bytes());
        form.ok_or(Failure::Malformed(Malformed::Address))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
        };
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if fields.iter().any(|(known, _)| *known == name) {
                return None;
            }
            fields.push((name, value));
        }
        Some(Self(fields))
    }

    /// The value of a field.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Everything that has not been taken.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.0
    }

    /// The value of a field that has to be there.
    pub(super) fn demand(&mut self, name: &str) -> Result<String, Failure> {
        self.take(name).ok_or(Failure::Malformed(Malformed::Form))
    }

    /// Whatever nobody asked for is not ours.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::Malformed(Malformed::Form)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let mut form = Form::parse("message=%E5%BC%A0+%E4%BC%9F%26%3D&empty=&token=a.b&".as_bytes()).unwrap();
        assert_eq!(form.take("message").as_deref(), Some("张 伟&="));
        assert_eq!(form.take("empty").as_deref(), Some(""));
        assert_eq!(form.take("message"), None);
        assert!(form.finish().is_err());
    }

    #[test]
    fn a_field_given_twice_or_no_text_is_no_form() {
        for bytes in [&b"a=1&a=2"[..], b"a=%ff", b"\xff=1", b"a=1&%61=2"] {
            assert!(Form::parse(bytes).is_none(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_form_or_none(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Form::parse(&bytes);
        }
    }
}
