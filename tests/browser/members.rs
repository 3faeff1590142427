//! A stranger asks for access, an administrator lets them in, and neither needs more than a phone inside WeChat.

use super::demo::{Demo, LIN, ZHANG};
use super::support::{Browser, DESKTOP, HANDHELD, Looks};

/// The words of one language that a test looks for.
struct Words {
    language: &'static str,
    suffix: &'static str,
    ask: &'static str,
    waiting: &'static str,
    pending: &'static str,
    approved: &'static str,
}

const CHINESE: Words = Words {
    language: "zh-CN",
    suffix: "zh",
    ask: "还差一步",
    waiting: "等待管理员批准",
    pending: "待批准",
    approved: "已批准",
};

const ENGLISH: Words = Words {
    language: "en",
    suffix: "en",
    ask: "One more step",
    waiting: "Waiting for approval",
    pending: "Waiting for approval",
    approved: "Approved",
};

#[tokio::test]
async fn a_stranger_asks_and_an_administrator_lets_them_in_on_a_phone() {
    a_stranger_is_let_in(&CHINESE).await;
}

#[tokio::test]
async fn so_it_goes_in_english() {
    a_stranger_is_let_in(&ENGLISH).await;
}

async fn a_stranger_is_let_in(words: &Words) {
    let demo = Demo::start();
    let looks = Looks { language: words.language, ..HANDHELD };
    let (stranger, admin) = Browser::start_two(looks).await;

    sign_in(&demo, &stranger, ZHANG, "/?from=stranger").await;
    stranger.shows("h1", words.ask).await;
    stranger.shows("main", ZHANG).await;
    stranger.assert_no_sideways_scrolling().await;
    stranger.evaluate("document.querySelector('#message').value = '我是销售部的张伟 <b>'").await;
    let asking = stranger.picture().await;
    stranger.click("form[action='/_wxgate/request'] button").await;
    stranger.shows("h1", words.waiting).await;
    let code = stranger.text_when(".ticket strong", |code| code.len() == 4).await;
    stranger.assert_no_sideways_scrolling().await;
    let waiting = stranger.picture().await;

    sign_in(&demo, &admin, LIN, "/").await;
    admin.shows("#name", LIN).await;
    admin.open(&demo.url("/_wxgate/admin")).await;
    admin.shows("#waiting", words.pending).await;
    admin.shows(".cards", &code).await;
    admin.shows(".cards", "我是销售部的张伟 <b>").await;
    admin.assert_no_sideways_scrolling().await;
    let deciding = admin.picture().await;
    admin.click(".cards button[value=approve]").await;
    admin.shows("main", words.approved).await;
    admin.assert_no_sideways_scrolling().await;

    // Nobody touches the stranger's phone.
    stranger.arrives_at(&demo.url("/?from=stranger")).await;
    stranger.shows("#name", ZHANG).await;
    for browser in [&stranger, &admin] {
        let complaints = browser.complaints().await;
        // The page itself was answered with 403 before.
        let unexpected = complaints.iter().filter(|line| !line.contains("403"));
        assert_eq!(unexpected.collect::<Vec<_>>(), [""; 0]);
    }
    stranger.side_by_side(&format!("access.{}", words.suffix), &[asking, waiting, deciding]).await;
}

/// Signs `person` in inside WeChat by way of a page.
async fn sign_in(demo: &Demo, browser: &Browser, person: &str, path: &str) {
    browser.open(&demo.url(path)).await;
    browser.click("a.button").await;
    browser.click(&format!("button[name=holder][value='{person}']")).await;
}

#[tokio::test]
async fn an_administrator_looks_after_members_on_a_computer_and_without_script() {
    let demo = Demo::start();
    let browser = Browser::start(Looks { language: "en", ..DESKTOP }).await;
    demo.sign_in(&browser).await;
    let no_script = serde_json::json!({ "value": true });
    browser.devtools("Emulation.setScriptExecutionDisabled", no_script).await;
    browser.open(&demo.url("/_wxgate/admin")).await;
    browser.shows("table", "王芳 Wang Fang").await;
    browser.assert_no_sideways_scrolling().await;
    browser.screenshot("members").await;
    browser.click("table tr:last-child a").await;
    browser.shows("h1", "王芳 Wang Fang").await;
    browser.assert_no_sideways_scrolling().await;
    browser.screenshot("member").await;
    for (path, words) in [("invites", "Invit"), ("audit", "Audit"), ("conflicts", "onflict")] {
        browser.open(&demo.url(&format!("/_wxgate/admin/{path}"))).await;
        browser.shows("main", words).await;
        browser.assert_no_sideways_scrolling().await;
        browser.screenshot(path).await;
    }
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn the_lists_of_administration_fit_a_phone_in_the_dark_and_a_wide_window() {
    let demo = Demo::start();
    let stranger = Browser::start(HANDHELD).await;
    sign_in(&demo, &stranger, ZHANG, "/").await;
    stranger.evaluate("document.querySelector('#message').value = 'שלום 123 (ok)'").await;
    stranger.click("form[action='/_wxgate/request'] button").await;
    stranger.shows("h1", CHINESE.waiting).await;
    drop(stranger);
    let browser = Browser::start(Looks { size: (1280, 900), ..DESKTOP }).await;
    demo.sign_in(&browser).await;
    browser.open(&demo.url("/_wxgate/admin/invites")).await;
    let tops = "return new Set([...document.querySelectorAll('.four>*')].map(each => each.offsetTop)).size";
    assert_eq!(browser.evaluate(tops).await, 2, "the form has two rows of two");
    browser.click("button[value=make]").await;
    browser.shows("#made", "").await;
    browser.open(&demo.url("/_wxgate/admin/audit?member=zhang")).await;
    for words in [ZHANG, "申请码", "本人", "Chrome · Android"] {
        browser.shows("table", words).await;
    }
    let broken = "return [...document.querySelectorAll('td time')].filter(each => each.getClientRects().length > 1).length";
    assert_eq!(browser.evaluate(broken).await, 0, "every date is on one line");
    browser.devtools("Emulation.setEmulatedMedia", dark()).await;
    for (name, path) in
        [("members", ""), ("waiting", "?status=pending"), ("invites", "/invites"), ("audit", "/audit")]
    {
        browser.open(&demo.url(&format!("/_wxgate/admin{path}"))).await;
        for width in [1280, 390] {
            browser.resize(width, 900, width < 600).await;
            browser.assert_no_sideways_scrolling().await;
            browser.screenshot(&format!("{name}-dark-{width}")).await;
        }
    }
    assert_eq!(browser.complaints().await, [""; 0]);
}

fn dark() -> serde_json::Value {
    serde_json::json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] })
}
