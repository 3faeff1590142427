//! Who somebody is, the application hears from the gateway alone: once, true, or not at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use wxgate::wechat::simulator::{Consent, Person, ProfileVariant};

use crate::support::{Browser, Seen, Setup, TestGateway, Wire};

/// Every header of the usual configuration.
const NAMES: [&str; 11] = [
    "Remote-User",
    "Remote-Name",
    "Remote-Groups",
    "Remote-Email",
    "X-Wechat-Openid",
    "X-Wechat-Unionid",
    "X-Wechat-Avatar",
    "X-Wechat-Sex",
    "X-Wechat-City",
    "X-Wechat-Province",
    "X-Wechat-Country",
];

/// Names that other gateways speak, for an application that once stood behind one of them.
const FOREIGN: [&str; 14] = [
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Authentik-Username",
    "X-Webauth-User",
    "X-Wxgate-Assertion",
    "X-Vouch-User",
    "X-Pomerium-Claim-Email",
    "X-Token-User-Name",
    "X-Proxy-User",
    "SM-User",
];

/// Ways to write a header name that some application takes for the plain one.
const SPELLINGS: [fn(&str) -> String; 8] = [
    str::to_owned,
    str::to_ascii_uppercase,
    |name| name.replace('-', "_"),
    |name| name.replacen('-', "_", 1),
    |name| name.replace('-', "."),
    |name| name.replace('-', ""),
    |name| format!("{name}_"),
    |name| name.to_ascii_lowercase().replace('-', "~"),
];

/// Requests' worth of forged header lines, no more in each than a request may have.
fn forgeries() -> Vec<String> {
    let lines: Vec<String> = NAMES
        .iter()
        .chain(&FOREIGN)
        .flat_map(|name| SPELLINGS.iter().map(move |spell| format!("{}: forged-{name}\r\n", spell(name))))
        .collect();
    lines.chunks(80).map(<[String]>::concat).collect()
}

/// As CGI, WSGI and PHP would confuse them.
fn collapsed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// All values an application may find under a name, however it reads names.
fn heard(seen: &Seen, name: &str) -> Vec<String> {
    let same = seen.headers.iter().filter(|(spelled, _)| collapsed(spelled.as_str()) == collapsed(name));
    same.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

fn assert_nothing_forged(seen: &Seen) {
    for (name, value) in &seen.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(!value.contains("forged"), "{name}: {value}");
    }
}

fn assert_nobody(seen: &Seen) {
    assert_nothing_forged(seen);
    for name in NAMES {
        assert!(heard(seen, name).is_empty(), "{name}: {:?}", heard(seen, name));
    }
}

/// Exactly the true one, each exactly once.
fn assert_lin(seen: &Seen, gateway: &TestGateway) {
    assert_nothing_forged(seen);
    let person = gateway.wechat.person("Lin").unwrap();
    for name in NAMES {
        let values = heard(seen, name);
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        let truth = match name {
            "Remote-Name" => "Lin".to_owned(),
            "X-Wechat-Openid" => person.openid("wxwebsite"),
            "X-Wechat-Unionid" => person.unionid(gateway.wechat.app("wxwebsite").unwrap()).unwrap(),
            "X-Wechat-Avatar" => person.avatar().to_owned(),
            "Remote-User" => {
                assert!(!values[0].is_empty() && values[0].bytes().all(|byte| byte.is_ascii_graphic()));
                continue;
            }
            _ => String::new(),
        };
        assert_eq!(values[0], truth, "{name}");
    }
}

#[tokio::test]
async fn an_anonymous_visitor_of_an_open_page_is_nobody_whatever_they_claim() {
    let gateway = TestGateway::start().await;
    for forged in forgeries() {
        for method in ["GET", "OPTIONS", "POST"] {
            let request = format!("{method} /public HTTP/1.1\r\nHost: a.localhost\r\n{forged}\r\n");
            assert_eq!(gateway.asked(request).await.status, StatusCode::OK);
            assert_nobody(&gateway.upstream.last());
        }
    }
}

#[tokio::test]
async fn a_person_is_who_they_are_whatever_they_claim() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    for forged in forgeries() {
        for (method, path) in [("GET", "/"), ("OPTIONS", "/x"), ("POST", "/x"), ("GET", "/public")] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: a.localhost\r\n{forged}{lin}\r\n");
            assert_eq!(gateway.asked(request).await.status, StatusCode::OK);
            assert_lin(&gateway.upstream.last(), &gateway);
        }
    }
}

