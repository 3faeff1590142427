//! Point 27, the impostor's half: letters that WeChat never sent, and how each is one that a server must not take.

use super::server::{Server, every_kind};
use super::*;
use crate::model::clock;
use crate::wechat::message::{Unwelcome, What};

struct Scene {
    world: World,
    server: Server,
}

impl Scene {
    async fn start() -> Self {
        let world = World::start().await;
        let server = Server::start(&world).await;
        Self { world, server }
    }

    fn letter(&self, push: &Push) -> Letter {
        self.world.simulator.letter(LIN, "wxoa", push).unwrap()
    }

    /// How the server reads a letter.
    async fn read(&mut self, letter: &Letter) -> Result<What, Unwelcome> {
        self.world.simulator.send(letter).await.unwrap();
        self.server.got().await.read.map(|message| message.what)
    }
}

#[tokio::test]
async fn each_lie_is_the_lie_it_says() {
    let mut scene = Scene::start().await;
    let scan = Push::scan("abc");
    let hour_ago = clock::now().before(Duration::from_secs(3600));
    let honest = scene.letter(&scan);
    let scanned = Ok(What::Scan("abc".to_owned()));
    assert_eq!(scene.read(&honest).await, scanned);
    assert_eq!(scene.read(&honest).await, scanned, "a replay is the same letter again");
    let other = scene.letter(&Push::scan("xyz"));
    for (lie, verdict) in [
        (honest.clone().with_wrong_signature(), Unwelcome::Signature),
        (honest.clone().with_parameter("msg_signature", &"0".repeat(40)), Unwelcome::Signature),
        (honest.clone().with_parameter("signature", &"0".repeat(40)), Unwelcome::Signature),
        (honest.clone().without_parameter("msg_signature"), Unwelcome::Signature),
        (honest.clone().with_parameter("nonce", "another"), Unwelcome::Signature),
        (honest.clone().with_body_of(&other), Unwelcome::Signature),
        (honest.clone().with_body("<xml></xml>"), Unwelcome::Mode),
        (scene.letter(&scan.clone().tampered()), Unwelcome::Sealed),
        (scene.letter(&scan.clone().sealed_for("wxother")), Unwelcome::Sealed),
        (scene.letter(&scan.clone().to_account("gh_000000000000")), Unwelcome::AnotherAccount),
        (scene.letter(&scan.clone().from_openid("<script>")), Unwelcome::Unreadable),
    ] {
        assert_eq!(scene.read(&lie).await, Err(verdict), "{lie:?}");
    }
    let stale = scene.letter(&scan.clone().signed_at(hour_ago));
    assert!(matches!(scene.read(&stale).await, Err(Unwelcome::Stale(3600..))));
}

#[tokio::test]
async fn in_plaintext_mode_a_signature_is_good_for_any_body() {
    let mut scene = Scene::start().await;
    scene.world.simulator.set_push("wxoa", every_kind(&scene.server.url).swap_remove(0));
    let seen = scene.letter(&Push::follow());
    let other = scene.letter(&Push::scan("xyz"));
    assert_eq!(scene.read(&seen.with_body_of(&other)).await, Ok(What::Scan("xyz".to_owned())));
}

#[tokio::test]
async fn in_compatible_mode_only_the_sealed_part_is_wechats() {
    let mut scene = Scene::start().await;
    scene.world.simulator.set_push("wxoa", every_kind(&scene.server.url).swap_remove(2));
    let honest = scene.letter(&Push::scan("abc"));
    let lie = honest.body().replace("abc", "xyz");
    assert_ne!(lie, honest.body());
    assert_eq!(scene.read(&honest.with_body(&lie)).await, Ok(What::Scan("abc".to_owned())));
}

#[tokio::test]
async fn duplicates_say_the_same_in_other_letters_and_in_any_order() {
    let mut scene = Scene::start().await;
    let push = Push::scan("abc").created_at(clock::now());
    let [first, second] = [scene.letter(&push), scene.letter(&push)];
    assert!(first.body() != second.body() && first.parameter("nonce") != second.parameter("nonce"));
    let later = scene.letter(&Push::unfollow());
    assert_eq!(scene.read(&later).await, Ok(What::Unfollow));
    for letter in [second, first] {
        assert_eq!(scene.read(&letter).await, Ok(What::Scan("abc".to_owned())));
    }
}

#[tokio::test]
async fn what_an_impostor_sends_changes_nothing_at_wechat() {
    let mut scene = Scene::start().await;
    let follow = scene.letter(&Push::follow());
    scene.read(&follow).await.unwrap();
    assert!(!scene.world.simulator.follows(LIN, "wxoa"));
    assert!(scene.world.simulator.chats(LIN).is_empty());
}
