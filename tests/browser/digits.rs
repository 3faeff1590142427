//! Digits that are written to the Official Account.

use super::demo::{Demo, WANG};
use super::support::{Browser, DESKTOP, HANDHELD, Looks, assert_nobody_complains};

#[tokio::test]
async fn digits_written_to_the_account_and_a_y_sign_the_computer_in() {
    for (language, waiting, scanned, ask) in [
        ("zh-CN", "发送数字登录", "请在手机上确认", "请回复 Y"),
        ("en", "Send digits to sign in", "Confirm on your phone", "reply Y"),
    ] {
        let demo = Demo::start();
        let computer = Looks { language, size: (720, 844), ..DESKTOP };
        let (computer, phone) = Browser::start_pair(computer, Looks { language, ..HANDHELD }).await;
        computer.open(&demo.url("/?from=digits")).await;
        computer.click("a[href*='way=code']").await;
        computer.shows("h1", waiting).await;
        let digits = computer.text_when(".ticket strong", |text| text.len() == 6).await;
        computer.assert_no_sideways_scrolling().await;
        let shown = computer.picture().await;

        demo.hold(&phone, WANG).await;
        phone.click("[data-account]").await;
        send(&phone, &digits).await;
        phone.shows(".said.account", ask).await;
        phone.assert_no_sideways_scrolling().await;
        computer.shows("h1", scanned).await;
        send(&phone, &format!("Y{digits}")).await;
        phone.shows(".said.account:last-child", "Allowed").await;
        let chat = phone.picture().await;
        computer.arrives_at(&demo.url("/?from=digits")).await;
        computer.shows("#name", WANG).await;
        assert_nobody_complains(&[&computer, &phone]).await;
        computer.side_by_side(&format!("digits.{}", &language[..2]), &[shown, chat]).await;
    }
}

#[tokio::test]
async fn an_n_in_the_chat_is_seen_on_the_computer() {
    let demo = Demo::start();
    let (computer, phone) = Browser::start_pair(DESKTOP, HANDHELD).await;
    computer.open(&demo.url("/_wxgate/login?way=code&to=/")).await;
    let digits = computer.text_when(".ticket strong", |text| text.len() == 6).await;
    demo.hold(&phone, WANG).await;
    phone.click("[data-account]").await;
    send(&phone, &digits).await;
    phone.shows(".said.account", "N").await;
    send(&phone, &format!("n{digits}")).await;
    phone.shows(".said.account:last-child", "Refused").await;
    computer.shows("h1", "手机上没有同意登录").await;
    assert_nobody_complains(&[&computer, &phone]).await;
}

async fn send(phone: &Browser, text: &str) {
    phone.write("[name=text]", text).await;
    phone.click("form[action='/phone/write'] button").await;
}
