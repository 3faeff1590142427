//! A browser that cannot wait for a phone: WeChat makes no code, too many wait, or its digits are another's.

use http::StatusCode;
use wxgate::login::{Aim, Attempt, Channel, Stage};
use wxgate::model::clock;
use wxgate::model::identity::Account;
use wxgate::model::pairing::{LIFETIME, Pairing, PairingState, PairingStep};
use wxgate::seal::{digest, random};
use wxgate::wechat::simulator::Fault;

use crate::phones::{account_keys, code_on, tell_of_messages, waiting};
use crate::support::{Answer, Browser, Setup, TestGateway};

const MAKE_CODE: &str = "/cgi-bin/qrcode/create";
const TOKEN: &str = "/cgi-bin/stable_token";

async fn with_account(keys: &str) -> TestGateway {
    let gateway = TestGateway::with(Setup { account: account_keys(keys), ..Setup::default() }).await;
    tell_of_messages(&gateway);
    gateway
}

/// What the browser gets for the picture on a page that waits.
async fn picture_of(browser: &mut Browser, page_url: &str, language: &str) -> Answer {
    let picture = page_url.replace("/wait?", "/code?");
    browser.open_with(&picture, &[("sec-fetch-site", "same-origin"), ("accept-language", language)]).await
}

/// Somebody else's browser, which waits for a phone.
fn somebody(call: [u8; 32], last: u8) -> Pairing {
    let begun = clock::now();
    Pairing {
        browser: random(),
        call,
        site: "a.localhost".to_owned(),
        user_agent: String::new(),
        client: [127, 0, 0, last].into(),
        begun,
        expires: begun + LIFETIME,
        state: PairingState::Waiting,
    }
}