#[tokio::test]
async fn a_claim_opens_nothing() {
    let gateway = TestGateway::start().await;
    for forged in forgeries() {
        for (path, status) in [("/", 401), ("/closed", 403), ("/_wxgate/me", 401), ("/_wxgate/auth", 404)] {
            assert_eq!(gateway.get(path, &forged).await.status.as_u16(), status, "{path}");
        }
    }
    assert_eq!(gateway.upstream.count(), 0);
}

#[tokio::test]
async fn a_websocket_says_who_somebody_is_as_any_request_does() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let upgrade = "Connection: Upgrade, X-Wechat-Openid\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://a.localhost\r\n";
    for forged in forgeries() {
        let answer = gateway.get("/public", &format!("{upgrade}{forged}")).await;
        assert_eq!(answer.status, StatusCode::SWITCHING_PROTOCOLS);
        assert_nobody(&gateway.upstream.last());
        let answer = gateway.get("/socket", &format!("{upgrade}{forged}{lin}")).await;
        assert_eq!(answer.status, StatusCode::SWITCHING_PROTOCOLS);
        assert_lin(&gateway.upstream.last(), &gateway);
    }
}

#[tokio::test]
async fn what_the_gateway_says_arrives_whatever_the_connection_header_lists() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    for lists in [
        "Connection: x-wechat-openid\r\n",
        "Connection: keep-alive, X-Wechat-Openid, Remote-User\r\n",
        "connection: REMOTE-USER ,remote-name,\tx-forwarded-for\r\n",
        "Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Real-Ip, X-Request-Id\r\n",
        "Connection: Host, Cookie, Content-Length, Remote-Groups\r\n",
        "Connection: remote-user\r\nConnection: remote-name, x-request-id\r\n",
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: a.localhost\r\n{lists}{lin}Content-Length: 3\r\n\r\nabc");
        assert_eq!(gateway.asked(request).await.status, StatusCode::OK, "{lists}");
        let seen = gateway.upstream.last();
        assert_lin(&seen, &gateway);
        assert_eq!(seen.body, "abc");
        for (name, value) in [
            ("host", "a.localhost"),
            ("x-forwarded-host", "a.localhost"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-real-ip", "127.0.0.1"),
        ] {
            assert_eq!(seen.all(name), [value], "{name} with {lists}");
        }
        assert_eq!(seen.all("x-request-id").len(), 1, "{lists}");
        assert!(seen.all("connection").is_empty());
    }
}

#[tokio::test]
async fn a_header_that_is_repeated_is_said_once() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let many = "X-Wechat-Openid: forged\r\n".repeat(50);
    let list = "X-Wechat-Openid: forged, forged\r\nx-wechat-openid: forged\r\nX_WECHAT_OPENID:\r\n";
    for forged in [many.as_str(), list] {
        assert_eq!(gateway.get("/", &format!("{forged}{lin}")).await.status, StatusCode::OK);
        assert_lin(&gateway.upstream.last(), &gateway);
    }
}

#[tokio::test]
async fn trailers_are_never_taken_for_headers() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    for path in ["/public", "/x"] {
        let who = if path == "/public" { "" } else { lin.as_str() };
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a.localhost\r\n{who}Transfer-Encoding: chunked\r\n\
             Trailer: X-Wechat-Openid, Host, Cookie\r\n\r\n3\r\nabc\r\n0\r\nX-Wechat-Openid: forged\r\n\
             Remote-User: forged\r\nHost: forged\r\nContent-Length: 7\r\nAuthorization: forged\r\n\
             Cookie: forged=1\r\nTransfer-Encoding: forged\r\nX-Other: forged\r\n\r\n"
        );
        assert_eq!(gateway.asked(request).await.status, StatusCode::OK);
        let seen = gateway.upstream.last();
        if who.is_empty() {
            assert_nobody(&seen)
        } else {
            assert_lin(&seen, &gateway)
        }
        assert_eq!((seen.body.as_ref(), seen.trailers), (b"abc".as_slice(), None));
        assert_eq!(seen.headers.get("trailer"), None);
    }
}

/// Names people really have, and names people choose to break things.
fn difficult_names() -> Vec<String> {
    [
        "微信用户",
        "🐼👩‍👩‍👧‍👦🇨🇳",
        "100% sure?",
        "=?UTF-8?B?eA==?=",
        "a, b; c=\"d\"",
        "O'Brien <b>",
        "José ñ",
        "%0d%0aRemote-User: admin",
        "a  b",
        "e\u{301}",
    ]
    .map(str::to_owned)
    .into()
}

