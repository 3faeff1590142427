//! The Official Account's token: one for all who need it, another when WeChat takes it no longer, or one from elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::watch;
use tokio::time::Instant;
use wxgate::wechat::simulator::{Fault, TokenCounts};

use crate::phones::{account_keys, between, tell_of_messages, waiting};
use crate::support::{
    ACCOUNT_SECRET, Answer, Browser, Played, ScriptedUpstream, Setup, TestGateway, eventually,
};

const STABLE_TOKEN: &str = "/cgi-bin/stable_token";

async fn with_codes(keys: &str) -> TestGateway {
    let account = account_keys(&format!("qr_login = true\n{keys}"));
    let gateway = TestGateway::with(Setup { account, ..Setup::default() }).await;
    tell_of_messages(&gateway);
    gateway
}

/// A browser that has the page with the code, and the address of its picture.
async fn before_a_code(gateway: &TestGateway) -> (Browser, String) {
    let mut browser = gateway.browser();
    let (_, page) = waiting(gateway, &mut browser, "follow").await;
    let picture = between(&page.html(), "id=\"code\" src=\"", "\"").replace("&amp;", "&");
    (browser, gateway.url(&picture))
}

async fn picture((browser, url): &mut (Browser, String)) -> Answer {
    browser.open_with(url, &[("sec-fetch-site", "same-origin")]).await
}

/// Whether a code that can be scanned was made for somebody new.
async fn makes_a_code(gateway: &TestGateway) -> bool {
    let known = gateway.wechat.open_codes().len();
    let answer = picture(&mut before_a_code(gateway).await).await;
    answer.status == StatusCode::OK && gateway.wechat.open_codes().len() == known + 1
}

#[tokio::test]
async fn a_crowd_shares_one_token() {
    let gateway = with_codes("").await;
    let mut crowd = Vec::new();
    for _ in 0..20 {
        crowd.push(before_a_code(&gateway).await);
    }
    gateway.wechat.script().next_call(STABLE_TOKEN, Fault::Slow(Duration::from_millis(300)));
    let answers = futures_util::future::join_all(crowd.iter_mut().map(picture)).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(gateway.wechat.open_codes().len(), 20, "each has a code of their own");
    let once = TokenCounts { stable: 1, stable_minted: 1, ..TokenCounts::default() };
    assert_eq!(gateway.wechat.token_counts("wxaccount"), once);
}

#[tokio::test]
async fn a_token_that_wechat_takes_no_longer_is_replaced_once_and_nobody_notices() {
    let gateway = with_codes("").await;
    assert!(makes_a_code(&gateway).await);
    let console = gateway.wechat.console("wxaccount");
    console.end_tokens();
    assert!(makes_a_code(&gateway).await);
    let counts = gateway.wechat.token_counts("wxaccount");
    assert_eq!((counts.stable, counts.forced), (2, 0), "nobody else's token is ended by that");
    for errcode in [40001, 40014, 42001] {
        gateway.wechat.script().next_call("/cgi-bin/qrcode/create", Fault::Errcode(errcode));
        assert!(makes_a_code(&gateway).await, "{errcode}");
    }
    let counts = gateway.wechat.token_counts("wxaccount");
    assert!(counts.forced <= 1, "at most one is forced, whatever WeChat says: {counts:?}");
}

#[tokio::test]
async fn an_address_that_is_not_on_the_list_is_named_in_the_log_and_asked_about_no_more_than_needed() {
    let gateway = with_codes("").await;
    gateway.wechat.console("wxaccount").whitelist(&["203.0.113.9".parse().unwrap()]);
    let mut crowd = Vec::new();
    for _ in 0..5 {
        crowd.push(before_a_code(&gateway).await);
    }
    for answer in futures_util::future::join_all(crowd.iter_mut().map(picture)).await {
        assert!(!answer.text().contains("weixin.qq.com/q/"));
    }
    let line = gateway.log_line(&["ERROR", "40164"]);
    assert!(line.contains("127.0.0.1") && line.contains("IP"), "{line}");
    // For five seconds: on a busy computer those may pass between two of the crowd.
    assert!(gateway.wechat.calls_of(STABLE_TOKEN) <= 2, "a failure is believed for a while");
    assert!(!gateway.log().contains(ACCOUNT_SECRET), "the secret is in no line");
}

