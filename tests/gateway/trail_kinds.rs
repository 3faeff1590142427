//! Every kind of line of the audit trail, by the pages and by commands: each is in the store and in the log.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::Value;
use wxgate::model::audit::AuditKind;

use crate::phones::{asked_on_phone, between, code_on, link_in, say, tell_of_messages, waiting};
use crate::postgres::Postgres;
use crate::trail::{BY_WECHAT, Line, Scene, told};

fn kinds_of(lines: &[Line]) -> BTreeSet<String> {
    lines.iter().map(|line| line[0].clone()).collect()
}

/// Has everything happen that is written down.
async fn every_kind(store: Option<String>) {
    let mut scene = Scene::with("", store).await;
    tell_of_messages(&scene.gateway);

    // The first administrator, by a link that a command makes.
    let (mut lin, lin_id) = scene.signed_in("Lin").await;
    let made: Value = serde_json::from_str(&scene.run(&["setup-link", "--json"])).unwrap();
    let link = made["link"].as_str().unwrap().to_owned();
    let (token, code) = (lin.open(&link).await.token(), link.split_once("code=").unwrap().1);
    let set_up =
        lin.submit(&scene.gateway.url("/_wxgate/setup"), &format!("token={token}&code={code}")).await;
    assert_eq!(set_up.location(), "/_wxgate/admin", "{}", set_up.text());

    // Somebody asks; what is decided about them.
    let (mut wang, wang_id) = scene.signed_in("王芳 Wang").await;
    let token = wang.open(&scene.gateway.url("/")).await.token();
    wang.submit(&scene.gateway.url("/_wxgate/request"), &format!("token={token}&to=/&message=")).await;
    let page = format!("/_wxgate/admin/members/{wang_id}");
    scene.fill_in(&mut lin, &page, "do=refuse").await;
    scene.fill_in(&mut lin, &page, "do=approve&groups=it").await;
    assert_eq!(wang.open(&scene.gateway.url("/staff")).await.status, StatusCode::FORBIDDEN);
    for form in [
        "do=rename&user_name=wang.fang",
        "do=display-name&display_name=%E7%8E%8B%E8%8A%B3",
        "do=groups&groups=staff",
        "do=grant-admin",
        "do=take-admin",
        "do=block",
        "do=unblock",
        "do=sign-out",
    ] {
        scene.fill_in(&mut lin, &page, form).await;
    }
    scene.run(&["members", "block", &wang_id]);
    let mut shut_out = scene.gateway.browser();
    let callback = shut_out.callback(&scene.gateway, "王芳 Wang", BY_WECHAT).await;
    assert_ne!(shut_out.open(&callback).await.status, StatusCode::SEE_OTHER);
    // What is about the forgotten goes from the store.
    let mut kinds = kinds_of(&scene.agreed().await);
    scene.run(&["members", "forget", &wang_id, "--yes"]);
    scene.gone.push(wang_id);

    // Sessions.
    let (mut wang, _) = scene.signed_in("王芳 Wang").await;
    assert_eq!(wang.submit(&scene.gateway.url("/_wxgate/logout"), "").await.status, StatusCode::OK);
    let (_, id) = scene.signed_in("王芳 Wang").await;
    let sessions: Value = serde_json::from_str(&scene.run(&["sessions", "list", &id, "--json"])).unwrap();
    scene.run(&["sessions", "revoke", sessions[0]["id"].as_str().unwrap()]);

    // Invitations.
    let made: Value = serde_json::from_str(&scene.run(&["invite", "--groups", "staff", "--json"])).unwrap();
    let (link, invite) = (made["link"].as_str().unwrap(), made["id"].as_str().unwrap());
    let (mut wang, _) = scene.signed_in("王芳 Wang").await;
    let (token, code) = (wang.open(link).await.token(), link.split_once("code=").unwrap().1);
    wang.submit(&scene.gateway.url("/_wxgate/invite"), &format!("token={token}&code={code}")).await;
    let made: Value = serde_json::from_str(&scene.run(&["invite", "--json"])).unwrap();
    scene.run(&["invite", "withdraw", made["id"].as_str().unwrap()]);

    // What is said on phones.
    for word in ["refuse", "allow"] {
        let mut computer = scene.gateway.browser();
        let (_, page) = waiting(&scene.gateway, &mut computer, "follow").await;
        let code = code_on(&scene.gateway, &mut computer, &page).await;
        let message = scene.gateway.wechat.scan_code("Lin", &code).await.unwrap().said().unwrap().to_owned();
        let (mut phone, question) = asked_on_phone(&scene.gateway, "Lin", &link_in(&message)).await;
        say(&scene.gateway, &mut phone, &question, word).await;
    }

    // Two records of one person, settled either way.
    let mut settled = Vec::new();
    for (round, deed) in ["keep-apart", "move-account"].into_iter().enumerate() {
        let (openid, unionid) = (format!("oA{round}"), format!("union{round}"));
        scene.known_as(&openid, None).await;
        scene.known_as(&format!("oB{round}"), Some(&unionid)).await;
        scene.known_as(&openid, Some(&unionid)).await;
        let page = lin.open(&scene.gateway.url("/_wxgate/admin/conflicts")).await.html();
        let id = between(&page, "name=\"conflict\" value=\"", "\"").to_owned();
        let lines = scene.agreed().await;
        let found = told(&lines, "conflict-found");
        let named = |holder: &&(&str, &str, &str)| page.contains(holder.1);
        let (_, holder, other) = *found.iter().find(named).unwrap();
        let other = other.strip_prefix("its unionid belongs to ").unwrap().to_owned();
        scene.fill_in(&mut lin, "/_wxgate/admin/conflicts", &format!("do={deed}&conflict={id}")).await;
        let what = if deed == "keep-apart" { "kept apart from" } else { "account moved from" };
        settled.push((other, format!("conflict {id}: {what} {holder}")));
        if deed == "move-account" {
            // It was their last.
            scene.gone.push((*holder).to_owned());
        }
    }
    let lines = scene.agreed().await;
    let mut expected: Vec<_> =
        settled.iter().map(|(other, detail)| (lin_id.as_str(), other.as_str(), detail.as_str())).collect();
    expected.sort_unstable();
    assert_eq!(told(&lines, "conflict-settled"), expected);
    assert!(told(&lines, "invite-used")[0].2.contains(invite));
    kinds.append(&mut kinds_of(&lines));
    let missing: Vec<_> = AuditKind::ALL.iter().filter(|kind| !kinds.contains(kind.as_str())).collect();
    assert!(missing.is_empty(), "not tried: {missing:?}");
}

#[tokio::test]
async fn every_kind_of_line_is_in_the_file_and_in_the_log() {
    every_kind(None).await;
}

#[tokio::test]
async fn every_kind_of_line_is_in_postgresql_and_in_the_log() {
    Postgres::shared().create_database("trail");
    every_kind(Some(Postgres::shared().url("trail"))).await;
}
