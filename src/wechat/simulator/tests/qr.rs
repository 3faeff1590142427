//! Point 10: the QR page, its image and its long poll.

use super::*;

async fn poll(world: &World, uuid: &str, last: &str) -> String {
    let page = world.page(&format!("/connect/l/qrconnect?uuid={uuid}{last}&_=1")).await;
    page.text.trim_start_matches("window.wx_errcode=").split(';').next().unwrap().to_owned()
}

async fn begin(world: &World) -> String {
    let xml = world.page(&format!("{}&f=xml&_=1", qr_connect())).await.text;
    let uuid = xml.split_once("<uuid><![CDATA[").unwrap().1;
    uuid.split(']').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_scan_goes_from_waiting_over_scanned_to_confirmed() {
    let world = World::start().await;
    world.simulator.script().poll_wait(Duration::ZERO);
    let uuid = begin(&world).await;
    let waiting = world.simulator.waiting_scans();
    assert_eq!(
        (waiting.len(), waiting[0].uuid.as_str(), waiting[0].state.as_str()),
        (1, uuid.as_str(), "abc")
    );
    assert_eq!((waiting[0].app_id.as_str(), waiting[0].host.as_str()), ("wxweb", "app.example"));
    assert_eq!(poll(&world, &uuid, "").await, "408");
    assert_eq!(world.simulator.confirm(&uuid), Err(ScanError::NotScanned));
    assert_eq!(world.simulator.scan(&uuid, "nobody"), Err(ScanError::UnknownPerson));
    world.simulator.scan(&uuid, WANG).unwrap();
    assert_eq!(poll(&world, &uuid, "&last=408").await, "404");
    assert_eq!(poll(&world, &uuid, "&last=404").await, "408");
    world.simulator.confirm(&uuid).unwrap();
    let answer = world.page(&format!("/connect/l/qrconnect?uuid={uuid}&last=404")).await.text;
    let code =
        answer.strip_prefix("window.wx_errcode=405;window.wx_code='").unwrap().strip_suffix("';").unwrap();
    let exchange = exchange_of(code).replace("wxoa", "wxweb").replace("oa-secret", "web-secret");
    assert_eq!(world.api(&exchange).await["openid"], world.simulator.person(WANG).unwrap().openid("wxweb"));
    assert_eq!(world.simulator.confirm(&uuid), Err(ScanError::Gone));
    assert!(world.simulator.waiting_scans().is_empty());
}

#[tokio::test]
async fn the_long_poll_answers_the_moment_something_happens() {
    let world = World::start().await;
    let uuid = begin(&world).await;
    let (seen, ()) = tokio::join!(poll(&world, &uuid, ""), async {
        tokio::task::yield_now().await;
        world.simulator.scan(&uuid, LIN).unwrap();
    });
    assert_eq!(seen, "404");
    let (seen, refused) =
        tokio::join!(poll(&world, &uuid, "&last=404"), async { world.simulator.refuse(&uuid) });
    assert_eq!((seen.as_str(), refused), ("403", Ok(())));
}

#[tokio::test]
async fn a_qr_code_gets_too_old() {
    let world = World::start().await;
    let uuid = begin(&world).await;
    world.simulator.advance(Duration::from_secs(300));
    assert_eq!(poll(&world, &uuid, "").await, "402");
    assert_eq!(world.simulator.scan(&uuid, LIN), Err(ScanError::Gone));
    let other = begin(&world).await;
    world.simulator.expire(&other).unwrap();
    assert_eq!(poll(&world, &other, "").await, "402");
    assert_eq!(poll(&world, "neverexisted", "").await, "500");
}

#[tokio::test]
async fn scripted_decisions_reach_the_long_poll_too() {
    let world = World::start().await;
    let script = world.simulator.script();
    script.poll_wait(Duration::ZERO);
    let decisions = [
        (Consent::Allow(LIN.to_owned()), "405"),
        (Consent::RefuseSilently, "403"),
        (Consent::Expired, "402"),
        (Consent::NeverAnswers, "408"),
    ];
    for (consent, expected) in decisions {
        script.consent(consent.clone());
        let uuid = begin(&world).await;
        assert_eq!(poll(&world, &uuid, "").await, expected, "{consent:?}");
    }
}

#[tokio::test]
async fn the_page_names_the_site_and_carries_an_image_for_the_phone() {
    let world = World::start().await;
    let page = world.page(&qr_connect()).await.text;
    let uuid = world.simulator.waiting_scans()[0].uuid.clone();
    for words in ["app.example", "演示 · DEMO", "<noscript>", "<svg", &format!("/connect/qrcode/{uuid}")] {
        assert!(page.contains(words), "{words}");
    }
    let image = world.get(&format!("/connect/qrcode/{uuid}")).send().await.unwrap();
    assert_eq!(image.headers()["content-type"], "image/svg+xml");
    assert!(page.contains(&image.text().await.unwrap()));
    assert_eq!(world.page("/connect/qrcode/nothing").await.status, 404);
    let host = world.base.trim_start_matches("http://");
    let expected = super::super::qr::svg(&format!("http://{host}/phone?uuid={uuid}"));
    assert!(page.contains(&expected));
}

#[tokio::test]
async fn without_scripts_the_page_comes_along_by_refreshing() {
    let world = World::start().await;
    let uuid = begin(&world).await;
    let wait = format!("/connect/qrconnect/wait?uuid={uuid}");
    assert!(world.page(&wait).await.complains(r#"data-progress="waiting""#));
    world.simulator.scan(&uuid, LIN).unwrap();
    assert!(world.page(&wait).await.complains(r#"data-progress="scanned""#));
    world.simulator.confirm(&uuid).unwrap();
    assert_eq!(world.page(&wait).await.code().len(), 32);
}

#[tokio::test]
async fn self_redirect_true_stays_in_the_frame_and_everything_else_moves_the_top() {
    let world = World::start().await;
    world.simulator.script().consent(Consent::Allow(LIN.to_owned()));
    let embedded = format!("{}&login_type=jssdk&self_redirect=", qr_connect());
    assert!(world.page(&format!("{embedded}true")).await.location.is_some());
    for value in ["false", "default", "undefined", ""] {
        let page = world.page(&format!("{embedded}{value}")).await;
        assert!(page.complains(r#"target="_top" href="https:"#), "{value}: {}", page.text);
    }
    world.simulator.script().ask();
    assert!(world.page(&format!("{embedded}default")).await.complains(r#"data-window="top""#));
    assert!(world.page(&format!("{embedded}true")).await.complains(r#"data-window="self""#));
}
