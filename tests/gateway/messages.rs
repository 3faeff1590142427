//! What WeChat's server tells the gateway, in each of its modes and forms, and what becomes of what is not the gateway's.

use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;
use wxgate::login::SCENE;
use wxgate::wechat::message::MessageKey;
use wxgate::wechat::simulator::{Consent, Letter, Push, PushSettings};

use crate::members::until;
use crate::phones::{KEY, TOKEN, between, code_on, link_in, tell_of_messages, waiting};
use crate::postgres::Postgres;
use crate::support::{BUSY, Played, ScriptedUpstream, Setup, TestGateway, WECHAT, eventually};

/// WeChat waits for five seconds, and asks again.
pub(crate) const IN_TIME: Duration = Duration::from_secs(5).saturating_mul(BUSY);

/// A gateway with these keys of its account, told of messages as `settings` says.
pub(crate) async fn told_by(keys: &str, settings: fn(&str, &str, MessageKey) -> PushSettings) -> TestGateway {
    let keys = format!("original_id = \"gh_account\"\ntoken = \"{TOKEN}\"\nqr_login = true\n{keys}\n");
    let gateway = TestGateway::with(Setup { account: keys, ..Setup::default() }).await;
    let url = gateway.url("/_wxgate/wechat/message");
    gateway.wechat.set_push("wxaccount", settings(&url, TOKEN, KEY.parse().unwrap()));
    gateway.wechat.verify_push("wxaccount").await.unwrap();
    gateway
}

#[tokio::test]
async fn each_mode_and_form_of_messages_says_that_a_code_was_scanned() {
    let key = format!("encoding_aes_key = \"{KEY}\"\n");
    for (keys, settings) in [
        (key.clone(), PushSettings::secure as fn(&str, &str, MessageKey) -> PushSettings),
        (key.clone(), |url, token, key| PushSettings::secure(url, token, key).in_json()),
        (format!("{key}message_mode = \"compatible\""), PushSettings::compatible),
        (format!("{key}message_mode = \"compatible\""), |url, token, key| {
            PushSettings::compatible(url, token, key).in_json()
        }),
        ("message_mode = \"plaintext\"".to_owned(), |url, token, _| PushSettings::plaintext(url, token)),
        ("message_mode = \"plaintext\"".to_owned(), |url, token, _| {
            PushSettings::plaintext(url, token).in_json()
        }),
    ] {
        let gateway = told_by(&keys, settings).await;
        let mut computer = gateway.browser();
        let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
        let code = code_on(&gateway, &mut computer, &page).await;
        let told = gateway.wechat.scan_code("Lin", &code).await.unwrap();
        assert!(link_in(told.said().unwrap()).contains("/_wxgate/confirm?c="), "{keys}: {told:?}");
        let status = page_url.replace("/wait?", "/status?");
        assert_eq!(computer.fetch(&status).await.json()["state"], "scanned", "{keys}");
    }
}

#[tokio::test]
async fn a_plain_message_counts_once_and_only_where_plain_ones_are_configured() {
    let gateway =
        told_by("message_mode = \"plaintext\"\n", |url, token, _| PushSettings::plaintext(url, token)).await;
    assert!(gateway.log().contains("message_mode"), "there is a warning: {}", gateway.log());
    gateway.wechat.set_follower("Lin", "wxaccount");
    // A scene of ours that nobody waits with.
    let scan = |digit: &str| {
        gateway
            .wechat
            .letter("Lin", "wxaccount", &Push::scan(&format!("{SCENE}{}", digit.repeat(32))))
            .unwrap()
    };
    let greeting = gateway.wechat.greeting("wxaccount").unwrap();
    for _ in 0..2 {
        assert_eq!(gateway.wechat.send(&greeting).await.unwrap().status, 200);
    }
    let forged = gateway.wechat.send(&greeting.with_body_of(&scan("a"))).await.unwrap();
    assert_eq!(forged.body, "", "a greeting's signature is good for no message");
    let letter = scan("a");
    assert_ne!(gateway.wechat.send(&letter).await.unwrap().body, "");
    // Its signature does not cover what stands in it.
    let again = gateway.wechat.send(&letter).await.unwrap();
    assert_eq!((again.status, again.body.as_str()), (200, ""), "nothing is done, and nothing is said");
    let other = scan("b");
    let forged = letter.with_body_of(&other);
    assert_eq!(
        gateway.wechat.send(&forged).await.unwrap().body,
        "",
        "nor of another body with its signature"
    );

    let secure =
        told_by(&format!("encoding_aes_key = \"{KEY}\"\nchat_login = true"), PushSettings::secure).await;
    let url = secure.url("/_wxgate/wechat/message");
    secure.wechat.set_push("wxaccount", PushSettings::plaintext(&url, TOKEN));
    secure.wechat.set_follower("Lin", "wxaccount");
    let letter = secure.wechat.letter("Lin", "wxaccount", &Push::text("123456")).unwrap();
    assert_eq!(secure.wechat.send(&letter).await.unwrap().status, 403);
}

