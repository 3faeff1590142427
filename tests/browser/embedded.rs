//! WeChat's code in a frame on the gateway's own page.

use super::demo::{Demo, WANG};
use super::support::{Browser, DESKTOP, Looks};

#[tokio::test]
async fn a_code_in_a_frame_is_scanned_and_the_whole_window_goes_on() {
    for (language, title) in [("zh-CN", "微信扫码登录"), ("en", "Scan with WeChat to sign in")] {
        let demo = Demo::with(&["--embedded"]);
        let browser = Browser::start(Looks { language, size: (720, 900), ..DESKTOP }).await;
        let computer = browser.window().await;
        browser.open(&demo.url("/?from=frame")).await;
        browser.click("a[href*='way=qr']").await;
        browser.shows("h1", title).await;
        browser.assert_no_sideways_scrolling().await;
        let uuid = code_in_frame(&browser).await;
        browser.screenshot(&format!("embedded.{}", &language[..2])).await;

        browser.new_window().await;
        demo.hold(&browser, WANG).await;
        browser.click(&format!("[data-uuid='{uuid}'] button")).await;
        browser.click("form[action='/phone/allow'] button").await;
        browser.switch_to(&computer).await;
        browser.arrives_at(&demo.url("/?from=frame")).await;
        browser.shows("#name", WANG).await;
        assert_eq!(browser.complaints().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_code_that_is_too_old_says_so_and_a_new_one_is_a_click_away() {
    for arguments in [&[][..], &["--embedded"]] {
        let demo = Demo::with(arguments);
        let browser = Browser::start(Looks { size: (720, 900), ..DESKTOP }).await;
        let computer = browser.window().await;
        browser.open(&demo.url("/_wxgate/login?way=qr&to=/")).await;
        let is_framed = !arguments.is_empty();
        let look = async || {
            browser.switch_to(&computer).await;
            if is_framed {
                browser.switch_to_frame(Some(0)).await;
            }
        };
        look().await;
        browser.shows("#says", "使用微信扫一扫登录").await;
        browser.new_window().await;
        browser.open(&format!("{}/phone", demo.wechat)).await;
        browser.click("form[action='/phone/later'] button").await;
        look().await;
        browser.shows("#says", "二维码已过期").await;
        browser.screenshot(if is_framed { "expired-embedded" } else { "expired" }).await;
        browser.click("[data-when=expired] a").await;
        browser.shows("#says", "使用微信扫一扫登录").await;
        assert_eq!(browser.complaints().await, [""; 0]);
    }
}

/// The name of the code, as soon as it is there.
async fn code_in_frame(browser: &Browser) -> String {
    browser.switch_to_frame(Some(0)).await;
    browser.shows("main[data-kind=qr] h1", "微信登录").await;
    let uuid = browser.look("return document.querySelector('main').dataset.uuid").await;
    browser.switch_to_frame(None).await;
    uuid.as_str().unwrap().to_owned()
}
