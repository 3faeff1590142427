//! Point 24: codes for scenes, and their pictures.

use serde_json::{Value, json};

use super::*;

const PATH: &str = "/cgi-bin/qrcode/create";

async fn create(world: &World, token: &str, body: &Value) -> Value {
    world.cgi(world.post(&format!("{PATH}?access_token={token}")).json(body)).await
}

fn wanted(action: &str, scene: Value) -> Value {
    json!({"expire_seconds": 600, "action_name": action, "action_info": {"scene": scene}})
}

fn text(scene: &str) -> Value {
    wanted("QR_STR_SCENE", json!({"scene_str": scene}))
}

fn encoded(ticket: &str) -> String {
    percent_encoding::utf8_percent_encode(ticket, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn a_code_has_a_ticket_to_be_encoded_and_an_address_of_its_own() {
    let world = World::start().await;
    let token = world.token("wxoa").await;
    let answer = create(&world, &token, &text("abc")).await;
    assert_eq!((answer["expire_seconds"].as_i64(), answer.get("errcode")), (Some(600), None));
    let [ticket, url] = ["ticket", "url"].map(|name| answer[name].as_str().unwrap().to_owned());
    assert!(["=", "+", "/"].iter().all(|letter| ticket.contains(letter)), "{ticket}");
    assert!(url.starts_with("http://weixin.qq.com/q/02"), "{url}");
    let code = world.simulator.open_codes().pop().unwrap();
    assert_eq!((&code.ticket, &code.url, code.scene.as_str()), (&ticket, &url, "abc"));
    assert_eq!((code.app_id.as_str(), code.app_name.as_str()), ("wxoa", "app.example"));
    let again = create(&world, &token, &text("abc")).await;
    assert!(again["ticket"] != ticket.as_str() && again["url"] != url.as_str());
    assert_eq!(world.simulator.open_codes().len(), 2);

    let picture = format!("/cgi-bin/showqrcode?ticket={}", encoded(&ticket));
    let shown = world.get(&picture).send().await.unwrap();
    assert_eq!(
        (shown.status().as_u16(), &shown.headers()["content-type"]),
        (200, &"image/svg+xml".parse().unwrap())
    );
    let raw = world.page(&format!("/cgi-bin/showqrcode?ticket={ticket}")).await;
    assert_eq!(raw.status, 404, "a ticket has to be encoded: its + became a blank");
    assert_eq!(world.page("/cgi-bin/showqrcode?ticket=unknown").await.status, 404);
    world.simulator.advance(Duration::from_secs(600));
    assert_eq!(world.page(&picture).await.status, 404);
    assert!(world.simulator.open_codes().is_empty());
}

#[tokio::test]
async fn a_code_lives_a_minute_unless_told_and_a_permanent_one_for_ever() {
    let world = World::start().await;
    let token = world.token("wxoa").await;
    let mut usual = text("abc");
    usual.as_object_mut().unwrap().remove("expire_seconds");
    assert_eq!(create(&world, &token, &usual).await["expire_seconds"], 60);
    let forever = create(&world, &token, &wanted("QR_LIMIT_STR_SCENE", json!({"scene_str": "door"}))).await;
    assert!(forever.get("expire_seconds").is_none());
    create(&world, &token, &wanted("QR_LIMIT_SCENE", json!({"scene_id": 7}))).await;
    world.simulator.advance(Duration::from_secs(3_000_000));
    let scenes = world.simulator.open_codes().into_iter().map(|code| code.scene).collect::<Vec<_>>();
    assert_eq!(scenes, ["door", "7"]);
    assert_eq!(create(&world, &token, &text("late")).await["errcode"], 42001);
}

#[tokio::test]
async fn what_the_documents_forbid_is_refused() {
    let world = World::start().await;
    let token = world.token("wxoa").await;
    for seconds in [json!(0), json!(-1), json!(2_592_001), json!("600"), json!(1.5)] {
        let mut body = text("abc");
        body["expire_seconds"] = seconds;
        assert_eq!(create(&world, &token, &body).await["errcode"], 40035, "{body}");
    }
    for body in [
        wanted("QR_STRING_SCENE", json!({"scene_str": "abc"})),
        wanted("qr_str_scene", json!({"scene_str": "abc"})),
        text(""),
        text(&"a".repeat(65)),
        wanted("QR_STR_SCENE", json!({"scene_id": 1})),
        wanted("QR_SCENE", json!({"scene_str": "abc"})),
        wanted("QR_SCENE", json!({"scene_id": 0})),
        wanted("QR_SCENE", json!({"scene_id": 4_294_967_296_u64})),
        wanted("QR_LIMIT_SCENE", json!({"scene_id": 100_001})),
        json!({}),
    ] {
        assert_eq!(create(&world, &token, &body).await["errcode"], 40035, "{body}");
    }
    for (body, errcode) in [("not json", 47001), (r#"{"action_name":"\u0051R_SCENE"}"#, 40033)] {
        let request = world.post(&format!("{PATH}?access_token={token}")).body(body);
        assert_eq!(world.cgi(request).await["errcode"], errcode, "{body}");
    }
    assert_eq!(world.cgi(world.get(&format!("{PATH}?access_token={token}"))).await["errcode"], 43002);
    assert!(world.simulator.open_codes().is_empty());
    assert!(create(&world, &token, &text(&"长".repeat(64))).await.get("errcode").is_none());
    world.simulator.console("wxoa").forget_expiry(true);
    assert_eq!(create(&world, &token, &text("abc")).await["expire_seconds"], 0);
}

#[tokio::test]
async fn codes_need_a_living_token_of_an_account_that_may_make_them() {
    let world = World::start().await;
    let token = world.token("wxoa").await;
    assert_eq!(create(&world, "", &text("abc")).await["errcode"], 41001);
    assert_eq!(create(&world, "short", &text("abc")).await["errcode"], 40014);
    assert_eq!(create(&world, &"a".repeat(136), &text("abc")).await["errcode"], 40001);
    let weak = world.token("wxsub").await;
    assert_eq!(create(&world, &weak, &text("abc")).await["errcode"], 48001);
    let link = authorize("snsapi_base").replace("wxoa", "wxsub");
    assert!(world.in_app(&link).await.complains("10005"));
    world.simulator.advance(Duration::from_secs(7200));
    assert_eq!(create(&world, &token, &text("abc")).await["errcode"], 42001);
}
