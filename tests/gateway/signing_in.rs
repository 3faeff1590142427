//! People sign in with WeChat, or do not.

use http::{Method, StatusCode};
use url::Url;

use wxgate::wechat::simulator::Consent;

use crate::support::{
    Answer, Browser, COMPUTER, MINI_PROGRAM, PHONE, Setup, TestGateway, WECHAT, WECHAT_ON_COMPUTER, WECOM,
};

const PRIVATE_WECOM: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) wxworklocal/3.1.1 wwlocal/3.1.1 wxwork/3.0.0 MicroMessenger/7.0.1";

#[tokio::test]
async fn a_person_on_a_computer_signs_in_and_is_back_where_they_wanted_to_go() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    browser.sign_in(&gateway, "Lin", "/reports?year=2026&q=a%20b").await;
    let seen = gateway.upstream.last();
    assert_eq!(seen.uri.to_string(), "/reports?year=2026&q=a%20b");
    assert_eq!(seen.all("remote-name"), ["Lin"]);
    assert_eq!(gateway.wechat.exchanges(), 1);
    let answer = browser.fetch(&gateway.url("/_wxgate/me")).await;
    assert_eq!((answer.status, answer.json()["name"].as_str()), (StatusCode::OK, Some("Lin")));
}

#[tokio::test]
async fn a_computer_is_sent_to_the_qr_page_with_the_parameters_in_wechats_order() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let asked = browser.open(&gateway.url("/reports?year=2026")).await;
    assert_eq!((asked.status, asked.location()), (StatusCode::FOUND, "/_wxgate/login?to=/reports?year=2026"));
    let sent = browser.open(&gateway.url(asked.location())).await;
    assert_eq!(sent.status, StatusCode::FOUND);
    let state = authorize_state(&sent, "/connect/qrconnect", "wxwebsite", "snsapi_login");
    assert!(state.len() == 32 && state.bytes().all(|byte| byte.is_ascii_hexdigit()), "{state}");
    let again = browser.open(&gateway.url("/_wxgate/login")).await;
    assert_ne!(state, authorize_state(&again, "/connect/qrconnect", "wxwebsite", "snsapi_login"));
    assert_eq!(sent.header("cache-control"), "no-store");
    assert_eq!(sent.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn the_operators_language_is_asked_of_the_qr_page() {
    let gateway = TestGateway::start().await;
    gateway
        .edit_config(|text| text.replace("app_id = \"wxwebsite\"", "app_id = \"wxwebsite\"\nlang = \"en\""));
    gateway.reload();
    let sent = gateway.browser().open(&gateway.url("/_wxgate/login")).await;
    assert!(sent.location().ends_with("&lang=en#wechat_redirect"), "{}", sent.location());
}

#[tokio::test]
async fn wechats_page_and_its_frame_are_in_the_language_that_the_visitor_reads() {
    let gateway = TestGateway::start().await;
    let sent = async |language, path: &str| {
        let mut browser = gateway.browser();
        browser.language = Some(language);
        browser.open(&gateway.url(path)).await
    };
    let login = "/_wxgate/login?way=qr&to=/";
    for (language, path, is_english) in [
        ("zh-CN,zh;q=0.9,en;q=0.8", login, false),
        ("en-GB,en;q=0.9", login, true),
        ("zh-CN", "/_wxgate/login?way=qr&lang=en&to=/", true),
        ("en", "/_wxgate/login?way=qr&lang=zh&to=/", false),
    ] {
        let answer = sent(language, path).await;
        let (address, end) = answer.location().split_once("&state=").unwrap();
        assert!(address.contains("/connect/qrconnect?appid=wxwebsite&"), "{address}");
        let expected = if is_english { "&lang=en#wechat_redirect" } else { "#wechat_redirect" };
        assert_eq!(&end[32..], expected, "{language} {path}");
    }
    let keys = "app_id = \"wxwebsite\"\npage = \"embedded\"";
    gateway.edit_config(|text| text.replace("app_id = \"wxwebsite\"", keys));
    gateway.reload();
    for (language, end) in [("zh-CN", "&style=black\""), ("en", "&style=black&lang=en\"")] {
        let page = sent(language, login).await.html();
        assert!(page.contains("&self_redirect=false&") && page.contains(end), "{language}: {page}");
    }
    // What the operator says counts for everybody.
    gateway.edit_config(|text| text.replace(keys, "app_id = \"wxwebsite\"\nlang = \"cn\""));
    gateway.reload();
    let answer = sent("en", login).await;
    assert!(answer.location().ends_with("&lang=cn#wechat_redirect"), "{}", answer.location());
}

#[tokio::test]
async fn wecom_leads_to_every_way_that_works_there() {
    const ON_COMPUTER: &str = "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.220 Safari/537.36 wxwork/4.1.30 (MicroMessenger/7.0.1) WindowsWechat Language/zh";
    let gateway = |keys: &str| {
        let setup =
            Setup { account_only: true, account: crate::phones::account_keys(keys), ..Setup::default() };
        TestGateway::with(setup)
    };
    let both = gateway("qr_login = true\nchat_login = true").await;
    for user_agent in [WECOM, ON_COMPUTER] {
        let mut browser = both.browser_as(user_agent);
        assert_eq!(word_of(&both, user_agent).await, "wecom_not_supported");
        let page = browser.open(&both.url("/_wxgate/login?to=/x")).await;
        let chosen = browser.open(&both.url("/_wxgate/login?way=choose&to=/x")).await;
        assert!(page.links().contains(&"/_wxgate/login?way=choose&to=/x".to_owned()), "{}", page.text());
        for way in ["link", "follow", "code"] {
            let address = format!("/_wxgate/login?way={way}&to=/x");
            assert!(chosen.links().contains(&address), "{way}: {}", chosen.text());
            let begun = browser.open(&both.url(&address)).await;
            assert!(begun.location().starts_with("/_wxgate/login/wait?a="), "{way}: {}", begun.text());
        }
    }
    let digits = gateway("oauth = false\nchat_login = true").await;
    for user_agent in [WECOM, PRIVATE_WECOM, ON_COMPUTER] {
        let (address, page) = digits.browser_as(user_agent).follow(&digits.url("/x")).await;
        assert!(address.contains("/_wxgate/login/wait?a="), "{user_agent}: {address}");
        assert!(page.html().contains("class=\"ticket\""), "{user_agent}: {}", page.text());
    }
}

#[tokio::test]
async fn inside_wechat_one_tap_comes_before_the_consent_page() {
    let gateway = TestGateway::start().await;
    for (user_agent, person) in [(WECHAT, "王芳 Wang"), (WECHAT_ON_COMPUTER, "Lin")] {
        gateway.wechat.script().consent(Consent::Allow(person.to_owned()));
        let mut browser = gateway.browser_as(user_agent);
        let (_, page) = browser.follow(&gateway.url("/reports?year=2026")).await;
        assert_eq!(page.status, StatusCode::OK, "no way to WeChat without a tap");
        let mut buttons = page.links();
        buttons.retain(|link| link.starts_with("/_wxgate/"));
        let to = "to=/reports?year=2026";
        assert_eq!(
            buttons,
            [format!("/_wxgate/login?way=wechat&{to}"), format!("/_wxgate/login?way=choose&{to}")]
        );
        assert_eq!(browser.cookies.len(), 0, "a page begins nothing yet");

        let sent = browser.open(&gateway.url(&buttons[0])).await;
        authorize_state(&sent, "/connect/oauth2/authorize", "wxaccount", "snsapi_userinfo");
        let (end, answer) = browser.follow(&gateway.url(&buttons[0])).await;
        assert_eq!((end, answer.status), (gateway.url("/reports?year=2026"), StatusCode::OK));
        let openid = gateway.wechat.person(person).unwrap().openid("wxaccount");
        assert_eq!(gateway.upstream.last().all("x-wechat-openid"), [openid]);
    }
}

#[tokio::test]
async fn where_wechat_is_not_the_browser_a_page_says_what_to_do_instead_of_a_dead_qr() {
    let gateway = TestGateway::start().await;
    for (user_agent, word) in [
        (PHONE, "open_in_wechat"),
        (MINI_PROGRAM, "open_in_wechat"),
        (WECOM, "wecom_not_supported"),
        (PRIVATE_WECOM, "wecom_not_supported"),
    ] {
        let mut browser = gateway.browser_as(user_agent);
        let (_, page) = browser.follow(&gateway.url("/reports?a=1&b=2")).await;
        let text = page.html();
        assert_eq!(page.status, StatusCode::OK, "{text}");
        assert_eq!(word_of(&gateway, user_agent).await, word);
        assert!(text.contains("value=\"http://a.localhost/reports?a=1&b=2\""), "the address to copy: {text}");
        assert!(!text.contains("<img"), "no QR that cannot be scanned");
        let way = page.links().into_iter().find(|link| link.contains("way=qr")).expect("a link to the QR");
        let sent = browser.open(&gateway.url(&way)).await;
        authorize_state(&sent, "/connect/qrconnect", "wxwebsite", "snsapi_login");
        gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
        let (end, _) = browser.follow(&gateway.url(&way)).await;
        assert_eq!(end, gateway.url("/reports?a=1&b=2"));
    }
}

#[tokio::test]
async fn with_a_website_app_alone_phones_are_told_to_use_a_computer() {
    let gateway = TestGateway::with(Setup { website_only: true, ..Setup::default() }).await;
    for user_agent in [WECHAT, PHONE, WECOM] {
        assert_eq!(word_of(&gateway, user_agent).await, "need_computer");
    }
    for user_agent in [COMPUTER, WECHAT_ON_COMPUTER] {
        let sent = gateway.browser_as(user_agent).open(&gateway.url("/_wxgate/login")).await;
        authorize_state(&sent, "/connect/qrconnect", "wxwebsite", "snsapi_login");
    }
}

#[tokio::test]
async fn with_an_official_account_alone_nobody_is_shown_a_qr() {
    let gateway = TestGateway::with(Setup { account_only: true, ..Setup::default() }).await;
    for (user_agent, word) in
        [(PHONE, "open_in_wechat"), (MINI_PROGRAM, "open_in_wechat"), (WECOM, "wecom_not_supported")]
    {
        for way in ["", "?way=qr"] {
            assert_eq!(word_at(&gateway, user_agent, &format!("/_wxgate/login{way}")).await, word);
            let page = gateway.browser_as(user_agent).open(&gateway.url("/_wxgate/login")).await;
            assert!(!page.text().contains("way=qr"), "{}", page.text());
        }
    }
    assert_eq!(word_at(&gateway, WECHAT, "/_wxgate/login?way=ask").await, "sign_in");
    let mut browser = gateway.browser_as(WECHAT);
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let (end, _) = browser.follow(&gateway.url("/_wxgate/login?way=wechat&to=/x")).await;
    assert_eq!(end, gateway.url("/x"));
}

#[tokio::test]
async fn with_an_official_account_alone_a_computer_waits_for_the_link_and_is_offered_no_other_way() {
    let gateway = TestGateway::with(Setup { account_only: true, ..Setup::default() }).await;
    for path in ["/reports", "/_wxgate/login?way=qr"] {
        let (address, page) = gateway.browser().follow(&gateway.url(path)).await;
        assert!(address.contains("/_wxgate/login/wait?a="), "{address}");
        assert!(page.html().contains("/_wxgate/confirm?c="), "{}", page.text());
        assert!(!page.html().contains("way=choose"), "{}", page.text());
    }
    let (_, page) = gateway.browser_as(WECHAT).follow(&gateway.url("/reports")).await;
    assert!(page.html().contains("way=wechat") && !page.html().contains("way=choose"), "{}", page.text());
}

#[tokio::test]
async fn inside_wechat_its_own_way_is_the_first_of_all() {
    let gateway = TestGateway::start().await;
    for (user_agent, ways) in [
        (WECHAT, ["wechat", "qr"]),
        (WECHAT_ON_COMPUTER, ["wechat", "qr"]),
        (PHONE, ["link", "qr"]),
        (COMPUTER, ["qr", "link"]),
    ] {
        let page =
            gateway.browser_as(user_agent).open(&gateway.url("/_wxgate/login?way=choose&to=/reports")).await;
        let mut links = page.links();
        links.retain(|link| link.starts_with("/_wxgate/"));
        assert_eq!(links, ways.map(|way| format!("/_wxgate/login?way={way}&to=/reports")), "{user_agent}");
    }
}

#[tokio::test]
async fn one_person_is_one_member_by_unionid_and_two_without() {
    for (without_unionid, members) in [(true, 2), (false, 1)] {
        let gateway = TestGateway::with(Setup { without_unionid, ..Setup::default() }).await;
        gateway.browser().sign_in(&gateway, "Lin", "/by-qr").await;
        let by_qr = gateway.upstream.last().all("remote-user");
        gateway.browser_as(WECHAT).follow(&gateway.url("/_wxgate/login?way=wechat&to=/in-app")).await;
        let mut both = [by_qr, gateway.upstream.last().all("remote-user")].concat();
        both.sort();
        both.dedup();
        assert_eq!(both.len(), members, "{both:?}");
        assert!(both.iter().all(|user| user.starts_with("wx-") && user.is_ascii()), "{both:?}");
        gateway.browser().sign_in(&gateway, "王芳 Wang", "/").await;
        assert!(!both.contains(&gateway.upstream.last().all("remote-user")[0]));
    }
}

#[tokio::test]
async fn fifty_tabs_leave_at_most_eight_small_cookies_and_the_last_tab_still_works() {
    let gateway = TestGateway::start().await;
    for length in [1, 1000] {
        let mut browser = gateway.browser();
        for tab in 0..50 {
            let to = format!("/{tab}{}", "x".repeat(length));
            let sent = browser.open(&gateway.url(&format!("/_wxgate/login?to={to}"))).await;
            assert_eq!(sent.status, StatusCode::FOUND);
            assert!(sent.all("set-cookie").iter().all(|line| line.len() <= 4096));
        }
        assert!(browser.cookies.len() <= 8, "{}", browser.cookies.len());
        browser.sign_in(&gateway, "王芳 Wang", &format!("/last{}", "y".repeat(length))).await;
        let total = browser.cookie_header("a.localhost").len();
        assert!(total <= 8192, "the gateway's cookies take {total} bytes");
    }
}

#[tokio::test]
async fn an_applications_three_hundred_cookies_are_no_obstacle() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    for number in 0..300 {
        browser.cookies.insert(("a.localhost".to_owned(), format!("app{number:03}")), "v".repeat(50));
    }
    for tab in 0..10 {
        browser.open(&gateway.url(&format!("/_wxgate/login?to=/{tab}{}", "x".repeat(1000)))).await;
    }
    browser.sign_in(&gateway, "Lin", "/").await;
    let kept = gateway.upstream.last().all("cookie").join("; ");
    assert_eq!(kept.matches("app").count(), 300);
    assert!(!kept.contains("wxgate"), "{kept}");
}

