//! Header lines on their way: hop-by-hop fields end here, forwarded fields are told anew, our cookies stay with us.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

use crate::gate::Admission;
use crate::gate::identity_headers::IdentityHeaders;
use crate::gate::template::Template;
use crate::model::alias::{self, Alias, Beginning, Lookout};
use crate::model::visit::{Visit, overrides_method};

/// Which Host the application is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UpstreamHost {
    /// A fixed name.
    Fixed(HeaderValue),
    /// The one the visitor asked for.
    Visited,
}

/// The truth about where a request came from.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// The visitor's own address.
    pub client: IpAddr,
    /// `X-Forwarded-For` to tell: the visitor first, then the trusted proxy that brought it, if one did.
    pub chain: HeaderValue,
    /// What the gateway calls the request.
    pub request_id: HeaderValue,
    /// The cookies that the application is to see.
    pub cookies: Option<HeaderValue>,
}

/// How the headers of one route are rewritten.
#[derive(Clone, Debug)]
pub struct Rewriting {
    /// Host for the application.
    pub host: UpstreamHost,
    /// Identity headers.
    pub identity: IdentityHeaders,
    /// Whether methods decide about anything, so that no header may change them afterwards.
    pub keeps_method: bool,
    /// What only we say: of a person, and of somebody anonymous. Behind it there is a line for each of `expected`.
    signed_in: Template,
    anonymous: Template,
    /// What nearly every client sends, less what an identity header is called.
    expected: Vec<HeaderName>,
    /// The names that are worth a question; all others go on as they are.
    lookout: Lookout,
}

/// Names that are asked about for what they are, whatever an application makes of them.
const ASKED_ABOUT: Lookout = Lookout::of(&[
    b"connection",
    b"te",
    b"transferencoding",
    b"upgrade",
    b"proxyauthenticate",
    b"proxyauthorization",
    b"keepalive",
    b"proxyconnection",
    b"host",
    b"cookie",
    b"expect",
    b"contentlength",
    b"trailer",
    // `overrides_method` looks closer.
    b"xhttpmethod",
    b"xmethodoverride",
])
.and(&FORWARDED_FAMILIES)
.and(&FORWARDED_NAMES);

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is told of every visitor, in this order.
const TOLD: [HeaderName; 6] =
    [header::HOST, X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST, X_REAL_IP, X_REQUEST_ID];

/// Lines of nearly every request: they have their place beforehand, since adding one costs more than filling it.
const EXPECTED: [HeaderName; MOST_EXPECTED] =
    [header::USER_AGENT, header::ACCEPT, header::ACCEPT_LANGUAGE, header::COOKIE];

const MOST_EXPECTED: usize = 4;

/// Families of names by which proxies speak for a client: what the client itself sent under them is no truth.
const FORWARDED_FAMILIES: [&[u8]; 7] =
    [b"xforwarded", b"xoriginal", b"xrewrite", b"xssl", b"sslclient", b"xaccel", b"xsendfile"];

/// Single names beside the families; `Proxy` because CGI makes `HTTP_PROXY` of it (httpoxy).
const FORWARDED_NAMES: [&[u8]; 20] = [
    b"forwarded",
    b"xrealip",
    b"xclientip",
    b"trueclientip",
    b"xclusterclientip",
    b"proxy",
    b"http2settings",
    b"clientip",
    b"proxyclientip",
    b"wlproxyclientip",
    b"cfconnectingip",
    b"fastlyclientip",
    b"xenvoyexternaladdress",
    b"xscheme",
    b"xurlscheme",
    b"frontendhttps",
    b"xhost",
    b"xhttphostoverride",
    b"xclientcert",
    b"xrequestid",
];

/// RFC 9110 §7.6.1, and the fields that hyper writes itself.
pub(super) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRANSFER_ENCODING
            | header::UPGRADE
            | header::PROXY_AUTHENTICATE
            | header::PROXY_AUTHORIZATION
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Fields of a request that hold for the way to us only: what is sent on says it for itself, and has no trailers.
fn is_told_anew(name: &HeaderName) -> bool {
    matches!(*name, header::HOST | header::COOKIE | header::EXPECT | header::CONTENT_LENGTH | header::TRAILER)
}

