//! Point 25: what an account's server may read about people.

use super::*;

async fn info(world: &World, app_id: &str, person: &str) -> serde_json::Value {
    let token = world.token(app_id).await;
    let openid = world.simulator.person(person).unwrap().openid(app_id);
    world.cgi(world.get(&format!("/cgi-bin/user/info?access_token={token}&openid={openid}&lang=zh_CN"))).await
}

#[tokio::test]
async fn of_somebody_who_does_not_follow_nothing_is_known() {
    let world = World::start().await;
    let answer = info(&world, "wxoa", LIN).await;
    assert_eq!((answer["subscribe"].as_i64(), answer.as_object().unwrap().len()), (Some(0), 2));
}

#[tokio::test]
async fn a_follower_has_ids_and_no_name() {
    let world = World::start().await;
    world.simulator.set_follower(LIN, "wxoa");
    let answer = info(&world, "wxoa", LIN).await;
    let lin = world.simulator.person(LIN).unwrap();
    let unionid = lin.unionid(world.simulator.app("wxoa").unwrap()).unwrap();
    assert_eq!((answer["subscribe"].as_i64(), answer["unionid"].as_str()), (Some(1), Some(&*unionid)));
    assert_eq!(
        (&answer["subscribe_scene"], &answer["qr_scene_str"]),
        (&"ADD_SCENE_SEARCH".into(), &"".into())
    );
    assert!(answer.get("nickname").is_none() && answer.get("headimgurl").is_none());
    world.simulator.script().profile(LIN, ProfileVariant::EmptyNickname);
    assert_eq!(info(&world, "wxoa", LIN).await["nickname"], "");
    world.simulator.set_follower(LIN, "wxother");
    assert!(info(&world, "wxother", LIN).await.get("unionid").is_none(), "the account is bound to nothing");
    assert_eq!(world.simulator.followers("wxoa"), [LIN]);
}

#[tokio::test]
async fn whoever_came_by_a_code_came_by_its_scene() {
    let world = World::start().await;
    let token = world.token("wxoa").await;
    for (person, scene) in [
        (
            LIN,
            serde_json::json!({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "abc"}}}),
        ),
        (WANG, serde_json::json!({"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 123}}})),
    ] {
        let path = format!("/cgi-bin/qrcode/create?access_token={token}");
        let ticket = world.cgi(world.post(&path).json(&scene)).await["ticket"].as_str().unwrap().to_owned();
        world.simulator.scan_code(person, &ticket).await.unwrap();
    }
    let [lin, wang] = [info(&world, "wxoa", LIN).await, info(&world, "wxoa", WANG).await];
    assert_eq!(lin["subscribe_scene"], "ADD_SCENE_QR_CODE");
    assert_eq!((&lin["qr_scene"], &lin["qr_scene_str"]), (&0.into(), &"abc".into()));
    assert_eq!((&wang["qr_scene"], &wang["qr_scene_str"]), (&123.into(), &"".into()));
}

#[tokio::test]
async fn strangers_ids_and_weak_accounts_are_refused() {
    let world = World::start().await;
    let token = world.token("wxoa").await;
    let elsewhere = world.simulator.person(LIN).unwrap().openid("wxother");
    for (openid, errcode) in [(elsewhere.as_str(), 40003), ("invented", 40003), ("", 41009)] {
        let path = format!("/cgi-bin/user/info?access_token={token}&openid={openid}");
        assert_eq!(world.cgi(world.get(&path)).await["errcode"], errcode, "{openid}");
    }
    assert_eq!(info(&world, "wxsub", LIN).await["errcode"], 48001);
}
