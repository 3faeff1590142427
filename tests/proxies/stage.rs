//! What every behaviour is tried on: a browser, a real proxy, the gateway it asks, and two applications.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::Method;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::application::Application;
use crate::proxies::{Files, Proxy, Running};
use crate::support::{
    Answer, Browser, COMPUTER, Certificate, Cut, PATIENCE, Port, Setup, TestGateway, Wire, command,
};

/// Seals sessions here, so that a test can make one of any age.
pub(crate) const SECRET: &str = "a-session-secret-that-tests-know-0123456789";

/// A proxy before a gateway and its applications.
pub(crate) struct Stage {
    /// First, so that it ends first.
    proxy: Running,
    pub(crate) address: SocketAddr,
    pub(crate) gateway: TestGateway,
    /// Behind the usual host: everything for signed-in people, `/public` open, `/readable` too for GET and HEAD,
    /// `/closed` denied, `/api` without redirects.
    pub(crate) application: Application,
    /// Behind the second host: everything open, `/members` for signed-in people, `/closed` denied.
    pub(crate) second: Application,
    /// Host and port of the usual host.
    pub(crate) authority: String,
    /// Host and port of the second host.
    pub(crate) second_authority: String,
    /// How browsers come.
    scheme: &'static str,
    /// Who trusts the proxy, where it speaks TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    _port: Port,
}

/// What a test changes of the usual configuration.
struct Scene {
    domain: &'static str,
    /// Whether the usual host has no application: people only sign in there.
    login_only: bool,
    /// Keys of `[session]`.
    session: &'static str,
    https: bool,
    /// What is changed of the files.
    edit: fn(String) -> String,
}

/// Two hosts over http, with the files as they are.
const USUAL: Scene =
    Scene { domain: "localhost", login_only: false, session: "", https: false, edit: |text| text };

/// The same under one domain, with one cookie.
const DOMAIN: Scene = Scene { domain: "shared.test", session: "cookie_domain = \"shared.test\"", ..USUAL };

impl Stage {
    /// Two hosts, each with a cookie of its own.
    pub(crate) async fn before(proxy: Proxy) -> Self {
        Self::with(proxy, USUAL).await
    }

    /// Two hosts with one cookie.
    pub(crate) async fn before_a_domain(proxy: Proxy) -> Self {
        Self::with(proxy, DOMAIN).await
    }

    /// The same, with nothing but logins on the first.
    pub(crate) async fn before_a_domain_with_a_login_host(proxy: Proxy) -> Self {
        Self::with(proxy, Scene { login_only: true, ..DOMAIN }).await
    }

    /// Two hosts with TLS, which the proxy ends.
    pub(crate) async fn before_https(proxy: Proxy) -> Self {
        Self::with(proxy, Scene { https: true, ..USUAL }).await
    }

    /// Two hosts whose proxy knows no way to the gateway's own pages: it only asks.
    pub(crate) async fn before_checks_alone(proxy: Proxy) -> Self {
        let edit = |text: String| {
            let text = text.replace("&& PathPrefix(`/_wxgate/`)", "&& PathPrefix(`/nowhere/`)");
            text.replace("path_regexp ^/_wxgate/", "path_regexp ^/nowhere/")
                .replace("{ prefix: /_wxgate/", "{ prefix: /nowhere/")
        };
        Self::with(proxy, Scene { edit, ..USUAL }).await
    }

