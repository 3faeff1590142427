//! From a first visit to the application, and out again.

use http::{Method, StatusCode};
use wxgate::model::visit::Scheme;
use wxgate::wechat::simulator::Consent;

use crate::due::session_of_three_hours;
use crate::proxies::Proxy;
use crate::stage::Stage;
use crate::support::WECHAT;

const PERSON: &str = "王芳 Wang";

pub(crate) async fn a_visitor_signs_in_and_is_back_where_they_wanted(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    for path in [
        "/",
        "/reports?year=2026&q=a%20b",
        "/a/b;v=1?x=%2F..%2F&to=http://b.localhost/?y=1&z=%E7%8E%8B",
        "/%E7%8E%8B?",
        "/x?next=/_wxgate/login%3Fto=/y&&=&a+b=%27%22",
    ] {
        let mut browser = stage.browser();
        browser.sign_in(&stage.gateway, PERSON, path).await;
        let [arrived] = &stage.application.take()[..] else { panic!("not one request for {path}") };
        assert_eq!((arrived.method.as_str(), arrived.target.as_str()), ("GET", path));
        assert_eq!(arrived.header("remote-name"), "%E7%8E%8B%E8%8A%B3 Wang");
        assert!(browser.is_signed_in(&stage.gateway).await);
    }
}

pub(crate) async fn a_person_inside_wechat_signs_in_with_one_tap(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let mut browser = stage.browser_as(WECHAT);
    let (_, page) = browser.follow(&stage.url("/reports?year=2026&q=1")).await;
    assert_eq!(page.status, StatusCode::OK, "no way to WeChat without a tap");
    let button = page.links().into_iter().find(|link| link.contains("way=wechat")).expect("a button");
    stage.gateway.wechat.script().consent(Consent::Allow(PERSON.to_owned()));
    let (end, answer) = browser.follow(&stage.url(&button)).await;
    assert_eq!((end, answer.status), (stage.url("/reports?year=2026&q=1"), StatusCode::OK));
    let openid = stage.gateway.wechat.person(PERSON).unwrap().openid("wxaccount");
    assert_eq!(stage.application.last().header("x-wechat-openid"), openid);
}

