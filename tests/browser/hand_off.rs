//! A phone's own browser hands a link to WeChat, and is signed in by what is allowed there.

use super::demo::{Demo, LIN};
use super::support::{Browser, DESKTOP, HANDHELD, Looks, PHONE, assert_nobody_complains};

#[tokio::test]
async fn a_link_opened_in_wechat_signs_in_the_phones_own_browser() {
    for (language, choose, title, question, allowed) in [
        ("zh-CN", "选择登录方式", "在微信里确认，在这里登录", "允许登录 localhost？", "已允许"),
        (
            "en",
            "Choose how to sign in",
            "Confirm in WeChat, sign in here",
            "Allow signing in to localhost?",
            "Allowed",
        ),
    ] {
        let demo = Demo::start();
        let looks = Looks { language, ..HANDHELD };
        let (safari, wechat) = Browser::start_pair(Looks { user_agent: PHONE, ..looks }, looks).await;
        safari.open(&demo.url("/?from=safari")).await;
        safari.click("a[href*='way=choose']").await;
        safari.shows("h1", choose).await;
        let ways = safari.picture().await;
        safari.click("a[href*='way=link']").await;
        safari.shows("h1", title).await;
        safari.assert_no_sideways_scrolling().await;
        let waiting = safari.picture().await;
        let link = safari.look("return document.getElementById('page-url').value").await;

        demo.hold(&wechat, LIN).await;
        wechat.write("[name=open]", link.as_str().unwrap()).await;
        wechat.click("form[action='/phone'] button").await;
        wechat.shows("h1", question).await;
        wechat.shows("dl", "Safari · iOS").await;
        wechat.assert_no_sideways_scrolling().await;
        let asked = wechat.picture().await;
        wechat.click("button[value=allow]").await;
        wechat.shows("h1", allowed).await;

        safari.arrives_at(&demo.url("/?from=safari")).await;
        safari.shows("#name", LIN).await;
        assert_nobody_complains(&[&safari, &wechat]).await;
        safari.side_by_side(&format!("hand-off.{}", &language[..2]), &[ways, waiting, asked]).await;
    }
}

#[tokio::test]
async fn what_is_typed_on_the_pretend_phone_stays_while_its_screen_changes() {
    let demo = Demo::start();
    let (computer, phone) = Browser::start_pair(DESKTOP, HANDHELD).await;
    demo.hold(&phone, LIN).await;
    phone.write("[name=open]", "localhost/typed").await;
    computer.open(&demo.url("/?from=code")).await;
    computer.click("a[href*='way=follow']").await;
    phone.shows("[data-code]", "Scan").await;
    assert_eq!(phone.look("return document.querySelector('[name=open]').value").await, "localhost/typed");
    assert_eq!(phone.look("return document.activeElement.name").await, "open");
    assert_nobody_complains(&[&computer, &phone]).await;
}
