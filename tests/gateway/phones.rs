//! One screen signs in by the other: a code that is scanned, a link that is opened, digits that are written into the chat.

use std::sync::Arc;

use http::StatusCode;
use wxgate::model::audit::AuditKind;
use wxgate::model::clock::{self, Timestamp};
use wxgate::store::records::AuditQuery;
use wxgate::wechat::message::MessageKey;
use wxgate::wechat::simulator::{Consent, Fault, Push, PushSettings};

use crate::support::{Answer, Browser, PHONE, Setup, TestGateway, WECHAT, eventually};

/// 43 letters of which the last holds bits that no byte of the key has, as with most real ones.
pub(crate) const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub(crate) const TOKEN: &str = "messagetoken";

/// What the account and WeChat's server agree on, with more keys.
pub(crate) fn account_keys(keys: &str) -> String {
    format!("original_id = \"gh_account\"\ntoken = \"{TOKEN}\"\nencoding_aes_key = \"{KEY}\"\n{keys}\n")
}

/// Has WeChat's server tell the gateway what happens with the account.
pub(crate) fn tell_of_messages(gateway: &TestGateway) {
    let key: MessageKey = KEY.parse().unwrap();
    let url = gateway.url("/_wxgate/wechat/message");
    gateway.wechat.set_push("wxaccount", PushSettings::secure(&url, TOKEN, key));
}

/// A gateway that WeChat's server tells what happens with the account.
async fn with_account(keys: &str) -> TestGateway {
    let gateway = TestGateway::with(Setup { account: account_keys(keys), ..Setup::default() }).await;
    tell_of_messages(&gateway);
    gateway.wechat.verify_push("wxaccount").await.unwrap();
    gateway
}

/// A page that waits for a phone, by this way in: the page, and where it polls.
pub(crate) async fn waiting(gateway: &TestGateway, browser: &mut Browser, way: &str) -> (String, Answer) {
    let begun = browser.open(&gateway.url(&format!("/_wxgate/login?way={way}&to=/reports?a=1"))).await;
    assert_eq!(begun.status, StatusCode::FOUND, "{}", begun.text());
    let page_url = gateway.url(begun.location());
    let page = browser.open(&page_url).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    (page_url, page)
}

/// What stands between two texts.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {rest}")).0
}

/// The code on the page, made as the browser loads its picture: the address that it stands for.
pub(crate) async fn code_on(gateway: &TestGateway, browser: &mut Browser, page: &Answer) -> String {
    let picture = between(&page.html(), "id=\"code\" src=\"", "\"").replace("&amp;", "&");
    let answer = browser.open_with(&gateway.url(&picture), &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "image/svg+xml"),
        "{}",
        answer.text()
    );
    gateway.wechat.open_codes().last().unwrap().url.clone()
}

/// Where the message in the chat leads.
pub(crate) fn link_in(text: &str) -> String {
    between(text, "href=\"", "\"").to_owned()
}

/// The question on the phone of `person`, up to its form.
pub(crate) async fn asked_on_phone(gateway: &TestGateway, person: &str, link: &str) -> (Browser, Answer) {
    gateway.wechat.script().consent(Consent::Allow(person.to_owned()));
    let mut phone = gateway.browser_as(WECHAT);
    let (_, question) = phone.follow(link).await;
    (phone, question)
}

pub(crate) async fn say(gateway: &TestGateway, phone: &mut Browser, question: &Answer, word: &str) -> Answer {
    let call = between(&question.html(), "name=\"c\" value=\"", "\"").to_owned();
    let form = format!("token={}&c={call}&say={word}", question.token());
    phone.submit(&gateway.url("/_wxgate/confirm"), &form).await
}

