//! Somebody stops following the account, and WeChat tells of it: in time, late, twice, or while the store is away.

use http::StatusCode;
use tokio::time::Instant;
use wxgate::model::clock::{self, Timestamp};
use wxgate::wechat::simulator::{Consent, Push, PushSettings};

use crate::members::until;
use crate::messages::{IN_TIME, told_by};
use crate::phones::{KEY, TOKEN, account_keys, between, tell_of_messages, waiting};
use crate::postgres::Postgres;
use crate::support::{Browser, Setup, TestGateway, WECHAT, eventually};

/// A browser inside WeChat in which Lin, who follows the account, has signed in.
async fn lin_inside(gateway: &TestGateway) -> Browser {
    gateway.wechat.set_follower("Lin", "wxaccount");
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let mut inside = gateway.browser_as(WECHAT);
    inside.follow(&gateway.url("/_wxgate/login?way=wechat&to=/reports")).await;
    until(&mut inside, &gateway.url("/reports"), 200).await;
    inside
}

async fn has_passed(moment: Timestamp) {
    eventually("the next second", async || clock::now() > moment).await;
}

#[tokio::test]
async fn an_unfollow_while_the_store_is_away_is_wanted_again_and_comes_true_all_the_same() {
    let server = Postgres::start();
    let secure = account_keys("end_sessions_on_unfollow = true");
    let plaintext = format!(
        "original_id = \"gh_account\"\ntoken = \"{TOKEN}\"\nmessage_mode = \"plaintext\"\nend_sessions_on_unfollow = true\n"
    );
    for (name, account) in [("secure", secure), ("plaintext", plaintext)] {
        server.create_database(name);
        let store = Some(server.url(name));
        let gateway = TestGateway::with(Setup { account, store, ..Setup::default() }).await;
        match name {
            "secure" => tell_of_messages(&gateway),
            _ => {
                let settings = PushSettings::plaintext(&gateway.url("/_wxgate/wechat/message"), TOKEN);
                gateway.wechat.set_push("wxaccount", settings);
            }
        }
        let mut inside = lin_inside(&gateway).await;
        let letter = gateway.wechat.letter("Lin", "wxaccount", &Push::unfollow()).unwrap();

        server.freeze();
        let began = Instant::now();
        let answer = gateway.wechat.send(&letter).await.unwrap();
        assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
        assert_eq!(answer.status, 503, "{name}: WeChat asks again: {answer:?}");
        gateway.log_line(&["they are signed out later"]);
        assert_eq!(inside.fetch(&gateway.url("/reports")).await.status, StatusCode::OK);

        server.thaw();
        // WeChat has given up.
        until(&mut inside, &gateway.url("/reports"), 401).await;
        assert_eq!(gateway.wechat.send(&letter).await.unwrap().status, 200, "{name}");
    }
}

#[tokio::test]
async fn a_yes_that_was_said_before_leaving_signs_nobody_in_after_it() {
    let keys = format!("encoding_aes_key = \"{KEY}\"\nchat_login = true\nend_sessions_on_unfollow = true");
    let gateway = told_by(&keys, PushSettings::secure).await;
    gateway.wechat.set_follower("Lin", "wxaccount");
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "code").await;
    let html = page.html();
    let digits = between(between(&html, "class=\"ticket\"", "</p>"), "<strong>", "</strong>");
    for text in [digits.to_owned(), format!("Y{digits}")] {
        assert!(gateway.wechat.write("Lin", "wxaccount", &text).await.unwrap().said().is_some());
    }
    let unfollow = gateway.wechat.letter("Lin", "wxaccount", &Push::unfollow()).unwrap();
    assert_eq!(gateway.wechat.send(&unfollow).await.unwrap().status, 200);
    computer.follow(&page_url).await;
    assert!(!computer.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn an_unfollow_that_comes_late_or_twice_ends_nothing_that_came_after() {
    let keys = format!("encoding_aes_key = \"{KEY}\"\nend_sessions_on_unfollow = true");
    for settings in [PushSettings::secure as fn(&str, &str, _) -> _, |url, token, key| {
        PushSettings::secure(url, token, key).in_json()
    }] {
        let gateway = told_by(&keys, settings).await;
        let mut first = lin_inside(&gateway).await;
        let left = clock::now();
        let letter = |push: Push| gateway.wechat.letter("Lin", "wxaccount", &push).unwrap();
        let unfollow = letter(Push::unfollow().created_at(left));
        assert_eq!(gateway.wechat.send(&unfollow).await.unwrap().status, 200);
        until(&mut first, &gateway.url("/reports"), 401).await;

        has_passed(left).await;
        let mut second = lin_inside(&gateway).await;
        // Again as it was; told once more under another signature; and what happened long before that.
        let hour_ago = Timestamp::from_unix(left.as_unix() - 3600);
        let late = [left, hour_ago].map(|moment| letter(Push::unfollow().created_at(moment)));
        for late in [&unfollow].into_iter().chain(&late) {
            assert_eq!(gateway.wechat.send(late).await.unwrap().body, "");
            assert_eq!(second.fetch(&gateway.url("/reports")).await.status, StatusCode::OK);
        }
        let ended = gateway.log().matches("sessions-ended").count();
        assert_eq!(ended, 1, "what changes nothing is not told: {}", gateway.log());
    }
}

#[tokio::test]
async fn a_clock_of_wechats_that_is_ahead_shuts_nobody_out() {
    let keys = format!("encoding_aes_key = \"{KEY}\"\nend_sessions_on_unfollow = true");
    let gateway = told_by(&keys, PushSettings::secure).await;
    let mut first = lin_inside(&gateway).await;
    let tomorrow = Timestamp::from_unix(clock::now().as_unix() + 86_400);
    let unfollow = Push::unfollow().created_at(tomorrow);
    let letter = gateway.wechat.letter("Lin", "wxaccount", &unfollow).unwrap();
    assert_eq!(gateway.wechat.send(&letter).await.unwrap().status, 200);
    until(&mut first, &gateway.url("/reports"), 401).await;
    lin_inside(&gateway).await;
}