#[tokio::test]
async fn what_is_not_about_signing_in_goes_to_the_backend_as_it_came_and_its_answer_back() {
    let backend = ScriptedUpstream::playing(async |mut backend: Played, _| {
        while let Some(head) = backend.request().await {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let body = backend.wire.exactly(length.trim().parse().unwrap()).await.unwrap();
            let is_sealed = String::from_utf8(body.to_vec()).unwrap().contains("<Encrypt>");
            let body = if is_sealed { "success" } else { "not as it came" };
            let length = body.len();
            backend
                .answer(format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
                ))
                .await;
        }
    })
    .await;
    let url = backend.url();
    let gateway = told_by(
        &format!(
            "encoding_aes_key = \"{KEY}\"\nmessage_backend = \"{url}/old?app=1\"\nend_sessions_on_unfollow = true"
        ),
        PushSettings::secure,
    )
    .await;
    gateway.wechat.set_follower("Lin", "wxaccount");
    for push in [
        Push::text("123456"),
        Push::text("你好"),
        Push::of_type("image"),
        Push::event("LOCATION"),
        Push::follow(),
        Push::unfollow(),
        // As other programs name theirs: a UUID, a hash.
        Push::scan("550e8400e29b41d4a716446655440000"),
        Push::followed_by("d41d8cd98f00b204e9800998ecf8427e"),
        Push::scan(&format!("{SCENE}of_another")),
    ] {
        let letter = gateway.wechat.letter("Lin", "wxaccount", &push).unwrap();
        let answer = gateway.wechat.send(&letter).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"), "{push:?}");
        let head = backend.heads().pop().unwrap();
        let signature = letter.parameter("msg_signature");
        assert!(head.starts_with("POST /old?app=1&") && head.contains(signature), "{head}");
    }
    let seen = backend.heads().len();
    let impostor =
        gateway.wechat.letter("Lin", "wxaccount", &Push::text("你好")).unwrap().with_wrong_signature();
    assert_eq!(gateway.wechat.send(&impostor).await.unwrap().status, 403);
    let mut computer = gateway.browser();
    let (_, page) = waiting(&gateway, &mut computer, "follow").await;
    let code = code_on(&gateway, &mut computer, &page).await;
    assert!(gateway.wechat.scan_code("Lin", &code).await.unwrap().said().is_some());
    assert_eq!(backend.heads().len(), seen, "what is forged, or the gateway's own, does not reach it");
}