#[tokio::test]
async fn a_scanned_code_signs_in_the_browser_that_shows_it_after_a_yes_on_the_phone() {
    let gateway = with_account("qr_login = true").await;
    for is_follower in [false, true] {
        let mut computer = gateway.browser();
        let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
        let code = code_on(&gateway, &mut computer, &page).await;
        assert_eq!(gateway.wechat.follows("Lin", "wxaccount"), is_follower);
        let delivered = gateway.wechat.scan_code("Lin", &code).await.unwrap();
        let message = delivered.said().unwrap().to_owned();
        for told in ["a.localhost", "Chrome · Windows", "127.0.0.1"] {
            assert!(message.contains(told), "{told}: {message}");
        }
        let age = between(&message, "begun ", " ago");
        assert!(
            age.split_once(':').is_some_and(|(minutes, seconds)| minutes == "0" && seconds.len() == 2),
            "{message}"
        );
        let status = page_url.replace("/wait?", "/status?");
        assert_eq!(computer.fetch(&status).await.json()["state"], "scanned");
        assert!(computer.open(&page_url).await.html().contains("请在手机上确认"));

        let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link_in(&message)).await;
        assert!(question.html().contains("允许登录 a.localhost"), "{}", question.text());
        let said = say(&gateway, &mut phone, &question, "allow").await;
        assert!(said.html().contains("已允许"), "{}", said.text());
        assert!(!phone.is_signed_in(&gateway).await, "the phone itself is not signed in by that");

        assert_eq!(computer.fetch(&format!("{status}&known=scanned")).await.json()["state"], "allowed");
        let (end, answer) = computer.follow(&page_url).await;
        assert_eq!((end, answer.status), (gateway.url("/reports?a=1"), StatusCode::OK));
        assert!(computer.is_signed_in(&gateway).await);
    }
}

#[tokio::test]
async fn whoever_photographs_the_code_gets_nothing() {
    let gateway = with_account("qr_login = true").await;
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
    code_on(&gateway, &mut computer, &page).await;
    let code = gateway.wechat.open_codes().pop().unwrap();
    let message = gateway.wechat.scan_code("Lin", &code.url).await.unwrap().said().unwrap().to_owned();
    let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link_in(&message)).await;
    say(&gateway, &mut phone, &question, "allow").await;
    // They have the scene, the ticket and even the address of the page.
    let state = page_url.split_once("a=").unwrap().1.to_owned();
    for known in [code.scene.as_str(), &state] {
        for path in ["login/wait", "login/status", "login/code"] {
            let mut stranger = gateway.browser();
            let answer = stranger.open(&gateway.url(&format!("/_wxgate/{path}?a={known}"))).await;
            assert!(!answer.text().contains("allowed"), "{path} {}", answer.text());
            assert!(!stranger.is_signed_in(&gateway).await, "{path}");
        }
    }
    assert!(computer.follow(&page_url).await.1.status.is_success());
}

#[tokio::test]
async fn of_a_hundred_polls_after_the_yes_one_signs_in() {
    let gateway = Arc::new(with_account("qr_login = true").await);
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
    let code = code_on(&gateway, &mut computer, &page).await;
    let message = gateway.wechat.scan_code("Lin", &code).await.unwrap().said().unwrap().to_owned();
    let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link_in(&message)).await;
    say(&gateway, &mut phone, &question, "allow").await;
    let polls = (0..100).map(|number| {
        // Half of them are the browser that waits, in many windows; the others know its address.
        let mut browser = if number % 2 == 0 { computer.clone() } else { gateway.browser() };
        let (gateway, page_url) = (Arc::clone(&gateway), page_url.clone());
        async move {
            browser.open(&page_url).await;
            (number % 2 == 0, browser.is_signed_in(&gateway).await)
        }
    });
    let said = futures_util::future::join_all(polls).await;
    let winners: Vec<bool> =
        said.into_iter().filter(|(_, is_in)| *is_in).map(|(is_ours, _)| is_ours).collect();
    assert_eq!(winners, [true], "one window of the browser that waits");
}