    async fn with(proxy: Proxy, scene: Scene) -> Self {
        let Scene { domain, login_only, session, https, edit } = scene;
        let scheme = if https { "https" } else { "http" };
        let hosts = ["a", "b"].map(|name| format!("{name}.{domain}"));
        let certificate = https.then(|| Certificate::of(&hosts.each_ref().map(String::as_str)));
        let port = Port::reserve();
        let (application, second) = (Application::start().await, Application::start().await);
        let [authority, second_authority] = hosts.each_ref().map(|host| format!("{host}:{}", port.number));
        let tables = format!(
            r#"
[[routes]]
path = "/readable"
methods = ["GET", "HEAD"]
access = "public"
[session]
secret = "{SECRET}"
{session}
[[routes]]
host = "b.{domain}"
upstream = "{second}"
access = "public"
[[routes]]
host = "b.{domain}"
path = "/members"
upstream = "{second}"
access = "signed-in"
[[routes]]
host = "b.{domain}"
path = "/closed"
upstream = "{second}"
access = "deny"
"#,
            second = second.url(),
        );
        let setup = Setup {
            public_url: Some(format!("{scheme}://{authority}")),
            upstream: Some(application.url()),
            server: "trusted_proxies = [\"127.0.0.1\"]\ninsecure_http = true".to_owned(),
            tables,
            ..Setup::default()
        };
        let gateway = TestGateway::with(setup).await;
        // Where it is now, it will be when it is started again, and the proxy finds it there.
        let listen = format!("listen = \"{}\"", gateway.address);
        gateway.edit_config(|text| text.replacen("listen = \"127.0.0.1:0\"", &listen, 1));
        if login_only {
            let upstream = format!("upstream = \"{}\"\n", application.url());
            gateway.edit_config(|text| {
                let (before, routes) = text.split_once("[[routes]]").unwrap();
                let (_, behind) = routes.split_once("[session]").unwrap();
                format!("{}[session]{behind}", before.replacen(&upstream, "", 1))
            });
            assert!(gateway.reload().contains("in force"), "{}", gateway.log());
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number));
        gateway.wechat.script().callback_address(address);
        let files = Files::new(proxy, |file| edit(snippet(&gateway, proxy, file)));
        if let Some(certificate) = &certificate {
            hosts.iter().for_each(|host| files.certify(host, certificate));
        }
        let mut stage = Self {
            proxy: proxy.start(files),
            address,
            gateway,
            application,
            second,
            authority,
            second_authority,
            scheme,
            tls: certificate.map(|certificate| certificate.client()),
            _port: port,
        };
        stage.is_ready().await;
        stage
    }

    /// A page of the gateway's can be seen through the proxy.
    async fn is_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + PATIENCE / 2;
        loop {
            if self.shows_a_page().await {
                return;
            }
            assert!(!self.proxy.has_ended(), "it does not start");
            assert!(tokio::time::Instant::now() < deadline, "it does not become ready");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn shows_a_page(&self) -> bool {
        let Ok(stream) = TcpStream::connect(self.address).await else { return false };
        let request = self.request("GET", "/_wxgate/me", "");
        let head = match &self.tls {
            None => head(Wire::on(stream), &request).await,
            Some(tls) => match Certificate::handshake(Arc::clone(tls), "a.localhost", stream).await {
                Ok(stream) => head(Wire::on(stream), &request).await,
                Err(_) => None,
            },
        };
        head.is_some_and(|head| head.starts_with("HTTP/1.1 401 "))
    }

    /// A browser that has never been here, on a computer.
    pub(crate) fn browser(&self) -> Browser {
        self.browser_as(COMPUTER)
    }

    /// A browser of another kind.
    pub(crate) fn browser_as(&self, user_agent: &'static str) -> Browser {
        Browser::new(self.address, user_agent, self.tls.clone())
    }

    /// A browser in which `person` has signed in. What that left at the application is forgotten.
    pub(crate) async fn signed_in(&self, person: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(&self.gateway, person, "/").await;
        self.application.take();
        browser
    }

    /// The `Cookie` line of such a browser.
    pub(crate) async fn cookie_line(&self, person: &str) -> String {
        self.signed_in(person).await.cookie_line()
    }

    /// The address of a page on the usual host.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority)
    }

    /// The address of a page on the second host.
    pub(crate) fn second_url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.second_authority)
    }

    /// A request to the usual host; `lines` are more header lines, each with its CR LF.
    pub(crate) fn request(&self, method: &str, target: &str, lines: &str) -> String {
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{lines}\r\n", self.authority)
    }

    /// A connection to the proxy.
    pub(crate) async fn wire(&self) -> Wire<TcpStream> {
        Wire::on(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends bytes as they are written here, on a connection of their own.
    pub(crate) async fn asked(&self, request: impl AsRef<[u8]>) -> Result<Answer, Cut> {
        let method = if request.as_ref().starts_with(b"HEAD ") { Method::HEAD } else { Method::GET };
        let mut wire = self.wire().await;
        wire.send(request).await;
        wire.answer_to(&method).await
    }

    /// Asks the usual host for exactly this target.
    pub(crate) async fn get(&self, target: &str, lines: &str) -> Answer {
        self.asked(self.request("GET", target, lines)).await.expect("a whole answer")
    }

    /// Whether the proxy is gone.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.proxy.has_ended()
    }

    /// How many requests reached any application.
    pub(crate) fn count(&self) -> usize {
        self.application.count() + self.second.count()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the proxy said:\n{}", self.proxy.said());
            eprintln!("--- the gateway said:\n{}", self.gateway.log());
        }
    }
}

/// The head of the answer to a request.
async fn head<S: AsyncRead + AsyncWrite + Unpin>(mut wire: Wire<S>, request: &str) -> Option<String> {
    wire.send(request).await;
    wire.head().await
}

/// What the real `wxgate snippet` prints for this gateway.
fn snippet(gateway: &TestGateway, proxy: Proxy, file: &str) -> String {
    let output = command(gateway.folder.path()).args(["snippet", proxy.name(), file]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "nothing is left to be done by hand");
    String::from_utf8(output.stdout).unwrap()
}