/// The names among `headers` that `lines` of `Connection` list (RFC 9110 §7.6.1): they end here as well. Without those that
/// end here anyway.
pub(super) fn listed<'a>(
    headers: &HeaderMap,
    lines: impl IntoIterator<Item = &'a HeaderValue>,
) -> SmallVec<[HeaderName; 2]> {
    let goes_on =
        |token: &&[u8]| [&b"keep-alive"[..], b"upgrade"].iter().all(|own| !token.eq_ignore_ascii_case(own));
    let names = tokens(lines).filter(goes_on).filter_map(|token| HeaderName::from_bytes(token).ok());
    // A line may hold thousands of names; each is asked for once.
    names.fold(SmallVec::new(), |mut listed, name| {
        if headers.contains_key(&name) && !listed.contains(&name) {
            listed.push(name);
        }
        listed
    })
}

/// The comma separated tokens of `lines`.
pub(super) fn tokens<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> impl Iterator<Item = &'a [u8]> {
    lines.into_iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn speaks_for_a_client(beginning: Beginning, name: &str) -> bool {
    const LOOKOUT: Lookout = Lookout::of(&FORWARDED_FAMILIES).and(&FORWARDED_NAMES);
    if !LOOKOUT.may_know(beginning) {
        return false;
    }
    let alias = Alias::of(name);
    let bytes = alias.as_bytes();
    FORWARDED_FAMILIES.iter().any(|family| bytes.starts_with(family)) || FORWARDED_NAMES.contains(&bytes)
}

impl Rewriting {
    /// Rewriting that tells of `host` and `identity`.
    pub fn new(host: UpstreamHost, identity: IdentityHeaders) -> Self {
        let is_free = |name: &&HeaderName| identity.names().all(|ours| ours != *name);
        let expected: Vec<HeaderName> = EXPECTED.iter().filter(is_free).cloned().collect();
        let signed_in = Template::new(TOLD.iter().chain(identity.names()).chain(&expected));
        let anonymous = Template::new(TOLD.iter().chain(&expected));
        let lookout = ASKED_ABOUT.or(identity.lookout());
        Self { host, identity, keeps_method: false, signed_in, anonymous, expected, lookout }
    }

    /// The header lines for the application: the client's, less what ends here, plus what only we may say.
    pub fn request(
        &self,
        received: &HeaderMap,
        visit: &Visit,
        forwarded: &Forwarded,
        prefix: Option<&str>,
        admission: &Admission,
    ) -> HeaderMap {
        let listed = listed(received, received.get_all(header::CONNECTION));
        let mut trailers = false;
        let mut kept =
            Kept { expected: &self.expected, found: [None; MOST_EXPECTED], others: SmallVec::new() };
        for (name, value) in received {
            let beginning = Beginning::of(name.as_str().as_bytes());
            if !self.lookout.may_know(beginning) && listed.is_empty() {
                // Nearly every header.
                if alias::is_plain(name.as_str()) {
                    kept.add(name, value);
                }
            } else if is_hop_by_hop(name) {
                trailers |= *name == header::TE && takes_trailers(value);
            } else if !is_told_anew(name) && !listed.contains(name) && !self.strips(beginning, name.as_str())
            {
                kept.add(name, value);
            }
        }
        let cookie = forwarded.cookies.clone();
        let mut headers = self.told(received, visit, forwarded, admission, kept.found, cookie.as_ref());
        for (name, value) in kept.others {
            headers.append(name.clone(), value.clone());
        }
        if let Some(cookie) = cookie.filter(|_| !self.expected.contains(&header::COOKIE)) {
            say(&mut headers, header::COOKIE, cookie);
        }
        if trailers {
            say(&mut headers, header::TE, HeaderValue::from_static("trailers"));
            say(&mut headers, header::CONNECTION, HeaderValue::from_static("te"));
        }
        if let Some(prefix) = prefix {
            say(&mut headers, X_FORWARDED_PREFIX, text(prefix));
        }
        headers
    }