#[tokio::test]
async fn pages_speak_the_visitors_language() {
    let gateway = TestGateway::start().await;
    let open = async |browser: &mut Browser, path: &str| {
        let page = browser.open(&gateway.url(path)).await;
        page.header("content-language").to_owned()
    };
    for (language, expected) in [
        (None, "zh-CN"),
        (Some("zh-TW,zh;q=0.9,en;q=0.8"), "zh-CN"),
        (Some("en-US,en;q=0.9,zh;q=0.5"), "en"),
        (Some("fr-FR,fr"), "en"),
        (Some(";;q=,"), "zh-CN"),
    ] {
        let mut browser = gateway.browser_as(PHONE);
        browser.language = language;
        assert_eq!(open(&mut browser, "/_wxgate/login?to=/").await, expected, "{language:?}");
    }
    let mut browser = gateway.browser_as(PHONE);
    browser.language = Some("zh-CN");
    let page = browser.open(&gateway.url("/_wxgate/login?lang=en&to=/x?lang=zh")).await;
    assert_eq!(page.header("content-language"), "en");
    assert!(page.text().contains("lang=\"en\"") && page.html().contains("http://a.localhost/x?lang=zh"));
    assert_eq!(open(&mut browser, "/_wxgate/login?to=/").await, "en", "the choice is remembered");
    assert_eq!(open(&mut browser, "/_wxgate/nothing").await, "en", "on every page");
    assert_eq!(open(&mut browser, "/_wxgate/login?lang=zh&to=/").await, "zh-CN");
    assert_eq!(open(&mut browser, "/_wxgate/login?lang=klingon&to=/").await, "zh-CN");
    assert_eq!(browser.cookie("wxgate-lang"), Some("zh"));
}

