//! Point 23: whom the console lets ask for tokens, and what the others are told.

use std::net::{IpAddr, Ipv4Addr};

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

async fn refusal(world: &World) -> (i64, String) {
    let answer = world.stable(asking("wxoa", "oa-secret", false)).await;
    (answer["errcode"].as_i64().unwrap_or(0), answer["errmsg"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_address_that_is_not_listed_is_named_to_its_owner() {
    let world = World::start().await;
    let console = world.simulator.console("wxoa");
    console.whitelist(&[THERE]);
    for (way, number) in [
        (AddressRefusal::NotOnTheList, 40164),
        (AddressRefusal::NotRegistered, 61004),
        (AddressRefusal::NeedsConfirmation, 89503),
    ] {
        console.refuse_addresses_by(way);
        let (errcode, errmsg) = refusal(&world).await;
        assert_eq!(errcode, number);
        assert!(errmsg.contains("127.0.0.1") && errmsg.contains("rid: "), "{errmsg}");
    }
    let plain = "/cgi-bin/token?grant_type=client_credential&appid=wxoa&secret=oa-secret";
    assert_eq!(world.cgi(world.get(plain)).await["errcode"], 89503);
    console.whitelist(&[THERE, HERE]);
    assert_eq!(refusal(&world).await.0, 0);
    console.whitelist(&[]);
    assert_eq!(refusal(&world).await.0, 89503);
    console.no_whitelist();
    assert_eq!(refusal(&world).await.0, 0);
}

#[tokio::test]
async fn the_list_is_about_asking_for_tokens_and_about_one_account() {
    let world = World::start().await;
    let token = world.token("wxoa").await;
    world.simulator.console("wxoa").whitelist(&[THERE]);
    let openid = world.simulator.person(LIN).unwrap().openid("wxoa");
    let path = format!("/cgi-bin/user/info?access_token={token}&openid={openid}");
    assert_eq!(world.cgi(world.get(&path)).await["subscribe"], 0);
    world.token("wxother").await;
}

#[tokio::test]
async fn a_frozen_secret_gives_no_token() {
    let world = World::start().await;
    world.simulator.console("wxoa").freeze_secret(true);
    assert_eq!(refusal(&world).await.0, 40243);
    let wrong = world.stable(asking("wxoa", "wrong", false)).await;
    assert_eq!(wrong["errcode"], 40125);
    world.simulator.console("wxoa").freeze_secret(false);
    assert_eq!(refusal(&world).await.0, 0);
}