#[tokio::test]
async fn a_difficult_name_arrives_whole_in_every_encoding() {
    for encoding in ["percent", "base64", "rfc2047", "utf8"] {
        let people: Vec<Person> = difficult_names().iter().map(|name| Person::new(name)).collect();
        let tables = format!("[headers.encodings]\nname = \"{encoding}\"\n");
        let gateway = TestGateway::with(Setup { tables, people, ..Setup::default() }).await;
        for name in difficult_names() {
            let mut browser = gateway.signed_in(&name).await;
            let seen = gateway.upstream.last();
            let said = heard(&seen, "remote-name");
            assert_eq!(said.len(), 1, "{name}");
            assert_eq!(decoded(&said[0], encoding), name, "{encoding}: {}", said[0]);
            let ours = if encoding == "utf8" { 0x20..=0xff } else { 0x20..=0x7e };
            assert!(seen.headers["remote-name"].as_bytes().iter().all(|byte| ours.contains(byte)));
            let me = browser.fetch(&gateway.url("/_wxgate/me")).await;
            assert_eq!(me.json()["name"].as_str(), Some(name.as_str()));
        }
    }
}

fn decoded(said: &str, encoding: &str) -> String {
    let base64 = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
    match encoding {
        "percent" => percent_encoding::percent_decode_str(said).decode_utf8().unwrap().into_owned(),
        "base64" => base64(said),
        "rfc2047" => match said.strip_prefix("=?UTF-8?B?").and_then(|rest| rest.strip_suffix("?=")) {
            Some(encoded) => base64(encoded),
            None => said.to_owned(),
        },
        _ => said.to_owned(),
    }
}

