//! Messages of other programs of the account: they reach their program whatever becomes of the gateway's own, and move nothing.

use wxgate::login::SCENE;
use wxgate::wechat::simulator::{Push, PushSettings};

use crate::messages::told_by;
use crate::phones::{KEY, TOKEN, code_on, waiting};
use crate::postgres::Postgres;
use crate::support::{Played, ScriptedUpstream, Setup, TestGateway};

/// Longest body that is read.
const LONGEST: usize = 64 * 1024;

/// A program that is content with everything.
async fn content() -> ScriptedUpstream {
    ScriptedUpstream::playing(async |mut backend: Played, _| {
        if let Some(head) = backend.request().await {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            backend.wire.exactly(length.trim().parse().unwrap()).await.unwrap();
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nsuccess";
            backend.answer(answer).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_plain_message_of_another_program_reaches_it_while_the_store_is_away() {
    let server = Postgres::start();
    server.create_database("foreign_messages");
    let url = content().await.url();
    let account = format!(
        "original_id = \"gh_account\"\ntoken = \"{TOKEN}\"\nqr_login = true\nmessage_mode = \"plaintext\"\n\
         end_sessions_on_unfollow = true\nmessage_backend = \"{url}\"\n"
    );
    let store = Some(server.url("foreign_messages"));
    let gateway = TestGateway::with(Setup { account, store, ..Setup::default() }).await;
    let url = gateway.url("/_wxgate/wechat/message");
    gateway.wechat.set_push("wxaccount", PushSettings::plaintext(&url, TOKEN));
    gateway.wechat.set_follower("Lin", "wxaccount");
    let letter = |push: &Push| gateway.wechat.letter("Lin", "wxaccount", push).unwrap();
    server.freeze();
    for push in [Push::of_type("image"), Push::text("123456"), Push::scan("550e8400e29b41d4a716446655440000")]
    {
        let answer = gateway.wechat.send(&letter(&push)).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"), "{push:?}");
    }
    let ours = letter(&Push::scan(&format!("{SCENE}{}", "a".repeat(32))));
    let answer = gateway.wechat.send(&ours).await.unwrap();
    assert!(answer.body.contains("系统暂时繁忙"), "{answer:?}");
    server.thaw();
}

#[tokio::test]
async fn the_signature_of_a_plain_message_of_another_program_is_good_for_none_of_ours() {
    let gateway =
        told_by("message_mode = \"plaintext\"\n", |url, token, _| PushSettings::plaintext(url, token)).await;
    gateway.wechat.set_follower("Lin", "wxaccount");
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
    code_on(&gateway, &mut computer, &page).await;
    let scene = gateway.wechat.open_codes().pop().unwrap().scene;
    let letter = |push: &Push| gateway.wechat.letter("Lin", "wxaccount", push).unwrap();
    let (foreign, scan) = (letter(&Push::of_type("image")), letter(&Push::scan(&scene)));
    assert_eq!(gateway.wechat.send(&foreign).await.unwrap().body, "");
    let forged = gateway.wechat.send(&foreign.with_body_of(&scan)).await.unwrap();
    assert_eq!((forged.status, forged.body.as_str()), (200, ""));
    let status = page_url.replace("/wait?", "/status?");
    let mut computer_again = computer.clone();
    assert!(computer_again.open(&page_url).await.html().contains("正在等待手机"));
    assert_ne!(gateway.wechat.send(&scan).await.unwrap().body, "", "its own is good for it");
    assert_eq!(computer.fetch(&status).await.json()["state"], "scanned");
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_a_longer_one_is_not() {
    let backend = content().await;
    let keys = format!("encoding_aes_key = \"{KEY}\"\nmessage_backend = \"{}\"", backend.url());
    let gateway = told_by(&keys, PushSettings::secure).await;
    gateway.wechat.set_follower("Lin", "wxaccount");
    for (length, status, body) in [(LONGEST, 200, "success"), (LONGEST + 1, 403, "forbidden\n")] {
        let letter = gateway.wechat.letter("Lin", "wxaccount", &Push::of_type("image")).unwrap();
        // Blanks behind the message are no part of what is signed.
        let padded = [letter.body(), &" ".repeat(length - letter.body().len())].concat();
        assert_eq!(padded.len(), length);
        let answer = gateway.wechat.send(&letter.with_body(&padded)).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "{length}");
    }
    assert_eq!(backend.heads().len(), 1);
}
