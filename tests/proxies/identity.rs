//! Who somebody is, the application hears from the gateway alone, whichever proxy carries it.

use http::StatusCode;
use tokio::net::TcpStream;

use crate::application::Arrived;
use crate::proxies::Proxy;
use crate::stage::Stage;
use crate::support::Wire;

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

/// Ways to write a name that every proxy can tell to be that name.
const PLAIN: [fn(&str) -> String; 4] =
    [str::to_owned, str::to_ascii_uppercase, str::to_ascii_lowercase, |name| {
        name.chars()
            .enumerate()
            .map(|(at, c)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
            .collect()
    }];

/// Ways to write a name that some application takes for the plain one.
const ODD: [fn(&str) -> String; 14] = [
    |name| name.replace('-', "_"),
    |name| name.replace('-', "_").to_ascii_uppercase(),
    |name| name.replacen('-', "_", 1),
    |name| format!("{}_{}", &name[..name.rfind('-').unwrap()], &name[name.rfind('-').unwrap() + 1..]),
    |name| name.replace('-', "."),
    |name| name.replace('-', ""),
    |name| name.replace('-', "--"),
    |name| name.replace('-', "-_"),
    |name| format!("{name}_"),
    |name| format!("{name}-"),
    |name| format!("-{name}"),
    |name| format!("_{name}"),
    |name| name.to_ascii_lowercase().replace('-', "~"),
    |name| name.replacen('-', "-.!#$%&'*+^`|~-", 1),
];

/// As CGI, WSGI and PHP would confuse them.
fn collapsed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// What an application that reads names loosely hears under each name. Nothing and an empty line are the same.
fn heard(arrived: &Arrived) -> Vec<(&'static str, Vec<&str>)> {
    let under = |name: &str| -> Vec<&str> {
        let same = arrived.headers.iter().filter(|(spelled, _)| collapsed(spelled) == collapsed(name));
        same.map(|(_, value)| value.as_str()).collect()
    };
    let heard = NAMES.map(|name| (name, under(name)));
    for (name, values) in &heard {
        assert!(values.len() <= 1, "{name} more than once: {values:?}");
    }
    let heard = heard.into_iter();
    heard
        .map(|(name, values)| (name, values.into_iter().filter(|value| !value.is_empty()).collect()))
        .collect()
}

fn assert_nothing_forged(arrived: &Arrived, how: &str) {
    for (name, value) in &arrived.headers {
        assert!(!value.contains("forged") || name == "Connection", "{how} arrives as {name}: {value}");
    }
}

fn assert_nobody(arrived: &Arrived, how: &str) {
    assert_nothing_forged(arrived, how);
    for (name, values) in heard(arrived) {
        assert!(values.is_empty(), "{how}: {name}: {values:?}");
    }
}

/// Header lines that claim everything, and how. The first ones a proxy must overwrite; behind the rest it may refuse.
fn forgeries() -> Vec<(String, bool, String)> {
    let line = |name: &str| format!("{name}: forged-{}\r\n", collapsed(name));
    let each = |spell: &dyn Fn(&str) -> String| NAMES.map(|name| line(&spell(name))).concat();
    let mut all: Vec<(String, bool, String)> = Vec::new();
    for spell in PLAIN {
        all.push((spell("X-Wechat-Openid"), true, each(&spell)));
        all.push((format!("{} twice", spell(NAMES[0])), true, [each(&spell), each(&str::to_owned)].concat()));
    }
    let list = NAMES.map(|name| format!("{name}: forged, forged\r\n{name}:forged;forged\r\n")).concat();
    all.push(("lists".to_owned(), true, list));
    for name in ["X-Wechat-Openid", "Remote-User"] {
        all.push((format!("{name} 50 times"), true, line(name).repeat(50)));
    }
    for spell in ODD {
        all.push((spell("X-Wechat-Openid"), false, each(&spell)));
        all.push((
            format!("{} beside", spell(NAMES[4])),
            false,
            [each(&str::to_owned), each(&spell)].concat(),
        ));
        for name in NAMES {
            all.push((spell(name), false, line(&spell(name))));
        }
    }
    for name in ["X_Wechat_Openid", "remote_user", "Remote.User"] {
        all.push((format!("{name} 50 times"), false, line(name).repeat(50)));
    }
    // Other names that this gateway speaks, or could.
    for name in ["X-Wxgate-Assertion", "X_Wxgate_Assertion"] {
        all.push((name.to_owned(), false, line(name)));
    }
    all
}

/// What the gateway tells the application when it proxies itself.
async fn truth(stage: &Stage, path: &str, cookies: &str) -> Arrived {
    let mut wire = Wire::on(TcpStream::connect(stage.gateway.address).await.unwrap());
    wire.send(stage.request("GET", path, cookies)).await;
    assert_eq!(wire.answer().await.status, StatusCode::OK);
    stage.application.take().pop().unwrap()
}

pub(crate) async fn a_person_is_who_they_are(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    for person in ["Lin", "王芳 Wang"] {
        let cookies = stage.cookie_line(person).await;
        let truth = truth(&stage, "/", &cookies).await;
        for path in ["/", "/public", "/api"] {
            assert_eq!(stage.get(path, &cookies).await.status, StatusCode::OK, "{path}");
            let arrived = stage.application.last();
            assert_eq!(heard(&arrived), heard(&truth), "{path}");
            for name in
                ["Remote-User", "Remote-Name", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-Avatar"]
            {
                assert_eq!(arrived.header(name), truth.header(name));
                assert_ne!(arrived.header(name), "");
            }
        }
    }
}

pub(crate) async fn a_person_is_who_they_are_whatever_they_claim(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    let truth = truth(&stage, "/", &cookies).await;
    let mut passed = 0;
    for (how, must_pass, lines) in forgeries() {
        for (method, path) in [("GET", "/"), ("OPTIONS", "/x"), ("GET", "/public")] {
            let answer = stage.asked(stage.request(method, path, &format!("{lines}{cookies}"))).await;
            let status = answer.map_or(0, |answer| answer.status.as_u16());
            let arrived = stage.application.take();
            assert_eq!(arrived.len(), usize::from(status == 200), "{how}: {status}");
            for arrived in &arrived {
                assert_nothing_forged(arrived, &how);
                assert_eq!(heard(arrived), heard(&truth), "{how}");
                passed += 1;
            }
            assert!(
                if must_pass { status == 200 } else { [200, 400, 403].contains(&status) },
                "{how}: {status}"
            );
        }
    }
    println!("{passed} passed with the truth");
}

pub(crate) async fn a_stranger_on_an_open_page_is_nobody_whatever_they_claim(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    for (how, must_pass, lines) in forgeries() {
        let answer = stage.asked(stage.request("GET", "/public/x", &lines)).await;
        let status = answer.map_or(0, |answer| answer.status.as_u16());
        let arrived = stage.application.take();
        assert_eq!(arrived.len(), usize::from(status == 200), "{how}: {status}");
        arrived.iter().for_each(|arrived| assert_nobody(arrived, &how));
        assert!(if must_pass { status == 200 } else { [200, 400, 403].contains(&status) }, "{how}: {status}");
    }
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nRemote-User: forged\r\nX-Wechat-Openid: forged\r\n";
    assert_eq!(stage.get("/public/socket", socket).await.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_nobody(&stage.application.last(), "a socket");
}

pub(crate) async fn a_claim_opens_nothing(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    for (how, must_pass, lines) in forgeries() {
        let answer = stage.asked(stage.request("GET", "/", &lines)).await;
        let status = answer.map_or(0, |answer| answer.status.as_u16());
        assert!(if must_pass { status == 401 } else { [401, 400, 403].contains(&status) }, "{how}: {status}");
    }
    assert_eq!(stage.count(), 0);
}

/// An application that was set up for another gateway must not be fooled.
pub(crate) async fn no_claim_in_the_words_of_another_gateway_arrives(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    for name in [
        "X-Auth-Request-User",
        "X-Auth-Request-Email",
        "X-Authentik-Username",
        "X-Webauth-User",
        "X-Webauth-Role",
        "X-Authentik-Uid",
        "X-Forwarded-User",
        "X-Forwarded-Groups",
        "X-Forwarded-Email",
        "X-Forwarded-Preferred-Username",
        "X-Forwarded-Access-Token",
        "X-Remote-User",
        "X-Vouch-User",
        "X-Pomerium-Claim-Email",
        "X-Token-User-Email",
        "X-Authenticated-User",
        "X-Goog-Authenticated-User-Email",
        "X-Ms-Client-Principal",
        "X-Amzn-Oidc-Identity",
        "Cf-Access-Authenticated-User-Email",
        "Tailscale-User-Login",
        "X-Proxy-User",
        "Sm-User",
        "X-Forwarded-Scheme",
        "X-Forwarded-Client-Cert",
        "X-Client-Cert",
        "Ssl-Client-Verify",
        "X-Scheme",
        "X-Host",
        "Client-Ip",
        "True-Client-Ip",
        "Cf-Connecting-Ip",
        "Front-End-Https",
    ] {
        for (path, who) in [("/public", ""), ("/x", cookies.as_str())] {
            let lines = format!("{name}: forged\r\n{who}");
            let status = stage.get(path, &lines).await.status.as_u16();
            let arrived = stage.application.take();
            assert_eq!(arrived.len(), usize::from(status == 200), "{name}");
            assert!([200, 400, 403].contains(&status), "{name}: {status}");
            arrived.iter().for_each(|arrived| assert_nothing_forged(arrived, name));
        }
    }
}

/// A proxy takes the headers away that `Connection` names: it must do so with the visitor's, not with the gateway's.
pub(crate) async fn no_connection_header_takes_an_identity_away(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    let truth = truth(&stage, "/", &cookies).await;
    for connection in [
        "Connection: X-Wechat-Openid, Remote-User",
        "Connection: close, x-wechat-openid, remote-user, remote-name",
        "Connection: keep-alive\r\nConnection: REMOTE-USER",
        "Connection: X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Host",
        "Connection: X-Original-URL, X-Original-Method, X-Forwarded-Uri, X-Forwarded-Method",
        "Connection: Sec-Fetch-Mode, Accept, X-Request-Id, X-Real-IP",
        "Proxy-Connection: Remote-User\r\nKeep-Alive: X-Wechat-Openid",
        "TE: trailers, remote-user\r\nConnection: TE",
    ] {
        for claim in ["", "Remote-User: forged\r\nX-Wechat-Openid: forged\r\n"] {
            let lines = format!("{connection}\r\n{claim}{cookies}");
            let answer = stage.asked(stage.request("GET", "/", &lines)).await;
            let status = answer.map_or(0, |answer| answer.status.as_u16());
            let arrived = stage.application.take();
            assert_eq!(arrived.len(), usize::from(status == 200), "{connection}: {status}");
            for arrived in &arrived {
                assert_nothing_forged(arrived, connection);
                assert_eq!(heard(arrived), heard(&truth), "{connection}");
                assert_eq!(arrived.header("host"), stage.authority);
                assert_eq!(arrived.header("x-forwarded-for"), "127.0.0.1", "{connection}");
                // Or the next one on the way takes them away.
                let words = arrived.connection();
                let plain = ["close", "keep-alive"];
                assert!(words.iter().all(|word| plain.contains(&word.as_str())), "{connection}: {words:?}");
            }
            assert!([200, 400, 401, 403].contains(&status), "{connection}: {status}");
        }
        // Without the cookie the judge must not be told otherwise.
        let lines = format!("{connection}, Cookie\r\n{cookies}");
        let answer = stage.asked(stage.request("GET", "/", &lines)).await;
        let status = answer.map_or(0, |answer| answer.status.as_u16());
        assert!([200, 400, 401, 403].contains(&status), "{connection}, Cookie: {status}");
        stage.application.take().iter().for_each(|arrived| assert_eq!(heard(arrived), heard(&truth)));
        let answer = stage.asked(stage.request("GET", "/", &format!("{connection}\r\n"))).await;
        let status = answer.map_or(0, |answer| answer.status.as_u16());
        assert!([400, 401, 403].contains(&status), "{connection}: {status}");
    }
    assert_eq!(stage.count(), 0);
}

pub(crate) async fn the_gateways_cookies_stay_with_the_gateway(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let mut browser = stage.signed_in("Lin").await;
    let session = browser.cookie("wxgate").unwrap().to_owned();
    let host = "a.localhost".to_owned();
    let plant = [("wxgate-lang", "en"), ("wxgate-login-0a1b2c3d", "x"), ("application", "kept"), ("b", "1")];
    for (name, value) in plant {
        browser.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
    }
    for path in ["/", "/public", "/api"] {
        browser.fetch(&stage.url(path)).await;
        assert_eq!(stage.application.last().header("cookie"), "application=kept; b=1", "{path}");
    }
    let own = format!("wxgate={session}");
    for (sent, arrives) in [
        (format!("Cookie: {own}\r\n"), ""),
        (format!("Cookie: a=1; {own}; b=\"x y\"; c==;d\r\n"), "a=1; b=\"x y\"; c==;d"),
        (format!("Cookie: {own}; __Host-wxgate=x; __Secure-wxgate-login-1=y; a=1\r\n"), "a=1"),
        (format!("Cookie: wxgate-handoff=x;{own};a=wxgate\r\n"), "a=wxgate"),
        (format!("cOOkie: {own}\r\n"), ""),
    ] {
        for path in ["/", "/public"] {
            assert_eq!(stage.get(path, &sent).await.status, StatusCode::OK, "{sent}");
            let cookies = stage.application.last().all("cookie").concat();
            assert_eq!(cookies.replace(' ', ""), arrives.replace(' ', ""), "{sent}");
        }
    }
    // On open pages, with nobody signed in.
    for (sent, arrives) in
        [("wxgate=garbage", ""), ("wxgate=garbage; a=1; __Host-wxgate=", "a=1"), ("a=1", "a=1")]
    {
        assert_eq!(stage.get("/public", &format!("Cookie: {sent}\r\n")).await.status, StatusCode::OK);
        assert_eq!(stage.application.last().all("cookie").concat(), arrives, "{sent}");
    }
    // Whatever is done with two lines, and with names that look like these, no session leaks.
    for sent in [
        format!("Cookie: a=1\r\nCookie: {own}\r\n"),
        format!("Cookie: {own}\r\nCookie: a=1\r\n"),
        format!("Cookie: {own}\r\nCookie_: {own}\r\n"),
        format!("Cookie: {own}\r\nCookie2: $Version=1; {own}\r\n"),
        format!("Cookie: {own}; {own}\r\n"),
        format!("Connection: Cookie\r\nCookie: {own}\r\n"),
    ] {
        for path in ["/", "/public"] {
            stage.application.take();
            let _ = stage.asked(stage.request("GET", path, &sent)).await;
            for arrived in stage.application.take() {
                let leaked = arrived.all("cookie").concat().contains(&session);
                assert!(!leaked, "{sent} arrives as {:?}", arrived.headers);
            }
        }
    }
}

pub(crate) async fn where_a_visitor_comes_from_is_the_truth(proxy: Proxy) {
    const LIES: &str = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7, 8.8.8.8\r\nX-Real-IP: 6.6.6.6\r\n\
                        X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Port: 6666\r\n\
                        X-Forwarded-Ssl: evil\r\nForwarded: for=6.6.6.6;host=evil.test;proto=https\r\n\
                        X-Forwarded-Server: evil.test\r\nX-Forwarded-Prefix: /evil\r\nX-Client-IP: 6.6.6.6\r\n\
                        X-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\nX-Forwarded-Uri: /evil\r\n\
                        X-Forwarded-Method: EVIL\r\nX-Request-Id: evil\r\nProxy: http://evil.test\r\n\
                        X-Original-Method: evil\r\n";
    const TRUE: [&str; 3] = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    for lines in [cookies.clone(), format!("{LIES}{cookies}")] {
        for path in ["/x", "/public"] {
            assert_eq!(stage.get(path, &lines).await.status, StatusCode::OK);
            let arrived = stage.application.last();
            let said = TRUE.map(|name| arrived.header(name).to_owned());
            assert_eq!(said, ["127.0.0.1", "http", &stage.authority]);
            assert_eq!(arrived.header("host"), stage.authority);
            for (name, value) in &arrived.headers {
                let lies = ["6.6.6.6", "7.7.7.7", "8.8.8.8", "evil", "6666"];
                assert!(!lies.iter().any(|lie| value.contains(lie)), "{name}: {value}");
            }
            assert!(["", "127.0.0.1"].contains(&&*arrived.all("x-real-ip").concat()));
        }
    }
    // The gateway's log says the same.
    stage.gateway.log_line(&["127.0.0.1"]);
    assert!(!stage.gateway.log().contains("6.6.6.6"), "{}", stage.gateway.log());
}
