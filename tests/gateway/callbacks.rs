//! WeChat sends the browser back: once, twice, late, without cookies, to the wrong browser, or with an error.

use std::time::Duration;

use http::header::HeaderMap;
use http::{Method, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use url::Url;
use wxgate::login::{Aim, Attempt, Attempts, Channel, Stage};
use wxgate::model::clock;
use wxgate::model::own_cookie::CookieScope;
use wxgate::model::secret::Secret;
use wxgate::model::visit::Scheme;
use wxgate::seal::KeyRing;
use wxgate::wechat::simulator::{Consent, Delivery, Fault, ProfileVariant, SnapshotProfile};

use crate::support::people::operator;
use crate::support::{Answer, Browser, Port, Setup, TestGateway, WECHAT, eventually};

const SECRET: &str = "a-session-secret-that-tests-know-0123456789";

#[tokio::test]
async fn a_callback_without_its_own_browsers_state_never_spends_the_code() {
    let gateway = TestGateway::start().await;
    let mut other = gateway.browser();
    let foreign = other.callback(&gateway, "Lin", "/").await;
    let (code, foreign_state) = code_and_state(&foreign);
    let mut browser = gateway.browser();
    let own = browser.callback(&gateway, "Lin", "/").await;
    let (own_code, own_state) = code_and_state(&own);
    let zeros = "0".repeat(32);
    for query in [
        String::new(),
        "?".to_owned(),
        format!("?code={code}"),
        format!("?code={code}&state="),
        format!("?code={code}&state={zeros}"),
        format!("?code={code}&state={foreign_state}"),
        format!("?code={code}&state={}", own_state.to_uppercase()),
        format!("?code={code}&state={own_state}x"),
        format!("?code={code}&state={}", &own_state[..31]),
        format!("?code={code}&state=%00"),
        format!("?code={code}&state=%ff"),
        format!("?code={code}&state={}", "a".repeat(4000)),
        format!("?code={own_code}&state={foreign_state}&state={own_state}"),
        format!("?code={own_code}&state={own_state}&state={own_state}"),
        format!("?code={own_code}&state[]={own_state}"),
        format!("?code={own_code}&STATE={own_state}"),
    ] {
        for mut visitor in [browser.clone(), gateway.browser()] {
            let answer = visitor.open(&gateway.url(&format!("/_wxgate/callback{query}"))).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
            assert!(answer.text().contains("</html>"), "{query}");
            assert!(!visitor.is_signed_in(&gateway).await, "{query}");
        }
    }
    assert_eq!(gateway.wechat.exchanges(), 0);
    assert_eq!(browser.open(&own).await.status, StatusCode::SEE_OTHER, "the login under way is unharmed");
    assert!(browser.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn a_code_given_twice_is_no_code() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let (code, state) = code_and_state(&callback);
    let answer =
        browser.open(&gateway.url(&format!("/_wxgate/callback?code={code}&code={code}&state={state}"))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(gateway.wechat.exchanges(), 0);
    assert!(!browser.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn an_attackers_callback_does_not_sign_a_victim_in_as_the_attacker() {
    let gateway = TestGateway::start().await;
    let planted = gateway.browser().callback(&gateway, "Lin", "/").await;
    let mut victim = gateway.browser();
    let answer = victim.open(&planted).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let mut signing_in = gateway.browser();
    let own = signing_in.callback(&gateway, "王芳 Wang", "/").await;
    assert_eq!(
        signing_in.open(&planted).await.status,
        StatusCode::BAD_REQUEST,
        "with a login of its own too"
    );
    signing_in.open(&own).await;
    let mut signed_in = signing_in.clone();
    assert_eq!(signed_in.open(&planted).await.location(), "/", "a session makes it a plain redirect");
    for browser in [&mut signing_in, &mut signed_in] {
        let me = browser.fetch(&gateway.url("/_wxgate/me")).await.json();
        assert_eq!(me["name"], "王芳 Wang");
    }
    assert_eq!(gateway.wechat.exchanges(), 1);
}

#[tokio::test]
async fn the_callback_that_comes_twice_signs_in_once() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/reports").await;
    gateway.wechat.script().next_exchange(Fault::Slow(Duration::from_millis(100)));
    let (mut first, mut second, mut third) = (browser.clone(), browser.clone(), browser.clone());
    let answers = tokio::join!(first.open(&callback), second.open(&callback), third.open(&callback));
    for answer in [answers.0, answers.1, answers.2] {
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/reports"));
    }
    for browser in [&mut first, &mut second, &mut third] {
        assert!(browser.is_signed_in(&gateway).await);
    }
    let answer = browser.open(&callback).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/reports"),
        "its cookies were lost"
    );
    assert_eq!(gateway.wechat.exchanges(), 1);
}

#[tokio::test]
async fn a_callback_whose_connection_was_lost_finds_its_outcome_when_it_comes_again() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/reports").await;
    gateway.wechat.script().next_exchange(Fault::Slow(Duration::from_millis(200)));
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let path = callback.strip_prefix("http://a.localhost").unwrap();
    let cookies = browser.cookie_header("a.localhost");
    let request = format!("GET {path} HTTP/1.1\r\nhost: a.localhost\r\ncookie: {cookies}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    eventually("the exchange", async || gateway.wechat.exchanges() == 1).await;
    drop(stream);
    let answer = browser.open(&callback).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/reports"));
    assert!(browser.is_signed_in(&gateway).await);
    assert_eq!(gateway.wechat.exchanges(), 1);
}

#[tokio::test]
async fn tencents_fetcher_without_cookies_cannot_burn_the_code() {
    for delivery in [Delivery::FetchedBefore, Delivery::FetchedInParallel] {
        let gateway = TestGateway::start().await;
        gateway.wechat.script().delivery(delivery);
        gateway.browser().sign_in(&gateway, "Lin", "/by-qr").await;
        let mut phone = gateway.browser_as(WECHAT);
        let (end, _) = phone.follow(&gateway.url("/_wxgate/login?way=wechat&to=/in-app")).await;
        assert_eq!(end, gateway.url("/in-app"));
        assert_eq!(gateway.wechat.exchanges(), 2, "one for each login");
        eventually("the fetcher's answer", async || {
            let early = gateway.wechat.early_deliveries();
            early.len() == 2 && early.iter().all(|delivery| delivery.status == Some(400))
        })
        .await;
    }
}

#[tokio::test]
async fn the_back_button_after_signing_in_just_goes_on() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/reports").await;
    browser.open(&callback).await;
    for _ in 0..3 {
        let answer = browser.open(&callback).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/reports"));
    }
    browser.cookies.retain(|(_, name), _| !name.starts_with("wxgate-login-"));
    assert_eq!(browser.open(&callback).await.location(), "/", "long afterwards");
    assert_eq!(gateway.wechat.exchanges(), 1);
}

#[tokio::test]
async fn a_code_that_was_spent_opens_no_second_browser() {
    let gateway = TestGateway::start().await;
    let mut victim = gateway.browser();
    let callback = victim.callback(&gateway, "王芳 Wang", "/").await;
    victim.open(&callback).await;
    let (code, _) = code_and_state(&callback);
    let mut attacker = gateway.browser();
    let (_, own_state) = code_and_state(&attacker.callback(&gateway, "Lin", "/").await);
    let stolen = gateway.url(&format!("/_wxgate/callback?code={code}&state={own_state}"));
    attacker.open(&stolen).await;
    assert!(!attacker.is_signed_in(&gateway).await, "a code is good for the login it was given to");
    assert!(gateway.wechat.calls().iter().any(|call| call.errcode == 40163), "WeChat itself refuses it");
}

#[tokio::test]
async fn the_callback_leaves_no_trace_in_history_caches_and_referers() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/reports").await;
    for answer in [browser.open(&callback).await, gateway.browser().open(&callback).await] {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(!answer.text().contains(&code_and_state(&callback).0), "no code on the page");
    }
    let answer = browser.open(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.all("set-cookie").len(), 0, "nothing is given twice");
    for other in [Method::HEAD, Method::POST, Method::PUT] {
        let answer = browser.send(other, &callback, &[], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(gateway.wechat.exchanges(), 1);
}

#[tokio::test]
async fn a_refusal_is_a_friendly_page_and_spends_the_attempt() {
    let gateway = TestGateway::start().await;
    for (query, language) in
        [("", "zh-CN"), ("&error=access_denied", "en"), ("&code=", "en"), ("&code=%0d%0a", "en")]
    {
        let mut browser = gateway.browser();
        browser.language = Some(language);
        let callback = browser.callback(&gateway, "Lin", "/").await;
        let (code, state) = code_and_state(&callback);
        let answer = browser.open(&gateway.url(&format!("/_wxgate/callback?state={state}{query}"))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{query}");
        let words = if language == "en" {
            "Signing in needs your permission"
        } else {
            "需要你的允许才能登录"
        };
        assert!(answer.html().contains(words), "{}", answer.html());
        let late = browser.open(&gateway.url(&format!("/_wxgate/callback?code={code}&state={state}"))).await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST, "the attempt is over");
    }
    assert_eq!(gateway.wechat.exchanges(), 0);
    gateway.wechat.script().consent(Consent::RefuseWithState);
    let (_, answer) = gateway.browser().follow(&gateway.url("/")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_port_in_the_address_is_no_cause_of_a_missing_cookie() {
    let public_url = Some("http://a.localhost:8480".to_owned());
    let gateway = TestGateway::with(Setup { public_url, ..Setup::default() }).await;
    let state = "0123456789abcdef".repeat(2);
    let callback = format!("http://a.localhost:8480/_wxgate/callback?code=x&state={state}&lang=en");
    let answer = gateway.browser().open(&callback).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!answer.html().contains("You opened a different address"), "{}", answer.html());
}

#[tokio::test]
async fn a_flood_of_codes_for_one_attempt_is_not_sent_to_wechat() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let (_, state) = code_and_state(&browser.callback(&gateway, "Lin", "/").await);
    gateway.wechat.script().exchange(Fault::Errcode(40125));
    let attempts = (0..40).map(|number| {
        let url = gateway.url(&format!("/_wxgate/callback?code=made-up-{number}&state={state}"));
        let mut browser = browser.clone();
        async move { browser.open(&url).await.status }
    });
    for status in futures_util::future::join_all(attempts).await {
        assert!(matches!(status.as_u16(), 500 | 503), "{status}");
    }
    assert!(gateway.wechat.exchanges() <= 4, "{}", gateway.wechat.exchanges());
}

#[tokio::test]
async fn a_login_that_failed_leads_to_the_page_wanted_and_spends_nothing_when_reloaded() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    gateway.wechat.script().consent(Consent::RefuseWithState);
    let (callback, refused) = browser.follow(&gateway.url("/reports?year=2026")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let again = gateway.url("/_wxgate/login?to=/reports?year=2026");
    assert!(refused.links().contains(&again), "{}", refused.html());
    let reloaded = browser.open(&callback).await;
    assert_eq!(reloaded.status, StatusCode::BAD_REQUEST);
    assert!(reloaded.links().contains(&again), "{}", reloaded.html());
    assert!(!gateway.log().contains("went round in a circle"));

    gateway.wechat.script().next_exchange(Fault::Errcode(40125));
    let callback = browser.callback(&gateway, "Lin", "/reports").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(browser.open(&callback).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(gateway.wechat.exchanges(), 1, "the code is not sent again");
}

#[tokio::test]
async fn an_attempt_that_is_forged_or_too_old_begins_anew() {
    let tables = format!("[session]\nsecret = \"{SECRET}\"");
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let mut browser = gateway.browser();
    let (code, _) = code_and_state(&browser.callback(&gateway, "Lin", "/").await);

    let scope = CookieScope { scheme: Scheme::Http, domain: None };
    let sealed = |secret: &str, host: &str, age: i64| {
        let ring = KeyRing::new(Secret::new(secret.to_owned()), Vec::new()).unwrap();
        let now = clock::now().as_unix();
        let attempt = Attempt {
            state: [0; 16],
            channel: Channel::Qr,
            return_host: None,
            return_path: "/".to_owned(),
            handoff: None,
            begun: clock::Timestamp::from_unix(now - age),
            round: 0,
            stage: Stage::Open,
            aim: Aim::SignIn,
        };
        let (state, cookies) =
            Attempts::new(&scope, host.to_owned(), &ring).begin(attempt, &HeaderMap::new());
        let pair = cookies[0].as_str().split(';').next().unwrap().to_owned();
        (state, pair)
    };
    for (what, (state, pair)) in [
        ("too old", sealed(SECRET, "a.localhost", 601)),
        ("another key", sealed("another-secret-0123456789-0123456789", "a.localhost", 0)),
        ("another host", sealed(SECRET, "b.localhost", 0)),
    ] {
        let url = gateway.url(&format!("/_wxgate/callback?code={code}&state={state}"));
        let mut other = gateway.browser();
        let answer = other.open_with(&url, &[("cookie", &pair)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
        let login = gateway.url("/_wxgate/login");
        assert!(answer.links().iter().any(|link| link.starts_with(&login)), "{what}: {}", answer.html());
    }
    let (state, pair) = sealed(SECRET, "a.localhost", 0);
    let (name, value) = pair.split_once('=').unwrap();
    for forged in
        [&value[..value.len() - 1], &value.replace("v1.", "v2."), "", "v1", "v1..", &"A".repeat(3000)]
    {
        let url = gateway.url(&format!("/_wxgate/callback?code={code}&state={state}"));
        let answer = gateway.browser().open_with(&url, &[("cookie", &format!("{name}={forged}"))]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{forged}");
    }
    assert_eq!(gateway.wechat.exchanges(), 0);
    let url = gateway.url(&format!("/_wxgate/callback?code={code}&state={state}"));
    let answer = gateway.browser().open_with(&url, &[("cookie", &pair)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "the same by its own key, in time, is good");
}

#[tokio::test]
async fn a_code_of_one_app_is_no_code_of_the_other() {
    let gateway = TestGateway::start().await;
    let mut phone = gateway.browser_as(WECHAT);
    let in_app = phone.callback(&gateway, "Lin", "/_wxgate/login?way=wechat&to=/").await;
    let mut browser = gateway.browser();
    let by_qr = browser.callback(&gateway, "Lin", "/").await;
    let (code, _) = code_and_state(&in_app);
    let (_, state) = code_and_state(&by_qr);
    let answer = browser.open(&gateway.url(&format!("/_wxgate/callback?code={code}&state={state}"))).await;
    assert!(answer.location().contains("/connect/qrconnect?appid=wxwebsite"), "{}", answer.location());
    assert!(!browser.is_signed_in(&gateway).await);
    let call = gateway.wechat.calls().pop().unwrap();
    assert_eq!((call.app_id.as_str(), call.errcode), ("wxwebsite", 40029), "the state's app asks");
}

#[tokio::test]
async fn a_snapshot_pages_virtual_user_is_nobody() {
    let gateway = TestGateway::start().await;
    for profile in [SnapshotProfile::FakeData, SnapshotProfile::Refused] {
        gateway.wechat.script().snapshot(true).snapshot_profile(profile);
        let mut phone = gateway.browser_as(WECHAT);
        let callback = phone.callback(&gateway, "Lin", "/_wxgate/login?way=wechat&to=/").await;
        let answer = phone.open(&callback).await;
        assert_eq!(answer.status, StatusCode::OK, "no redirect: it would go round for ever");
        assert!(answer.html().contains("使用完整服务"));
        assert!(!phone.is_signed_in(&gateway).await);
    }
    for flag in ["1", "\"1\"", "true", "\"true\"", "2", "[1]"] {
        let body = format!(r#"{{"access_token":"T","openid":"oABC","is_snapshotuser":{flag}}}"#);
        gateway.wechat.script().next_exchange(Fault::body(body));
        let mut browser = gateway.browser();
        let callback = browser.callback(&gateway, "Lin", "/").await;
        assert!(browser.open(&callback).await.html().contains("使用完整服务"), "{flag}");
        assert!(!browser.is_signed_in(&gateway).await, "{flag}");
    }
    let profiles = gateway.wechat.calls().iter().filter(|call| call.path == "/sns/userinfo").count();
    assert_eq!(profiles, 0, "nothing more is asked about a virtual user");
}

#[tokio::test]
async fn every_errcode_that_is_not_the_visitors_doing_names_itself_to_the_administrator() {
    let gateway = TestGateway::start().await;
    for code in [
        40001, 40002, 40013, 40125, 40164, 40243, 41001, 41002, 41003, 41004, 41005, 41009, 43001, 43002,
        43003, 48001, 48004, 50005, 61004, 89503, 99999, -2,
    ] {
        let page = refused_with(&gateway, code, "en", 1).await;
        assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR, "{code}");
        let html = page.html();
        assert!(
            html.contains("Signing in needs the administrator") && html.contains(&code.to_string()),
            "{html}"
        );
        let line = log_of(&gateway, &page, &[&format!("\"errcode\":{code}")]);
        assert_eq!(line["level"], "ERROR", "{line}");
        assert!(line["errmsg"].as_str().unwrap().contains("rid: "), "{line}");
        assert!(!line["advice"].as_str().unwrap().is_empty(), "{line}");
    }
    let page = refused_with(&gateway, 40125, "zh-CN", 1).await;
    assert!(page.html().contains("微信登录需要管理员处理"));
}

#[tokio::test]
async fn errcodes_of_a_busy_wechat_and_a_restricted_person_have_pages_of_their_own() {
    let gateway = TestGateway::start().await;
    for (codes, status, english, chinese) in [
        (&[-1, 45011][..], 503, "WeChat is not responding", "微信暂时没有响应"),
        (&[45009], 503, "midnight, Beijing time", "北京时间零点"),
        (&[40226, 50002], 403, "WeChat has restricted this account", "此微信账号被微信限制"),
        (&[41008], 403, "Signing in needs your permission", "需要你的允许才能登录"),
    ] {
        for code in codes {
            for (language, words) in [("en", english), ("zh", chinese)] {
                let page = refused_with(&gateway, *code, language, 1).await;
                assert_eq!(page.status.as_u16(), status, "{code}");
                assert!(page.html().contains(words), "{code}: {}", page.html());
                let line = log_of(&gateway, &page, &[&format!("\"errcode\":{code}")]);
                assert!(line["errmsg"].as_str().unwrap().contains("rid: "), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn errcodes_that_ask_for_another_authorization_go_round_once_and_then_explain() {
    let gateway = TestGateway::start().await;
    for code in [40003, 40014, 40029, 40030, 40163, 42001, 42002, 42003, 42007, 50001] {
        for (language, words) in [("en", "Your sign-in took too long"), ("zh", "登录已超时")] {
            let page = refused_with(&gateway, code, language, 2).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{code}");
            assert!(page.html().contains(words), "{code}: {}", page.html());
            log_of(&gateway, &page, &[&format!("\"errcode\":{code}"), "rid: "]);
        }
        gateway.wechat.script().well().next_exchange(Fault::Errcode(code));
        gateway.browser().sign_in(&gateway, "Lin", "/the/same/place?kept=yes").await;
    }
    for code in [40001, 40014, 42001, 42007] {
        gateway.wechat.script().next_profile(Fault::Errcode(code));
        gateway.browser().sign_in(&gateway, "Lin", "/after/a/profile").await;
    }
}

#[tokio::test]
async fn a_restart_inside_wechat_asks_the_official_account_again() {
    let gateway = TestGateway::start().await;
    gateway.wechat.script().next_exchange(Fault::Errcode(40029));
    let mut phone = gateway.browser_as(WECHAT);
    let callback = phone.callback(&gateway, "Lin", "/_wxgate/login?way=wechat&to=/x").await;
    let answer = phone.open(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let location = answer.location();
    assert!(location.contains("/connect/oauth2/authorize?appid=wxaccount&"), "{location}");
    assert!(
        location.contains("&scope=snsapi_userinfo&") && location.ends_with("#wechat_redirect"),
        "{location}"
    );
    let (end, _) = phone.follow(location).await;
    assert_eq!(end, gateway.url("/x"));
}

#[tokio::test]
async fn an_answer_that_is_none_signs_nobody_in_and_is_not_asked_for_twice() {
    let gateway = TestGateway::start().await;
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000)).into_bytes();
    let good = |openid: &str| format!(r#"{{"access_token":"T","openid":{openid},"scope":"snsapi_login"}}"#);
    let padded = format!(r#"{{"padding":"{}","access_token":"T","openid":"oABC"}}"#, " ".repeat(70_000));
    let faults = [
        Fault::body("<html><body>busy</body></html>"),
        Fault::body(""),
        Fault::body("[]"),
        Fault::body("{}"),
        Fault::body("\"\""),
        Fault::body("null"),
        Fault::body("42"),
        Fault::body(good("null")),
        Fault::body(good("\"\"")),
        Fault::body(good("12345")),
        Fault::body(good("[\"oABC\"]")),
        Fault::body(good("\"o\\r\\nSet-Cookie: a=b\"")),
        Fault::body(good("\"o ABC\"")),
        Fault::body(good("\"o\\u0000ABC\"")),
        Fault::body(good(&format!("\"{}\"", "o".repeat(5000)))),
        Fault::body(r#"{"openid":"oABC"}"#),
        Fault::body(r#"{"errcode":0,"errmsg":"ok"}"#),
        Fault::body(good("\"oABC\"").replace('}', "")),
        Fault::body(padded),
        Fault::body(vec![b'a'; 10 << 20]),
        Fault::body(vec![0xff; 2000]),
        Fault::body(deep("[", "]")),
        Fault::body(deep("{\"a\":", "}")),
        Fault::Body { status: 204, content_type: "text/plain".to_owned(), body: Vec::new() },
        Fault::Body { status: 302, content_type: "text/html".to_owned(), body: b"moved".to_vec() },
        Fault::HtmlBadGateway,
        Fault::CutShort,
        Fault::Truncated,
        Fault::ResetAfterConsuming,
    ];
    for fault in faults {
        let name = format!("{fault:?}").chars().take(120).collect::<String>();
        gateway.wechat.script().next_exchange(fault);
        let mut browser = gateway.browser();
        browser.language = Some("en");
        let callback = browser.callback(&gateway, "Lin", "/").await;
        let before = gateway.wechat.exchanges();
        let page = browser.open(&callback).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert!(page.html().contains("WeChat is not responding"), "{name}");
        assert!(!browser.is_signed_in(&gateway).await, "{name}");
        browser.open(&callback).await;
        assert_eq!(gateway.wechat.exchanges(), before + 1, "{name}");
        log_of(&gateway, &page, &["\"level\":\"WARN\""]);
    }
}

#[tokio::test]
async fn the_content_type_of_an_answer_does_not_matter() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let body =
        br#"{"access_token":"T","openid":"oABC","is_snapshotuser":0,"extra":{"deep":[1,{"er":null}]}}"#;
    gateway.wechat.script().every_profile(Fault::body("{}"));
    for content_type in
        ["text/plain", "text/html; charset=gbk", "application/json; encoding=utf-8", "image/png"]
    {
        let content_type = content_type.to_owned();
        let fault = Fault::Body { status: 200, content_type, body: body.to_vec() };
        gateway.wechat.script().next_exchange(fault);
        browser.cookies.clear();
        browser.sign_in(&gateway, "Lin", "/").await;
        assert_eq!(gateway.upstream.last().all("x-wechat-openid"), ["oABC"]);
    }
}

#[tokio::test]
async fn a_slow_wechat_is_not_waited_for() {
    let wechat = "timeout = \"1s\"".to_owned();
    let gateway = TestGateway::with(Setup { wechat, ..Setup::default() }).await;
    gateway.wechat.script().next_exchange(Fault::Slow(Duration::from_secs(3600)));
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let mut member = gateway.browser();
    let began = clock::instant();
    let page = browser.open(&callback).await;
    let usual = Duration::from_secs(5);
    assert!(began.elapsed() < usual, "what is configured counts: {:?}", began.elapsed());
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    browser.open(&callback).await;
    assert_eq!(gateway.wechat.exchanges(), 1, "the code has left: it is not sent again");
    member.sign_in(&gateway, "Lin", "/").await;
}

#[tokio::test]
async fn without_any_wechat_people_who_are_in_stay_in_and_others_are_told() {
    let nobody = Port::reserve();
    let setup = Setup { api_base: Some(format!("http://127.0.0.1:{}", nobody.number)), ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    let mut browser = gateway.browser();
    browser.language = Some("en");
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.html().contains("WeChat is not responding"));
    let line = log_of(&gateway, &page, &["WeChat could not be asked"]).to_string();
    assert!(!line.contains("secret=") && !line.contains("/sns/"), "{line}");
    let (status, metrics) = gateway.admin("/metrics").await;
    assert_eq!(status, 200);
    let line = "wxgate_wechat_requests_total{api=\"sns/oauth2/access_token\",errcode=\"unreachable\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn without_a_readable_profile_people_sign_in_without_a_name() {
    let wechat = "timeout = \"1s\"".to_owned();
    let gateway = TestGateway::with(Setup { wechat, ..Setup::default() }).await;
    for fault in [
        Fault::HtmlBadGateway,
        Fault::CutShort,
        Fault::Truncated,
        Fault::ResetAfterConsuming,
        Fault::Errcode(-1),
        Fault::Errcode(45009),
        Fault::Errcode(45011),
        Fault::Slow(Duration::from_secs(60)),
        Fault::body("[]"),
        Fault::body("{}"),
        Fault::body("null"),
        Fault::body(r#"{"openid":"somebody else","nickname":"Mallory"}"#),
        Fault::body(vec![b'x'; 1 << 20]),
    ] {
        gateway.wechat.script().every_profile(fault.clone());
        let before = gateway.wechat.exchanges();
        gateway.browser().sign_in(&gateway, "Lin", "/").await;
        let seen = gateway.upstream.last();
        assert_eq!(seen.all("remote-name"), [""], "{fault:?}");
        assert_eq!(seen.all("x-wechat-avatar"), [""], "{fault:?}");
        assert_eq!(seen.all("x-wechat-openid").len(), 1, "{fault:?}");
        assert_eq!(gateway.wechat.exchanges(), before + 1, "{fault:?}");
    }
    gateway.wechat.script().well().next_profile(Fault::Errcode(-1));
    gateway.browser().sign_in(&gateway, "Lin", "/").await;
    assert_eq!(gateway.upstream.last().all("remote-name"), ["Lin"], "a busy moment is tried over once");
}

#[tokio::test]
async fn names_and_pictures_arrive_as_messy_as_wechat_has_them() {
    for variant in ProfileVariant::ALL {
        // A gateway that has never heard of Lin: a name that is missing does not take away one that was known.
        let gateway = TestGateway::start().await;
        gateway.wechat.script().profile("Lin", variant);
        gateway.browser().sign_in(&gateway, "Lin", "/").await;
        let seen = gateway.upstream.last();
        let [name, avatar, openid] = ["remote-name", "x-wechat-avatar", "x-wechat-openid"].map(|header| {
            let values = seen.all(header);
            assert_eq!(values.len(), 1, "{header} with {variant:?}");
            percent_encoding::percent_decode_str(&values[0]).decode_utf8().unwrap().into_owned()
        });
        assert_eq!(openid, gateway.wechat.person("Lin").unwrap().openid("wxwebsite"), "{variant:?}");
        match variant {
            ProfileVariant::Emoji => assert_eq!(name, "🐼👩‍👩‍👧‍👦🇨🇳"),
            ProfileVariant::HugeNickname => {
                assert!(name.len() <= 128 && name.chars().all(|c| c == '长'), "{name}")
            }
            ProfileVariant::InvalidUtf8 => assert!(!name.contains(char::REPLACEMENT_CHARACTER), "{name}"),
            ProfileVariant::BrokenEscape | ProfileVariant::EmptyNickname | ProfileVariant::PrivateUse => {
                assert_eq!(name, "", "{variant:?}")
            }
            ProfileVariant::NicknameSaysErrcode => assert_eq!(name, r#"{"errcode":40029}"#),
            ProfileVariant::RawControlByte => assert_eq!(name, "a b"),
            _ => assert_eq!(name, "Lin", "{variant:?}"),
        }
        assert!(avatar.is_empty() || avatar.starts_with("https://"), "{variant:?}: {avatar}");
    }
}

#[tokio::test]
async fn a_required_unionid_that_is_missing_lets_nobody_in() {
    let wechat = "require_unionid = true".to_owned();
    let setup = Setup { wechat, without_unionid: true, ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    let mut browser = gateway.browser();
    browser.language = Some("en");
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.html().contains("UnionID"), "{}", page.html());
    assert!(!browser.is_signed_in(&gateway).await);
    log_of(&gateway, &page, &["require_unionid"]);
}

#[tokio::test]
async fn a_browser_that_loses_its_session_twice_is_not_sent_round_again() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    browser.language = Some("en");
    for _ in 0..2 {
        browser.sign_in(&gateway, "Lin", "/").await;
        browser.lose("wxgate");
    }
    let (end, page) = browser.follow(&gateway.url("/reports")).await;
    assert_eq!(end, gateway.url("/_wxgate/login?to=/reports"), "no more redirects to WeChat");
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.html().contains("Signing in keeps failing"), "{}", page.html());
    log_of(&gateway, &page, &["login went round in a circle"]);
    assert_eq!(gateway.wechat.exchanges(), 2);
}

#[tokio::test]
async fn signing_out_and_in_again_is_no_loop() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    for _ in 0..4 {
        browser.sign_in(&gateway, "Lin", "/").await;
        assert_eq!(browser.submit(&gateway.url("/_wxgate/logout"), "").await.status, StatusCode::OK);
    }
    assert_eq!(gateway.wechat.exchanges(), 4);
}

#[tokio::test]
async fn signing_out_of_another_host_and_in_again_is_no_loop_either() {
    let tables = "[[routes]]\nhost = \"b.localhost\"\n".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let mut browser = gateway.browser();
    let page = "http://b.localhost/";
    for round in 0..3 {
        gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
        let (end, answer) = browser.follow(page).await;
        assert_eq!((end.as_str(), answer.status), (page, StatusCode::OK), "{round}: {}", answer.text());
        let left = browser.submit("http://b.localhost/_wxgate/logout", "").await;
        assert_eq!(left.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn somebody_whose_session_an_administrator_ends_again_and_again_can_sign_in() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    for _ in 0..2 {
        browser.sign_in(&gateway, "Lin", "/").await;
        let id = browser.member_id(&gateway).await;
        gateway.directory().await.end_sessions(&operator(), &id).await.unwrap();
        eventually("the session has ended", async || !browser.is_signed_in(&gateway).await).await;
    }
    browser.sign_in(&gateway, "Lin", "/").await;
    assert!(browser.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn a_cookie_that_does_not_come_back_is_explained_with_its_cause() {
    for (public_url, words) in [
        ("http://a.localhost", "Allow cookies for this site"),
        ("https://a.test", "was not opened with https"),
    ] {
        let public_url = Some(public_url.to_owned());
        let gateway = TestGateway::with(Setup { public_url, ..Setup::default() }).await;
        let mut browser = gateway.browser();
        gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
        let host = if words.contains("https") { "https://a.test" } else { "http://a.localhost" };
        let sent = browser.open(&format!("{host}/_wxgate/login?to=/")).await;
        let callback = browser.open(sent.location()).await.location().to_owned();
        browser.cookies.clear();
        browser.language = Some("en");
        let page = browser.open(&callback).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        let html = page.html();
        assert!(html.contains("did not bring the sign-in back") && html.contains(words), "{html}");
        let line = log_of(&gateway, &page, &["login went round in a circle"]).to_string();
        assert!(line.contains("public_url"), "{line}");
    }
}

/// Signs in while every exchange is answered with `code`, checks that there were just so many of them, and gives the
/// page at the end.
async fn refused_with(gateway: &TestGateway, code: i64, language: &'static str, exchanges: usize) -> Answer {
    gateway.wechat.script().exchange(Fault::Errcode(code));
    let mut browser: Browser = gateway.browser();
    browser.language = Some(language);
    let before = gateway.wechat.exchanges();
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let (_, page) = browser.follow(&gateway.url("/reports")).await;
    assert_eq!(gateway.wechat.exchanges() - before, exchanges, "{code}");
    assert!(!browser.is_signed_in(gateway).await, "{code}");
    gateway.wechat.script().well();
    page
}

/// The log line of this page's request that holds all `words`.
fn log_of(gateway: &TestGateway, page: &Answer, words: &[&str]) -> serde_json::Value {
    let id = page.header("x-request-id");
    assert!(page.html().contains(id), "the page names its request");
    let line = gateway.log_line(&[&[id], words].concat());
    serde_json::from_str(&line).unwrap()
}

fn code_and_state(callback: &str) -> (String, String) {
    let url = Url::parse(callback).unwrap();
    let value = |name: &str| url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
    (value("code"), value("state"))
}

#[tokio::test]
async fn where_one_way_is_misconfigured_the_page_offers_the_others() {
    for website_only in [false, true] {
        let gateway = TestGateway::with(Setup { website_only, ..Setup::default() }).await;
        gateway.wechat.script().next_exchange(Fault::Errcode(40125));
        let mut browser = gateway.browser();
        let callback = browser.callback(&gateway, "Lin", "/reports").await;
        let answer = browser.open(&callback).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text());
        assert!(answer.html().contains("40125") && answer.html().contains("已经登录的人不受影响"));
        let offered = answer.html().contains("/_wxgate/login?way=choose&to=/reports");
        assert_eq!(offered, !website_only, "{}", answer.text());
        gateway.log_line(&[answer.header("x-request-id"), "compare app_secret"]);
    }
}
