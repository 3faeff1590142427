//! Point 26: WeChat asks whether the address is the server's own.

use super::server::{Does, Server, every_kind};
use super::*;

#[tokio::test]
async fn the_bare_echostr_is_what_wechat_wants() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    for settings in every_kind(&server.url) {
        world.simulator.set_push("wxoa", settings);
        assert_eq!(world.simulator.verify_push("wxoa").await, Ok(()));
        let asked = server.got().await;
        assert!(asked.body.is_empty() && asked.query.msg_signature.is_empty(), "never encrypted");
    }
}

#[tokio::test]
async fn whatever_else_comes_back_is_said_in_a_sentence() {
    let world = World::start().await;
    let server = Server::start(&world).await;
    for (status, text) in [(200, ""), (200, "success"), (200, "\"1\""), (302, ""), (403, "")] {
        server.next(Does::Answers(status, text.to_owned()));
        let complaint = world.simulator.verify_push("wxoa").await.unwrap_err();
        assert!(complaint.contains(if status == 200 { "echostr" } else { "status" }), "{complaint}");
    }
    world.simulator.stop_push("wxoa");
    assert!(world.simulator.verify_push("wxoa").await.unwrap_err().contains("no server configuration"));
    let nowhere = PushSettings::plaintext("https://a.example/", "token");
    world.simulator.set_push("wxoa", nowhere);
    assert!(world.simulator.verify_push("wxoa").await.unwrap_err().contains("plain http"));
}

#[tokio::test]
async fn a_server_that_hangs_has_five_seconds() {
    let world = World::start().await;
    let mut server = Server::start(&world).await;
    server.next(Does::Hangs);
    let patient = async {
        server.got().await;
        world.simulator.advance(Duration::from_secs(5));
    };
    let (verdict, ()) = tokio::join!(world.simulator.verify_push("wxoa"), patient);
    assert!(verdict.unwrap_err().contains("5 seconds"));
}

#[tokio::test]
async fn an_impostor_asks_too() {
    let world = World::start().await;
    let _server = Server::start(&world).await;
    let greeting = world.simulator.greeting("wxoa").unwrap();
    let ask = async |letter: &Letter| world.simulator.send(letter).await.unwrap();
    assert_eq!(ask(&greeting).await.body, greeting.parameter("echostr"));
    let forged = ask(&greeting.clone().with_wrong_signature()).await;
    assert_eq!(forged, PushAnswer { status: 403, body: String::new() });
    assert_eq!(ask(&greeting.clone().without_parameter("signature")).await.status, 403);
    assert_eq!(ask(&greeting.with_parameter("nonce", "another")).await.status, 403);
}
