//! Points 1–6, 8, 9, 12: which links work, and what people decide.

use super::*;

#[tokio::test]
async fn an_app_of_the_wrong_kind_is_refused_on_either_page() {
    let world = World::start().await;
    let page = world.in_app(&authorize("snsapi_base").replace("wxoa", "wxweb")).await;
    assert!(page.complains("10016"));
    assert!(world.page(&qr_connect().replace("wxweb", "wxoa")).await.complains("Scope 参数错误"));
    assert!(world.page(&qr_connect().replace("wxweb", "WXWEB")).await.complains("AppID 参数错误"));
}

#[tokio::test]
async fn authorize_links_are_matched_in_the_documented_order_and_case() {
    let world = World::start().await;
    let good = authorize("snsapi_base");
    assert!(world.in_app(&good).await.location.is_some());
    for extra in ["&connect_redirect=1", "&forcePopup=true", "&lang=en&forceSnapShot=false"] {
        assert!(world.in_app(&format!("{good}{extra}")).await.location.is_some(), "{extra}");
    }
    let swapped = good.replace("&scope=snsapi_base&state=abc", "&state=abc&scope=snsapi_base");
    let early_extra = good.replace("?appid", "?forcePopup=true&appid");
    let upper = good.replace("appid", "AppId");
    let unknown = format!("{good}&x=1");
    let twice = format!("{good}&state=abc");
    for bad in [swapped, early_extra, upper, unknown, twice] {
        assert!(world.in_app(&bad).await.complains("无法访问"), "{bad}");
    }
}

#[tokio::test]
async fn a_callback_must_be_absolute_and_on_a_registered_host_exactly() {
    let world = World::start().await;
    let to = |uri: &str| [authorize("snsapi_base"), qr_connect()].map(|link| link.replace(CALLBACK, uri));
    world.simulator.script().consent(Consent::Allow(LIN.to_owned()));
    for good in ["http%3A%2F%2Fapp.example%3A8480%2Fany%2Fpath", "https%3A%2F%2FAPP.Example%2F"] {
        let [in_app, qr] = to(good);
        assert!(world.in_app(&in_app).await.location.is_some(), "{good}");
        assert!(world.page(&qr).await.location.is_some(), "{good}");
    }
    let bad = [
        "https%3A%2F%2Fwww.app.example%2Fcb",
        "https%3A%2F%2Fexample%2Fcb",
        "https%3A%2F%2Fevilapp.example%2Fcb",
        "https%3A%2F%2Fapp.example.evil%2Fcb",
        "https%253A%252F%252Fapp.example%252Fcb",
        "%2Fcb",
        "javascript%3A%2F%2Fapp.example%2F",
    ];
    for uri in bad {
        let [in_app, qr] = to(uri);
        assert!(world.in_app(&in_app).await.complains("10003"), "{uri}");
        assert!(world.page(&qr).await.complains("redirect_uri 参数错误"), "{uri}");
    }
    let token = authorize("snsapi_base").replace("response_type=code", "response_type=token");
    assert!(world.in_app(&token).await.complains("无法访问"));
}

#[tokio::test]
async fn qrconnect_wants_snsapi_login_and_only_the_embedded_form_goes_without_response_type() {
    let world = World::start().await;
    assert!(
        world
            .page(&qr_connect().replace("snsapi_login", "snsapi_userinfo"))
            .await
            .complains("Scope 参数错误")
    );
    let bare = qr_connect().replace("&response_type=code", "");
    assert!(world.page(&bare).await.complains("无法访问"));
    assert!(world.page(&format!("{bare}&login_type=jssdk&self_redirect=true")).await.complains("微信登录"));
}

#[tokio::test]
async fn authorize_wants_a_scope_it_knows_and_a_short_state() {
    let world = World::start().await;
    assert!(world.in_app(&authorize("snsapi_login")).await.complains("10005"));
    assert!(world.in_app(&authorize("")).await.complains("10010"));
    let with_state = |state: &str| authorize("snsapi_base").replace("abc", state);
    assert!(world.in_app(&with_state("")).await.complains("10013"));
    assert!(world.in_app(&authorize("snsapi_base").replace("&state=abc", "")).await.complains("10013"));
    assert!(world.in_app(&with_state(&"a".repeat(128))).await.location.is_some());
    assert!(world.in_app(&with_state(&"a".repeat(129))).await.complains("state 参数错误"));
    assert!(world.in_app(&with_state("a-b_c")).await.location.is_some());
    world.simulator.script().enforce_state_charset(true);
    assert!(world.in_app(&with_state("a-b_c")).await.complains("state 参数错误"));
}

#[tokio::test]
async fn authorize_opens_in_wechat_only_and_not_in_wecom() {
    let world = World::start().await;
    for stranger in [DESKTOP, IN_WECOM, "Mozilla/5.0 (MicroMessenger)", "x wwlocal/2.4 MicroMessenger/7.0"] {
        let request = world.get(&authorize("snsapi_base")).header("user-agent", stranger);
        let page = Page::of(request.send().await.unwrap()).await;
        assert!(page.complains("请在微信客户端打开链接"), "{stranger}");
    }
}

#[tokio::test]
async fn a_scripted_page_error_is_shown_by_its_number() {
    let world = World::start().await;
    world.simulator.script().page_error(10006);
    assert!(world.in_app(&authorize("snsapi_base")).await.complains("必须关注此测试号"));
    world.simulator.script().well();
    assert!(world.in_app(&authorize("snsapi_base")).await.location.is_some());
}

