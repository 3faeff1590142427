//! The Official Account's code on a computer, the phone that scans it, and the question in WeChat.

use super::demo::{Demo, LIN, WANG, ZHANG};
use super::support::{Browser, DESKTOP, HANDHELD, Looks, assert_nobody_complains};

/// A window that leaves room for a phone beside it in a picture.
const COMPUTER: Looks = Looks { size: (720, 844), ..DESKTOP };

/// The words of one language that a test looks for.
struct Words {
    language: &'static str,
    suffix: &'static str,
    waiting: &'static str,
    scanned: &'static str,
    question: &'static str,
    allowed: &'static str,
    one_more_step: &'static str,
    not_me: &'static str,
    refused: &'static str,
    choose: &'static str,
}

const CHINESE: Words = Words {
    language: "zh-CN",
    suffix: "zh",
    waiting: "微信扫码登录",
    scanned: "请在手机上确认",
    question: "允许登录 localhost？",
    allowed: "已允许",
    one_more_step: "还差一步",
    not_me: "已拒绝",
    refused: "手机上没有同意登录",
    choose: "选择登录方式",
};

const ENGLISH: Words = Words {
    language: "en",
    suffix: "en",
    waiting: "Scan with WeChat to sign in",
    scanned: "Confirm on your phone",
    question: "Allow signing in to localhost?",
    allowed: "Allowed",
    one_more_step: "One more step",
    not_me: "Refused",
    refused: "Not allowed on the phone",
    choose: "Choose how to sign in",
};

#[tokio::test]
async fn a_newcomer_scans_follows_shares_a_name_and_the_computer_knows_it() {
    scan_to_follow(&CHINESE).await;
}

#[tokio::test]
async fn so_does_a_newcomer_who_reads_english() {
    scan_to_follow(&ENGLISH).await;
}

async fn scan_to_follow(words: &Words) {
    let demo = Demo::start();
    let (computer, phone) = both(words).await;
    waits(&demo, &computer, words, "/?from=code").await;
    let code = computer.picture().await;

    demo.hold(&phone, ZHANG).await;
    phone.shows("[data-code]", "Scan and follow").await;
    let pointing = phone.picture().await;
    phone.click("[data-code] button").await;
    phone.shows(".said.account", "Chrome · Windows").await;
    phone.assert_no_sideways_scrolling().await;
    let chat = phone.picture().await;
    computer.shows("h1", words.scanned).await;
    let is_gone = "return document.getElementById('code').getClientRects().length === 0";
    assert_eq!(computer.look(is_gone).await, true, "nobody else scans it");
    let scanned = computer.picture().await;
    phone.click(".said.account a").await;
    phone.shows("h1", words.question).await;
    phone.click("a.other").await;
    phone.click(&format!("button[name=holder][value='{ZHANG}']")).await;
    phone.shows("dl", ZHANG).await;
    phone.assert_no_sideways_scrolling().await;
    let question = phone.picture().await;
    phone.click("button[value=allow]").await;
    phone.shows("h1", words.allowed).await;
    let allowed = phone.picture().await;

    computer.shows("h1", words.one_more_step).await;
    computer.shows("main", ZHANG).await;
    let signed_in = computer.picture().await;
    assert_nobody_complains(&[&computer, &phone]).await;
    let name = |name: &str| format!("{name}.{}", words.suffix);
    computer.side_by_side(&name("scan-to-follow"), &[code, pointing, chat]).await;
    computer.side_by_side(&name("confirm"), &[scanned, question, allowed]).await;
    computer.side_by_side(&name("scan-to-follow-in"), &[signed_in]).await;
}

#[tokio::test]
async fn not_me_on_the_phone_is_seen_on_the_computer_which_may_begin_again() {
    not_me(&CHINESE).await;
}

#[tokio::test]
async fn so_it_is_seen_in_english() {
    not_me(&ENGLISH).await;
}

async fn not_me(words: &Words) {
    let demo = Demo::start();
    let (computer, phone) = both(words).await;
    waits(&demo, &computer, words, "/").await;
    demo.hold(&phone, LIN).await;
    phone.click("[data-code] button").await;
    phone.click(".said.account a").await;
    phone.shows("h1", words.question).await;
    phone.click("button[value=refuse]").await;
    phone.shows("h1", words.not_me).await;
    computer.shows("h1", words.refused).await;
    let pictures = [computer.picture().await, phone.picture().await];
    computer.click("a.button").await;
    computer.shows("h1", words.choose).await;
    assert_nobody_complains(&[&computer, &phone]).await;
    computer.side_by_side(&format!("not-me.{}", words.suffix), &pictures).await;
}

#[tokio::test]
async fn whoever_tries_the_demo_alone_confirms_in_the_pretend_phones_own_wechat() {
    let demo = Demo::start();
    let browser = Browser::start(Looks { dark: true, ..DESKTOP }).await;
    let computer = browser.window().await;
    waits(&demo, &browser, &CHINESE, "/?from=alone").await;
    let phone = browser.new_window().await;
    browser.resize(480, 844, false).await;
    demo.hold(&browser, WANG).await;
    browser.click("[data-code] button").await;
    browser.shows(".said.account", "localhost").await;
    let chat = browser.picture().await;
    browser.click(".said.account a").await;
    browser.switch_to_frame(Some(0)).await;
    browser.shows("h1", CHINESE.question).await;
    browser.shows("dl", "Chrome · Windows").await;
    browser.click("a.other").await;
    browser.click(&format!("button[name=holder][value='{WANG}']")).await;
    browser.shows("dl", WANG).await;
    let question = browser.picture().await;
    browser.click("button[value=allow]").await;
    browser.shows("h1", CHINESE.allowed).await;
    browser.switch_to(&computer).await;
    browser.arrives_at(&demo.url("/?from=alone")).await;
    browser.shows("#name", WANG).await;

    // The same phone, inside WeChat, with no computer.
    browser.switch_to(&phone).await;
    browser.open(&format!("{}/phone", demo.wechat)).await;
    browser.write("[name=open]", &demo.url("/?from=phone")).await;
    browser.click("form[action='/phone'] button").await;
    browser.switch_to_frame(Some(0)).await;
    browser.shows("#name", WANG).await;
    let inside = browser.picture().await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.side_by_side("pretend-wechat", &[chat, question, inside]).await;
}

/// A computer, and the phone of who sits there.
async fn both(words: &Words) -> (Browser, Browser) {
    let language = words.language;
    Browser::start_pair(Looks { language, ..COMPUTER }, Looks { language, ..HANDHELD }).await
}

/// The computer shows the account's code.
async fn waits(demo: &Demo, computer: &Browser, words: &Words, path: &str) {
    computer.open(&demo.url(path)).await;
    computer.shows("h1", words.choose).await;
    computer.click("a[href*='way=follow']").await;
    computer.shows("h1", words.waiting).await;
    computer.has_loaded("#code").await;
    computer.assert_no_sideways_scrolling().await;
}
