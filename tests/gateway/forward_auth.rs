//! Another proxy asks: nginx, Traefik, Caddy and Envoy, each in its own dialect.

use http::{Method, StatusCode};
use tokio::net::UnixStream;

use crate::support::{Answer, COMPUTER, Setup, TestGateway, WECHAT, Wire, command, eventually};

/// Whoever asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    Nginx,
    Traefik,
    Caddy,
    Envoy,
}

pub(crate) const DIALECTS: [Dialect; 4] = [Dialect::Nginx, Dialect::Traefik, Dialect::Caddy, Dialect::Envoy];

/// Dialects in which visitors see the gateway's answers.
const SHOWING: [Dialect; 3] = [Dialect::Traefik, Dialect::Caddy, Dialect::Envoy];

const NAVIGATION: &str = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n";
const FETCH: &str = "Accept: application/json\r\nSec-Fetch-Mode: cors\r\n";

const IDENTITY: [&str; 11] = [
    "remote-user",
    "remote-name",
    "remote-groups",
    "remote-email",
    "x-wechat-openid",
    "x-wechat-unionid",
    "x-wechat-avatar",
    "x-wechat-sex",
    "x-wechat-city",
    "x-wechat-province",
    "x-wechat-country",
];

impl Dialect {
    /// The question whether `method target` on the usual host may pass; `lines` are the visitor's headers.
    pub(crate) fn question(self, method: &str, target: &str, lines: &str) -> String {
        self.question_on("a.localhost", method, target, lines)
    }

    fn question_on(self, host: &str, method: &str, target: &str, lines: &str) -> String {
        let forwarded = |name: &str| {
            format!(
                "GET /_wxgate/auth/{name} HTTP/1.1\r\nHost: auth:8480\r\nX-Forwarded-Method: {method}\r\n\
                 X-Forwarded-Proto: http\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Uri: {target}\r\n{lines}\r\n"
            )
        };
        match self {
            Self::Nginx => format!(
                "GET /_wxgate/auth/nginx HTTP/1.1\r\nHost: auth\r\nX-Original-URL: http://{host}{target}\r\n\
                 X-Original-Method: {method}\r\n{lines}\r\n"
            ),
            Self::Traefik => forwarded("traefik"),
            Self::Caddy => forwarded("caddy"),
            Self::Envoy => format!(
                "{method} /_wxgate/auth/envoy{target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: http\r\n\
                 Content-Length: 0\r\n{lines}\r\n"
            ),
        }
    }

    async fn ask(self, gateway: &TestGateway, method: &str, target: &str, lines: &str) -> Answer {
        let answer = ask(gateway, self.question(method, target, lines)).await;
        self.check_form(&answer);
        answer
    }

    /// What holds for every answer.
    fn check_form(self, answer: &Answer) {
        assert_eq!(answer.header("cache-control"), "no-store", "{self:?}");
        assert!(answer.body.len() <= 1024, "{self:?}: {} bytes: {}", answer.body.len(), answer.text());
        assert!(!answer.header("x-request-id").is_empty());
        if self == Self::Nginx {
            assert!(
                matches!(answer.status.as_u16(), 200 | 401 | 403),
                "{}: {}",
                answer.status,
                answer.text()
            );
        }
    }
}

async fn ask(gateway: &TestGateway, question: impl AsRef<[u8]>) -> Answer {
    let method = if question.as_ref().starts_with(b"HEAD ") { Method::HEAD } else { Method::GET };
    let mut wire = Wire::to(gateway).await;
    wire.send(question).await;
    wire.answer_to(&method).await.expect("a whole answer")
}

/// A gateway that believes this computer, with a second host beside the usual one.
async fn asked_gateway() -> TestGateway {
    asked_with("").await
}

pub(crate) async fn asked_with(tables: &str) -> TestGateway {
    let server = "trusted_proxies = [\"127.0.0.1\"]".to_owned();
    let other = "[[routes]]\nhost = \"b.localhost\"\naccess = \"deny\"\n".to_owned();
    TestGateway::with(Setup { server, tables: other + tables, ..Setup::default() }).await
}

