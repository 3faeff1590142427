//! Just enough of a browser: cookies by host, navigations, redirects, one connection per request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderMap, LOCATION, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use url::Url;
use wxgate::wechat::simulator::Consent;

use super::{Certificate, PATIENCE, TestGateway};

pub(crate) const COMPUTER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36";
pub(crate) const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1";
pub(crate) const WECHAT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 12_4 like Mac OS X) MicroMessenger/8.0.5(0x17000523) NetType/WIFI Language/zh_CN";
pub(crate) const WECOM: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) wxwork/4.1.30 MicroMessenger/7.0.1";

pub(crate) const MINI_PROGRAM: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) MicroMessenger/8.0.31(0x18001f37) NetType/WIFI Language/zh_CN miniProgram/wx73247c7819d61796";
pub(crate) const WECHAT_ON_COMPUTER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/116.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI WindowsWechat(0x63090719) XWEB/8391 Flue";

/// A browser of one visitor.
#[derive(Clone)]
pub(crate) struct Browser {
    gateway: SocketAddr,
    user_agent: &'static str,
    tls: Option<Arc<ClientConfig>>,
    /// `Accept-Language`, if any.
    pub(crate) language: Option<&'static str>,
    /// Cookies by host (or, for a whole domain, `.domain`) and name.
    pub(crate) cookies: BTreeMap<(String, String), String>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

const NAVIGATION: [(&str, &str); 3] = [
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];

impl Browser {
    pub(crate) fn new(gateway: SocketAddr, user_agent: &'static str, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { gateway, user_agent, tls, language: None, cookies: BTreeMap::new() }
    }

    /// Finds the gateway at its address of now.
    pub(crate) fn moved_to(&mut self, gateway: &TestGateway) {
        self.gateway = gateway.address;
    }

