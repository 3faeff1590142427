//! One request to the simulator, taken apart once at the door.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use super::answer::{self, Reply};

/// The cookie that says who holds the pretend phone; the value is the percent-encoded name.
pub(crate) const HOLDER_COOKIE: &str = "simulated_wechat_holder";

const MAX_BODY: usize = 1 << 20;

/// A request as the simulator's pages and calls want to see it.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) query: Parameters,
    pub(crate) form: Parameters,
    pub(crate) body: Bytes,
    /// Where the request came from, as far as the listener said.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) host: String,
    pub(crate) user_agent: String,
    /// `Accept-Language`.
    pub(crate) languages: String,
    pub(crate) holder: Option<String>,
    /// Whether another site's page, or one at another port, had the browser ask.
    pub(crate) from_elsewhere: bool,
}

impl Asked {
    /// Reads the whole request, or says why not.
    pub(crate) async fn read(request: Request<Incoming>) -> Result<Self, Reply> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return Err(answer::text(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "body too large"));
        };
        let body = body.to_bytes();
        let header = |name| head.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let is_form = header(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
        let form = if is_form { String::from_utf8_lossy(&body).into_owned() } else { String::new() };
        let raw_query = head.uri.query().unwrap_or_default();
        Ok(Self {
            path: head.uri.path().to_owned(),
            query: Parameters::parse(raw_query),
            raw_query: raw_query.to_owned(),
            form: Parameters::parse(&form),
            body,
            peer: head.extensions.get::<SocketAddr>().map(SocketAddr::ip),
            host: header(header::HOST).unwrap_or("localhost").to_owned(),
            user_agent: header(header::USER_AGENT).unwrap_or_default().to_owned(),
            languages: header(header::ACCEPT_LANGUAGE).unwrap_or_default().to_owned(),
            holder: header(header::COOKIE).and_then(holder),
            from_elsewhere: is_from_elsewhere(&head.headers),
            method: head.method,
        })
    }

    /// A parameter of an API call: from the query, else from the posted form; empty when missing.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        match self.query.get(name) {
            "" => self.form.get(name),
            value => value,
        }
    }

    /// The posted body as JSON.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Query or form parameters in the order they came.
pub(crate) struct Parameters(Vec<Parameter>);

struct Parameter {
    name: String,
    raw: String,
    value: String,
}

impl Parameters {
    fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
                    Parameter { name: decoded(name), raw: raw.to_owned(), value: decoded(raw) }
                })
                .collect(),
        )
    }

    /// The decoded value; empty when missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |parameter| &parameter.value)
    }

    /// The value as it was spelled in the URL, for echoing it byte for byte.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.find(name).map_or("", |parameter| &parameter.raw)
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|parameter| parameter.name.as_str())
    }

    fn find(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == name)
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// By the browser's word, and by `Origin`: old browsers send only that. Pages that tell nobody where they lead from send the
/// origin `null`, which the browser's word has to stand for.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let said = |name| headers.get_all::<HeaderName>(name).iter().map(HeaderValue::as_bytes);
    let site = HeaderName::from_static("sec-fetch-site");
    let is_own_page = said(site.clone()).any(|site| site == b"same-origin");
    let own = [&b"http://"[..], said(header::HOST).next().unwrap_or_default()].concat();
    let is_other_site = |site: &[u8]| !matches!(site, b"same-origin" | b"none");
    let is_own_origin =
        |origin: &[u8]| origin.eq_ignore_ascii_case(&own) || (is_own_page && origin == b"null");
    said(site).any(is_other_site) || !said(header::ORIGIN).all(is_own_origin)
}

fn holder(cookies: &str) -> Option<String> {
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == HOLDER_COOKIE).map(|(_, value)| decoded(value))
}
