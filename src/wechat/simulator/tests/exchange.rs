//! Points 13–19: codes, the order of checks, the shape of answers, faults.

use std::collections::HashSet;

use super::*;

fn code(world: &World, scope: &str) -> String {
    world.simulator.issue_code("wxoa", scope, LIN)
}

#[tokio::test]
async fn a_code_is_opaque_and_works_once_for_its_own_app_and_only_for_a_while() {
    let world = World::start().await;
    let one = code(&world, "snsapi_base");
    assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let elsewhere = exchange_of(&one).replace("wxoa", "wxother").replace("oa-secret", "other-secret");
    assert_eq!(world.api(&elsewhere).await["errcode"], 40029);
    let wrong = exchange_of(&one).replace("oa-secret", "guess");
    assert_eq!(world.api(&wrong).await["errcode"], 40125);
    assert_eq!(world.exchange(&one).await["scope"], "snsapi_base");
    assert_eq!(world.exchange(&one).await["errcode"], 40163);

    let web = world.simulator.issue_code("wxweb", "snsapi_login", LIN);
    let web = exchange_of(&web).replace("wxoa", "wxweb").replace("oa-secret", "web-secret");
    let (fresh, old) = (code(&world, "snsapi_base"), code(&world, "snsapi_base"));
    world.simulator.advance(Duration::from_secs(298));
    assert!(world.exchange(&fresh).await.get("errcode").is_none());
    world.simulator.advance(Duration::from_secs(2));
    assert_eq!(world.exchange(&old).await["errcode"], 40029);
    assert!(world.api(&web).await.get("errcode").is_none());
}

#[tokio::test]
async fn mistakes_are_reported_in_wechats_order() {
    let world = World::start().await;
    let used = code(&world, "snsapi_base");
    world.exchange(&used).await;
    let steps = [
        ("", 41002),
        ("appid=unknown", 41004),
        ("appid=unknown&secret=guess", 41008),
        ("appid=unknown&secret=guess&code=invented", 40002),
        ("appid=unknown&secret=guess&code=invented&grant_type=authorization_code", 40013),
        ("appid=wxoa&secret=guess&code=invented&grant_type=authorization_code", 40125),
        ("appid=wxoa&secret=oa-secret&code=invented&grant_type=authorization_code", 40029),
    ];
    for (query, expected) in steps {
        assert_eq!(
            world.api(&format!("/sns/oauth2/access_token?{query}")).await["errcode"],
            expected,
            "{query}"
        );
    }
    assert_eq!(world.exchange(&used).await["errcode"], 40163);
    world.simulator.script().wrong_secret_errcode(40001);
    assert_eq!(world.api(&exchange_of("x").replace("oa-secret", "guess")).await["errcode"], 40001);
    let seen = world.simulator.calls().iter().map(|call| call.errcode).collect::<Vec<_>>();
    assert_eq!(seen, [0, 41002, 41004, 41008, 40002, 40013, 40125, 40029, 40163, 40001]);
}

