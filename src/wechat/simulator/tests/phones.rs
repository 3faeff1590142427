//! Point 30, and what else people do on their phones.

use super::server::{Does, Server};
use super::*;
use crate::wechat::message::What;

async fn code(world: &World, scene: &str) -> SceneCode {
    let token = world.token("wxoa").await;
    let body = serde_json::json!({
        "expire_seconds": 300, "action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": scene}},
    });
    world.cgi(world.post(&format!("/cgi-bin/qrcode/create?access_token={token}")).json(&body)).await;
    world.simulator.open_codes().pop().unwrap()
}

#[tokio::test]
async fn two_people_scan_one_code_and_one_of_them_twice() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    let code = code(&world, "abc").await;
    world.simulator.set_follower(WANG, "wxoa");
    let mut told = Vec::new();
    for (person, way) in [(LIN, &code.url), (WANG, &code.ticket), (LIN, &code.ticket)] {
        assert!(world.simulator.scan_code(person, way).await.unwrap().is_well());
        let message = server.got().await.read.unwrap();
        assert_eq!(message.from, world.simulator.person(person).unwrap().openid("wxoa"));
        told.push(message.what);
    }
    let scan = What::Scan("abc".to_owned());
    assert_eq!(told, [What::Follow(Some("abc".to_owned())), scan.clone(), scan]);
    assert_eq!(world.simulator.followers("wxoa"), [LIN, WANG]);
}

#[tokio::test]
async fn an_old_or_strange_code_tells_nobody_anything() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    let code = code(&world, "abc").await;
    world.simulator.advance(Duration::from_secs(300));
    for way in [code.url.as_str(), &code.ticket, "http://weixin.qq.com/q/02other", ""] {
        assert_eq!(world.simulator.scan_code(LIN, way).await, Err(PhoneError::CodeGone), "{way}");
    }
    assert!(server.is_idle() && !world.simulator.follows(LIN, "wxoa"));
}

#[tokio::test]
async fn people_come_write_and_go() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    let wechat = &world.simulator;
    assert_eq!(wechat.write(LIN, "wxoa", "hello").await, Err(PhoneError::NotFollowing));
    assert_eq!(wechat.unfollow(LIN, "wxoa").await, Err(PhoneError::NotFollowing));
    server.next(Does::Replies("welcome"));
    assert_eq!(wechat.follow(LIN, "wxoa").await.unwrap().said(), Some("welcome"));
    assert_eq!(wechat.follow(LIN, "wxoa").await.unwrap(), Delivered::default(), "once is enough");
    wechat.write(LIN, "wxoa", " 8341 ").await.unwrap();
    server.next(Does::Replies("nobody reads this"));
    wechat.unfollow(LIN, "wxoa").await.unwrap();
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(server.got().await.read.unwrap().what);
    }
    assert_eq!(told, [What::Follow(None), What::Text("8341".to_owned()), What::Unfollow]);
    assert!(server.is_idle());
    let [chat] = &wechat.chats(LIN)[..] else { panic!("one chat") };
    let lines = chat.messages.iter().map(|line| (line.speaker, line.text.as_str())).collect::<Vec<_>>();
    assert_eq!(lines, [(Speaker::Account, "welcome"), (Speaker::Person, " 8341 ")]);
    assert!(!chat.follows && chat.app_name == "app.example");
    assert!(wechat.chats(WANG).is_empty());
}

#[tokio::test]
async fn nobody_and_nothing_are_errors_and_without_a_server_nothing_is_pushed() {
    let world = World::start().await;
    let wechat = &world.simulator;
    assert_eq!(wechat.follow("Nobody", "wxoa").await, Err(PhoneError::UnknownPerson));
    assert_eq!(wechat.follow(LIN, "wxweb").await, Err(PhoneError::UnknownAccount));
    assert_eq!(wechat.follow(LIN, "wxoa").await, Ok(Delivered::default()));
    assert!(wechat.follows(LIN, "wxoa"));
    assert!(wechat.chat(LIN, "wxoa").is_empty());
}
