//! Points 20 and 21: who may read a profile, and how odd it can be.

use super::*;

struct Login {
    token: String,
    openid: String,
}

async fn login(world: &World, scope: &str) -> Login {
    let answer = world.exchange(&world.simulator.issue_code("wxoa", scope, LIN)).await;
    let [token, openid] = ["access_token", "openid"].map(|name| answer[name].as_str().unwrap().to_owned());
    Login { token, openid }
}

fn profile(token: &str, openid: &str) -> String {
    format!("/sns/userinfo?access_token={token}&openid={openid}&lang=zh_CN")
}

async fn raw(world: &World, login: &Login) -> Vec<u8> {
    let request = world.get(&profile(&login.token, &login.openid));
    request.send().await.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_profile_needs_the_right_token_for_the_right_openid() {
    let world = World::start().await;
    let lin = login(&world, "snsapi_userinfo").await;
    let answer = world.api(&profile(&lin.token, &lin.openid)).await;
    assert_eq!((answer["nickname"].as_str(), answer.get("errcode")), (Some(LIN), None));
    assert!(raw(&world, &lin).await.windows(4).any(|bytes| bytes == br":\/\"), "slashes are escaped");
    let wang = world.simulator.person(WANG).unwrap().openid("wxoa");
    assert_eq!(world.api(&profile(&lin.token, &wang)).await["errcode"], 40003);
    assert_eq!(world.api(&profile("invented", &lin.openid)).await["errcode"], 40001);
    assert_eq!(world.api(&profile("", &lin.openid)).await["errcode"], 41001);
    assert_eq!(world.api(&profile(&lin.token, "")).await["errcode"], 41009);
    let check = profile(&lin.token, &lin.openid).replace("userinfo", "auth");
    assert_eq!(world.api(&check).await, serde_json::json!({"errcode": 0, "errmsg": "ok"}));
    world.simulator.advance(Duration::from_secs(7200));
    assert_eq!(world.api(&profile(&lin.token, &lin.openid)).await["errcode"], 42001);
}

#[tokio::test]
async fn a_silent_login_has_no_profile() {
    let world = World::start().await;
    let lin = login(&world, "snsapi_base").await;
    assert_eq!(world.api(&profile(&lin.token, &lin.openid)).await["errcode"], 48001);
}

#[tokio::test]
async fn a_virtual_person_has_an_invented_profile_or_none() {
    let world = World::start().await;
    world.simulator.script().snapshot(true);
    let fake = login(&world, "snsapi_userinfo").await;
    let answer = world.api(&profile(&fake.token, &fake.openid)).await;
    assert_ne!(answer["nickname"], LIN);
    assert_eq!(answer["openid"], fake.openid.as_str());
    world.simulator.script().snapshot_profile(SnapshotProfile::Refused);
    assert_eq!(world.api(&profile(&fake.token, &fake.openid)).await["errcode"], 48001);
}

#[tokio::test]
async fn every_odd_profile_is_served_as_odd_as_promised() {
    let world = World::start().await;
    let lin = login(&world, "snsapi_userinfo").await;
    for variant in ProfileVariant::ALL {
        world.simulator.script().profile(LIN, variant);
        let body = raw(&world, &lin).await;
        let json = serde_json::from_slice::<serde_json::Value>(&body).ok();
        let field = |name: &str| json.as_ref().and_then(|json| json.get(name)).cloned();
        let as_promised = match variant {
            ProfileVariant::BrokenEscape => json.is_none() && std::str::from_utf8(&body).is_ok(),
            ProfileVariant::Emoji => {
                field("nickname").is_some_and(|name| name.as_str().unwrap().contains('🐼'))
            }
            ProfileVariant::EmptyAvatar => field("headimgurl") == Some("".into()),
            ProfileVariant::EmptyNickname => field("nickname") == Some("".into()),
            ProfileVariant::HttpAvatar => {
                field("headimgurl").unwrap().as_str().unwrap().starts_with("http://wx.qlogo.cn/")
            }
            ProfileVariant::HugeNickname => field("nickname").unwrap().as_str().unwrap().len() > 65_530,
            ProfileVariant::InvalidUtf8 => std::str::from_utf8(&body).is_err(),
            ProfileVariant::MissingPrivilege => json.is_some() && field("privilege").is_none(),
            ProfileVariant::NicknameSaysErrcode => field("nickname") == Some(r#"{"errcode":40029}"#.into()),
            ProfileVariant::Normal => field("nickname") == Some(LIN.into()) && field("sex") == Some(0.into()),
            ProfileVariant::PrivateUse => field("nickname") == Some("\u{e13c}\u{e41d}\u{e537}".into()),
            ProfileVariant::RawControlByte => json.is_none() && body.contains(&0x14),
            ProfileVariant::SexAsText => field("sex") == Some("1".into()),
        };
        assert!(as_promised, "{variant:?}: {}", String::from_utf8_lossy(&body[..body.len().min(500)]));
    }
}

#[tokio::test]
async fn profile_calls_break_on_their_own() {
    let world = World::start().await;
    world.simulator.script().next_profile(Fault::Errcode(40001)).every_profile(Fault::HtmlBadGateway);
    let lin = login(&world, "snsapi_userinfo").await;
    assert_eq!(world.api(&profile(&lin.token, &lin.openid)).await["errcode"], 40001);
    assert_eq!(world.page(&profile(&lin.token, &lin.openid)).await.status, 502);
}