#[tokio::test]
async fn a_no_on_the_phone_is_a_no_and_nobody_else_can_say_yes() {
    let gateway = with_account("qr_login = true").await;
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
    let code = code_on(&gateway, &mut computer, &page).await;
    let message = gateway.wechat.scan_code("Lin", &code).await.unwrap().said().unwrap().to_owned();
    let later = gateway.wechat.scan_code("王芳 Wang", &code).await.unwrap().said().unwrap().to_owned();
    assert!(later.contains("已失效") && !later.contains("href"), "{later}");
    let (_, question) = asked_on_phone(&gateway, "王芳 Wang", &link_in(&message)).await;
    assert!(question.html().contains("已失效"), "a link that somebody else was sent: {}", question.text());
    let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link_in(&message)).await;
    let said = say(&gateway, &mut phone, &question, "refuse").await;
    assert!(said.html().contains("已拒绝"), "{}", said.text());
    let answer = computer.open(&page_url).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.html().contains("没有同意") && !computer.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn what_was_said_on_a_phone_stands_in_the_audit_trail() {
    let gateway = with_account("qr_login = true").await;
    for (word, kind) in [
        ("refuse", AuditKind::PhoneRefused),
        ("allow", AuditKind::PhoneAllowed),
        ("refuse", AuditKind::PhoneRefused),
    ] {
        let mut computer = gateway.browser();
        let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
        let code = code_on(&gateway, &mut computer, &page).await;
        let message = gateway.wechat.scan_code("Lin", &code).await.unwrap().said().unwrap().to_owned();
        let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link_in(&message)).await;
        say(&gateway, &mut phone, &question, word).await;
        let line = gateway.log_line(&["wxgate::audit", kind.as_str()]);
        assert!(line.contains("a.localhost, 127.0.0.1, Chrome · Windows"), "{line}");
        computer.follow(&page_url).await;
    }
    let directory = gateway.directory().await;
    let told = async || {
        let lines = directory.audit(AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
        let said = |kind| matches!(kind, AuditKind::PhoneAllowed | AuditKind::PhoneRefused);
        let lines = lines.into_iter().map(|(_, event)| event).filter(|event| said(event.kind));
        lines.map(|event| (event.kind, event.member.is_some())).collect::<Vec<_>>()
    };
    // The newest first. Whoever has never been here is no member when they are first asked.
    let expected =
        [(AuditKind::PhoneRefused, true), (AuditKind::PhoneAllowed, false), (AuditKind::PhoneRefused, false)];
    eventually("three lines", async || told().await == expected).await;
}

#[tokio::test]
async fn a_link_opened_in_wechat_signs_in_the_phones_own_browser() {
    let gateway = with_account("qr_login = true").await;
    gateway.wechat.set_follower("Lin", "wxaccount");
    let mut safari = gateway.browser_as(PHONE);
    let (page_url, page) = waiting(&gateway, &mut safari, "link").await;
    let link = between(&page.html(), "id=\"page-url\"", "</div>").to_owned();
    let link = between(&link, "value=\"", "\"").replace("&amp;", "&");
    let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link).await;
    assert!(question.html().contains("Safari · iOS"), "{}", question.text());
    say(&gateway, &mut phone, &question, "allow").await;
    let (end, answer) = safari.follow(&page_url).await;
    assert_eq!((end, answer.status), (gateway.url("/reports?a=1"), StatusCode::OK), "{}", answer.text());
    assert!(safari.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn digits_written_into_the_chat_sign_in_after_a_second_word() {
    let gateway = with_account("oauth = false\nchat_login = true").await;
    gateway.wechat.follow("Lin", "wxaccount").await.unwrap();
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "code").await;
    let digits =
        between(between(&page.html(), "class=\"ticket\"", "</p>"), "<strong>", "</strong>").to_owned();
    let wrong = gateway.wechat.write("Lin", "wxaccount", &format!("Y{digits}")).await.unwrap();
    assert!(wrong.said().unwrap().contains("没有等待"), "nobody says yes to what they have not been asked");
    // As a phone's keyboard may write them.
    let wide: String =
        digits.chars().map(|digit| char::from_u32(u32::from(digit) + 0xfee0).unwrap()).collect();
    let asked = gateway.wechat.write("Lin", "wxaccount", &wide).await.unwrap();
    assert!(asked.said().unwrap().contains(&format!("Y{digits}")));
    let bare = gateway.wechat.write("Lin", "wxaccount", "Y").await.unwrap();
    assert!(bare.said().unwrap().contains("Y123456"), "which sign-in is meant, the digits say");
    assert!(!computer.is_signed_in(&gateway).await);
    let allowed = gateway.wechat.write("Lin", "wxaccount", &format!("y{digits}")).await.unwrap();
    assert!(allowed.said().unwrap().contains("已允许"));
    let (end, answer) = computer.follow(&page_url).await;
    assert_eq!((end, answer.status), (gateway.url("/reports?a=1"), StatusCode::OK), "{}", answer.text());
    assert!(computer.is_signed_in(&gateway).await);
    let chatter = gateway.wechat.write("Lin", "wxaccount", "你好").await.unwrap();
    assert!(chatter.is_well() && chatter.said().is_none(), "what is not ours is left alone");
}