fn identity(answer: &Answer) -> Vec<&str> {
    IDENTITY.iter().map(|name| answer.header(name)).collect()
}

#[tokio::test]
async fn whoever_is_signed_in_passes_with_the_identity_that_the_gateway_itself_would_tell() {
    let gateway = asked_gateway().await;
    let mut browser = gateway.signed_in("王芳 Wang").await;
    browser.open(&gateway.url("/direct")).await;
    let direct = gateway.upstream.last();
    for dialect in DIALECTS {
        for (method, accepts) in [("GET", NAVIGATION), ("POST", FETCH), ("HEAD", ""), ("OPTIONS", "")] {
            let forged = "Remote-User: admin\r\nRemote-User: root\r\nX-Wechat-Openid: forged\r\n";
            let lines = format!("{accepts}{forged}{}", browser.cookie_line());
            let answer = dialect.ask(&gateway, method, "/page?a=1&b=/public", &lines).await;
            assert_eq!(answer.status, StatusCode::OK, "{dialect:?} {method}");
            for name in IDENTITY {
                assert_eq!(answer.header(name), direct.headers[name].to_str().unwrap(), "{dialect:?} {name}");
            }
            assert!(answer.body.is_empty());
            assert!(answer.headers.get("set-cookie").is_none());
        }
    }
}

