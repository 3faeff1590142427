//! What a browser sends to a protected application, and the parts of a gateway that judge it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use http::header::{COOKIE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use wxgate::forward_auth::{self, Dialect};
use wxgate::gate::identity_headers::{Encoding, Field, IdentityHeaders, Preset, Spoken};
use wxgate::gate::{Admission, Origin, Verdict, decide};
use wxgate::model::clock::Timestamp;
use wxgate::model::host::Host;
use wxgate::model::identity::{Account, Identity, Profile};
use wxgate::model::member::{Standing, Status};
use wxgate::model::own_cookie::CookieScope;
use wxgate::model::own_cookie::application_cookies;
use wxgate::model::peer::{Peer, TrustedProxies};
use wxgate::model::person::{Person, Who};
use wxgate::model::policy::Policy;
use wxgate::model::route::{Route, RouteId, Routes};
use wxgate::model::secret::Secret;
use wxgate::model::session::Session;
use wxgate::model::visit::{Scheme, Visit};
use wxgate::net::body::Body;
use wxgate::net::{asked, connection::Connection};
use wxgate::proxy::{Forwarded, Rewriting, UpstreamHost};
use wxgate::seal::KeyRing;
use wxgate::sessions::{SessionSettings, Sessions};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// What a browser sends besides host and cookies.
const BROWSER: [(&str, &str); 14] = [
    ("connection", "keep-alive"),
    ("sec-ch-ua", "\"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("referer", "https://app.example.com/"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "zh-CN,zh;q=0.9,en;q=0.8"),
    ("x-request-id", "01923456-789a-7fff-bfff-ffffffffffff"),
];

/// One request of a signed-in person, with everything that is needed to judge and rewrite it.
pub(crate) struct Request {
    pub(crate) routes: Routes,
    pub(crate) route: Route,
    pub(crate) visit: Visit,
    pub(crate) answer: HeaderMap,
    pub(crate) question: Parts,
    parts: Parts,
    sessions: Sessions,
    rewriting: Rewriting,
    forwarded: Forwarded,
    connection: Arc<Connection>,
    trusted: TrustedProxies,
    admission: Admission,
}

impl Request {
    pub(crate) fn new() -> Self {
        let host = Host::parse("app.example.com").unwrap();
        let sessions = sessions();
        let (_, cookie) = sessions.start([7; 16], &somebody(), &host, NOW);
        let parts = parts(cookie.as_str().split(';').next().unwrap());
        let connection = Connection::new(Peer::Address([192, 0, 2, 7].into()), true);
        let trusted = TrustedProxies::default();
        let (client, chain) = asked::client(&parts.headers, &connection, &trusted);
        let visit = asked::visit(&parts, &connection, &trusted).unwrap();
        let (routes, route) = routes(host);
        let who = who(sessions.read(&parts.headers, &visit.authority.host, NOW).unwrap());
        let Verdict::Admit(admission) = decide(&route.access, who, Origin::Irrelevant) else {
            unreachable!("a session admits")
        };
        Self {
            question: question(&parts),
            answer: answer(),
            rewriting: rewriting(),
            forwarded: Forwarded {
                client,
                chain,
                request_id: HeaderValue::from_static("01923456-789a-7fff-bfff-ffffffffffff"),
                cookies: application_cookies(&parts.headers),
            },
            routes,
            route,
            visit,
            parts,
            sessions,
            connection,
            trusted,
            admission,
        }
    }

    pub(crate) fn visit(&self) -> Visit {
        asked::visit(black_box(&self.parts), &self.connection, &self.trusted).unwrap()
    }

    pub(crate) fn session(&self) -> Option<Session> {
        self.sessions.read(black_box(&self.parts.headers), &self.visit.authority.host, NOW)
    }

    pub(crate) fn rewrite(&self) -> HeaderMap {
        let received = black_box(&self.parts.headers);
        self.rewriting.request(received, &self.visit, &self.forwarded, None, &self.admission)
    }

    pub(crate) fn asked_for(&self, question: &mut Parts) -> Visit {
        let public = (Scheme::Https, None);
        let visit = forward_auth::read(Dialect::Nginx, question, Peer::UnixSocket, &self.trusted, public);
        visit.unwrap().unwrap()
    }

    pub(crate) fn told(&self) -> Response<Body> {
        let identity = &self.rewriting.identity;
        let cookies = self.forwarded.cookies.clone();
        let request_id = self.forwarded.request_id.clone();
        let received = &self.parts.headers;
        Dialect::Nginx.admit(black_box(&self.admission), identity, received, request_id, cookies, None)
    }
}

fn sessions() -> Sessions {
    let settings = SessionSettings {
        lifetime: Duration::from_secs(7 * 86_400),
        idle_timeout: Duration::from_secs(86_400),
        scope: CookieScope { scheme: Scheme::Https, domain: None },
    };
    let ring = KeyRing::new(Secret::new("k".repeat(32)), Vec::new()).unwrap();
    Sessions::new(settings, &ring, Arc::default())
}

fn somebody() -> Identity {
    let account = Account { app_id: "wx0123456789abcdef".to_owned(), openid: "o".repeat(28) };
    let avatar = format!("https://thirdwx.qlogo.cn/mmopen/{}/132", "a".repeat(90));
    let profile = Profile { name: "王芳".to_owned(), avatar, ..Profile::default() };
    Identity {
        member_id: "wx-0123456789abcdef0123".to_owned(),
        account,
        unionid: Some("u".repeat(28)),
        profile,
    }
}

/// A `Cookie` line of five cookies.
fn parts(session: &str) -> Parts {
    let (ga, csrf) = ("GA1.2.1234567890.1712345678", "t".repeat(64));
    let line = format!("_ga={ga}; csrftoken={csrf}; {session}; theme=dark; lang=zh-CN");
    let mut request = http::Request::get("/reports/2026/overview.html?month=11&sort=name").body(()).unwrap();
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("app.example.com"));
    for (name, value) in BROWSER {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(COOKIE, HeaderValue::from_str(&line).unwrap());
    request.into_parts().0
}

/// The same request, as nginx asks about it.
fn question(parts: &Parts) -> Parts {
    let mut question = parts.clone();
    let url = format!("https://app.example.com{}", parts.uri);
    question.uri = "/_wxgate/auth/nginx".parse().unwrap();
    question.headers.insert("x-original-url", HeaderValue::from_str(&url).unwrap());
    question.headers.insert("x-original-method", HeaderValue::from_static("GET"));
    question
}

fn answer() -> HeaderMap {
    [
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", "1024"),
        ("date", "Sat, 21 Nov 2026 10:00:00 GMT"),
        ("server", "application"),
        ("connection", "keep-alive"),
        ("cache-control", "private"),
        ("set-cookie", "theme=dark; Path=/"),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .collect()
}

/// The member whose session it is.
pub(crate) fn who(session: Session) -> Who {
    let standing = Standing {
        status: Status::Active,
        is_admin: false,
        groups: "staff".parse().unwrap(),
        user: "lin".into(),
        name: "林".into(),
        ended_before: Timestamp::from_unix(0),
        ended: Vec::new(),
        request: None,
    };
    Who::Person(Person { session: Arc::new(session), standing: Arc::new(standing) })
}

fn routes(host: Host) -> (Routes, Route) {
    let mut routes = Routes::default();
    let route = |number, path: &str| Route {
        id: RouteId(number),
        label: format!("app.example.com{path}"),
        path: path.to_owned(),
        methods: Vec::<Method>::new(),
        access: Policy::Members.into(),
        api: false,
    };
    for (number, path) in ["", "/admin", "/api", "/public"].into_iter().enumerate() {
        routes.add(host.clone(), route(number, path));
    }
    (routes, route(0, ""))
}

fn rewriting() -> Rewriting {
    let spoken = Field::ALL.map(|field| Spoken {
        field,
        name: HeaderName::from_static(Preset::Authelia.header(field).unwrap()),
        encoding: Encoding::Percent,
    });
    let identity = IdentityHeaders::new(spoken.to_vec(), &[], None);
    Rewriting::new(UpstreamHost::Visited, identity)
}