#[tokio::test]
async fn an_error_is_http_200_with_a_fresh_request_id() {
    let world = World::start().await;
    let mut messages = HashSet::new();
    for _ in 0..2 {
        let answer = world.exchange("invented").await;
        assert_eq!(answer["errcode"], 40029);
        let message = answer["errmsg"].as_str().unwrap().to_owned();
        let rid =
            message.strip_prefix("invalid code, rid: ").unwrap().split('-').map(str::len).collect::<Vec<_>>();
        assert_eq!(rid, [8, 8, 8]);
        messages.insert(message);
    }
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn success_has_no_errcode_and_unionid_only_where_it_is_bound_and_asked_for() {
    let world = World::start().await;
    let base = world.exchange(&code(&world, "snsapi_base")).await;
    let asked = world.exchange(&code(&world, "snsapi_userinfo")).await;
    let other = world.simulator.issue_code("wxother", "snsapi_userinfo", LIN);
    let other = exchange_of(&other).replace("wxoa", "wxother").replace("oa-secret", "other-secret");
    let other = world.api(&other).await;
    for answer in [&base, &asked, &other] {
        assert!(answer.get("errcode").is_none() && answer.get("is_snapshotuser").is_none());
        assert_eq!(answer["expires_in"], 7200);
        let openid = answer["openid"].as_str().unwrap();
        assert!(openid.len() == 28 && openid.starts_with('o'), "{openid}");
        assert!(openid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
    }
    assert!(base.get("unionid").is_none() && other.get("unionid").is_none());
    assert_eq!(base["openid"], asked["openid"]);
    assert_ne!(asked["openid"], other["openid"]);
    let web = world.simulator.issue_code("wxweb", "snsapi_login", LIN);
    let web = world.api(&exchange_of(&web).replace("wxoa", "wxweb").replace("oa-secret", "web-secret")).await;
    assert_eq!(web["unionid"], asked["unionid"]);
    assert_ne!(web["openid"], asked["openid"]);
}

#[tokio::test]
async fn a_virtual_person_has_other_ids() {
    let world = World::start().await;
    let real = world.exchange(&code(&world, "snsapi_userinfo")).await;
    world.simulator.script().snapshot(true);
    let fake = world.exchange(&code(&world, "snsapi_userinfo")).await;
    assert_eq!(fake["is_snapshotuser"], 1);
    assert_ne!(fake["openid"], real["openid"]);
    assert_ne!(fake["unionid"], real["unionid"]);
}

#[tokio::test]
async fn fields_come_in_any_order() {
    let world = World::start().await;
    let mut orders = HashSet::new();
    for _ in 0..40 {
        let answer = world.get(&exchange_of(&code(&world, "snsapi_base"))).send().await.unwrap();
        let text = answer.text().await.unwrap();
        orders.insert(text.split('"').nth(1).unwrap().to_owned());
    }
    assert!(orders.len() > 1, "{orders:?}");
}

#[tokio::test]
async fn get_and_post_work_and_parameters_nobody_knows_are_ignored() {
    let world = World::start().await;
    let form = exchange_of(&code(&world, "snsapi_base"));
    let form = form.split_once('?').unwrap().1.to_owned() + "&redirect_uri=x&code_verifier=y";
    let post = world.client.post(format!("{}/sns/oauth2/access_token", world.base)).body(form);
    let post = post.header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    assert!(post.send().await.unwrap().text().await.unwrap().contains("openid"));
    let odd = format!("{}&client_id=x", exchange_of(&code(&world, "snsapi_base")));
    assert!(world.api(&odd).await.get("openid").is_some());
}

#[tokio::test]
async fn a_refused_or_bad_gateway_call_leaves_the_code_unused() {
    let world = World::start().await;
    let code = code(&world, "snsapi_base");
    let script = world.simulator.script();
    script
        .next_exchange(Fault::Errcode(-1))
        .next_exchange(Fault::Errcode(45011))
        .next_exchange(Fault::HtmlBadGateway);
    assert_eq!(world.exchange(&code).await["errcode"], -1);
    assert_eq!(world.exchange(&code).await["errcode"], 45011);
    let page = world.page(&exchange_of(&code)).await;
    assert!(page.status == 502 && page.text.contains("<html>"));
    assert!(world.exchange(&code).await.get("openid").is_some());
}

#[tokio::test]
async fn a_broken_answer_still_uses_the_code_up() {
    let world = World::start().await;
    let script = world.simulator.script();
    for fault in [Fault::ResetAfterConsuming, Fault::Truncated] {
        let code = code(&world, "snsapi_base");
        script.next_exchange(fault.clone());
        let broken = match world.get(&exchange_of(&code)).send().await {
            Ok(answer) => answer.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(broken, "{fault:?}");
        assert_eq!(world.exchange(&code).await["errcode"], 40163, "{fault:?}");
    }
    let one = code(&world, "snsapi_base");
    script.next_exchange(Fault::CutShort);
    let half = world.get(&exchange_of(&one)).send().await.unwrap().bytes().await.unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&half).is_err());
    assert_eq!(world.exchange(&one).await["errcode"], 40163);
    let other = code(&world, "snsapi_base");
    script.next_exchange(Fault::ErrcodeAfterConsuming(-1));
    assert_eq!(world.exchange(&other).await["errcode"], -1);
    assert_eq!(world.exchange(&other).await["errcode"], 40163);
}

#[tokio::test]
async fn any_bytes_can_be_the_answer_until_all_is_well() {
    let world = World::start().await;
    let bodies: [&[u8]; 4] = [b"[]", b"\"\"", b"{\"openid\":\"o\\r\\nX: y\"}", &[0xff; 10 << 20]];
    for body in bodies {
        world.simulator.script().exchange(Fault::body(body));
        let answer = world.get(&exchange_of(&code(&world, "snsapi_base"))).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap(), body);
    }
    world.simulator.script().well();
    assert!(world.exchange(&code(&world, "snsapi_base")).await.get("openid").is_some());
}

#[tokio::test]
async fn a_slow_answer_uses_the_code_up_at_once() {
    let world = World::start().await;
    let code = code(&world, "snsapi_base");
    world.simulator.script().next_exchange(Fault::Slow(Duration::from_secs(600)));
    let slow = tokio::spawn(world.get(&exchange_of(&code)).send());
    while world.simulator.exchanges() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.exchange(&code).await["errcode"], 40163);
    assert!(!slow.is_finished());
    slow.abort();
}

#[tokio::test]
async fn a_refresh_keeps_a_good_token_and_replaces_an_expired_one_for_thirty_days() {
    let world = World::start().await;
    let first = world.exchange(&code(&world, "snsapi_base")).await;
    let token = first["refresh_token"].as_str().unwrap();
    let path = format!("/sns/oauth2/refresh_token?appid=wxoa&grant_type=refresh_token&refresh_token={token}");
    assert_eq!(world.api(&path).await["access_token"], first["access_token"]);
    world.simulator.advance(Duration::from_secs(7200));
    assert_ne!(world.api(&path).await["access_token"], first["access_token"]);
    assert_eq!(world.api(&path.replace(token, "x")).await["errcode"], 40030);
    world.simulator.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(world.api(&path).await["errcode"], 42002);
}