#[tokio::test]
async fn where_wechat_makes_no_code_the_page_says_so_and_offers_a_way_on() {
    let gateway = with_account("qr_login = true").await;
    let kept_waiting = "已经登录的人不受影响";
    for (path, fault, status, words, logged) in [
        (
            MAKE_CODE,
            Fault::Errcode(48001),
            StatusCode::INTERNAL_SERVER_ERROR,
            &["重试也没有用", "48001", "way=choose"][..],
            &["\"errcode\":48001", "verified service account"][..],
        ),
        (
            MAKE_CODE,
            Fault::HtmlBadGateway,
            StatusCode::SERVICE_UNAVAILABLE,
            &["没有从微信得到二维码", "way=follow", "way=choose", kept_waiting],
            &["an answer that is not WeChat's"],
        ),
        (
            MAKE_CODE,
            Fault::Errcode(45009),
            StatusCode::SERVICE_UNAVAILABLE,
            &["北京时间零点", "45009", kept_waiting],
            &["\"errcode\":45009", "midnight Beijing time"],
        ),
        (
            TOKEN,
            Fault::body(r#"{"errcode":40164,"errmsg":"invalid ip 203.0.113.9, not in whitelist rid: 1"}"#),
            StatusCode::INTERNAL_SERVER_ERROR,
            &["重试也没有用", "40164", "way=choose"],
            &["\"errcode\":40164", "203.0.113.9", "IP whitelist"],
        ),
    ] {
        gateway.wechat.script().every_call(path, fault);
        gateway.reload();
        let mut computer = gateway.browser();
        let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
        assert!(page.html().contains("id=\"code\""), "nothing is asked of WeChat before the browser asks");
        for (language, word) in [("zh-CN", "暂时无法显示"), ("en", "cannot be")] {
            let picture = picture_of(&mut computer, &page_url, language).await;
            assert_eq!((picture.status, picture.header("content-type")), (status, "image/svg+xml"));
            assert!(picture.text().contains(word), "{}", picture.text());
        }
        // What the page's script asks makes it load anew, as it does by itself without one.
        let state = computer.fetch(&page_url.replace("/wait?", "/status?")).await.json()["state"].clone();
        assert_eq!(state, "no-code");
        let page = computer.open(&page_url).await;
        assert_eq!(page.status, status, "{}", page.text());
        for word in words {
            assert!(page.html().contains(word), "{word}: {}", page.text());
        }
        assert!(!page.html().contains("http-equiv") && !page.html().contains("id=\"code\""));
        let id = page.header("x-request-id").to_owned();
        gateway.log_line(&[&[id.as_str()], logged].concat());
        gateway.wechat.script().well();
    }
    let mut computer = gateway.browser();
    gateway.reload();
    let (_, page) = waiting(&gateway, &mut computer, "follow").await;
    code_on(&gateway, &mut computer, &page).await;
}

#[tokio::test]
async fn where_too_many_wait_the_page_says_for_how_long_and_the_log_why_it_may_be() {
    let gateway = with_account("qr_login = true\nchat_login = true").await;
    let directory = gateway.directory().await;
    for _ in 0..100 {
        let (call, now) = (random(), clock::now());
        assert!(directory.begin_pairing(somebody(call, 1)).await.unwrap());
        let account = Account { app_id: "wxaccount".to_owned(), openid: "o1".to_owned() };
        assert!(directory.advance_pairing(call, PairingStep::Scan(account), now).await.unwrap().is_some());
    }
    let mut computer = gateway.browser();
    let begun = computer.open(&gateway.url("/_wxgate/login?way=code&to=/")).await;
    let page = computer.open(&gateway.url(begun.location())).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
    assert!(page.html().contains("同时登录的人太多"), "{}", page.text());
    assert_eq!(page.header("retry-after"), "60");
    let told = computer.fetch(&gateway.url(begun.location())).await;
    assert_eq!((told.json()["error"].as_str(), told.header("retry-after")), (Some("too_many_waiting"), "60"));
    gateway.log_line(&[page.header("x-request-id"), "server.trusted_proxies"]);

    let (page_url, _) = waiting(&gateway, &mut computer, "follow").await;
    assert_eq!(picture_of(&mut computer, &page_url, "zh").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let page = computer.open(&page_url).await;
    assert!(
        page.html().contains("同时登录的人太多") && page.html().contains("way=follow"),
        "{}",
        page.text()
    );
    assert_eq!(gateway.wechat.open_codes().len(), 0);
}

#[tokio::test]
async fn a_network_gets_a_hundred_codes_in_five_minutes_and_a_new_configuration_forgets_none() {
    let gateway = with_account("qr_login = true").await;
    for number in 0..101 {
        if number == 50 {
            gateway.reload();
        }
        let mut computer = gateway.browser();
        let (page_url, _) = waiting(&gateway, &mut computer, "follow").await;
        let wanted = if number < 100 { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        for _ in 0..2 {
            assert_eq!(picture_of(&mut computer, &page_url, "zh").await.status, wanted, "{number}");
        }
        if number == 100 {
            let page = computer.open(&page_url).await;
            assert_eq!((page.status, page.header("retry-after")), (wanted, "60"));
            gateway.log_line(&[page.header("x-request-id"), "server.trusted_proxies"]);
        }
    }
    assert_eq!(gateway.wechat.open_codes().len(), 100);
}

#[tokio::test]
async fn no_code_is_made_for_a_browser_whose_phone_has_come() {
    let gateway = with_account("qr_login = true").await;
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
    let code = code_on(&gateway, &mut computer, &page).await;
    gateway.wechat.scan_code("Lin", &code).await.unwrap();
    let picture = picture_of(&mut computer, &page_url, "zh").await;
    assert!(!picture.status.is_success(), "{}", picture.status);
    assert!(computer.open(&page_url).await.html().contains("请在手机上确认"), "it goes on all the same");
}

#[tokio::test]
async fn a_browser_whose_digits_are_anothers_gets_others() {
    let gateway = with_account("chat_login = true").await;
    let mut computer = gateway.browser();
    let begun = computer.open(&gateway.url("/_wxgate/login?way=code&to=/reports")).await;
    let page_url = gateway.url(begun.location());
    let state = u128::from_str_radix(page_url.split_once("a=").unwrap().1, 16).unwrap().to_be_bytes();
    let attempt = Attempt {
        state,
        channel: Channel::Chat,
        return_host: None,
        return_path: "/reports".to_owned(),
        handoff: None,
        begun: clock::now(),
        round: 0,
        stage: Stage::Open,
        aim: Aim::SignIn,
    };
    let taken = digest(&[b"wxgate call\0", attempt.call().as_bytes()].concat());
    assert!(gateway.directory().await.begin_pairing(somebody(taken, 9)).await.unwrap());
    let (end, page) = computer.follow(&page_url).await;
    assert_eq!(page.status, StatusCode::OK, "{end} {}", page.text());
    assert!(page.html().contains("class=\"ticket\"") && !page.html().contains(&attempt.call()));
}
