//! People sign in, use the application, and sign out.

use std::collections::BTreeSet;

use super::demo::{Demo, LIN, WANG};
use super::support::{Browser, DESKTOP, HANDHELD, Looks};

/// The words of one language that a test looks for.
struct Words {
    language: &'static str,
    sign_out: &'static str,
    signed_out: &'static str,
    sign_in: &'static str,
    choose: &'static str,
    picture: fn(&str) -> String,
}

const CHINESE: Words = Words {
    language: "zh-CN",
    sign_out: "要退出 localhost 吗？",
    signed_out: "已退出登录",
    sign_in: "登录 localhost",
    choose: "选择登录方式",
    picture: |name| format!("{name}.zh"),
};

const ENGLISH: Words = Words {
    language: "en",
    sign_out: "Sign out of localhost?",
    signed_out: "Signed out",
    sign_in: "Sign in to localhost",
    choose: "Choose how to sign in",
    picture: |name| format!("{name}.en"),
};

#[tokio::test]
async fn a_person_signs_in_on_a_computer_with_a_phone_uses_the_application_and_signs_out() {
    on_a_computer(&CHINESE).await;
}

#[tokio::test]
async fn so_does_a_person_who_reads_english() {
    on_a_computer(&ENGLISH).await;
}

async fn on_a_computer(words: &Words) {
    let demo = Demo::start();
    let browser = Browser::start(Looks { language: words.language, ..DESKTOP }).await;
    let computer = browser.window().await;

    browser.open(&demo.url("/?from=browser")).await;
    browser.shows("h1", words.choose).await;
    browser.resize(640, 720, false).await;
    browser.screenshot(&(words.picture)("choose")).await;
    browser.resize(960, 720, false).await;
    browser.click("a[href*='way=qr']").await;
    browser.shows("main[data-kind=qr] h1", "微信登录").await;
    assert!(browser.address().await.as_str().starts_with(&demo.wechat), "not at WeChat");
    browser.resize(640, 720, false).await;
    let gate = browser.picture().await;

    let phone = browser.new_window().await;
    browser.resize(400, 720, true).await;
    browser.open(&format!("{}/phone", demo.wechat)).await;
    browser.click(&format!("button[name=holder][value='{WANG}']")).await;
    browser.click("form[action='/phone/scan'] button").await;
    browser.shows(".scan", "wants to sign you in").await;
    let held = browser.picture().await;
    browser.switch_to(&computer).await;
    browser.shows("#says", "扫描成功").await;
    browser.switch_to(&phone).await;
    browser.click("form[action='/phone/allow'] button").await;

    browser.switch_to(&computer).await;
    browser.arrives_at(&demo.url("/?from=browser")).await;
    browser.shows("#name", WANG).await;
    browser.click("#ask").await;
    let me = browser.text_when("#me", |text| !text.is_empty()).await;
    assert!(me.starts_with("200 ") && me.contains(r#""remote-name":"王芳 Wang Fang""#), "{me}");
    let first = browser.text_when("#clock", |text| text.ends_with("UTC")).await;
    browser.text_when("#clock", |text| text != first && text.ends_with("UTC")).await;
    browser.resize(960, 1080, false).await;
    browser.screenshot("application").await;
    browser.click("form[action='/form'] button").await;
    browser.shows("#said", "你好 hello").await;

    browser.click("nav a[href='/_wxgate/logout']").await;
    browser.shows("h1", words.sign_out).await;
    browser.shows("main", WANG).await;
    browser.screenshot(&(words.picture)("sign-out")).await;
    browser.click("form[action='/_wxgate/logout'] button").await;
    browser.shows("h1", words.signed_out).await;
    browser.screenshot(&(words.picture)("signed-out")).await;

    browser.open(&demo.url("/")).await;
    browser.shows("h1", words.choose).await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.side_by_side("gate-and-phone", &[gate, held]).await;
}

#[tokio::test]
async fn a_person_inside_wechat_signs_in_with_one_button() {
    inside_wechat(&CHINESE).await;
}

#[tokio::test]
async fn so_does_a_person_inside_wechat_who_reads_english() {
    inside_wechat(&ENGLISH).await;
}

async fn inside_wechat(words: &Words) {
    let demo = Demo::start();
    let browser = Browser::start(Looks { language: words.language, ..HANDHELD }).await;
    browser.open(&demo.url("/?from=chat")).await;
    browser.shows("h1", words.sign_in).await;
    let ours = browser.picture().await;
    browser.click("a.button").await;
    browser.shows("main[data-kind=consent]", "申请获取你的昵称、头像").await;
    let consent = browser.picture().await;
    browser.click(&format!("button[name=holder][value='{LIN}']")).await;
    browser.arrives_at(&demo.url("/?from=chat")).await;
    browser.shows("#name", LIN).await;
    browser.assert_no_sideways_scrolling().await;
    let application = browser.picture().await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.side_by_side(&(words.picture)("in-app"), &[ours, consent, application]).await;
}

#[tokio::test]
async fn a_refusal_on_the_phone_shows_on_the_computer_and_a_new_code_is_a_click_away() {
    let demo = Demo::start();
    let browser = Browser::start(DESKTOP).await;
    let computer = browser.window().await;
    browser.open(&demo.url("/_wxgate/login?way=qr&to=/")).await;
    browser.new_window().await;
    browser.open(&format!("{}/phone", demo.wechat)).await;
    browser.click("form[action='/phone/scan'] button").await;
    browser.click("form[action='/phone/refuse'] button").await;
    browser.switch_to(&computer).await;
    browser.shows("#says", "你已取消此次登录").await;
    browser.screenshot("cancelled").await;
    browser.click("[data-when=cancelled] a").await;
    browser.shows("#says", "使用微信扫一扫登录").await;
}

#[tokio::test]
async fn a_refusal_inside_wechat_can_be_thought_over() {
    let demo = Demo::start();
    let browser = Browser::start(HANDHELD).await;
    browser.open(&demo.url("/")).await;
    browser.click("a.button").await;
    browser.click("button[name=holder][value='']").await;
    browser.shows("h1", "需要你的允许才能登录").await;
    browser.screenshot("refused").await;
    browser.click("a.button").await;
    browser.shows("h1", CHINESE.sign_in).await;
    browser.click("a.button").await;
    browser.click(&format!("button[name=holder][value='{WANG}']")).await;
    browser.shows("#name", WANG).await;
}

#[tokio::test]
async fn nothing_of_the_gateway_stays_in_the_browser_after_signing_out() {
    let demo = Demo::start();
    let browser = Browser::start(DESKTOP).await;
    let ours = async || {
        let cookies = browser.cookies().await.into_iter();
        cookies.filter(|name| name.contains("wxgate")).collect::<BTreeSet<_>>()
    };
    // Two sign-ins that were begun and left alone.
    for path in ["/left", "/alone"] {
        browser.open(&demo.url(&format!("/_wxgate/login?way=qr&to={path}"))).await;
    }
    demo.sign_in(&browser).await;
    assert!(ours().await.len() >= 2, "{:?}", ours().await);
    browser.open(&demo.url("/_wxgate/logout")).await;
    browser.click("form[action='/_wxgate/logout'] button").await;
    browser.shows("h1", CHINESE.signed_out).await;
    assert_eq!(ours().await, BTreeSet::new());
}
