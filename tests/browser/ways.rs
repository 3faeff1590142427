//! Several ways in: choosing, changing one's mind, and browsers that can do less.

use serde_json::json;

use super::demo::{Demo, LIN, WANG};
use super::support::{Browser, DESKTOP, HANDHELD, Looks, assert_nobody_complains};

/// WeChat on a computer.
const DESKTOP_WECHAT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf254162e) XWEB/18163 Flue";

#[tokio::test]
async fn every_page_that_waits_leads_back_to_the_other_ways() {
    for (language, choose) in [("zh-CN", "选择登录方式"), ("en", "Choose how to sign in")] {
        let demo = Demo::with(&["--embedded"]);
        let browser = Browser::start(Looks { language, ..DESKTOP }).await;
        browser.open(&demo.url("/?from=ways")).await;
        for way in ["qr", "follow", "code", "link"] {
            browser.shows("h1", choose).await;
            browser.assert_no_sideways_scrolling().await;
            browser.click(&format!("a[href*='way={way}&']")).await;
            browser.click("a.other[href*='way=choose']").await;
        }
        browser.shows("h1", choose).await;
        assert!(browser.address().await.as_str().ends_with("to=/?from=ways"), "{}", browser.address().await);
        assert_eq!(browser.complaints().await, [""; 0]);
    }
}

#[tokio::test]
async fn wechat_on_a_computer_may_choose_the_code() {
    let demo = Demo::start();
    let browser = Browser::start(Looks { user_agent: DESKTOP_WECHAT, ..DESKTOP }).await;
    let computer = browser.window().await;
    browser.open(&demo.url("/?from=desktop")).await;
    browser.shows("h1", "登录 localhost").await;
    browser.screenshot("desktop-wechat").await;
    browser.click("a.other").await;
    browser.shows("h1", "选择登录方式").await;
    browser.click("a[href*='way=qr']").await;
    browser.shows("main[data-kind=qr] h1", "微信登录").await;
    browser.new_window().await;
    demo.hold(&browser, WANG).await;
    browser.click("form[action='/phone/scan'] button").await;
    browser.click("form[action='/phone/allow'] button").await;
    browser.switch_to(&computer).await;
    browser.arrives_at(&demo.url("/?from=desktop")).await;
    browser.shows("#name", WANG).await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn nobody_needs_a_script_for_any_of_it() {
    let demo = Demo::start();
    let (computer, phone) = Browser::start_pair(DESKTOP, HANDHELD).await;
    for browser in [&computer, &phone] {
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }
    computer.open(&demo.url("/?from=paper")).await;
    computer.click("a[href*='way=follow']").await;
    computer.has_loaded("#code").await;
    computer.screenshot("without-script").await;
    demo.hold(&phone, LIN).await;
    phone.click("[data-code] button").await;
    phone.click(".said.account a").await;
    phone.shows("h1", "允许登录 localhost？").await;
    phone.click("button[value=allow]").await;
    phone.shows("h1", "已允许").await;
    computer.arrives_at(&demo.url("/?from=paper")).await;
    computer.shows("#name", LIN).await;
    assert_nobody_complains(&[&computer, &phone]).await;
}