/// Line breaks, marks that turn text around, and length never get as far as a header.
#[tokio::test]
async fn a_name_made_to_do_harm_is_one_short_harmless_line() {
    let names = [
        "a\r\nRemote-User: admin",
        "a\nb\tc\u{0}d\u{1b}[31m",
        "\u{202e}nimda\u{202c}",
        "zero\u{200b}width\u{feff}",
        "\u{85}\u{2028}x",
        &"long".repeat(1024),
        &"长".repeat(1365),
        "",
        "   ",
    ];
    let people = names.iter().map(|name| Person::new(name)).collect();
    let gateway = TestGateway::with(Setup { people, ..Setup::default() }).await;
    for name in names {
        gateway.signed_in(name).await;
        let seen = gateway.upstream.last();
        assert_eq!(seen.all("remote-name").len(), 1, "{name:?}");
        let said = decoded(&seen.all("remote-name")[0], "percent");
        assert!(said.len() <= 128 && said.trim() == said, "{name:?}: {said:?}");
        assert!(!said.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{said:?}");
        assert!(!heard(&seen, "remote-user")[0].contains("admin"));
        assert_eq!(said.is_empty(), name.trim().is_empty(), "{name:?}");
    }
}

#[tokio::test]
async fn odd_profiles_of_wechat_make_no_odd_headers() {
    let gateway = TestGateway::start().await;
    for variant in ProfileVariant::ALL {
        let mut browser = gateway.browser();
        gateway.wechat.script().profile("Lin", variant).consent(Consent::Allow("Lin".to_owned()));
        let before = gateway.upstream.count();
        let (_, answer) = browser.follow(&gateway.url("/")).await;
        if gateway.upstream.count() == before {
            assert!(!answer.status.is_success(), "{variant:?}");
            continue;
        }
        let seen = gateway.upstream.last();
        for name in NAMES {
            assert_eq!(heard(&seen, name).len(), 1, "{variant:?}: {name}");
            let value = &seen.headers[name.to_ascii_lowercase().as_str()];
            assert!(
                value.as_bytes().iter().all(|byte| (0x20..0x7f).contains(byte)),
                "{variant:?}: {value:?}"
            );
            assert!(value.len() <= 1024, "{variant:?}: {name}");
        }
    }
}

/// Headers by which proxies speak for a client, in the spellings applications confuse.
const SPEAKING: [&str; 32] = [
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Forwarded-Ssl",
    "X-Forwarded-Scheme",
    "X-Forwarded-User",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "X-Cluster-Client-IP",
    "Forwarded",
    "X-Original-URL",
    "X-Original-Method",
    "X-Original-Host",
    "X-Rewrite-URL",
    "Remote-User",
    "X-Auth-Request-User",
    "X-Auth-Request-Groups",
    "Proxy",
    "Client-IP",
    "Proxy-Client-IP",
    "CF-Connecting-IP",
    "Front-End-Https",
    "X-SSL-Client-Verify",
    "X-Host",
    "X-Accel-Mapping",
    "Cf-Access-Jwt-Assertion",
];

#[tokio::test]
async fn a_visitor_speaks_for_nobody_else() {
    let gateway = TestGateway::start().await;
    for spell in SPELLINGS {
        let lines: String = SPEAKING.iter().map(|name| format!("{}: forged\r\n", spell(name))).collect();
        assert_eq!(gateway.get("/public/x", &lines).await.status, StatusCode::OK);
        let seen = gateway.upstream.last();
        assert_nobody(&seen);
        for (name, truth) in [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "a.localhost"),
            ("x-real-ip", "127.0.0.1"),
        ] {
            assert_eq!(heard(&seen, name), [truth], "{name}");
        }
    }
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_its_client_and_for_no_host_or_identity() {
    let server = "trusted_proxies = [\"127.0.0.1\"]".to_owned();
    let gateway = TestGateway::with(Setup { server, ..Setup::default() }).await;
    let mut lines: String = SPEAKING.iter().skip(3).map(|name| format!("{name}: forged\r\n")).collect();
    lines += "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
    let request =
        format!("GET /public HTTP/1.1\r\nHost: a.localhost\r\nX-Forwarded-Host: b.localhost\r\n{lines}\r\n");
    assert_eq!(gateway.asked(request).await.status, StatusCode::OK);
    let seen = gateway.upstream.last();
    assert_nobody(&seen);
    for (name, truth) in [
        ("x-forwarded-for", "203.0.113.9, 127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a.localhost"),
        ("x-real-ip", "203.0.113.9"),
        ("host", "a.localhost"),
    ] {
        assert_eq!(heard(&seen, name), [truth], "{name}");
    }
}

#[tokio::test]
async fn the_request_id_is_the_gateways_own() {
    let gateway = TestGateway::start().await;
    let answer =
        gateway.get("/public", "X-Request-Id: forged-request\r\nX-Request-Id: forged-again\r\n").await;
    let seen = gateway.upstream.last();
    assert_nothing_forged(&seen);
    assert_eq!(seen.all("x-request-id"), [answer.header("x-request-id")]);
}

#[tokio::test]
async fn the_gateways_cookies_stay_with_it_and_all_others_arrive_as_they_are() {
    let gateway = TestGateway::start().await;
    let browser = gateway.signed_in("Lin").await;
    let own = browser.cookie_header("a.localhost");
    for (sent, arrives) in [
        (own.clone(), None),
        (format!("a=1; {own}; b=2"), Some("a=1; b=2")),
        (format!("{own}; a=1"), Some("a=1")),
        (format!("a=1;{own};b=\"x y\" ;  c"), Some("a=1;b=\"x y\" ;  c")),
        (
            format!("a=1; {own}; wxgate-login-12=x; __Host-wxgate=y; __Secure-wxgate=z; WXGATE-lang=en"),
            Some("a=1"),
        ),
        (format!("; ;{own};;a=\u{e9}=1;"), Some("a=\u{e9}=1")),
        (
            format!("wxgateway=1; {own}; my-wxgate=2; a=wxgate=3"),
            Some("wxgateway=1; my-wxgate=2; a=wxgate=3"),
        ),
    ] {
        assert_eq!(gateway.get("/", &format!("Cookie: {sent}\r\n")).await.status, StatusCode::OK, "{sent}");
        let seen = gateway.upstream.last();
        assert_eq!(seen.all("cookie"), arrives.into_iter().collect::<Vec<_>>(), "{sent}");
        assert_lin(&seen, &gateway);
    }
}

#[tokio::test]
async fn an_application_sets_its_own_cookies_and_none_of_the_gateways() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let planted = [
        "wxgate=evil",
        "wxgate=evil;%20Path=/;%20Domain=localhost",
        "WxGate=evil",
        "__Host-wxgate=evil;%20Secure;%20Path=/",
        "__Secure-wxgate=evil",
        "__host-WXGATE=evil",
        "wxgate-login-1=evil",
        "wxgate-nonce=evil",
        "wxgate",
        // A cookie without a name is sent back as its bare value, which reads like a cookie with a name.
        "=wxgate=evil",
        "%20=%20__Host-wxgate=evil",
        "==wxgate=evil",
    ];
    for (count, cookie) in planted.into_iter().enumerate() {
        let answer = gateway.get(&format!("/set-cookie?{cookie}"), &lin).await;
        let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        assert_eq!(set, ["application=kept"], "{cookie}");
        let (_, figures) = gateway.admin("/metrics").await;
        let counted = format!("wxgate_upstream_cookies_dropped_total {}", count + 1);
        assert!(figures.contains(&counted), "{cookie}: {figures}");
    }
    let answer = gateway.get("/set-cookie?wxgateway=1", &lin).await;
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
}