    /// What only we may say: nothing that a client sends under these names is left in, so that each is there once. And
    /// what is there of the expected lines.
    fn told(
        &self,
        received: &HeaderMap,
        visit: &Visit,
        forwarded: &Forwarded,
        admission: &Admission,
        found: [Option<&HeaderValue>; MOST_EXPECTED],
        cookie: Option<&HeaderValue>,
    ) -> HeaderMap {
        let visited = visited_host(received, visit);
        let host = match &self.host {
            UpstreamHost::Fixed(host) => host.clone(),
            UpstreamHost::Visited => visited.clone(),
        };
        let scheme = HeaderValue::from_static(visit.scheme.as_str());
        let (chain, request_id) = (forwarded.chain.clone(), forwarded.request_id.clone());
        let told = [host, chain, scheme, visited, forwarded.real_ip(), request_id].into_iter();
        let template = if admission.session().is_some() { &self.signed_in } else { &self.anonymous };
        let expected = self.expected.iter().zip(found).map(|(name, found)| {
            let line = if *name == header::COOKIE { cookie } else { found };
            (name, line)
        });
        let mut headers = template.fill_with(|lines| {
            told.for_each(|value| lines.put(Some(value)));
            self.identity.put(admission, lines);
            expected.clone().for_each(|(_, line)| lines.put(line.cloned()));
        });
        for (name, _) in expected.filter(|(_, line)| line.is_none()) {
            headers.remove(name);
        }
        headers
    }

    /// Whether a client's header of this name must not reach the application.
    fn strips(&self, beginning: Beginning, name: &str) -> bool {
        speaks_for_a_client(beginning, name)
            || (self.keeps_method && overrides_method(name))
            || self.identity.resembles_from(beginning, name)
    }
}

/// What goes on of the lines that a client sent.
struct Kept<'a> {
    expected: &'a [HeaderName],
    /// The first line of each expected name.
    found: [Option<&'a HeaderValue>; MOST_EXPECTED],
    others: SmallVec<[(&'a HeaderName, &'a HeaderValue); 24]>,
}

impl<'a> Kept<'a> {
    fn add(&mut self, name: &'a HeaderName, value: &'a HeaderValue) {
        let place = self.expected.iter().position(|expected| expected == name);
        match place.and_then(|place| self.found.get_mut(place)) {
            Some(place @ None) => *place = Some(value),
            _ => self.others.push((name, value)),
        }
    }
}

impl Forwarded {
    /// The visitor's own address: the whole chain, where nobody stands between.
    fn real_ip(&self) -> HeaderValue {
        if self.chain.as_bytes().contains(&b',') {
            text(&self.client.to_string())
        } else {
            self.chain.clone()
        }
    }
}