pub(crate) async fn a_program_is_told_401_and_never_redirected(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let mut browser = stage.browser();
    for headers in [
        &[("accept", "application/json"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin")][..],
        &[("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")],
        &[("accept", "image/avif,*/*;q=0.8"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        &[],
    ] {
        let url = stage.url("/reports?year=2026&q=%22");
        let answer = browser.send(Method::GET, &url, headers, "").await;
        assert_told(&answer, &stage);
    }
    let answer = browser.open(&stage.url("/api/x")).await;
    assert_told(&answer, &stage);
    let form = [("accept", "text/html"), ("content-type", "application/x-www-form-urlencoded")];
    let answer = browser.send(Method::POST, &stage.url("/reports"), &form, "a=b").await;
    assert_told(&answer, &stage);
    assert_eq!(stage.count(), 0);
}

fn assert_told(answer: &crate::support::Answer, stage: &Stage) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("application/json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let word = answer.json();
    assert_eq!(word["error"], "login_required");
    let login = word["login_url"].as_str().unwrap();
    let (own, absolute) = ("/_wxgate/login", stage.url("/_wxgate/login"));
    assert!(login.starts_with(own) || login.starts_with(&absolute), "{word}");
    assert!(!word["request_id"].as_str().unwrap().is_empty());
}

pub(crate) async fn a_second_host_signs_in_over_the_first(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let mut browser = stage.browser();
    stage.gateway.wechat.script().consent(Consent::Allow(PERSON.to_owned()));
    let page = stage.second_url("/members/x?a=1&b=2");
    let (end, answer) = browser.follow(&page).await;
    assert_eq!((end, answer.status), (page.clone(), StatusCode::OK));
    assert_eq!(stage.second.last().header("remote-name"), "%E7%8E%8B%E8%8A%B3 Wang");
    assert_eq!(stage.second.last().header("host"), stage.second_authority);
    let owners = ["a.localhost", "b.localhost"].map(|host| browser.cookie_header(host));
    assert!(owners.iter().all(|cookies| cookies.contains("wxgate=")) && owners[0] != owners[1]);
    assert_eq!(browser.open(&stage.url("/")).await.status, StatusCode::OK, "signed in on the first as well");
    assert_eq!(stage.gateway.wechat.exchanges(), 1);
}

pub(crate) async fn one_cookie_serves_a_whole_domain(proxy: Proxy) {
    let stage = Stage::before_a_domain(proxy).await;
    let mut browser = stage.browser();
    stage.gateway.wechat.script().consent(Consent::Allow(PERSON.to_owned()));
    let page = stage.second_url("/members/x?a=1&b=2");
    let (end, answer) = browser.follow(&page).await;
    assert_eq!((end, answer.status), (page, StatusCode::OK));
    let arrived = stage.second.last();
    assert_eq!(arrived.header("remote-name"), "%E7%8E%8B%E8%8A%B3 Wang");
    assert_eq!(arrived.all("cookie").concat(), "");
    let session = browser.cookies.keys().find(|(_, name)| name == "wxgate");
    assert_eq!(session.unwrap().0, ".shared.test");
    assert_eq!(browser.open(&stage.url("/")).await.status, StatusCode::OK);
    assert_eq!(browser.submit(&stage.second_url("/_wxgate/logout"), "").await.status, StatusCode::OK);
    for url in [stage.url("/"), stage.second_url("/members")] {
        assert_eq!(browser.fetch(&url).await.status, StatusCode::UNAUTHORIZED, "{url}");
    }
}

pub(crate) async fn a_host_may_be_for_logins_alone(proxy: Proxy) {
    let stage = Stage::before_a_domain_with_a_login_host(proxy).await;
    let mut browser = stage.browser();
    stage.gateway.wechat.script().consent(Consent::Allow(PERSON.to_owned()));
    let page = stage.second_url("/members/x?a=1&b=2");
    let (end, answer) = browser.follow(&page).await;
    assert_eq!((end, answer.status), (page, StatusCode::OK));
    assert_eq!(stage.second.last().header("remote-name"), "%E7%8E%8B%E8%8A%B3 Wang");
    for path in ["/", "/public"] {
        let answer = browser.open(&stage.url(path)).await;
        assert!(answer.status.is_client_error() || answer.body.is_empty(), "{path}: {}", answer.status);
    }
    assert_eq!(browser.submit(&stage.url("/_wxgate/logout"), "").await.status, StatusCode::OK);
    assert_eq!(browser.fetch(&stage.second_url("/members")).await.status, StatusCode::UNAUTHORIZED);
    assert!(stage.application.take().is_empty());
}

pub(crate) async fn a_session_in_use_is_renewed_beside_the_applications_cookies(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let due = session_of_three_hours(Scheme::Http, &stage.gateway.somebody().await);
    let mut browser = stage.browser();
    let headers = [("accept", "*/*"), ("cookie", due.as_str())];
    for path in ["/set-cookie", "/set-cookie?x", "/", "/public/open", "/api/x", "/closed"] {
        let answer = browser.send(Method::GET, &stage.url(path), &headers, "").await;
        let closed = path == "/closed";
        assert_eq!(answer.status, if closed { 403 } else { 200 }, "{path}: {}", answer.text());
        let lines = answer.all("set-cookie");
        let renewed: Vec<_> = lines.iter().filter(|line| line.starts_with("wxgate=")).collect();
        assert!(renewed.len() == 1 || closed && renewed.is_empty(), "{path}: {lines:?}");
        for line in renewed {
            let (pair, attributes) = line.split_once("; ").unwrap();
            let mut attributes: Vec<_> = attributes.split("; ").collect();
            attributes.sort_unstable();
            assert_eq!(attributes, ["HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax"]);
            let headers = [("accept", "*/*"), ("cookie", pair)];
            let again = stage.browser().send(Method::GET, &stage.url("/"), &headers, "").await;
            assert_eq!((again.status, again.all("set-cookie").len()), (StatusCode::OK, 0));
        }
        let theirs = ["theirs=1; Path=/", "application=kept"].map(|line| lines.contains(&line));
        assert_eq!(theirs, [path.starts_with("/set-cookie"); 2], "{path}: {lines:?}");
    }
}

pub(crate) async fn a_person_signs_out(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let mut browser = stage.signed_in(PERSON).await;
    let copied = browser.clone();
    let url = stage.url("/_wxgate/logout");
    let page = browser.open(&url).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html().contains(PERSON) && page.html().contains("action=\"/_wxgate/logout\""));
    assert_eq!(browser.open(&stage.url("/")).await.status, StatusCode::OK, "asking does not sign out");
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")];
    assert_eq!(browser.send(Method::POST, &url, &foreign, "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.open(&stage.url("/")).await.status, StatusCode::OK, "nor does another site");

    let page = browser.submit(&url, "").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert_eq!(browser.cookie("wxgate"), None);
    stage.application.take();
    for mut browser in [browser, copied] {
        assert_eq!(browser.fetch(&stage.url("/")).await.status, StatusCode::UNAUTHORIZED);
        let answer = browser.open(&stage.url("/x?y=1")).await;
        assert_eq!(answer.status, StatusCode::FOUND);
        let ways = ["/_wxgate/login?to=", "/connect/qrconnect?"];
        assert!(ways.iter().any(|way| answer.location().contains(way)), "{}", answer.location());
    }
    assert_eq!(stage.count(), 0);
}

/// Where visitors see the gateway's answers to checks whole, its pages need no way of their own.
async fn checks_alone_let_people_in_and_out(proxy: Proxy) {
    let stage = Stage::before_checks_alone(proxy).await;
    let mut browser = stage.browser();
    for page in [stage.url("/reports?year=2026&q=a%20b"), stage.second_url("/members/x?a=1&b=2")] {
        stage.gateway.wechat.script().consent(Consent::Allow(PERSON.to_owned()));
        let (end, answer) = browser.follow(&page).await;
        assert_eq!((end, answer.status), (page, StatusCode::OK), "{}", answer.text());
    }
    assert_eq!(stage.application.last().header("remote-name"), "%E7%8E%8B%E8%8A%B3 Wang");
    assert_eq!(stage.gateway.wechat.exchanges(), 1);
    let url = stage.url("/_wxgate/logout");
    assert!(browser.open(&url).await.html().contains("action=\"/_wxgate/logout\""));
    browser.submit(&url, "").await;
    assert_eq!(browser.fetch(&stage.url("/")).await.status, StatusCode::UNAUTHORIZED);
    stage.gateway.log_line(&["/_wxgate/logout", &format!("\"check\":\"{}\"", proxy.name())]);
    for path in ["/_wxgate/auth/nginx", "/_wxgate/auth/traefik", "/_wxgate/auth/envoy/public", "/_wxgate/x"] {
        assert_eq!(browser.open(&stage.url(path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn checks_alone_traefik() {
    checks_alone_let_people_in_and_out(Proxy::Traefik).await;
}

#[tokio::test]
async fn checks_alone_caddy() {
    checks_alone_let_people_in_and_out(Proxy::Caddy).await;
}

#[tokio::test]
async fn checks_alone_envoy() {
    checks_alone_let_people_in_and_out(Proxy::Envoy).await;
}