#[tokio::test]
async fn a_person_is_sent_to_sign_in_and_a_program_is_told_so() {
    let gateway = asked_gateway().await;
    let login = "http://a.localhost/_wxgate/login?to=/page?a=1&b=/x";
    let lines = format!("{NAVIGATION}User-Agent: {COMPUTER}\r\n");
    for dialect in DIALECTS {
        let page = dialect.ask(&gateway, "GET", "/page?a=1&b=/x", &lines).await;
        let data = dialect.ask(&gateway, "GET", "/page?a=1&b=/x", FETCH).await;
        let api = dialect.ask(&gateway, "GET", "/api/x", &lines).await;
        for program in [&data, &api] {
            assert_eq!(program.status, StatusCode::UNAUTHORIZED, "{dialect:?}");
            assert_eq!(program.header("content-type"), "application/json");
            assert_eq!(program.json()["error"], "login_required");
        }
        assert_eq!(data.json()["login_url"], login);
        if dialect == Dialect::Nginx {
            assert_eq!(page.status, StatusCode::UNAUTHORIZED);
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
            for answer in [&page, &data] {
                assert_eq!((answer.header("x-wxgate-redirect"), answer.location()), (login, login));
            }
        } else {
            assert_eq!(page.status, StatusCode::FOUND, "{dialect:?}");
            assert!(page.location().contains("/connect/qrconnect?appid=wxwebsite"), "{}", page.location());
            assert!(page.header("set-cookie").starts_with("wxgate-login-"), "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn a_form_is_never_sent_on_to_the_login() {
    let gateway = asked_gateway().await;
    let lines = format!("{NAVIGATION}User-Agent: {COMPUTER}\r\n");
    for dialect in SHOWING {
        let answer = dialect.ask(&gateway, "POST", "/page", &lines).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{dialect:?}");
        assert!(answer.location().contains("/connect/qrconnect?"), "{}", answer.location());
    }
}

#[tokio::test]
async fn where_a_login_needs_a_page_first_the_browser_is_sent_to_that_page() {
    let setup = Setup { server: "trusted_proxies = [\"127.0.0.1\"]".to_owned(), ..Setup::default() };
    let gateway = TestGateway::with(Setup { website_only: true, ..setup }).await;
    for dialect in SHOWING {
        let lines = format!("{NAVIGATION}User-Agent: {WECHAT}\r\n");
        let answer = dialect.ask(&gateway, "GET", "/page", &lines).await;
        assert_eq!(answer.status, StatusCode::FOUND);
        assert_eq!(answer.location(), "http://a.localhost/_wxgate/login?to=/page", "{dialect:?}");
    }
}

#[tokio::test]
async fn an_open_path_passes_with_every_identity_header_empty() {
    let gateway = asked_with("[[routes]]\npath = \"/grafana\"\nheaders = \"grafana\"\n").await;
    for dialect in DIALECTS {
        for lines in
            [NAVIGATION, "Remote-User: admin\r\nX-Webauth-User: admin\r\n", "Cookie: wxgate=garbage\r\n"]
        {
            let answer = dialect.ask(&gateway, "GET", "/public/x", lines).await;
            assert_eq!(answer.status, StatusCode::OK, "{dialect:?}");
            assert!(identity(&answer).iter().all(|value| value.is_empty()), "{dialect:?}");
            // What another route tells is empty here, so that it is overwritten too.
            assert_eq!(answer.header("x-webauth-user"), "", "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn whoever_is_refused_is_not_sent_anywhere() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    for dialect in DIALECTS {
        for cookie in [String::new(), browser.cookie_line()] {
            for accepts in [NAVIGATION, FETCH] {
                let answer = dialect.ask(&gateway, "GET", "/closed/x", &format!("{accepts}{cookie}")).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{dialect:?}");
                assert!(
                    answer.headers.get("location").is_none() && answer.headers.get("remote-user").is_none()
                );
            }
        }
    }
    let lines = format!("{NAVIGATION}Accept-Language: zh-CN\r\n");
    let page = Dialect::Traefik.ask(&gateway, "GET", "/closed", &lines).await;
    assert!(
        page.text().contains("<h1>") && page.text().contains(page.header("x-request-id")),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn a_question_from_somebody_who_is_not_listed_is_refused_and_the_log_says_what_to_list() {
    for server in ["", "trusted_proxies = [\"10.0.0.0/8\"]"] {
        let gateway = TestGateway::with(Setup { server: server.to_owned(), ..Setup::default() }).await;
        let browser = gateway.signed_in("Lin").await;
        for dialect in DIALECTS {
            for target in ["/page", "/public/x", "/_wxgate/me"] {
                let answer = dialect.ask(&gateway, "GET", target, &browser.cookie_line()).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{dialect:?} {target}");
                assert!(answer.headers.get("remote-user").is_none());
                assert!(answer.text().contains("trusted_proxies"), "{}", answer.text());
            }
        }
        gateway.log_line(&["question", "127.0.0.1", "server.trusted_proxies"]);
        let (_, figures) = gateway.admin("/metrics").await;
        assert!(figures.contains("wxgate_auth_decisions_total{decision=\"unanswered\"} 12"), "{figures}");
    }
}

#[tokio::test]
async fn a_question_asked_at_the_wrong_address_is_told_the_right_ones() {
    let gateway = asked_gateway().await;
    for path in ["/_wxgate/auth", "/_wxgate/auth/", "/_wxgate/auth/haproxy", "/_wxgate/auth/envoy"] {
        let answer = gateway.asked(format!("GET {path} HTTP/1.1\r\nHost: auth:8480\r\n\r\n")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().contains("/_wxgate/auth/nginx (HAProxy too)"), "{}", answer.text());
    }
    gateway.log_line(&["question", "answered at /_wxgate/auth/nginx"]);
}

#[tokio::test]
async fn whoever_may_open_the_unix_socket_may_ask() {
    let gateway = TestGateway::start().await;
    let cookie = gateway.signed_in("Lin").await.cookie_line();
    let socket = gateway.folder.path().join("wxgate.sock");
    let listen = format!("listen = \"unix:{}\"", socket.display());
    gateway.edit_config(|text| text.replacen("listen = \"127.0.0.1:0\"", &listen, 1));
    let mut local = command(gateway.folder.path()).spawn().unwrap();
    eventually("the socket opens", async || UnixStream::connect(&socket).await.is_ok()).await;
    for dialect in DIALECTS {
        let mut wire = Wire::on(UnixStream::connect(&socket).await.unwrap());
        wire.send(dialect.question("GET", "/page", &cookie)).await;
        assert_eq!(wire.answer().await.status, StatusCode::OK, "{dialect:?}");
    }
    local.kill().unwrap();
    local.wait().unwrap();
}

#[tokio::test]
async fn what_a_question_lacks_doubles_or_contradicts_is_named() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    let cookie = browser.cookie_line();
    for dialect in DIALECTS {
        let whole = dialect.question("GET", "/page", &cookie);
        let expected = if dialect == Dialect::Nginx { 403 } else { 400 };
        let mut broken: Vec<(String, &str)> = Vec::new();
        let names: &[&str] = match dialect {
            Dialect::Nginx => &["X-Original-URL", "X-Original-Method"],
            Dialect::Envoy => &[],
            _ => &["X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri"],
        };
        for name in names {
            let start = whole.find(name).unwrap();
            let line = &whole[start..start + whole[start..].find("\r\n").unwrap() + 2];
            broken.push((whole.replace(line, ""), name));
            broken.push((whole.replace(line, &format!("{name}: \r\n")), name));
            broken.push((whole.replace(line, &format!("{line}{line}")), name));
        }
        for line in [
            "X-Original-URI: /public",
            "X-Rewrite-URL: /public",
            "X-Forwarded-Host: b.localhost",
            "X-Forwarded-Uri: /public",
            "X-Forwarded-Method: POST",
            "X-Original-URL: http://a.localhost/public",
            "X-Original-URL: http://b.localhost/page",
            "X-Original-URL: /public",
            "X_Original_URL: /public",
            "X.Forwarded.Host: b.localhost",
            "X-Original-Method: DELETE",
            "X-Forwarded-Host: a.localhost, b.localhost",
        ] {
            let name = line.split(':').next().unwrap();
            broken.push((dialect.question("GET", "/page", &format!("{cookie}{line}\r\n")), name));
        }
        for (question, name) in broken {
            let answer = ask(&gateway, &question).await;
            dialect.check_form(&answer);
            assert_eq!(answer.status.as_u16(), expected, "{question}\n{}", answer.text());
            let text = answer.text();
            assert!(text.contains(&name.to_ascii_lowercase()), "{name}: {text}");
            assert!(text.contains("Received: host, ") || text.contains("Received: "), "{text}");
            assert!(text.contains("wxgate snippet ") && !text.contains("wxgate="), "{text}");
        }
        let agreeing = "X-Original-URI: /page\r\nX-Rewrite-URL: /page\r\n";
        let answer = dialect.ask(&gateway, "GET", "/page", &format!("{cookie}{agreeing}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{dialect:?}");
    }
    gateway.log_line(&["x-original-url is missing", "received", "wxgate snippet nginx"]);
    gateway.log_line(&["x-forwarded-uri is there more than once", "wxgate snippet traefik"]);
}

#[tokio::test]
async fn the_path_that_the_proxy_passes_on_is_judged_in_every_reading() {
    let gateway = asked_gateway().await;
    for dialect in DIALECTS {
        for target in [
            "/public/../page",
            "/page/../public/x",
            "/public/..%2fpage",
            "/public/..%5cpage",
            "/public/%2e%2e/page",
            "/public/.%2e/page",
            "/public/..;/page",
            "//public/page",
            "///public/page",
            "/public%2f..%2fpage",
            "/public/%252e%252e/page",
            "/public//../page",
            "/publi%63x",
            "/publicx",
            "/Public/x",
            "/public;/../page",
            "/public\\..\\page",
            "/public/%00",
            "/%70ublic/./x",
            "/x/_wxgate/../../public",
            "/_wxgate/../public",
            "/_wxgate/auth/nginx",
            "/%5fwxgate/me",
            "//x/_wxgate/me",
            "/_WXGATE/public",
            "public",
        ] {
            if dialect == Dialect::Envoy && !target.starts_with('/') {
                continue;
            }
            let answer = dialect.ask(&gateway, "GET", target, FETCH).await;
            assert!(!answer.status.is_success(), "{dialect:?} {target}");
        }
        for target in
            ["/public", "/public/", "/public?x=/../page", "/%70ublic/x", "/public/a//b", "/public/a%20b;c"]
        {
            let answer = dialect.ask(&gateway, "GET", target, FETCH).await;
            assert_eq!(answer.status, StatusCode::OK, "{dialect:?} {target}");
        }
    }
}

#[tokio::test]
async fn the_host_asked_about_is_one_of_ours_in_any_spelling_and_no_other() {
    let gateway = asked_gateway().await;
    for dialect in DIALECTS {
        for host in ["a.localhost", "A.LOCALHOST", "a.localhost.", "a.localhost:80", "a.localhost:8443"] {
            let answer = ask(&gateway, dialect.question_on(host, "GET", "/public/x", FETCH)).await;
            assert_eq!(answer.status, StatusCode::OK, "{dialect:?} {host}");
        }
        for host in [
            "b.localhost",
            "evil.test",
            "evil-a.localhost",
            "a.localhost.evil.test",
            "a.localhost@evil.test",
            "a.localhost,b.localhost",
            "a.localhost/x",
            "a.localhost:0",
        ] {
            let question = dialect.question_on(host, "GET", "/public/x", NAVIGATION);
            let answer = ask(&gateway, question).await;
            dialect.check_form(&answer);
            assert!(!answer.status.is_success() && !answer.status.is_redirection(), "{dialect:?} {host}");
        }
    }
}

#[tokio::test]
async fn a_header_that_may_pass_for_an_identity_header_is_not_passed_on() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    for dialect in DIALECTS {
        for target in ["/public/x", "/page"] {
            for name in [
                "remote_user",
                "Remote.User",
                "REMOTEUSER",
                "X_Wechat-Openid",
                "X-Webauth-User",
                "X-Wxgate-Assertion",
                "X-Wechat-Role",
            ] {
                let lines = format!("{}{name}: admin\r\n", browser.cookie_line());
                let answer = dialect.ask(&gateway, "GET", target, &lines).await;
                assert!(answer.status.is_client_error(), "{dialect:?} {name}");
            }
        }
    }
    gateway.log_line(&["remote_user", "identity header"]);
    // Many an honest proxy writes this.
    let answer = Dialect::Nginx.ask(&gateway, "GET", "/public/x", "Remote-Host: 203.0.113.9\r\n").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_method_that_an_application_may_take_instead_is_judged_as_well() {
    let gateway =
        asked_with("[[routes]]\npath = \"/read\"\nmethods = [\"GET\"]\naccess = \"public\"\n").await;
    for dialect in DIALECTS {
        let status =
            async |method: &str, lines: &str| dialect.ask(&gateway, method, "/read", lines).await.status;
        assert_eq!(status("GET", FETCH).await, StatusCode::OK);
        assert_eq!(status("DELETE", FETCH).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status("GET", "X-HTTP-Method-Override: GET\r\n").await, StatusCode::OK);
        for line in
            ["X-HTTP-Method-Override: DELETE\r\n", "X-Http-Method: PUT\r\n", "X_Method_Override: PUT\r\n"]
        {
            assert!(!status("GET", line).await.is_success(), "{dialect:?} {line}");
        }
        for method in ["TRACE", "CONNECT", "get", "G(T"] {
            if dialect == Dialect::Envoy {
                continue;
            }
            assert!(!status(method, FETCH).await.is_success(), "{dialect:?} {method}");
        }
    }
}

#[tokio::test]
async fn the_application_gets_the_cookies_without_ours() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    let own = browser.cookie_header("a.localhost");
    for dialect in DIALECTS {
        let lines = format!("Cookie: a=1; {own}; wxgate-login-1=x\r\nCookie: b=2; wxgate-lang=zh\r\n");
        let answer = dialect.ask(&gateway, "GET", "/page", &lines).await;
        assert_eq!(answer.header("cookie"), "a=1; b=2", "{dialect:?}");
        assert!(answer.headers.get("x-envoy-auth-headers-to-remove").is_none());
        let answer = dialect.ask(&gateway, "GET", "/page", &browser.cookie_line()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.headers.get("cookie").is_none(), "{dialect:?}");
        if dialect == Dialect::Envoy {
            assert_eq!(answer.header("x-envoy-auth-headers-to-remove"), "cookie");
        }
    }
}

#[tokio::test]
async fn a_question_about_a_page_of_ours_is_answered_with_that_page_but_never_admits() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    let lines = format!("{NAVIGATION}User-Agent: {COMPUTER}\r\nSec-Fetch-Site: same-origin\r\n");
    for dialect in SHOWING {
        let ask = async |method: &str, target: &str, more: &str| {
            ask(&gateway, dialect.question(method, target, &format!("{lines}{more}"))).await
        };
        let login = ask("GET", "/_wxgate/login?to=/page?x=1", "").await;
        assert_eq!(login.status, StatusCode::FOUND);
        assert!(login.header("set-cookie").starts_with("wxgate-login-"), "{dialect:?}");
        let back = ask("GET", "/_wxgate/login?to=/page?x=1", &browser.cookie_line()).await;
        assert_eq!((back.status.as_u16(), back.location()), (303, "http://a.localhost/page?x=1"));
        let confirm = ask("GET", "/_wxgate/logout", &browser.cookie_line()).await;
        assert_eq!(
            confirm.status,
            StatusCode::FORBIDDEN,
            "no success: the request would go to the application"
        );
        assert!(confirm.text().contains("<form"), "{}", confirm.text());
        for target in ["/_wxgate/me", "/_wxgate/nothing", "/_wxgate/auth/nginx", "/_wxgate/auth/envoy/public"]
        {
            let answer = ask("GET", target, &browser.cookie_line()).await;
            assert!(answer.status.is_client_error(), "{dialect:?} {target}");
            assert!(answer.headers.get("remote-user").is_none());
        }
    }
    let mut leaving = gateway.signed_in("Lin").await;
    let question =
        Dialect::Caddy.question("POST", "/_wxgate/logout", &format!("{lines}{}", leaving.cookie_line()));
    let left = ask(&gateway, question).await;
    let cookies = left.all("set-cookie");
    assert!(cookies[0].starts_with("wxgate=; ") && cookies[0].contains("Max-Age=0"), "{cookies:?}");
    assert!(!leaving.is_signed_in(&gateway).await);

    // nginx shows visitors nothing of an answer: it would go round in circles.
    let answer = Dialect::Nginx.ask(&gateway, "GET", "/_wxgate/login", &lines).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text().contains("wxgate snippet nginx"), "{}", answer.text());
    gateway.log_line(&["own pages", "wxgate snippet nginx"]);
}

#[tokio::test]
async fn a_websocket_is_asked_about_like_any_request_and_only_for_pages_of_our_own() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    for dialect in DIALECTS {
        for upgrade in [
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "Upgrade: WebSocket\r\n",
            "Sec-WebSocket-Protocol: chat\r\n",
        ] {
            let ask = async |lines: String| {
                dialect.ask(&gateway, "GET", "/socket", &format!("{upgrade}{lines}")).await.status.as_u16()
            };
            let cookie = browser.cookie_line();
            assert_eq!(
                ask(format!("Origin: http://a.localhost\r\n{cookie}")).await,
                200,
                "{dialect:?} {upgrade}"
            );
            for origin in
                ["Origin: http://evil.test\r\n", "Origin: null\r\n", "Origin: https://a.localhost\r\n", ""]
            {
                assert_eq!(ask(format!("{origin}{cookie}")).await, 403, "{dialect:?} {origin} {upgrade}");
            }
            assert_eq!(ask("Accept: text/html\r\n".to_owned()).await, 401, "{dialect:?} {upgrade}");
        }
    }
}

#[tokio::test]
async fn no_other_protocol_than_websocket_is_admitted_for_in_it_nobody_would_be_asked() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    for dialect in DIALECTS {
        for upgrade in ["h2c", "H2C ;x", "websocket, h2c", "websocket\r\nUpgrade: h2c", "TLS/1.2", "tcp", ""]
        {
            for (target, cookie) in [("/public/x", String::new()), ("/page", browser.cookie_line())] {
                let lines = format!("Connection: Upgrade\r\nUpgrade: {upgrade}\r\n{cookie}");
                let answer = dialect.ask(&gateway, "GET", target, &lines).await;
                assert!(answer.status.is_client_error(), "{dialect:?} {upgrade} {target}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_waits_for_no_body() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    for dialect in DIALECTS {
        for (name, framing) in [
            ("announced and never sent", "Content-Length: 10\r\n"),
            ("large", "Content-Length: 100000000\r\n"),
            ("without end", "Transfer-Encoding: chunked\r\n"),
            ("after a word", "Content-Length: 10\r\nExpect: 100-continue\r\n"),
        ] {
            let question = dialect.question("POST", "/page", &format!("{framing}{}", browser.cookie_line()));
            let question = question.replace("Content-Length: 0\r\n", "").replacen("GET", "POST", 1);
            let answer = ask(&gateway, question).await;
            assert_eq!(answer.status, StatusCode::OK, "{dialect:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_long_address_and_many_cookies_are_no_obstacle() {
    let gateway = asked_gateway().await;
    let browser = gateway.signed_in("Lin").await;
    let target = format!("/page?{}", "x".repeat(6000));
    let many = format!("Cookie: big={}; {}\r\n", "c".repeat(6000), browser.cookie_header("a.localhost"));
    for dialect in DIALECTS {
        let answer = dialect.ask(&gateway, "GET", &target, &many).await;
        assert_eq!((answer.status.as_u16(), answer.header("cookie").len()), (200, 6004), "{dialect:?}");
        for accepts in [NAVIGATION, FETCH] {
            let answer = dialect.ask(&gateway, "GET", &target, accepts).await;
            assert!(matches!(answer.status.as_u16(), 302 | 401), "{dialect:?} {}", answer.status);
        }
        let too_long = format!("/page?{}", "x".repeat(9000));
        let answer = dialect.ask(&gateway, "GET", &too_long, &browser.cookie_line()).await;
        assert!(answer.status.is_client_error(), "{dialect:?}");
    }
}

#[tokio::test]
async fn without_an_application_of_its_own_the_gateway_only_answers_questions() {
    let gateway = asked_gateway().await;
    gateway.edit_config(|text| {
        text.lines().filter(|line| !line.starts_with("upstream")).collect::<Vec<_>>().join("\n")
    });
    assert!(gateway.reload().contains("in force"), "{}", gateway.log());
    let mut browser = gateway.browser();
    gateway.wechat.script().consent(wxgate::wechat::simulator::Consent::Allow("Lin".to_owned()));
    let (at, answer) = browser.follow(&gateway.url("/page")).await;
    assert_eq!((at, answer.status), (gateway.url("/page"), StatusCode::NOT_FOUND));
    gateway.log_line(&["no upstream", "/_wxgate/"]);
    let answer = Dialect::Caddy.ask(&gateway, "GET", "/page", &browser.cookie_line()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(gateway.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_health_checker_gets_no_special_treatment() {
    let gateway = asked_gateway().await;
    for dialect in DIALECTS {
        for agent in ["kube-probe/1.29", "GoogleHC/1.0", "ELB-HealthChecker/2.0"] {
            let answer = dialect.ask(&gateway, "GET", "/healthz", &format!("User-Agent: {agent}\r\n")).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{dialect:?} {agent}");
        }
    }
}

#[tokio::test]
async fn the_log_says_who_asked_about_what() {
    let gateway = asked_gateway().await;
    let question = Dialect::Traefik.question("DELETE", "/closed/item", "X-Forwarded-For: 203.0.113.9\r\n");
    ask(&gateway, question).await;
    let line = gateway.log_line(&["wxgate::access", "/closed/item"]);
    for word in ["203.0.113.9", "DELETE", "traefik", "refuse", "a.localhost"] {
        assert!(line.contains(word), "{word}: {line}");
    }
}

#[tokio::test]
async fn envoy_names_one_host() {
    let gateway = asked_gateway().await;
    for (target, status) in [("a.localhost", 200), ("A.LOCALHOST", 200), ("b.localhost", 400)] {
        let question = Dialect::Envoy.question("GET", "/public/x", "");
        let answer = ask(&gateway, question.replacen(" /", &format!(" http://{target}/"), 1)).await;
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
    }
}
