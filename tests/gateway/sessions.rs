//! Signed-in browsers: what their cookie is, what it is not good for, and how it ends.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use url::Url;
use wxgate::model::clock::{self, Timestamp};
use wxgate::model::host::Host;
use wxgate::model::identity::{Account, Identity, Profile};
use wxgate::model::member::MemberId;
use wxgate::model::own_cookie::CookieScope;
use wxgate::model::secret::Secret;
use wxgate::model::session::Session;
use wxgate::model::visit::Scheme;
use wxgate::seal::KeyRing;
use wxgate::sessions::{SessionSettings, Sessions};
use wxgate::wechat::simulator::Consent;

use crate::forward_auth::DIALECTS;
use crate::support::{Answer, Browser, PHONE, Setup, TestGateway, command};

const SECRET: &str = "a-session-secret-that-tests-know-0123456789";
const OTHER_SECRET: &str = "another-session-secret-of-tests-9876543210";

#[tokio::test]
async fn over_https_the_cookie_has_every_guard() {
    let public_url = Some("https://a.test".to_owned());
    let gateway = TestGateway::with(Setup { public_url, ..Setup::default() }).await;
    let mut browser = gateway.browser();
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let mut lines = Vec::new();
    let mut url = Url::parse("https://a.test/x").unwrap();
    for _ in 0..6 {
        let answer = browser.open(url.as_str()).await;
        lines.extend(answer.all("set-cookie").into_iter().map(str::to_owned));
        if !answer.status.is_redirection() {
            break;
        }
        url = url.join(answer.location()).unwrap();
    }
    assert_eq!(url.as_str(), "https://a.test/x");
    let out = browser.submit("https://a.test/_wxgate/logout", "").await;
    assert_eq!(out.status, StatusCode::OK);
    lines.extend(out.all("set-cookie").into_iter().map(str::to_owned));
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split('=').next()).collect();
    assert!(
        names.contains(&"__Host-wxgate") && names.iter().any(|name| name.starts_with("__Host-wxgate-login-"))
    );
    for line in &lines {
        let (pair, attributes) = line.split_once("; ").unwrap();
        assert!(pair.starts_with("__Host-wxgate"), "{line}");
        let rest = attributes.strip_prefix("HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=").unwrap();
        assert!(rest.bytes().all(|byte| byte.is_ascii_digit()), "{line}");
    }
    assert!(browser.cookies.is_empty(), "signing out leaves nothing: {:?}", browser.cookies);
    assert_eq!(out.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn over_plain_http_the_cookie_has_another_name_and_every_other_guard() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let answer = browser.open(&callback).await;
    let session = answer.all("set-cookie").into_iter().find(|line| line.starts_with("wxgate=")).unwrap();
    let attributes = session.split_once("; ").unwrap().1;
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
    let planted = browser.cookie("wxgate").unwrap().to_owned();
    for name in ["__Host-wxgate", "__Secure-wxgate", "WXGATE", "wxgate-session"] {
        let url = gateway.url("/");
        assert_eq!(with_cookie(&gateway, &url, &format!("{name}={planted}")).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn a_cookie_with_any_byte_changed_is_signed_out() {
    let gateway = TestGateway::start().await;
    let browser = gateway.signed_in("Lin").await;
    let good = browser.cookie("wxgate").unwrap().to_owned();
    let reached = gateway.upstream.count();
    let mut bad: Vec<String> = Vec::new();
    for position in (0..good.len()).step_by(3).chain(good.len() - 3..good.len()) {
        let mut bytes = good.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        bad.push(String::from_utf8(bytes).unwrap());
        bad.push(good[..position].to_owned());
    }
    for odd in [
        format!("{good}A"),
        format!("{good}="),
        format!("{good}.x"),
        format!("\"{good}\""),
        format!("{good}%20"),
        good.replace('_', "/").replace('-', "+") + "==",
        good.replace("v1.", "v0."),
        good.replace("v1.", ""),
        good.to_uppercase(),
        "%00".to_owned(),
        "v1..".to_owned(),
        "v1.00000000.".to_owned(),
        "null".to_owned(),
        "{\"user\":\"Lin\"}".to_owned(),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJMaW4ifQ.".to_owned(),
        "A".repeat(20_000),
    ] {
        bad.push(odd);
    }
    for value in bad {
        let answer = with_cookie(&gateway, &gateway.url("/"), &format!("wxgate={value}")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
    }
    for line in
        [&b"wxgate=\xff\xfe\x80"[..], b"wxgate", b"=", b";;;", b"wxgate==;wxgate=", b"\tx=y; wxgate = z"]
    {
        let head = b"GET / HTTP/1.1\r\nhost: a.localhost\r\nconnection: close\r\naccept: */*\r\ncookie: ";
        let answer = gateway.raw([&head[..], line, b"\r\n\r\n"].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    assert_eq!(gateway.upstream.count(), reached, "nothing of it reached the application");
    assert_eq!(
        with_cookie(&gateway, &gateway.url("/"), &format!("wxgate={good}")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_huge_cookie_costs_nothing_but_itself() {
    let gateway = TestGateway::start().await;
    for size in [31_000, 40_000, 1 << 20] {
        let value = "A".repeat(size);
        let request = format!(
            "GET / HTTP/1.1\r\nhost: a.localhost\r\nconnection: close\r\ncookie: wxgate={value}\r\n\r\n"
        );
        let answer = gateway.raw_or_cut(request).await;
        assert!(
            answer.starts_with("HTTP/1.1 401") || answer.starts_with("HTTP/1.1 431") || answer.is_empty(),
            "{answer}"
        );
    }
    gateway.browser().sign_in(&gateway, "Lin", "/").await;
}

#[tokio::test]
async fn no_other_value_of_the_gateway_is_a_session() {
    let gateway = TestGateway::with(two_hosts()).await;
    let mut browser = gateway.browser();
    let ticket_url = ticket_for(&gateway, &mut browser, "http://b.localhost/").await;
    let ticket = ticket_url.split_once("t=").unwrap().1.to_owned();
    browser.open("http://a.localhost/_wxgate/login?lang=en&to=/").await;
    let mut values: Vec<String> = browser
        .cookies
        .iter()
        .filter(|((host, name), _)| !(host == "a.localhost" && name == "wxgate"))
        .map(|(_, value)| value.clone())
        .collect();
    assert!(values.len() >= 3, "attempt, nonce, language: {values:?}");
    values.push(ticket);
    let session = browser.cookie("wxgate").unwrap().to_owned();
    for value in values {
        for host in ["a.localhost", "b.localhost"] {
            let answer = with_cookie(&gateway, &format!("http://{host}/"), &format!("wxgate={value}")).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
        }
    }
    let stolen = with_cookie(&gateway, &format!("http://b.localhost/_wxgate/ticket?t={session}"), "").await;
    assert_eq!(stolen.status, StatusCode::BAD_REQUEST, "and a session is no ticket");
    for state in ["0".repeat(32), session.clone()] {
        let url = gateway.url(&format!("/_wxgate/callback?code=x&state={state}"));
        let answer = with_cookie(&gateway, &url, &format!("wxgate-login-{}={session}", &state[..8])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "nor a login");
    }
}

#[tokio::test]
async fn a_session_is_good_on_its_own_host_only() {
    let gateway = TestGateway::with(two_hosts()).await;
    let browser = gateway.signed_in("Lin").await;
    let cookie = format!("wxgate={}", browser.cookie("wxgate").unwrap());
    assert_eq!(with_cookie(&gateway, "http://a.localhost/", &cookie).await.status, StatusCode::OK);
    assert_eq!(with_cookie(&gateway, "http://b.localhost/", &cookie).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        with_cookie(&gateway, "http://c.localhost/", &cookie).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test]
async fn a_session_counts_in_the_cookie_and_nowhere_else() {
    let gateway = TestGateway::start().await;
    let browser = gateway.signed_in("Lin").await;
    let value = browser.cookie("wxgate").unwrap().to_owned();
    let mut stranger = gateway.browser();
    let bearer = format!("Bearer {value}");
    for name in ["authorization", "x-wxgate", "x-auth-token", "proxy-authorization", "set-cookie", "cookie2"]
    {
        for value in [&value, &bearer, &format!("wxgate={value}")] {
            let headers = [(name, value.as_str()), ("accept", "application/json")];
            let answer = stranger.send(Method::GET, &gateway.url("/"), &headers, "").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {value}");
        }
    }
    let answer =
        stranger.fetch(&gateway.url(&format!("/?wxgate={value}&token={value}&access_token={value}"))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let form = format!("wxgate={value}");
    let answer = stranger.send(Method::POST, &gateway.url("/api"), &[("accept", "*/*")], &form).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_planted_second_session_signs_nobody_in() {
    let gateway = TestGateway::start().await;
    let [mine, planted] = [gateway.signed_in("Lin").await, gateway.signed_in("王芳 Wang").await]
        .map(|browser| format!("wxgate={}", browser.cookie("wxgate").unwrap()));
    for line in [format!("{mine}; {planted}"), format!("{planted}; a=b; {mine}")] {
        let answer = with_cookie(&gateway, &gateway.url("/"), &line).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "neither wins by its place");
    }
    let garbage = format!("wxgate=garbage; {mine}; wxgate=");
    assert_eq!(with_cookie(&gateway, &gateway.url("/"), &garbage).await.status, StatusCode::OK);
}

/// Browsers see no `__Host-` behind a wide blank, so a sibling host may set such a cookie for the whole domain.
#[tokio::test]
async fn a_cookie_behind_a_wide_blank_is_not_the_gateways() {
    let gateway = TestGateway::with(with_secret()).await;
    let somebody = gateway.somebody().await;
    let now = clock::now();
    let pair = sealed(&somebody, now, now);
    let honest = with_cookie(&gateway, &gateway.url("/"), &pair).await;
    assert_eq!(honest.status, StatusCode::OK);
    let (name, value) = pair.split_once('=').unwrap();
    for blank in ["\u{85}", "\u{a0}", "\u{2000}", "\u{2028}", "\u{3000}"] {
        for planted in [format!("{blank}{name}={value}"), format!("{name}{blank}={value}")] {
            let alone = gateway.get("/", &format!("Cookie: {planted}\r\n")).await;
            assert_eq!(alone.status, StatusCode::UNAUTHORIZED, "{planted:?}");
            let beside = gateway.get("/", &format!("Cookie: {planted}; {pair}; a=1\r\n")).await;
            assert_eq!(beside.status, StatusCode::OK, "{planted:?} signs nobody out");
            assert_eq!(gateway.upstream.last().all("cookie"), ["a=1"], "{planted:?}");
        }
    }
}

#[tokio::test]
async fn signing_in_begins_a_new_session_whatever_was_planted_before() {
    let gateway = TestGateway::start().await;
    let mut victim = gateway.browser();
    let planted = [
        ("wxgate", "planted"),
        ("wxgate-login-00000000", "planted"),
        ("wxgate-handoff", "planted"),
        ("wxgate-lang", "xx"),
    ];
    for (name, value) in planted {
        victim.cookies.insert(("a.localhost".to_owned(), name.to_owned()), value.to_owned());
    }
    let callback = victim.callback(&gateway, "王芳 Wang", "/").await;

    let mut attacker = gateway.browser();
    attacker.sign_in(&gateway, "Lin", "/").await;
    let attackers = attacker.cookie("wxgate").unwrap().to_owned();
    victim.cookies.insert(("a.localhost".to_owned(), "wxgate".to_owned()), attackers.clone());
    victim.open(&callback).await;

    let me = victim.fetch(&gateway.url("/_wxgate/me")).await.json();
    assert_eq!(me["name"], "王芳 Wang");
    assert_ne!(victim.cookie("wxgate"), Some(attackers.as_str()));
    let old = with_cookie(&gateway, &gateway.url("/"), &format!("wxgate={attackers}")).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED, "the session that was there has ended");
}

#[tokio::test]
async fn sessions_end_when_idle_when_old_and_when_they_come_from_the_future() {
    let gateway = TestGateway::with(with_secret()).await;
    let somebody = gateway.somebody().await;
    let hours = |count: i64| Timestamp::from_unix(clock::now().as_unix() + count * 3600);
    for (started, renewed, status) in [
        (hours(0), hours(0), 200),
        (hours(-23), hours(-23), 200),
        (hours(-25), hours(-25), 401),
        (hours(-7 * 24 + 1), hours(-1), 200),
        (hours(-7 * 24), hours(0), 401),
        (hours(-8 * 24), hours(-1), 401),
        (hours(1), hours(1), 401),
        (hours(0), hours(1), 401),
        (Timestamp::from_unix(0), Timestamp::from_unix(0), 401),
        (Timestamp::from_unix(i64::MAX), Timestamp::from_unix(i64::MAX), 401),
        (Timestamp::from_unix(i64::MIN), hours(0), 401),
    ] {
        let cookie = sealed(&somebody, started, renewed);
        let answer = with_cookie(&gateway, &gateway.url("/"), &cookie).await;
        assert_eq!(answer.status.as_u16(), status, "{started:?} {renewed:?}");
    }
}

#[tokio::test]
async fn a_session_is_renewed_as_well_when_another_proxy_asks() {
    let server = "trusted_proxies = [\"127.0.0.1\"]".to_owned();
    let gateway = TestGateway::with(Setup { server, ..with_secret() }).await;
    let somebody = gateway.somebody().await;
    let ago = |seconds: i64| Timestamp::from_unix(clock::now().as_unix() - seconds);
    let due = sealed(&somebody, ago(20 * 3600), ago(3 * 3600));
    for dialect in DIALECTS {
        for path in ["/", "/public/open"] {
            let question = dialect.question("GET", path, &format!("Cookie: a=1; {due}\r\n"));
            let answer = gateway.asked(question).await;
            assert_eq!(answer.status, StatusCode::OK, "{dialect:?} {path}");
            let renewed = answer.header("set-cookie").split(';').next().unwrap();
            assert_ne!(renewed, due);
            let again = gateway.asked(dialect.question("GET", path, &format!("Cookie: {renewed}\r\n"))).await;
            assert_eq!((again.status, again.all("set-cookie").len()), (StatusCode::OK, 0), "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn a_session_in_use_is_renewed_once_in_a_while() {
    let gateway = TestGateway::with(with_secret()).await;
    let somebody = gateway.somebody().await;
    let ago = |seconds: i64| Timestamp::from_unix(clock::now().as_unix() - seconds);
    let fresh = sealed(&somebody, ago(3600), ago(3600));
    assert_eq!(with_cookie(&gateway, &gateway.url("/"), &fresh).await.all("set-cookie").len(), 0);
    let due = sealed(&somebody, ago(20 * 3600), ago(3 * 3600));
    for path in ["/", "/set-cookie?theirs=1", "/public/open", "/api/x"] {
        let answer = with_cookie(&gateway, &gateway.url(path), &due).await;
        let renewed: Vec<&str> =
            answer.all("set-cookie").into_iter().filter(|line| line.starts_with("wxgate=")).collect();
        assert_eq!(renewed.len(), 1, "{path}");
        assert!(renewed[0].ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400"), "{renewed:?}");
        let pair = renewed[0].split(';').next().unwrap();
        let again = with_cookie(&gateway, &gateway.url("/"), pair).await;
        assert_eq!((again.status, again.all("set-cookie").len()), (StatusCode::OK, 0));
    }
    let ending = sealed(&somebody, ago(7 * 86_400 - 1800), ago(3 * 3600));
    let answer = with_cookie(&gateway, &gateway.url("/"), &ending).await;
    let age = answer.all("set-cookie")[0].rsplit_once("Max-Age=").unwrap().1.parse::<u64>().unwrap();
    assert!((1700..=1800).contains(&age), "never longer than the session itself: {age}");
}

#[tokio::test]
async fn signing_out_asks_first_and_ends_copied_cookies_too() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.signed_in("Lin").await;
    browser.open(&gateway.url("/_wxgate/login?lang=en")).await;
    let copied = format!("wxgate={}", browser.cookie("wxgate").unwrap());
    let url = gateway.url("/_wxgate/logout");
    let page = browser.open(&url).await;
    assert_eq!(page.status, StatusCode::OK);
    let html = page.html();
    assert!(html.contains("<form class=\"actions\" method=\"post\" action=\"/_wxgate/logout\">"), "{html}");
    assert!(html.contains("Lin"), "{html}");
    assert!(browser.is_signed_in(&gateway).await, "asking does not sign out");

    let page = browser.submit(&url, "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html().contains("Signed out"), "{}", page.html());
    assert!(page.all("set-cookie").contains(&"wxgate=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"));
    assert_eq!(browser.cookie("wxgate-login-"), None);
    assert!(!browser.is_signed_in(&gateway).await);
    assert_eq!(with_cookie(&gateway, &gateway.url("/"), &copied).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.submit(&url, "").await.status, StatusCode::OK, "twice does no harm");
    gateway.reload();
    assert_eq!(with_cookie(&gateway, &gateway.url("/"), &copied).await.status, 401, "after a reload too");
}

#[tokio::test]
async fn another_site_cannot_sign_anybody_out() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.signed_in("Lin").await;
    let url = gateway.url("/_wxgate/logout");
    for headers in [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")][..],
        &[("sec-fetch-site", "same-site"), ("origin", "http://evil.localhost")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://a.localhost")],
        &[("sec-fetch-site", "same-origin, cross-site")],
        &[("origin", "https://evil.test")],
        &[("origin", "https://a.localhost")],
        &[("origin", "http://a.localhost:8080")],
        &[("origin", "http://a.localhost.evil.test")],
        &[("origin", "http://a.localhost"), ("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("referer", "http://a.localhost/")],
        &[],
    ] {
        for form in ["", "everywhere=1"] {
            let headers = [headers, &[("accept", "text/html"), ("content-type", "text/plain")]].concat();
            let answer = browser.send(Method::POST, &url, &headers, form).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        }
    }
    for method in [Method::GET, Method::HEAD] {
        let image = [("accept", "image/*"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-site", "cross-site")];
        let answer = browser.send(method, &format!("{url}?everywhere=1"), &image, "").await;
        assert!(answer.all("set-cookie").is_empty(), "<img src=…/logout>");
    }
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
        let answer = browser.send(method, &url, &[("sec-fetch-site", "same-origin")], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    assert!(browser.is_signed_in(&gateway).await);
    let own = [("origin", "http://a.localhost"), ("accept", "text/html")];
    let answer = browser.send(Method::POST, &url, &own, "").await;
    assert_eq!(answer.status, StatusCode::OK, "an older browser's own form");
    assert!(!browser.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn me_tells_who_one_is_to_ones_own_pages_only() {
    let gateway = TestGateway::start().await;
    let url = gateway.url("/_wxgate/me");
    let answer = gateway.browser().fetch(&url).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["error"], "login_required");
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
    let mut browser = gateway.signed_in("王芳 Wang").await;
    let answer = browser.fetch(&url).await;
    let me = answer.json();
    let person = gateway.wechat.person("王芳 Wang").unwrap();
    assert_eq!(me["openid"], person.openid("wxwebsite"));
    assert_eq!(me["unionid"], person.unionid(gateway.wechat.app("wxwebsite").unwrap()).unwrap());
    assert_eq!((&me["name"], &me["avatar"]), (&person.name().into(), &person.avatar().into()));
    assert_eq!(me["user"], gateway.upstream.last().all("remote-user")[0]);
    assert!((604_000..=604_800).contains(&me["expires_in"].as_u64().unwrap()), "{me}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    for site in ["cross-site", "same-site"] {
        let answer = browser.send(Method::GET, &url, &[("sec-fetch-site", site)], "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(!answer.text().contains(person.name()));
    }
    assert_eq!(browser.submit(&url, "").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_new_key_is_rolled_out_without_signing_anybody_out() {
    let gateway = TestGateway::with(with_secret()).await;
    let mut early = gateway.signed_in("Lin").await;
    let mut under_way = gateway.browser();
    let callback = under_way.callback(&gateway, "Lin", "/").await;
    let mut stale = gateway.browser();
    let stale_callback = stale.callback(&gateway, "Lin", "/").await;

    let old = format!("secret = \"{SECRET}\"");
    let rolled = format!("secret = \"{OTHER_SECRET}\"\nold_secrets = [\"{SECRET}\"]");
    gateway.edit_config(|text| text.replace(&old, &rolled));
    assert!(gateway.reload().contains("in force"));
    assert!(early.is_signed_in(&gateway).await, "the old key still opens");
    under_way.open(&callback).await;
    assert!(under_way.is_signed_in(&gateway).await, "a login under way survives");
    let mut late = gateway.signed_in("Lin").await;

    gateway.edit_config(|text| text.replace(&rolled, &format!("secret = \"{OTHER_SECRET}\"")));
    assert!(gateway.reload().contains("in force"));
    assert!(!early.is_signed_in(&gateway).await, "the removed key does not");
    assert!(
        late.is_signed_in(&gateway).await && under_way.is_signed_in(&gateway).await,
        "the newest one seals"
    );
    assert_eq!(stale.open(&stale_callback).await.status, StatusCode::BAD_REQUEST, "begins anew");
    early.sign_in(&gateway, "Lin", "/").await;
    stale.sign_in(&gateway, "Lin", "/").await;
    let log = gateway.log();
    assert!(!log.contains(SECRET) && !log.contains(OTHER_SECRET));
}

#[tokio::test]
async fn the_key_is_kept_for_its_owner_only_and_survives_a_restart() {
    let mut gateway = TestGateway::start().await;
    let browser = gateway.signed_in("Lin").await;
    let key = gateway.folder.path().join("data/session.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(key.parent().unwrap()).unwrap().permissions().mode() & 0o077, 0);
    let text = std::fs::read_to_string(&key).unwrap();
    assert!(text.trim().len() >= 64 && !gateway.log().contains(text.trim()));
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code().await, Some(0));

    for (mode, complaint) in [(0o640, "mode 640"), (0o604, "mode 604"), (0o666, "mode 666")] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let output = command(gateway.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!output.status.success() && said.contains(complaint) && said.contains("chmod 600"), "{said}");
        assert!(!said.contains(text.trim()));
    }
    for (content, complaint) in
        [("", "session secret needs"), ("short", "session secret needs"), ("\u{0}\n", "session secret")]
    {
        std::fs::write(&key, content).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let output = command(gateway.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(complaint), "{said}");
        assert_eq!(std::fs::read_to_string(&key).unwrap(), content, "it is never replaced in silence");
    }
    std::fs::write(&key, &text).unwrap();
    gateway.start_again();
    let cookie = format!("wxgate={}", browser.cookie("wxgate").unwrap());
    assert_eq!(with_cookie(&gateway, &gateway.url("/"), &cookie).await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_in_on_one_host_reaches_the_other_over_a_ticket() {
    let gateway = TestGateway::with(two_hosts()).await;
    let mut browser = gateway.browser();
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let (end, answer) = browser.follow("http://b.localhost/wiki?page=1&x=%20").await;
    assert_eq!((end.as_str(), answer.status), ("http://b.localhost/wiki?page=1&x=%20", StatusCode::OK));
    assert!(browser.is_signed_in(&gateway).await, "on the login host too");
    let (end, _) = browser.follow("http://a.localhost/x").await;
    assert_eq!(end, "http://a.localhost/x");

    let mut second = gateway.signed_in("Lin").await;
    let (end, _) = second.follow("http://b.localhost/again").await;
    assert_eq!(end, "http://b.localhost/again", "already signed in: no WeChat in between");
    assert_eq!(gateway.wechat.exchanges(), 2);
    assert!(!second.cookies.keys().any(|(_, name)| name == "wxgate-handoff"), "the nonce is gone");

    let me = second.fetch("http://b.localhost/_wxgate/me").await.json();
    assert_eq!(me["name"], "Lin");
    second.submit("http://b.localhost/_wxgate/logout", "").await;
    assert!(!second.is_signed_in(&gateway).await, "signing out on one host ends the session on all");
}

#[tokio::test]
async fn a_ticket_works_once_in_its_own_browser_on_its_own_host() {
    let setup = Setup {
        tables: format!("{}\n[[routes]]\nhost = \"c.localhost\"", two_hosts().tables),
        ..Setup::default()
    };
    let gateway = TestGateway::with(setup).await;
    let mut browser = gateway.browser();
    let ticket = ticket_for(&gateway, &mut browser, "http://b.localhost/wiki").await;
    let nonce = browser.cookies[&("b.localhost".to_owned(), "wxgate-handoff".to_owned())].clone();

    let elsewhere = ticket.replace("//b.localhost", "//c.localhost");
    let at_login_host = ticket.replace("//b.localhost", "//a.localhost");
    for (what, url, cookie) in [
        ("another browser", &ticket, String::new()),
        ("another browser with a nonce", &ticket, format!("wxgate-handoff={}", "0".repeat(32))),
        ("another host", &elsewhere, format!("wxgate-handoff={nonce}")),
        ("the login host", &at_login_host, format!("wxgate-handoff={nonce}")),
        (
            "given twice",
            &format!("{ticket}&{}", ticket.split_once('?').unwrap().1),
            format!("wxgate-handoff={nonce}"),
        ),
        ("changed", &format!("{ticket}A"), format!("wxgate-handoff={nonce}")),
    ] {
        let answer = with_cookie(&gateway, url, &cookie).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
        assert!(answer.all("set-cookie").is_empty(), "{what}");
    }
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(one.open(&ticket), two.open(&ticket));
    let (won, lost) = if first.status == StatusCode::SEE_OTHER { (first, second) } else { (second, first) };
    assert_eq!((won.status, won.location()), (StatusCode::SEE_OTHER, "/wiki"));
    assert_eq!(lost.status, StatusCode::BAD_REQUEST, "of two at once, one");
    assert!(lost.all("set-cookie").is_empty());
    let spent = ticket.rsplit_once("t=").unwrap().1;
    for answer in [won, lost] {
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.text().contains(spent), "the ticket is on no page");
    }
    let cookie = format!("wxgate-handoff={nonce}");
    assert_eq!(with_cookie(&gateway, &ticket, &cookie).await.status, StatusCode::BAD_REQUEST, "not twice");
}

#[tokio::test]
async fn going_back_to_a_spent_ticket_just_goes_on() {
    let gateway = TestGateway::with(two_hosts()).await;
    let mut browser = gateway.browser();
    let ticket = ticket_for(&gateway, &mut browser, "http://b.localhost/wiki").await;
    browser.open(&ticket).await;
    let answer = browser.open(&ticket).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    assert!(answer.all("set-cookie").is_empty());
}

#[tokio::test]
async fn a_ticket_is_issued_for_served_hosts_only() {
    let gateway = TestGateway::with(two_hosts()).await;
    let mut browser = gateway.signed_in("Lin").await;
    let hash = "0".repeat(64);
    for to in [
        "https://evil.test/x",
        "//evil.test/x",
        "http://b.localhost@evil.test/",
        "http://b.localhost.evil.test/",
        "http://evil-b.localhost/",
        "http:b.localhost",
        "/\\evil.test",
        "javascript:alert(1)",
    ] {
        let answer = browser.open(&gateway.url(&format!("/_wxgate/login?n={hash}&to={to}"))).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{to}");
    }
    let answer =
        browser.open(&gateway.url(&format!("/_wxgate/login?n={hash}&to=http://b.localhost/x"))).await;
    let ticket = answer.location().to_owned();
    assert!(ticket.starts_with("http://b.localhost/_wxgate/ticket?t="));
    let answer = browser.open(&ticket).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a link with somebody else's hash signs nobody in");
    for bad in ["", "xyz", "\u{e9}", &"0".repeat(63), &"g".repeat(64)] {
        let url =
            Url::parse(&gateway.url(&format!("/_wxgate/login?n={bad}&to=http://b.localhost/x"))).unwrap();
        assert_eq!(
            browser.open(url.as_str()).await.location(),
            "http://b.localhost/x",
            "no ticket without a browser"
        );
    }
}

#[tokio::test]
async fn with_a_cookie_domain_one_cookie_serves_all_hosts() {
    let setup = Setup {
        public_url: Some("https://a.shared.test".to_owned()),
        tables: "[session]\ncookie_domain = \"shared.test\"\n[[routes]]\nhost = \"b.shared.test\"\n[[routes]]\nhost = \"other.test\"".to_owned(),
        ..Setup::default()
    };
    let gateway = TestGateway::with(setup).await;
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let mut browser = gateway.browser();
    let (end, _) = browser.follow("https://b.shared.test/wiki?x=1").await;
    assert_eq!(end, "https://b.shared.test/wiki?x=1");
    let shared = (".shared.test".to_owned(), "__Secure-wxgate".to_owned());
    let value = browser.cookies[&shared].clone();
    assert!(!browser.cookies.keys().any(|(_, name)| name.contains("handoff")), "no ticket was needed");
    let (end, _) = browser.follow("https://a.shared.test/x").await;
    assert_eq!(end, "https://a.shared.test/x");
    assert_eq!(gateway.wechat.exchanges(), 1);

    let elsewhere = with_cookie(&gateway, "https://other.test/", &format!("__Secure-wxgate={value}")).await;
    assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED, "outside the domain it is nothing");
    let (end, _) = browser.follow("https://other.test/y").await;
    assert_eq!(end, "https://other.test/y", "a ticket goes there");

    let out = browser.submit("https://b.shared.test/_wxgate/logout", "").await;
    let deleted = "__Secure-wxgate=; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=shared.test; Max-Age=0";
    assert!(out.all("set-cookie").contains(&deleted), "{:?}", out.all("set-cookie"));
    assert!(!browser.cookies.contains_key(&shared));
    for host in ["a.shared.test", "b.shared.test"] {
        let copied =
            with_cookie(&gateway, &format!("https://{host}/"), &format!("__Secure-wxgate={value}")).await;
        assert_eq!(copied.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn every_page_of_the_gateway_carries_its_guards() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser_as(PHONE);
    for path in [
        "/_wxgate/login",
        "/_wxgate/callback",
        "/_wxgate/ticket",
        "/_wxgate/logout",
        "/_wxgate/me",
        "/_wxgate/x",
        "/closed",
        "/a%2fb",
    ] {
        let answer = browser.open(&gateway.url(path)).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(
            answer.headers.contains_key("permissions-policy")
                && answer.headers.contains_key("referrer-policy")
        );
        assert!(!answer.headers.contains_key("server"), "{path}");
        if answer.header("content-type").starts_with("text/html") {
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
            assert!(!answer.text().contains(env!("CARGO_PKG_VERSION")), "{path} tells no version");
        }
    }
}

/// `b.localhost` beside `a.localhost`.
pub(crate) fn two_hosts() -> Setup {
    Setup { tables: "[[routes]]\nhost = \"b.localhost\"".to_owned(), ..Setup::default() }
}

fn with_secret() -> Setup {
    Setup { tables: format!("[session]\nsecret = \"{SECRET}\""), ..Setup::default() }
}

/// Signs in by way of `page` on another host, up to the ticket, and gives its address.
pub(crate) async fn ticket_for(gateway: &TestGateway, browser: &mut Browser, page: &str) -> String {
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let (_, answer) = browser.follow_while(page, |next| next.path() != "/_wxgate/ticket").await;
    answer.location().to_owned()
}

/// What a browser gets that brings exactly this `Cookie` line.
async fn with_cookie(gateway: &TestGateway, url: &str, cookie: &str) -> Answer {
    let headers = [("cookie", cookie), ("accept", "application/json")];
    gateway.browser().send(Method::GET, url, &headers, "").await
}

/// A session cookie of these times on the usual host, as the gateway itself would seal it.
fn sealed(member: &MemberId, started: Timestamp, renewed: Timestamp) -> String {
    let settings = SessionSettings {
        lifetime: Duration::from_secs(7 * 86_400),
        idle_timeout: Duration::from_secs(86_400),
        scope: CookieScope { scheme: Scheme::Http, domain: None },
    };
    let ring = KeyRing::new(Secret::new(SECRET.to_owned()), Vec::new()).unwrap();
    let account = Account { app_id: "wxwebsite".to_owned(), openid: "oABC".to_owned() };
    let identity =
        Identity { member_id: member.to_string(), account, unionid: None, profile: Profile::default() };
    let session = Session::new([7; 16], &identity, started, renewed);
    let sessions = Sessions::new(settings, &ring, Arc::default());
    let cookie = sessions.adopt(&session, &Host::parse("a.localhost").unwrap(), clock::now());
    cookie.as_str().split(';').next().unwrap().to_owned()
}