    /// Opens a page as a person does, and stays there: no redirect is followed.
    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, &NAVIGATION, "").await
    }

    /// Opens a page with more headers than a browser would send.
    pub(crate) async fn open_with(&mut self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, url, &[&NAVIGATION, headers].concat(), "").await
    }

    /// Opens a page and follows redirects to the end. Gives the last address too.
    pub(crate) async fn follow(&mut self, url: &str) -> (String, Answer) {
        self.follow_while(url, |_| true).await
    }

    /// Follows redirects as long as the next address is wanted. Gives the last address that was opened, and its answer.
    pub(crate) async fn follow_while(
        &mut self,
        url: &str,
        wanted: impl Fn(&Url) -> bool,
    ) -> (String, Answer) {
        let mut url = Url::parse(url).unwrap();
        for _ in 0..12 {
            let answer = self.open(url.as_str()).await;
            match answer.headers.get(LOCATION) {
                Some(location) if answer.status.is_redirection() => {
                    let next = url.join(location.to_str().unwrap()).unwrap();
                    if !wanted(&next) {
                        return (url.to_string(), answer);
                    }
                    url = next;
                }
                _ => return (url.to_string(), answer),
            }
        }
        panic!("redirects without end, the last to {url}");
    }

    /// Signs in up to, but not including, the callback: `person` has allowed it, and this is where WeChat sends the
    /// browser.
    pub(crate) async fn callback(&mut self, gateway: &TestGateway, person: &str, path: &str) -> String {
        gateway.wechat.script().consent(Consent::Allow(person.to_owned()));
        let stops = |next: &Url| next.path() != "/_wxgate/callback";
        let (at, answer) = self.follow_while(&gateway.url(path), stops).await;
        assert!(answer.status.is_redirection(), "{at}: {}", answer.text());
        answer.location().to_owned()
    }

    /// What a script on the page fetches.
    pub(crate) async fn fetch(&mut self, url: &str) -> Answer {
        let headers =
            [("accept", "application/json"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin")];
        self.send(Method::GET, url, &headers, "").await
    }

    /// Sends a form of the page itself.
    pub(crate) async fn submit(&mut self, url: &str, form: &str) -> Answer {
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(Method::POST, url, &headers, form).await
    }

    /// Signs `person` in by way of `path`, and checks that the browser ends up there.
    pub(crate) async fn sign_in(&mut self, gateway: &TestGateway, person: &str, path: &str) {
        gateway.wechat.script().consent(Consent::Allow(person.to_owned()));
        let (end, answer) = self.follow(&gateway.url(path)).await;
        assert_eq!((end, answer.status), (gateway.url(path), StatusCode::OK), "{}", answer.text());
    }

    /// Any request, with the cookies that belong to the host.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let url = Url::parse(url).unwrap();
        let host = url.host_str().unwrap().to_owned();
        let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let mut request =
            Request::builder().method(method).uri(&url[url::Position::BeforePath..url::Position::AfterQuery]);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", authority);
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
            request = request.header("user-agent", self.user_agent);
        }
        if let Some(language) = self.language {
            request = request.header("accept-language", language);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies = self.cookie_header(&host);
        if !cookies.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
            request = request.header("cookie", cookies);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
        let answer = self.exchange(&host, request).await;
        self.store(&host, &answer);
        answer
    }

    /// The value of a cookie of the usual host whose name begins with `stem`.
    pub(crate) fn cookie(&self, stem: &str) -> Option<&str> {
        self.cookies
            .iter()
            .find(|((host, name), _)| host.starts_with("a.") && name.starts_with(stem))
            .map(|(_, value)| value.as_str())
    }

    /// Loses the cookies of this name, on every host.
    pub(crate) fn lose(&mut self, cookie: &str) {
        self.cookies.retain(|(_, name), _| name != cookie);
    }

    /// Whether it can open the application.
    pub(crate) async fn is_signed_in(&mut self, gateway: &TestGateway) -> bool {
        let answer = self.fetch(&gateway.url("/_wxgate/me")).await;
        assert!(matches!(answer.status.as_u16(), 200 | 401), "{}: {}", answer.status, answer.text());
        answer.status == StatusCode::OK
    }

    /// The `Cookie` line of the usual host, for a test that writes its requests by hand.
    pub(crate) fn cookie_line(&self) -> String {
        let host = self.cookies.keys().map(|(host, _)| host).find(|host| host.starts_with("a."));
        host.map(|host| format!("Cookie: {}\r\n", self.cookie_header(host))).unwrap_or_default()
    }

    /// The `Cookie` header for a host.
    pub(crate) fn cookie_header(&self, host: &str) -> String {
        let sees = |owner: &str| owner == host || owner.starts_with('.') && host.ends_with(owner);
        let pairs = self.cookies.iter().filter(|((owner, _), _)| sees(owner));
        pairs.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// The simulated WeChat is at its own address; every name is the gateway.
    async fn exchange(&self, host: &str, request: Request<Full<Bytes>>) -> Answer {
        let is_gateway = host.parse::<std::net::IpAddr>().is_err();
        let address = if is_gateway {
            self.gateway
        } else {
            request.headers()["host"].to_str().unwrap().parse().unwrap()
        };
        let exchange = async {
            let stream = TcpStream::connect(address).await.unwrap();
            match self.tls.as_ref().filter(|_| is_gateway) {
                Some(tls) => {
                    let config = Certificate::offering(tls, b"http/1.1");
                    exchange_on(Certificate::handshake(config, host, stream).await.unwrap(), request).await
                }
                None => exchange_on(stream, request).await,
            }
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time")
    }

    fn store(&mut self, host: &str, answer: &Answer) {
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let domain = line.split("; ").find_map(|part| part.strip_prefix("Domain="));
            let owner = domain.map_or_else(|| host.to_owned(), |domain| format!(".{domain}"));
            let key = (owner, name.to_owned());
            if line.contains("Max-Age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }
}

async fn exchange_on<S>(stream: S, request: Request<Full<Bytes>>) -> Answer
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The page with its character references read.
    pub(crate) fn html(&self) -> String {
        let references = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">")];
        let read = references.iter().fold(self.text(), |text, (from, to)| text.replace(from, to));
        read.replace("&amp;", "&")
    }

    /// The addresses of a page's links.
    pub(crate) fn links(&self) -> Vec<String> {
        let page = self.html();
        page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A header that is there once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.headers.get_all(name).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) => line.to_str().unwrap(),
            _ => panic!("{name} is not there exactly once: {:?}", self.headers),
        }
    }

    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect()
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }
}