#[tokio::test]
async fn headers_have_the_names_that_were_asked_for() {
    let tables = r#"
[headers]
preset = "grafana"
email_domain = "users.test"
[headers.names]
openid = "X-Sso-Login"
unionid = ""
[[routes]]
path = "/jenkins"
headers = "jenkins"
"#;
    let gateway = TestGateway::with(Setup { tables: tables.to_owned(), ..Setup::default() }).await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let openid = gateway.wechat.person("Lin").unwrap().openid("wxwebsite");
    let forged: String = [
        "X-Webauth-User",
        "X_Webauth_Name",
        "X-Sso-Login",
        "x_sso.login",
        "X-Wechat-Openid",
        "X-Wechat-Unionid",
        "Remote-User",
        "X-Forwarded-User",
        "X-Forwarded-DisplayName",
        "X-Forwarded-Mail",
    ]
    .map(|name| format!("{name}: forged\r\n"))
    .concat();

    gateway.get("/", &format!("{forged}{lin}")).await;
    let seen = gateway.upstream.last();
    assert_nothing_forged(&seen);
    let user = seen.all("x-webauth-user").concat();
    assert_eq!(seen.all("x-webauth-name"), ["Lin"]);
    assert_eq!(seen.all("x-webauth-email"), [format!("{user}@users.test")]);
    assert_eq!(seen.all("x-sso-login"), [openid.as_str()]);
    for name in ["x-wechat-openid", "x-wechat-unionid", "remote-user", "x-forwarded-user"] {
        assert!(heard(&seen, name).is_empty(), "{name}");
    }

    gateway.get("/jenkins", &format!("{forged}{lin}")).await;
    let seen = gateway.upstream.last();
    assert_nothing_forged(&seen);
    assert_eq!(seen.all("x-forwarded-user"), [user.as_str()]);
    assert_eq!(seen.all("x-forwarded-displayname"), ["Lin"]);
    assert!(heard(&seen, "x-webauth-user").is_empty() && heard(&seen, "remote-user").is_empty());
}

#[tokio::test]
async fn on_an_open_page_a_person_is_known_and_a_stranger_is_not() {
    let gateway = TestGateway::start().await;
    let mut lin = gateway.signed_in("Lin").await;
    lin.open(&gateway.url("/public")).await;
    assert_lin(&gateway.upstream.last(), &gateway);
    gateway.browser().open(&gateway.url("/public")).await;
    assert_nobody(&gateway.upstream.last());
    let mut spoilt: Browser = lin.clone();
    spoilt.cookies.values_mut().for_each(|value| value.push('A'));
    spoilt.open(&gateway.url("/public")).await;
    assert_nobody(&gateway.upstream.last());
}

/// The second of two requests on one connection inherits nothing of the first.
#[tokio::test]
async fn identity_belongs_to_a_request_and_not_to_its_connection() {
    let gateway = TestGateway::start().await;
    let lin = gateway.signed_in("Lin").await.cookie_line();
    let arrived = gateway.upstream.count();
    let request =
        |path: &str, lines: &str| format!("GET {path} HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n");
    let mut wire = Wire::to(&gateway).await;
    wire.send([request("/1", &lin), request("/2", ""), request("/public", ""), request("/4", &lin)].concat())
        .await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(wire.answer_to(&Method::GET).await.unwrap().status.as_u16());
    }
    assert_eq!(statuses, [200, 401, 200, 200]);
    let seen = gateway.upstream.seen();
    let paths: Vec<_> = seen[arrived..].iter().map(|seen| seen.uri.path()).collect();
    assert_eq!(paths, ["/1", "/public", "/4"]);
    assert_lin(&seen[arrived], &gateway);
    assert_nobody(&seen[arrived + 1]);
    assert_lin(&seen[arrived + 2], &gateway);
}