#[tokio::test]
async fn the_state_comes_back_byte_for_byte_and_before_it_the_code() {
    let world = World::start().await;
    let page = world
        .in_app(&authorize("snsapi_base").replace("abc", "a%2Bb+c%3d~").replace("%2Fcb", "%2Fcb%3Fx%3D1"))
        .await;
    let expected = format!("https://app.example/cb?x=1&code={}&state=a%2Bb+c%3d~", page.code());
    assert_eq!(page.location, Some(expected));
}

#[tokio::test]
async fn a_callback_with_a_fragment_gets_its_code_before_it_or_doubled_if_scripted() {
    let world = World::start().await;
    world.simulator.script().consent(Consent::FastLogin(LIN.to_owned()));
    let link = qr_connect().replace("%2Fcb", "%2F%23%2Flogin");
    let page = world.page(&link).await;
    assert_eq!(page.location, Some(format!("https://app.example/?code={}&state=abc#/login", page.code())));
    world.simulator.script().fragment(Fragment::Doubled);
    let page = world.page(&link).await;
    let once = format!("code={}&state=abc", page.code());
    assert_eq!(page.location, Some(format!("https://app.example?{once}/#/login?{once}")));
}

#[tokio::test]
async fn people_decide_as_scripted() {
    let world = World::start().await;
    let (link, script) = (authorize("snsapi_userinfo"), world.simulator.script());
    script.consent(Consent::Allow(WANG.to_owned()));
    assert_eq!(world.in_app(&link).await.code().len(), 32);
    script.consent(Consent::RefuseWithState);
    assert_eq!(world.in_app(&link).await.location.as_deref(), Some("https://app.example/cb?state=abc"));
    assert_eq!(world.page(&qr_connect()).await.location.as_deref(), Some("https://app.example/cb?state=abc"));
    script.consent(Consent::RefuseSilently);
    assert!(world.in_app(&link).await.complains("你已取消此次登录"));
    assert!(world.page(&qr_connect()).await.complains(r#"data-progress="cancelled""#));
    script.consent(Consent::Expired);
    assert!(world.in_app(&link).await.complains("已过期"));
    assert!(world.page(&qr_connect()).await.complains(r#"data-progress="expired""#));
    script.consent(Consent::NeverAnswers);
    assert!(world.in_app(&link).await.complains("请稍候"));
    assert!(world.page(&qr_connect()).await.complains(r#"data-progress="waiting""#));
    script.consent(Consent::FastLogin(LIN.to_owned()));
    assert_eq!(world.page(&qr_connect()).await.code().len(), 32);
}

#[tokio::test]
async fn unscripted_the_consent_page_asks_who_holds_the_phone_and_remembers_it() {
    let world = World::start().await;
    let page = world.in_app(&authorize("snsapi_userinfo")).await;
    assert!(
        page.complains("Who is holding this phone?")
            && page.text.contains(WANG)
            && page.text.contains("演示 · DEMO")
    );
    let action = authorize("snsapi_userinfo").replace("authorize", "consent");
    let tap = async |holder: &'static str| {
        let request = world.client.post(format!("{}{action}", world.base)).header("user-agent", IN_WECHAT);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("holder={holder}")).send().await.unwrap()
    };
    let allowed = tap("%E7%8E%8B%E8%8A%B3+Wang+Fang").await;
    let cookie = allowed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let code = Page::of(allowed).await.code();
    let wang = world.simulator.person(WANG).unwrap().openid("wxoa");
    assert_eq!(world.exchange(&code).await["openid"], wang);
    let refused = tap("").await;
    let back = refused.headers()["location"].to_str().unwrap();
    assert!(back.contains("state=") && !back.contains("code="), "{back}");
    let silent =
        world.get(&authorize("snsapi_base")).header("user-agent", IN_WECHAT).header("cookie", cookie);
    let code = Page::of(silent.send().await.unwrap()).await.code();
    assert_eq!(world.exchange(&code).await["openid"], wang);
}

#[tokio::test]
async fn snsapi_base_never_shows_anything_whoever_holds_the_phone() {
    let world = World::start().await;
    for consent in [None, Some(Consent::RefuseSilently), Some(Consent::RefuseWithState)] {
        consent.into_iter().for_each(|consent| _ = world.simulator.script().consent(consent));
        assert_eq!(world.in_app(&authorize("snsapi_base")).await.code().len(), 32);
    }
    world.simulator.script().ask().holder(WANG);
    let code = world.in_app(&authorize("snsapi_base")).await.code();
    assert_eq!(world.exchange(&code).await["openid"], world.simulator.person(WANG).unwrap().openid("wxoa"));
}

#[tokio::test]
async fn a_snapshot_page_comes_back_silently_with_a_virtual_person() {
    let world = World::start().await;
    let lin = world.simulator.person(LIN).unwrap();
    let forced = format!("{}&forceSnapShot=true", authorize("snsapi_userinfo"));
    let code = world.in_app(&forced).await.code();
    let answer = world.exchange(&code).await;
    assert_eq!(answer["is_snapshotuser"], 1);
    assert_ne!(answer["openid"], lin.openid("wxoa"));
    world.simulator.script().snapshot(true);
    let code = world.in_app(&authorize("snsapi_userinfo")).await.code();
    assert_eq!(world.exchange(&code).await["is_snapshotuser"], 1);
    let code = world.in_app(&authorize("snsapi_base")).await.code();
    let answer = world.exchange(&code).await;
    assert_eq!((answer.get("is_snapshotuser"), &answer["openid"]), (None, &lin.openid("wxoa").into()));
}