#[tokio::test]
async fn a_token_server_is_asked_instead_of_wechat() {
    let (tell, told) = watch::channel(String::new());
    let server = ScriptedUpstream::playing(move |mut server: Played, _| {
        let told = told.clone();
        async move {
            while let Some(head) = server.request().await {
                let is_known = head.to_ascii_lowercase().contains("authorization: bearer sesame-sesame");
                let api_base = told.borrow().clone();
                let body = if is_known { stable_token(&api_base).await } else { "{}".to_owned() };
                let length = body.len();
                server.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")).await;
            }
        }
    })
    .await;
    let url = server.url();
    let keys = format!(
        "token_server = \"{url}/token\"\ntoken_server_secret = \"sesame-sesame-sesame-sesame-sesame\""
    );
    let gateway = with_codes(&keys).await;
    let config = std::fs::read_to_string(gateway.folder.path().join("config.toml")).unwrap();
    tell.send(between(&config, "api_base = \"", "\"").to_owned()).unwrap();
    assert!(makes_a_code(&gateway).await && makes_a_code(&gateway).await);
    assert_eq!(server.heads().len(), 1, "its token is kept as WeChat's is");
    assert!(server.heads()[0].starts_with("GET /token "), "{}", server.heads()[0]);
    gateway.wechat.console("wxaccount").end_tokens();
    assert!(makes_a_code(&gateway).await);
    assert_eq!((server.heads().len(), gateway.wechat.token_counts("wxaccount").forced), (2, 0));
}

/// What WeChat says when it is asked for the account's token: what a token server hands on.
async fn stable_token(api_base: &str) -> String {
    let body = serde_json::json!({
        "grant_type": "client_credential", "appid": "wxaccount", "secret": ACCOUNT_SECRET, "force_refresh": false,
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{api_base}{STABLE_TOKEN}")).body(body.to_string());
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_token_server_that_is_away_is_named_as_such() {
    let gateway = with_codes("token_server = \"http://127.0.0.1:9/token\"").await;
    assert!(!makes_a_code(&gateway).await);
    let line = gateway.log_line(&["ERROR", "token_server could not be reached"]);
    assert!(line.contains("refused"), "{line}");
}

#[tokio::test]
async fn a_token_is_renewed_ahead_once_while_everybody_goes_on_with_the_old_one() {
    /// It is renewed after half of that.
    const LIFETIME: Duration = Duration::from_secs(8);
    let (tell, told) = watch::channel(String::new());
    let asked = Arc::new(AtomicU32::new(0));
    let server = ScriptedUpstream::playing(move |mut server: Played, _| {
        let (told, asked) = (told.clone(), Arc::clone(&asked));
        async move {
            while server.request().await.is_some() {
                if asked.fetch_add(1, Ordering::Relaxed) > 0 {
                    // The renewal is never answered.
                    std::future::pending::<()>().await;
                }
                let api_base = told.borrow().clone();
                let token: serde_json::Value = serde_json::from_str(&stable_token(&api_base).await).unwrap();
                let token = &token["access_token"];
                let body = serde_json::json!({ "access_token": token, "expires_in": LIFETIME.as_secs() });
                let body = body.to_string();
                let length = body.len();
                server.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")).await;
            }
        }
    })
    .await;
    let gateway = with_codes(&format!("token_server = \"{}/token\"", server.url())).await;
    let config = std::fs::read_to_string(gateway.folder.path().join("config.toml")).unwrap();
    tell.send(between(&config, "api_base = \"", "\"").to_owned()).unwrap();
    let mut crowd = Vec::new();
    for _ in 0..8 {
        crowd.push(before_a_code(&gateway).await);
    }
    let began = Instant::now();
    assert!(makes_a_code(&gateway).await);
    let old = Instant::now() + LIFETIME / 2;
    eventually("the token is old", async || Instant::now() > old).await;
    let answers = futures_util::future::join_all(crowd.iter_mut().map(picture)).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK), "the old one is still good");
    assert!(began.elapsed() < LIFETIME, "this computer is too slow for the test: {:?}", began.elapsed());
    eventually("it is renewed", async || server.heads().len() > 1).await;
    assert!(makes_a_code(&gateway).await, "nobody waits for that");
    assert_eq!(server.heads().len(), 2, "and one asks for all");
}