#[tokio::test]
async fn the_digits_of_the_chat_open_no_question_on_a_phone() {
    let gateway = with_account("chat_login = true").await;
    let mut computer = gateway.browser();
    let (_, page) = waiting(&gateway, &mut computer, "code").await;
    let digits =
        between(between(&page.html(), "class=\"ticket\"", "</p>"), "<strong>", "</strong>").to_owned();
    let (_, answer) =
        asked_on_phone(&gateway, "Lin", &gateway.url(&format!("/_wxgate/confirm?c={digits}"))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
}

#[tokio::test]
async fn a_login_of_one_kind_is_not_finished_as_another() {
    let gateway = with_account("qr_login = true").await;
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let mut browser = gateway.browser_as(WECHAT);
    let (page_url, _) = waiting(&gateway, &mut browser, "link").await;
    let waits = page_url.split_once("a=").unwrap().1.to_owned();
    let callback = browser.callback(&gateway, "Lin", "/_wxgate/login?way=wechat&to=/").await;
    let called_back = between(&format!("{callback}&"), "state=", "&").to_owned();
    // A good code, for the login that waits for a phone.
    let answer = browser.open(&callback.replace(&called_back, &waits)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert!(!browser.is_signed_in(&gateway).await);
    assert_eq!(gateway.wechat.exchanges(), 0, "the code is not spent");
    // The login that WeChat calls back, as one that waits.
    let answer = browser.open(&gateway.url(&format!("/_wxgate/login/wait?a={called_back}"))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER, "each in its own way");
}

#[tokio::test]
async fn what_wechat_did_not_send_moves_nothing() {
    let gateway = with_account("qr_login = true").await;
    let mut computer = gateway.browser();
    let (page_url, page) = waiting(&gateway, &mut computer, "follow").await;
    code_on(&gateway, &mut computer, &page).await;
    let scene = gateway.wechat.open_codes().pop().unwrap().scene;
    gateway.wechat.set_follower("Lin", "wxaccount");
    let scan = Push::scan(&scene);
    let letter = |push: &Push| gateway.wechat.letter("Lin", "wxaccount", push).unwrap();
    let other = letter(&Push::text("hello"));
    for (what, forged) in [
        ("a wrong signature", letter(&scan).with_wrong_signature()),
        ("no signature", letter(&scan).without_parameter("msg_signature")),
        ("tampered with", letter(&scan.clone().tampered())),
        ("for another app", letter(&scan.clone().sealed_for("wxother"))),
        ("for another account", letter(&scan.clone().to_account("gh_other"))),
        ("an hour old", letter(&scan.clone().signed_at(Timestamp::from_unix(clock::now().as_unix() - 3600)))),
        ("the body of another", letter(&scan).with_body_of(&other)),
        ("no XML", letter(&scan).with_body("<xml>")),
        (
            "a DTD",
            letter(&scan).with_body("<!DOCTYPE x [<!ENTITY e \"e\">]><xml><Encrypt>&e;</Encrypt></xml>"),
        ),
    ] {
        let answer = gateway.wechat.send(&forged).await.unwrap();
        assert_eq!(answer.status, 403, "{what}: {answer:?}");
        assert_eq!(answer.body, "forbidden\n", "every failure is answered alike");
        assert!(computer.open(&page_url).await.html().contains("正在等待手机"), "{what}");
    }
    for oddity in
        [Push::scancode_push("menu", &scene), Push::event("LOCATION"), Push::of_type("image"), Push::follow()]
    {
        assert!(gateway.wechat.happen("Lin", "wxaccount", oddity).await.unwrap().is_well());
    }
    assert!(computer.open(&page_url).await.html().contains("正在等待手机"));
    // The right one, twice as WeChat repeats it.
    let right = letter(&scan);
    for _ in 0..2 {
        assert_eq!(gateway.wechat.send(&right).await.unwrap().status, 200);
    }
    let status = page_url.replace("/wait?", "/status?");
    assert_eq!(computer.fetch(&status).await.json()["state"], "scanned");
}

#[tokio::test]
async fn somebody_who_has_been_here_is_let_in_inside_wechat_without_a_word() {
    let gateway = TestGateway::start().await;
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let mut first = gateway.browser_as(WECHAT);
    let (end, page) = first.follow(&gateway.url("/reports")).await;
    assert!(
        end.contains("way=ask") && page.html().contains("way=wechat"),
        "a stranger is asked first: {end}"
    );
    let (end, _) = first.follow(&gateway.url("/_wxgate/login?way=wechat&to=/reports")).await;
    assert_eq!(end, gateway.url("/reports"));
    let mut second = gateway.browser_as(WECHAT);
    let (end, answer) = second.follow(&gateway.url("/reports")).await;
    assert_eq!((end, answer.status), (gateway.url("/reports"), StatusCode::OK), "and known afterwards");
    let told = gateway.upstream.last();
    let (name, unionid) = (told.all("remote-name"), told.all("x-wechat-unionid"));
    assert_eq!(name, ["Lin"], "what WeChat told once is remembered");
    assert!(unionid[0].len() == 28, "{unionid:?}");
    eventually("in", async || second.is_signed_in(&gateway).await).await;
}

#[tokio::test]
async fn a_profile_that_was_agreed_to_is_asked_for_when_wechat_wants_to_be_asked_again() {
    let gateway = with_account("qr_login = true").await;
    let mut computer = gateway.browser();
    let (_, page) = waiting(&gateway, &mut computer, "follow").await;
    let code = code_on(&gateway, &mut computer, &page).await;
    let message = gateway.wechat.scan_code("Lin", &code).await.unwrap().said().unwrap().to_owned();
    let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link_in(&message)).await;
    let share = question.links().into_iter().find(|link| link.contains("share=1")).expect("a link to share");
    let name = "<bdi>Lin</bdi>";
    assert!(!question.html().contains(name), "{}", question.text());
    gateway.wechat.script().next_exchange(Fault::Errcode(40029));
    let (_, question) = phone.follow(&gateway.url(&share)).await;
    assert!(question.html().contains(name), "{}", question.text());
    assert!(say(&gateway, &mut phone, &question, "allow").await.html().contains("已允许"));
}

#[tokio::test]
async fn a_browser_that_nobody_knows_does_not_name_itself_on_the_phone() {
    let gateway = with_account("qr_login = true").await;
    let mut computer = gateway.browser_as("WeChat Security Center. Tap Allow");
    let (_, page) = waiting(&gateway, &mut computer, "follow").await;
    let code = code_on(&gateway, &mut computer, &page).await;
    let delivered = gateway.wechat.scan_code("Lin", &code).await.unwrap();
    let message = delivered.said().unwrap();
    assert!(message.contains("未知浏览器") && message.contains("unknown browser"), "{message}");
    let (_, question) = asked_on_phone(&gateway, "Lin", &link_in(message)).await;
    assert!(question.html().contains("未知浏览器"), "{}", question.text());
    assert!(!question.html().contains("Security Center"), "{}", question.text());
}