/// Adds a line, unless an identity header was given that name: then it is said of the person.
fn say(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

/// The host that was visited, as the visitor wrote it where that is how we write it.
fn visited_host(received: &HeaderMap, visit: &Visit) -> HeaderValue {
    match received.get(header::HOST) {
        Some(line) if visit.authority.is_written(line.as_bytes()) => line.clone(),
        _ => text(&visit.authority.to_string()),
    }
}

fn takes_trailers(te: &HeaderValue) -> bool {
    tokens([te]).any(|token| token.eq_ignore_ascii_case(b"trailers"))
}

/// A header value of text that holds no control characters by construction; anything else is sent as nothing.
fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::identity_headers::{Encoding, Field, Spoken};
    use crate::gate::tests::{admission, session};
    use crate::model::own_cookie;
    use crate::model::visit::Scheme;

    #[test]
    fn every_spelling_of_a_forwarded_header_is_known() {
        let speaks = |name: &str| speaks_for_a_client(Beginning::of(name.as_bytes()), name);
        for name in
            ["x-forwarded-for", "x_forwarded_proto", "x-real_ip", "forwarded", "x-original-url", "proxy"]
        {
            assert!(speaks(name), "{name}");
        }
        assert!(!speaks("x-requested-with"));
    }

    #[test]
    fn every_name_with_a_question_to_it_is_looked_out_for() {
        for name in
            ["connection", "te", "transfer-encoding", "upgrade", "proxy-authenticate", "proxy-connection"]
                .into_iter()
                .chain([
                    "proxy-authorization",
                    "keep-alive",
                    "host",
                    "cookie",
                    "expect",
                    "content-length",
                    "trailer",
                ])
                .chain(["x-http-method-override", "x-method-override", "x-http-method"])
        {
            let known = HeaderName::from_static(name);
            assert!(is_hop_by_hop(&known) || is_told_anew(&known) || overrides_method(name), "{name}");
            assert!(ASKED_ABOUT.may_know(Beginning::of(name.as_bytes())), "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_has_its_place_beforehand_is_what_would_be_added_behind(
            sent in prop::collection::vec(
                ("host|te|cookie|connection|user-agent|accept(-language)?|x-request-id|x-[a-c]|remote-user|x_y|via|expect",
                    "|[a-c]{1,3}|trailers|via, te, accept|wxgate=x; a=b|wxgate=x"),
                0..12,
            ),
            spoken in prop::sample::select(vec!["remote-user", "accept", "cookie", "x-real-ip", "te"]),
            signed_in in any::<bool>(),
        ) {
            let spoken = Spoken { field: Field::User, name: spoken.parse().unwrap(), encoding: Encoding::Utf8 };
            let identity = IdentityHeaders::new(vec![spoken], &[], None);
            let rewriting = Rewriting::new(UpstreamHost::Visited, identity);
            let received: HeaderMap =
                sent.iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
                    headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
                    headers
                });
            let client = IpAddr::from([127, 0, 0, 1]);
            let cookies = own_cookie::application_cookies(&received);
            let chain = HeaderValue::from_static("127.0.0.1");
            let request_id = HeaderValue::from_static("ours");
            let forwarded = Forwarded { client, chain, request_id, cookies };
            let visit = Visit::parse(http::Method::GET, Scheme::Http, "a.test", "/", None).unwrap();
            let admission = admission(signed_in.then(|| session("x")));
            let headers = rewriting.request(&received, &visit, &forwarded, None, &admission);

            let listed = listed(&received, received.get_all(header::CONNECTION));
            let host = visited_host(&received, &visit);
            let scheme = HeaderValue::from_static("http");
            let told = [
                host.clone(), forwarded.chain.clone(), scheme, host, forwarded.chain, forwarded.request_id,
            ];
            let mut expected: HeaderMap = TOLD.into_iter().zip(told).collect();
            for (name, value) in rewriting.identity.names().zip(rewriting.identity.values(&admission)) {
                expected.insert(name, value);
            }
            let mut trailers = false;
            for (name, value) in &received {
                let beginning = Beginning::of(name.as_str().as_bytes());
                trailers |= *name == header::TE && takes_trailers(value);
                if !is_hop_by_hop(name)
                    && !is_told_anew(name)
                    && !listed.contains(name)
                    && !rewriting.strips(beginning, name.as_str())
                {
                    expected.append(name.clone(), value.clone());
                }
            }
            if trailers {
                say(&mut expected, header::TE, HeaderValue::from_static("trailers"));
                say(&mut expected, header::CONNECTION, HeaderValue::from_static("te"));
            }
            if let Some(cookie) = own_cookie::application_cookies(&received) {
                say(&mut expected, header::COOKIE, cookie);
            }
            prop_assert_eq!(headers, expected);
        }

        #[test]
        fn a_quick_look_at_a_name_says_what_a_close_one_says(
            name in "([a-z0-9]{1,9}|forwarded|x[-_]?(ssl|real|forwarded|http|accel|method)|proxy|client)([-_.~](ip|method|[a-z]{1,9})){0,2}",
        ) {
            let alias = Alias::of(&name);
            let bytes = alias.as_bytes();
            let speaks = FORWARDED_FAMILIES.iter().any(|family| bytes.starts_with(family))
                || FORWARDED_NAMES.contains(&bytes);
            prop_assert_eq!(speaks_for_a_client(Beginning::of(name.as_bytes()), &name), speaks);
            let overrides = [&b"xhttpmethodoverride"[..], b"xmethodoverride", b"xhttpmethod"].contains(&bytes);
            prop_assert_eq!(overrides_method(&name), overrides);
        }
    }
}
