//! Digits in the chat: a yes that is said twice, and a yes while WeChat does not tell whose it is.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use wxgate::wechat::simulator::Fault;

use crate::messages::IN_TIME;
use crate::phones::{account_keys, between, tell_of_messages, waiting};
use crate::support::{Browser, Setup, TestGateway};

const WHO_IS_IT: &str = "/cgi-bin/user/info";

async fn by_chat(setup: Setup) -> TestGateway {
    let gateway = TestGateway::with(Setup { account: account_keys("chat_login = true"), ..setup }).await;
    tell_of_messages(&gateway);
    gateway
}

/// What the account answers to `text`.
async fn said(gateway: &TestGateway, person: &str, text: &str) -> String {
    gateway.wechat.set_follower(person, "wxaccount");
    gateway.wechat.write(person, "wxaccount", text).await.unwrap().said().unwrap().to_owned()
}

/// A computer whose digits Lin has been asked about: its page's address, and the digits.
async fn asked(gateway: &TestGateway) -> (Browser, String, String) {
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(gateway, &mut computer, "code").await;
    let digits =
        between(between(&page.html(), "class=\"ticket\"", "</p>"), "<strong>", "</strong>").to_owned();
    assert!(said(gateway, "Lin", &digits).await.contains(&format!("Y{digits}")));
    (computer, page_url, digits)
}

#[tokio::test]
async fn a_yes_that_is_said_twice_is_told_that_it_was_allowed() {
    let gateway = by_chat(Setup { account_only: true, ..Setup::default() }).await;
    let (mut computer, page_url, digits) = asked(&gateway).await;
    let yes = format!("Y{digits}");
    // WeChat repeats what it hears no answer to; people do, too.
    for state in ["scanned", "allowed", "taken"] {
        let answer = said(&gateway, "Lin", &yes).await;
        assert!(answer.contains("已允许") && answer.contains("Allowed."), "{state}: {answer}");
        let others = said(&gateway, "王芳 Wang", &yes).await;
        assert!(others.contains("没有等待") && !others.contains("已允许"), "who did not say it: {others}");
        if state == "allowed" {
            let (end, answer) = computer.follow(&page_url).await;
            assert_eq!((end, answer.status), (gateway.url("/reports?a=1"), StatusCode::OK));
        }
    }
    let no = said(&gateway, "Lin", &format!("N{digits}")).await;
    assert!(no.contains("没有等待"), "a no comes too late: {no}");
    assert!(computer.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn who_says_yes_while_wechat_tells_nothing_is_told_what_to_do_in_time() {
    let gateway = by_chat(Setup::default()).await;
    let (mut computer, page_url, digits) = asked(&gateway).await;
    let silent = Fault::Slow(Duration::from_secs(60));
    for (fault, cause) in [(silent, "no answer within 2 seconds"), (Fault::Errcode(40164), "40164")] {
        gateway.wechat.script().every_call(WHO_IS_IT, fault);
        let began = Instant::now();
        let answer = said(&gateway, "Lin", &format!("Y{digits}")).await;
        assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
        for words in ["换一种方式登录", "告诉管理员", "Sign in another way", "tell the administrator"]
        {
            assert!(answer.contains(words), "{words}: {answer}");
        }
        gateway.log_line(&["user/info does not tell who somebody is", cause, "cannot sign in by digits"]);
        gateway.wechat.script().well();
    }
    assert!(!computer.is_signed_in(&gateway).await);
    assert!(said(&gateway, "Lin", &format!("Y{digits}")).await.contains("已允许"), "once WeChat tells");
    assert_eq!(computer.follow(&page_url).await.1.status, StatusCode::OK);
}

#[tokio::test]
async fn where_the_account_is_the_only_app_a_silent_wechat_keeps_nobody_out() {
    let gateway = by_chat(Setup { account_only: true, ..Setup::default() }).await;
    let (mut computer, page_url, digits) = asked(&gateway).await;
    gateway.wechat.script().every_call(WHO_IS_IT, Fault::Slow(Duration::from_secs(60)));
    assert!(said(&gateway, "Lin", &format!("Y{digits}")).await.contains("已允许"));
    gateway.log_line(&["user/info does not tell who somebody is", "no answer within 2 seconds"]);
    assert_eq!(computer.follow(&page_url).await.1.status, StatusCode::OK);
    assert!(computer.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn a_token_that_is_slow_to_come_is_there_for_the_second_yes() {
    let gateway = by_chat(Setup::default()).await;
    let (mut computer, page_url, digits) = asked(&gateway).await;
    let slow = Fault::Slow(Duration::from_millis(2500));
    gateway.wechat.script().every_call("/cgi-bin/stable_token", slow);
    let yes = format!("Y{digits}");
    assert!(said(&gateway, "Lin", &yes).await.contains("微信暂时没有告诉"));
    assert!(said(&gateway, "Lin", &yes).await.contains("已允许"));
    computer.follow(&page_url).await;
    assert!(computer.is_signed_in(&gateway).await);
}