#[tokio::test]
async fn a_lone_yes_answers_the_backend_that_may_have_asked() {
    let backend = ScriptedUpstream::playing(async |mut backend: Played, _| {
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nsuccess";
        if backend.request().await.is_some() {
            backend.answer(answer).await;
        }
    })
    .await;
    let url = backend.url();
    let keys = format!("encoding_aes_key = \"{KEY}\"\nchat_login = true\nmessage_backend = \"{url}\"");
    let gateway = told_by(&keys, PushSettings::secure).await;
    gateway.wechat.set_follower("Lin", "wxaccount");
    for (text, to_backend) in [("Y", true), ("yes", true), ("Y1234", true), ("Y123456", false)] {
        let letter = gateway.wechat.letter("Lin", "wxaccount", &Push::text(text)).unwrap();
        let answer = gateway.wechat.send(&letter).await.unwrap();
        assert_eq!(answer.body == "success", to_backend, "{text}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_backend_that_is_silent_or_away_leaves_wechat_an_answer_in_time() {
    let silent =
        ScriptedUpstream::playing(async |mut backend: Played, _| while backend.request().await.is_some() {})
            .await;
    for (url, said) in
        [(silent.url(), "longer than WeChat waits"), ("http://127.0.0.1:9".to_owned(), "refused")]
    {
        let keys = format!("encoding_aes_key = \"{KEY}\"\nmessage_backend = \"{url}\"");
        let gateway = told_by(&keys, PushSettings::secure).await;
        gateway.wechat.set_follower("Lin", "wxaccount");
        let letter = gateway.wechat.letter("Lin", "wxaccount", &Push::text("你好")).unwrap();
        let began = Instant::now();
        let answer = gateway.wechat.send(&letter).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
        let line = gateway.log_line(&["message_backend did not answer"]);
        assert!(line.contains(said), "{line}");
    }
}

#[tokio::test]
async fn whoever_scans_while_the_store_is_away_is_told_so_in_time() {
    let server = Postgres::start();
    server.create_database("messages");
    let account = crate::phones::account_keys("qr_login = true");
    let store = Some(server.url("messages"));
    let gateway = TestGateway::with(Setup { account, store, ..Setup::default() }).await;
    tell_of_messages(&gateway);
    gateway.wechat.set_follower("Lin", "wxaccount");
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
    let code = code_on(&gateway, &mut computer, &page).await;
    let scene = gateway.wechat.open_code(&code).unwrap().scene;
    let scan = gateway.wechat.letter("Lin", "wxaccount", &Push::scan(&scene)).unwrap();

    server.freeze();
    let began = Instant::now();
    let answer = gateway.wechat.send(&scan).await.unwrap();
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    assert!(
        answer.status == 200 && answer.body.contains("<Encrypt>"),
        "there is something to read: {answer:?}"
    );
    gateway.log_line(&["a message could not be answered"]);

    server.thaw();
    eventually("the code can be scanned again", async || {
        gateway.wechat.scan_code("Lin", &code).await.unwrap().said().is_some_and(|said| said.contains("href"))
    })
    .await;
    let status = page_url.replace("/wait?", "/status?");
    assert_eq!(computer.fetch(&status).await.json()["state"], "scanned");
}

#[tokio::test]
async fn whoever_stops_following_is_signed_out_where_that_is_configured() {
    for (keys, status) in
        [("end_sessions_on_unfollow = true", StatusCode::UNAUTHORIZED), ("", StatusCode::OK)]
    {
        let gateway = told_by(&format!("encoding_aes_key = \"{KEY}\"\n{keys}"), PushSettings::secure).await;
        gateway.wechat.set_follower("Lin", "wxaccount");
        let mut inside = gateway.browser_as(WECHAT);
        gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
        inside.follow(&gateway.url("/_wxgate/login?way=wechat&to=/reports")).await;
        until(&mut inside, &gateway.url("/reports"), 200).await;
        assert!(gateway.wechat.unfollow("Lin", "wxaccount").await.unwrap().is_well());
        until(&mut inside, &gateway.url("/reports"), status.as_u16()).await;
    }
}

/// The address of a letter, for whoever sends it otherwise.
fn address_of(gateway: &TestGateway, letter: &Letter) -> String {
    let names = ["signature", "timestamp", "nonce", "msg_signature"];
    let query = names.map(|name| format!("{name}={}", letter.parameter(name))).join("&");
    gateway.url(&format!("/_wxgate/wechat/message?{query}"))
}

/// Types that a backend says, and what becomes of them.
const KINDS: [(&str, &str); 5] = [
    ("text/xml; charset=gbk", "text/xml; charset=gbk"),
    ("application/json", "application/json"),
    ("text/html", "text/plain; charset=utf-8"),
    ("text/xml, text/html", "text/plain; charset=utf-8"),
    ("image/svg+xml", "text/plain; charset=utf-8"),
];

#[tokio::test]
async fn what_a_backend_answers_is_no_page_of_the_gateways() {
    let backend = ScriptedUpstream::playing(async |mut backend: Played, _| {
        if let Some(head) = backend.request().await {
            let digits = between(&head, "POST /", "?");
            let (sent, _) = KINDS[digits.parse::<usize>().unwrap()];
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {sent}\r\nConnection: close\r\n");
            backend.answer(format!("{head}Content-Length: 3\r\n\r\n<b>")).await;
        }
    })
    .await;
    for (index, (sent, shown)) in KINDS.into_iter().enumerate() {
        let url = format!("{}/{index}", backend.url());
        let keys = format!("encoding_aes_key = \"{KEY}\"\nmessage_backend = \"{url}\"");
        let gateway = told_by(&keys, PushSettings::secure).await;
        gateway.wechat.set_follower("Lin", "wxaccount");
        let letter = gateway.wechat.letter("Lin", "wxaccount", &Push::text("你好")).unwrap();
        let url = address_of(&gateway, &letter);
        let answer = gateway.browser().send(Method::POST, &url, &[], letter.body()).await;
        assert_eq!((answer.text().as_str(), answer.header("content-type")), ("<b>", shown), "{sent}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; sandbox");
    }
}

#[tokio::test]
async fn a_message_that_a_browser_sends_is_none_of_wechats() {
    let gateway = told_by(&format!("encoding_aes_key = \"{KEY}\""), PushSettings::secure).await;
    gateway.wechat.set_follower("Lin", "wxaccount");
    let letter = gateway.wechat.letter("Lin", "wxaccount", &Push::text("你好")).unwrap();
    let url = address_of(&gateway, &letter);
    for (header, status) in [
        ("origin", StatusCode::FORBIDDEN),
        ("sec-fetch-site", StatusCode::FORBIDDEN),
        ("sec-fetch-dest", StatusCode::FORBIDDEN),
        ("x-anything", StatusCode::OK),
    ] {
        let answer = gateway.browser().send(Method::POST, &url, &[(header, "none")], letter.body()).await;
        assert_eq!(answer.status, status, "{header}: {}", answer.text());
    }
}