#[tokio::test]
async fn a_fixed_language_is_the_only_one() {
    let tables = "[pages]\nlanguage = \"zh\"".to_owned();
    let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    let mut browser = gateway.browser_as(PHONE);
    browser.language = Some("en");
    let page = browser.open(&gateway.url("/_wxgate/login?lang=en&to=/")).await;
    assert_eq!(page.header("content-language"), "zh-CN");
    assert!(!page.text().contains("hreflang"), "no link to a language that is not spoken");
}

#[tokio::test]
async fn somebody_who_is_signed_in_already_goes_straight_on() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.signed_in("Lin").await;
    for (to, location) in [
        ("?to=/reports?year=2026", "/reports?year=2026"),
        ("?way=qr&to=/x", "/x"),
        ("", "/"),
        ("?to=https://evil.test/x", "/"),
        ("?to=/_wxgate/logout", "/"),
    ] {
        let answer = browser.open(&gateway.url(&format!("/_wxgate/login{to}"))).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, location), "{to}");
    }
    assert_eq!(gateway.wechat.exchanges(), 1);
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let gateway = TestGateway::start().await;
    let navigation = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
    let mut browser = gateway.browser();
    let asked = browser.send(Method::HEAD, &gateway.url("/x"), &navigation, "").await;
    assert_eq!((asked.status, asked.location()), (StatusCode::FOUND, "/_wxgate/login?to=/x"));
    let sent = browser.send(Method::HEAD, &gateway.url(asked.location()), &navigation, "").await;
    authorize_state(&sent, "/connect/qrconnect", "wxwebsite", "snsapi_login");
    assert!(sent.body.is_empty());
    for other in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = browser.send(other, &gateway.url("/_wxgate/login?to=/"), &navigation, "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn no_host_or_forwarded_header_of_a_stranger_moves_the_callback() {
    let gateway = TestGateway::start().await;
    let forged = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "444"),
        ("forwarded", "host=evil.test;proto=https"),
        ("x-original-url", "https://evil.test/"),
        ("origin", "https://evil.test"),
        ("referer", "https://evil.test/"),
    ];
    let sent = gateway.browser().open_with(&gateway.url("/_wxgate/login?to=/"), &forged).await;
    authorize_state(&sent, "/connect/qrconnect", "wxwebsite", "snsapi_login");
    let other = gateway.browser().open_with(&gateway.url("/_wxgate/login"), &[("host", "evil.test")]).await;
    assert_eq!(other.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!other.text().contains("evil.test") && other.all("set-cookie").is_empty());
}

/// Checks every part of the address of WeChat's page, and gives the state in it.
fn authorize_state(sent: &Answer, page: &str, app_id: &str, scope: &str) -> String {
    let location = sent.location();
    let url = Url::parse(location).unwrap();
    assert_eq!((url.path(), url.fragment()), (page, Some("wechat_redirect")), "{location}");
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    assert_eq!(
        url.query().unwrap(),
        format!(
            "appid={app_id}&redirect_uri=http%3A%2F%2Fa.localhost%2F_wxgate%2Fcallback&response_type=code&scope={scope}&state={state}"
        )
    );
    assert!(sent.all("set-cookie").iter().any(|line| line.starts_with("wxgate-login-")));
    state
}

/// The machine-readable word of the page that the login shows in this browser.
async fn word_of(gateway: &TestGateway, user_agent: &'static str) -> String {
    word_at(gateway, user_agent, "/_wxgate/login").await
}

async fn word_at(gateway: &TestGateway, user_agent: &'static str, path: &str) -> String {
    let answer = gateway.browser_as(user_agent).fetch(&gateway.url(path)).await;
    answer.json()["error"].as_str().unwrap().to_owned()
}
