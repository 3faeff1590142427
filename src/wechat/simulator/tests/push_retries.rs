//! Point 29: five seconds, three attempts, which answers count, and the silence after too many failures.

use super::server::{Does, Server, every_kind};
use super::*;

const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// `CreateTime` of a plaintext body.
fn created(body: &str) -> String {
    let after = body.split_once("<CreateTime>").unwrap().1;
    after.split_once('<').unwrap().0.to_owned()
}

async fn unavailable(world: &World) -> bool {
    let chat = world.simulator.chat(LIN, "wxoa");
    chat.last().is_some_and(|line| {
        line.speaker == Speaker::Wechat && line.text.starts_with("该公众号暂时无法提供服务")
    })
}

#[tokio::test]
async fn who_does_not_answer_is_asked_three_times_with_the_same_words() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    world.simulator.set_push("wxoa", every_kind(&server.url).swap_remove(0));
    world.simulator.set_follower(LIN, "wxoa");
    server.next(Does::Hangs).next(Does::Cuts).next(Does::Hangs);
    let wechat = Arc::clone(&world.simulator);
    let writing = tokio::spawn(async move { wechat.write(LIN, "wxoa", "8341").await });
    let first = server.got().await;
    world.simulator.advance(FIVE_SECONDS);
    let second = server.got().await;
    let third = server.got().await;
    world.simulator.advance(FIVE_SECONDS);
    assert_eq!(created(&first.body), created(&third.body));
    assert_eq!((first.body.len(), second.body.len()), (third.body.len(), third.body.len()));
    assert!(first.query.nonce != second.query.nonce && second.query.nonce != third.query.nonce);
    let attempts = writing.await.unwrap().unwrap().attempts;
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|attempt| matches!(attempt, Answered::Nothing(_))), "{attempts:?}");
    assert!(unavailable(&world).await);
    assert!(server.is_idle());
}

#[tokio::test]
async fn the_second_attempt_may_succeed() {
    let world = World::start().await;
    let server = Server::start(&world).await;
    world.simulator.set_follower(LIN, "wxoa");
    server.next(Does::Answers(502, "<html>".to_owned())).next(Does::Replies("hello"));
    let delivered = world.simulator.write(LIN, "wxoa", "8341").await.unwrap();
    assert_eq!((delivered.attempts.len(), delivered.said()), (2, Some("hello")));
    assert!(!unavailable(&world).await);
}

#[tokio::test]
async fn anything_but_nothing_success_or_a_sound_reply_is_a_failure() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    world.simulator.set_follower(LIN, "wxoa");
    world.simulator.script().mark_fail_after(100);
    let lin = world.simulator.person(LIN).unwrap().openid("wxoa");
    let account = world.simulator.app("wxoa").unwrap().original_id().to_owned();
    let reply = |to: &str, from: &str, rest: &str| {
        format!("<xml><ToUserName>{to}</ToUserName><FromUserName>{from}</FromUserName>{rest}</xml>")
    };
    let text = "<CreateTime>1</CreateTime><MsgType>text</MsgType><Content>hello</Content>";
    let sound = reply(&lin, &account, text);
    let plain = every_kind(&server.url).swap_remove(0);
    let secure = every_kind(&server.url).swap_remove(4);
    let compatible = every_kind(&server.url).swap_remove(2);
    for (settings, answer, is_well) in [
        (&secure, "", true),
        (&secure, "success", true),
        (&secure, "success\n", false),
        (&secure, "Error 500", false),
        (&secure, "{}", false),
        (&secure, &sound, false),
        (&compatible, &sound, true),
        (&plain, &sound, true),
        (&plain, &reply(&account, &lin, text), false),
        (&plain, &reply(&lin, &account, &text.replace("text", "image")), false),
        (&plain, &reply(&lin, &account, &text.replace("hello", "")), false),
        (&plain, &reply(&lin, &account, &text.replace("hello", &"x".repeat(2049))), false),
        (&plain, &reply(&lin, &account, &text.replace('1', "now")), false),
        (&plain, "<xml><Encrypt>AAAA</Encrypt></xml>", false),
        (&plain, r#"{"MsgType":"text","Content":"hello"}"#, false),
    ] {
        world.simulator.set_push("wxoa", settings.clone());
        server.next(Does::Answers(200, answer.to_owned()));
        let delivered = world.simulator.write(LIN, "wxoa", "8341").await.unwrap();
        assert_eq!((delivered.attempts.len(), delivered.is_well()), (1, is_well), "{answer} {delivered:?}");
        assert_eq!(unavailable(&world).await, !is_well, "{answer}");
        server.got().await;
        assert!(server.is_idle(), "a wrong answer is an answer");
    }
}

#[tokio::test]
async fn a_reply_that_was_not_sealed_by_the_account_is_a_failure() {
    let world = World::start().await;
    let server = Server::start(&world).await;
    world.simulator.set_follower(LIN, "wxoa");
    let other_token = PushSettings::secure(&server.url, "another-token", server::key());
    let forged = {
        world.simulator.set_push("wxoa", other_token);
        world.simulator.letter(LIN, "wxoa", &Push::text("hello")).unwrap()
    };
    world.simulator.set_push("wxoa", server::secure(&server.url));
    let inside = forged.body().split_once("<Encrypt>").unwrap().1.split_once("</Encrypt>").unwrap().0;
    for (signature, words) in [("0".repeat(40), "MsgSignature"), (String::new(), "MsgSignature")] {
        let answer = format!(
            "<xml><Encrypt>{inside}</Encrypt><MsgSignature>{signature}</MsgSignature><TimeStamp>1</TimeStamp>\
             <Nonce>n</Nonce></xml>"
        );
        server.next(Does::Answers(200, answer));
        let delivered = world.simulator.write(LIN, "wxoa", "8341").await.unwrap();
        let [Answered::Wrong(reason)] = &delivered.attempts[..] else { panic!("{delivered:?}") };
        assert!(reason.contains(words), "{reason}");
    }
}

#[tokio::test]
async fn after_too_many_failures_there_is_silence_for_a_minute() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    world.simulator.set_follower(LIN, "wxoa");
    world.simulator.script().mark_fail_after(2);
    let wrong = || Does::Answers(200, "Error".to_owned());
    server.next(wrong()).next(Does::Reads).next(wrong()).next(wrong());
    for is_well in [false, true, false, false] {
        assert_eq!(world.simulator.write(LIN, "wxoa", "8341").await.unwrap().is_well(), is_well);
        server.got().await;
    }
    assert_eq!(world.simulator.write(LIN, "wxoa", "8341").await.unwrap(), Delivered::default());
    world.simulator.advance(Duration::from_secs(50));
    assert_eq!(world.simulator.write(LIN, "wxoa", "8341").await.unwrap(), Delivered::default());
    assert!(server.is_idle());
    world.simulator.advance(Duration::from_secs(10));
    assert!(world.simulator.write(LIN, "wxoa", "8341").await.unwrap().is_well());
}
