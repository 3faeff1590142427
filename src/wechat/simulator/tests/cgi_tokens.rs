//! Point 22: the two families of tokens.

use serde_json::{Value, json};

use super::*;

const PLAIN: &str = "/cgi-bin/token?grant_type=client_credential&appid=wxoa&secret=oa-secret";

/// The errcode that a token is good for; 0 when it is good.
async fn verdict(world: &World, token: &str) -> i64 {
    let openid = world.simulator.person(LIN).unwrap().openid("wxoa");
    let path = format!("/cgi-bin/user/info?access_token={token}&openid={openid}&lang=zh_CN");
    world.cgi(world.get(&path)).await["errcode"].as_i64().unwrap_or(0)
}

async fn plain(world: &World) -> String {
    let answer = world.cgi(world.get(PLAIN)).await;
    assert_eq!((answer["expires_in"].as_i64(), answer.get("errcode")), (Some(7200), None));
    token(&answer)
}

async fn stable(world: &World, is_forced: bool) -> (String, i64) {
    let answer = world.stable(asking("wxoa", "oa-secret", is_forced)).await;
    (token(&answer), answer["expires_in"].as_i64().unwrap())
}

fn token(answer: &Value) -> String {
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_plain_token_ends_the_last_one_after_five_minutes_and_no_stable_one() {
    let world = World::start().await;
    let (kept, _) = stable(&world, false).await;
    let first = plain(&world).await;
    let second = plain(&world).await;
    assert_ne!(first, second);
    world.simulator.advance(seconds(290));
    assert_eq!((verdict(&world, &first).await, verdict(&world, &second).await), (0, 0));
    world.simulator.advance(seconds(10));
    assert_eq!((verdict(&world, &first).await, verdict(&world, &second).await), (40001, 0));
    assert_eq!(verdict(&world, &kept).await, 0);
    world.simulator.advance(seconds(6900));
    assert_eq!(verdict(&world, &second).await, 42001);
}

#[tokio::test]
async fn a_stable_token_stays_until_its_last_five_minutes() {
    let world = World::start().await;
    let (first, expires_in) = stable(&world, false).await;
    assert_eq!(expires_in, 7200);
    world.simulator.advance(seconds(6800));
    let (again, expires_in) = stable(&world, false).await;
    assert_eq!(again, first);
    assert!((380..=400).contains(&expires_in), "{expires_in}");
    world.simulator.advance(seconds(101));
    let (second, expires_in) = stable(&world, false).await;
    assert_ne!(second, first);
    assert_eq!(expires_in, 7200);
    assert_eq!((verdict(&world, &first).await, verdict(&world, &second).await), (0, 0));
    world.simulator.advance(seconds(299));
    assert_eq!((verdict(&world, &first).await, verdict(&world, &second).await), (42001, 0));
}

#[tokio::test]
async fn force_ends_the_old_one_at_once_but_not_hastily_and_not_for_ever() {
    let world = World::start().await;
    let (first, _) = stable(&world, false).await;
    let (second, _) = stable(&world, true).await;
    assert_ne!(first, second);
    assert_eq!((verdict(&world, &first).await, verdict(&world, &second).await), (40001, 0));
    assert_eq!(stable(&world, true).await.0, second, "within 30 seconds it is not heard");
    // To just after a midnight in Beijing, so that all of it is in one day.
    let second_of_day = (world.simulator.now().as_unix() + 8 * 3600).rem_euclid(86_400);
    world.simulator.advance(seconds(u64::try_from(2 * 86_400 - second_of_day + 60).unwrap()));
    let (mut last, _) = stable(&world, false).await;
    for _ in 0..20 {
        let (next, _) = stable(&world, true).await;
        assert_ne!(next, last);
        last = next;
        world.simulator.advance(seconds(30));
    }
    assert_eq!(stable(&world, true).await.0, last, "20 a day");
    world.simulator.advance(seconds(86_400));
    let (tomorrow, _) = stable(&world, false).await;
    assert_ne!(stable(&world, true).await.0, tomorrow);
    let counts = world.simulator.token_counts("wxoa");
    assert_eq!((counts.plain, counts.stable, counts.forced), (0, 27, 24));
    assert_eq!(counts.stable_minted, 25);
    assert_eq!(world.simulator.calls_of("/cgi-bin/stable_token"), 27);
}

#[tokio::test]
async fn stable_token_wants_json_by_post_and_token_wants_get() {
    let world = World::start().await;
    let path = "/cgi-bin/stable_token";
    let query = "?grant_type=client_credential&appid=wxoa&secret=oa-secret";
    assert_eq!(world.cgi(world.get(&format!("{path}{query}"))).await["errcode"], 43002);
    let form = world.post(path).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(world.cgi(form.body(query[1..].to_owned())).await["errcode"], 47001);
    assert_eq!(world.cgi(world.post(&format!("{path}{query}")).body("[]")).await["errcode"], 47001);
    assert_eq!(world.cgi(world.post(PLAIN)).await["errcode"], 43001);
    assert_eq!(world.simulator.token_counts("wxoa"), TokenCounts::default());
}

#[tokio::test]
async fn whoever_asks_wrongly_is_told_in_wechats_order() {
    let world = World::start().await;
    let good = asking("wxoa", "oa-secret", false);
    for (name, value, errcode) in [
        ("appid", json!(""), 41002),
        ("appid", json!("wxnobody"), 40013),
        ("appid", json!("wxweb"), 40013),
        ("secret", json!(""), 41004),
        ("secret", json!("wrong"), 40125),
        ("grant_type", json!("authorization_code"), 40002),
        ("force_refresh", json!("true"), 47001),
    ] {
        let mut body = good.clone();
        body[name] = value;
        assert_eq!(world.stable(body).await["errcode"], errcode, "{name}");
    }
    let mut silent = good.clone();
    silent.as_object_mut().unwrap().remove("force_refresh");
    assert!(world.stable(silent.clone()).await["access_token"].is_string());
    world.simulator.console("wxoa").want_force_refresh(true);
    assert_eq!(world.stable(silent).await["errcode"], 41002);
    assert_eq!(world.simulator.calls().last().unwrap().app_id, "wxoa");
}

#[tokio::test]
async fn tokens_can_end_at_once_and_calls_can_fail() {
    let world = World::start().await;
    let (first, _) = stable(&world, false).await;
    world.simulator.console("wxoa").end_tokens();
    assert_eq!(verdict(&world, &first).await, 40001);
    assert_eq!(verdict(&world, "nonsense").await, 40014);
    assert_eq!(verdict(&world, "").await, 41001);
    world.simulator.script().next_call("/cgi-bin/stable_token", Fault::Errcode(-1));
    assert_eq!(world.stable(asking("wxoa", "oa-secret", false)).await["errcode"], -1);
    assert_ne!(stable(&world, false).await.0, first);
    world.simulator.script().every_call("/cgi-bin/token", Fault::Errcode(45009));
    assert_eq!(world.cgi(world.get(PLAIN)).await["errcode"], 45009);
}
