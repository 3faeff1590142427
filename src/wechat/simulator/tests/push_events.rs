//! Points 27 and 28: three modes, two syntaxes, and every hand in which something may be written.

use super::server::{Does, Server, every_kind};
use super::*;
use crate::model::clock;
use crate::wechat::message::What;

const SCENE: &str = "0123456789abcdef";

/// Everything that can happen, and what it is to a reader.
fn happenings() -> Vec<(Push, What)> {
    vec![
        (Push::scan(SCENE).with_ticket("gQ+/=="), What::Scan(SCENE.to_owned())),
        (Push::followed_by(SCENE).with_ticket("gQ+/=="), What::Follow(Some(SCENE.to_owned()))),
        (Push::follow(), What::Follow(None)),
        (Push::unfollow(), What::Unfollow),
        (Push::text("8341 ]]> <b>&amp;"), What::Text("8341 ]]> <b>&amp;".to_owned())),
        (Push::scancode_push("menu", "http://weixin.qq.com/q/02abc"), What::Other),
        (Push::event("user_authorize_invoice").with_field("EventKey", SCENE), What::Other),
        (Push::of_type("holograph"), What::Other),
    ]
}

#[tokio::test]
async fn every_push_is_read_in_every_mode_syntax_and_hand() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    let openid = world.simulator.person(LIN).unwrap().openid("wxoa");
    for settings in every_kind(&server.url) {
        world.simulator.set_push("wxoa", settings.clone());
        for hand in Handwriting::ALL {
            for (push, what) in happenings() {
                let delivered = world.simulator.happen(LIN, "wxoa", push.written(hand)).await.unwrap();
                assert_eq!(delivered.attempts, [Answered::Accepted], "{settings:?} {hand:?}");
                let got = server.got().await;
                let message = got.read.unwrap();
                assert_eq!((message.what, message.from.as_str()), (what, openid.as_str()), "{}", got.body);
            }
        }
    }
}

#[tokio::test]
async fn what_is_secret_is_not_there_to_read() {
    let world = World::start().await;
    let server = Server::start(&world).await;
    let expected = [(false, true), (true, true), (true, false)];
    for (settings, (sealed, plain)) in every_kind(&server.url).into_iter().step_by(2).zip(expected) {
        world.simulator.set_push("wxoa", settings);
        let letter = world.simulator.letter(LIN, "wxoa", &Push::text("a secret")).unwrap();
        assert_eq!((letter.body().contains("Encrypt"), letter.body().contains("a secret")), (sealed, plain));
        assert_eq!(letter.parameter("encrypt_type"), if sealed { "aes" } else { "" });
        assert_eq!(letter.parameter("msg_signature").len(), if sealed { 40 } else { 0 });
        assert_eq!(letter.parameter("openid"), world.simulator.person(LIN).unwrap().openid("wxoa"));
    }
}

#[tokio::test]
async fn all_32_lengths_of_padding_are_read() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    for length in 1..=32 {
        let scene = "x".repeat(length);
        let push = Push::scan(&scene).written(Handwriting::DOCUMENTED);
        world.simulator.happen(LIN, "wxoa", push).await.unwrap();
        assert_eq!(server.got().await.read.unwrap().what, What::Scan(scene));
    }
}

#[tokio::test]
async fn hands_change_from_push_to_push_as_nobody_promised_one() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    world.simulator.set_push("wxoa", every_kind(&server.url).swap_remove(0));
    let mut bodies = std::collections::HashSet::new();
    for _ in Handwriting::ALL {
        world.simulator.follow(LIN, "wxoa").await.unwrap();
        world.simulator.unfollow(LIN, "wxoa").await.unwrap();
        let body = server.got().await.body;
        bodies.insert((
            body.contains("\r\n"),
            body.contains("\n  "),
            body.contains('\n'),
            body.contains("CDATA"),
        ));
        server.got().await;
    }
    assert!(bodies.len() > 3, "{bodies:?}");
}

#[tokio::test]
async fn a_shuffling_hand_keeps_no_order() {
    let world = World::start().await;
    let server = Server::start(&world).await;
    world.simulator.set_push("wxoa", every_kind(&server.url).swap_remove(0));
    let push = Push::scan(SCENE).with_ticket("gQ+/==").created_at(clock::now());
    for hand in Handwriting::ALL {
        let push = push.clone().written(hand);
        let bodies = std::iter::repeat_with(|| world.simulator.letter(LIN, "wxoa", &push).unwrap());
        let bodies = bodies.take(10).map(|letter| letter.body().to_owned());
        let orders = bodies.collect::<std::collections::HashSet<_>>().len();
        assert_eq!(orders > 1, hand.is_shuffled, "{hand:?}");
    }
}

#[tokio::test]
async fn a_reply_comes_into_the_chat_in_every_mode_and_syntax() {
    let world = World::start().await;
    let server = Server::start(&world).await;
    world.simulator.set_follower(LIN, "wxoa");
    for (count, settings) in every_kind(&server.url).into_iter().enumerate() {
        world.simulator.set_push("wxoa", settings);
        server.next(Does::Replies("允许登录吗？]]> <b>"));
        let delivered = world.simulator.write(LIN, "wxoa", "8341").await.unwrap();
        assert_eq!(delivered.said(), Some("允许登录吗？]]> <b>"));
        let chat = world.simulator.chat_until(LIN, "wxoa", |chat| chat.len() == 2 * count + 2).await;
        let [asked, said] = &chat[2 * count..] else { panic!("{chat:?}") };
        assert_eq!((asked.speaker, asked.text.as_str()), (Speaker::Person, "8341"));
        assert_eq!((said.speaker, said.text.as_str()), (Speaker::Account, "允许登录吗？]]> <b>"));
    }
}
