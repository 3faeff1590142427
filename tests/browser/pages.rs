//! The gateway's own pages as people see them: on phones, in the dark, in large letters, from nowhere but here.

use std::collections::BTreeSet;

use serde_json::json;

use super::demo::Demo;
use super::shown_pages::{ShownPages, WITHOUT_CODE, WITHOUT_PICTURE, snapshots};
use super::support::{Browser, DESKTOP, HANDHELD, Looks, PHONE, WECOM};

/// An address at which nothing listens.
const DOWN: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn a_phone_outside_wechat_is_given_a_link_to_take_there() {
    for (language, title, copied) in
        [("zh-CN", "请在微信中打开此页面", "已复制"), ("en", "Open this page in WeChat", "Copied")]
    {
        let demo = Demo::start();
        let browser = Browser::start(Looks { user_agent: PHONE, language, ..HANDHELD }).await;
        browser.open(&demo.url("/some/page?number=7")).await;
        browser.shows("h1", title).await;
        browser.screenshot(&format!("open-in-wechat.{}", &language[..2])).await;
        let link = browser.look("return document.getElementById('page-url').value").await;
        assert_eq!(link, demo.url("/some/page?number=7"));
        browser.click("#page-url").await;
        let selected = browser.evaluate(
            "const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd)",
        );
        assert_eq!(selected.await, link);
        browser.click("#copy").await;
        browser.shows("#told", copied).await;
        browser.click("a.other").await;
        browser.shows("main[data-kind=qr] h1", "微信登录").await;
        assert_eq!(browser.complaints().await, [""; 0]);
    }
}

#[tokio::test]
async fn wecom_is_told_that_it_is_not_wechat() {
    let demo = Demo::start();
    let browser = Browser::start(Looks { user_agent: WECOM, ..HANDHELD }).await;
    browser.open(&demo.url("/")).await;
    browser.shows("h1", "请换到微信中打开").await;
    browser.screenshot("wecom").await;
}

#[tokio::test]
async fn an_application_that_is_down_is_named_as_such() {
    let demo = Demo::with(&["--upstream", DOWN]);
    for (language, title) in [("zh-CN", "应用暂时无法访问"), ("en", "The application isn’t responding")]
    {
        let browser = Browser::start(Looks { language, dark: true, ..DESKTOP }).await;
        demo.sign_in(&browser).await;
        browser.shows("h1", title).await;
        browser.shows(".trace", "502").await;
        let dark = browser.look("return getComputedStyle(document.body).backgroundColor").await;
        assert_eq!(dark, "rgb(14, 20, 17)");
        browser.screenshot(&format!("unavailable-dark.{}", &language[..2])).await;
        assert_eq!(browser.complaints().await, [""; 0]);
    }
}

#[tokio::test]
async fn our_pages_ask_no_other_host_for_anything_and_break_no_rule_of_their_own() {
    let demo = Demo::start();
    let browser = Browser::start(Looks { user_agent: PHONE, ..HANDHELD }).await;
    for path in [
        "/",
        "/_wxgate/logout",
        "/_wxgate/callback?code=x&state=y",
        "/_wxgate/callback?state=y",
        "/_wxgate/nothing",
        "/%2f",
        "/_wxgate/login?lang=en&to=/",
    ] {
        browser.open(&demo.url(path)).await;
        browser.shows(".trace", "").await;
        assert_eq!(browser.complaints().await, [""; 0], "{path}");
    }
    assert_eq!(browser.hosts_asked().await, BTreeSet::from(["localhost".to_owned()]));
}

#[tokio::test]
async fn pages_fit_a_small_phone_with_letters_of_twice_the_size() {
    let demo = Demo::with(&["--upstream", DOWN]);
    for (user_agent, language) in
        [(PHONE, "zh-CN"), (PHONE, "en"), (HANDHELD.user_agent, "zh-CN"), (HANDHELD.user_agent, "en")]
    {
        let browser = Browser::start(Looks { user_agent, language, size: (320, 640), dark: false }).await;
        for path in [
            "/a/rather/long/address/that-nobody-would-want-to-type-into-a-phone?with=a&query=too",
            "/public/",
            "/_wxgate/logout",
            "/_wxgate/callback?code=x&state=y",
            "/_wxgate/nothing",
        ] {
            browser.open(&demo.url(path)).await;
            browser.shows("h1", "").await;
            browser.assert_no_sideways_scrolling().await;
            browser.evaluate("document.documentElement.style.fontSize = '200%'").await;
            let size = browser.evaluate("return getComputedStyle(document.body).fontSize").await;
            assert_eq!(size, "32px");
            browser.assert_no_sideways_scrolling().await;
            if path.starts_with("/a/") {
                let program = if user_agent == PHONE { "phone" } else { "wechat" };
                browser.screenshot(&format!("large-letters-{program}.{}", &language[..2])).await;
            }
        }
    }
}

#[tokio::test]
async fn a_page_says_by_itself_that_there_is_no_code_to_scan() {
    let snapshots = snapshots();
    let (waiting, without) = (&snapshots["phone-code.zh.html"], &snapshots["phone-no-code.zh.html"]);
    let attempt = format!("data-attempt=\"{WITHOUT_CODE}\"");
    let waiting = waiting.replace("data-attempt=\"00\"", &attempt);
    assert!(waiting.contains(&attempt), "{waiting}");
    let pages = ShownPages::start(&[("code", &[&waiting, without])]).await;
    let browser = Browser::start(DESKTOP).await;
    browser.open(&pages.url("code")).await;
    browser.shows("h1", "暂时没有可扫的二维码").await;
    browser.shows(".button", "重试").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn a_page_that_sees_words_instead_of_its_code_asks_why_once() {
    let snapshots = snapshots();
    let (waiting, without) = (&snapshots["phone-code.en.html"], &snapshots["phone-no-code.en.html"]);
    let picture = format!("login&#x2f;code?a={WITHOUT_PICTURE}");
    let waiting = waiting.replace("login&#x2f;code?a=00", &picture);
    assert!(waiting.contains(&picture), "{waiting}");
    let pages =
        ShownPages::start(&[("explained", &[&waiting, without]), ("never", &[&waiting, &waiting, without])])
            .await;
    let browser = Browser::start(DESKTOP).await;
    browser.open(&pages.url("explained")).await;
    browser.shows("h1", "There is no code to scan right now").await;
    browser.arrives_at(&pages.url("explained?&why=1")).await;
    browser.open(&pages.url("never")).await;
    browser.arrives_at(&pages.url("never?&why=1")).await;
    browser.shows("#news", "Waiting for your phone").await;
    let is_seen =
        "const code = document.getElementById('code'); return code.decode().then(() => code.complete)";
    assert_eq!(browser.evaluate(is_seen).await, true, "it does not go round in circles");
    browser.shows("h1", "Scan with WeChat to sign in").await;
}

#[tokio::test]
async fn the_question_on_the_phone_says_when_in_the_phones_own_time() {
    let pages = ShownPages::start(&[]).await;
    let browser = Browser::start(Looks { language: "zh-CN", ..HANDHELD }).await;
    browser.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Shanghai" })).await;
    browser.open(&pages.url("phone-question.zh.html")).await;
    browser.shows("dl", "2027年1月15日 16:00").await;
    assert_eq!(browser.complaints().await, [""; 0], "the script is let in");
}
