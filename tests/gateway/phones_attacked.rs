//! What somebody might try with a login that a phone allows, and what happens to people who leave the page that waits.

use http::StatusCode;
use wxgate::model::member::Change;
use wxgate::wechat::simulator::{Consent, Fault};

use crate::phones::{account_keys, asked_on_phone, between, say, tell_of_messages, waiting};
use crate::support::{Answer, Browser, PHONE, Setup, TestGateway, WECHAT};

async fn with_account(keys: &str, tables: &str) -> TestGateway {
    let setup = Setup { account: account_keys(keys), tables: tables.to_owned(), ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    tell_of_messages(&gateway);
    gateway
}

/// A browser that waits for a link to be opened in WeChat: its page's address, and the link.
async fn with_link(gateway: &TestGateway, browser: &mut Browser) -> (String, String) {
    let (page_url, page) = waiting(gateway, browser, "link").await;
    (page_url, link_on(&page))
}

fn link_on(page: &Answer) -> String {
    let html = page.html();
    let field = between(&html, "id=\"page-url\"", "</div>");
    between(field, "value=\"", "\"").replace("&amp;", "&")
}

#[tokio::test]
async fn somebody_known_by_the_website_app_alone_is_no_newcomer_by_a_link() {
    let gateway = with_account("", "").await;
    let mut computer = gateway.browser();
    computer.sign_in(&gateway, "Lin", "/reports").await;
    let id = computer.member_id(&gateway).await;
    for is_blocked in [false, true] {
        if is_blocked {
            gateway.change(&id, Change::Block).await;
        }
        let mut waiting = gateway.browser_as(PHONE);
        let (page_url, link) = with_link(&gateway, &mut waiting).await;
        // Lin follows nothing and has never been here inside WeChat: an openid says nothing of who it is.
        gateway.wechat.script().next_call("/cgi-bin/user/info", Fault::Errcode(45009));
        let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link).await;
        let said = say(&gateway, &mut phone, &question, "allow").await;
        if !is_blocked {
            assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.text());
            let (_, question) = phone.follow(&gateway.url(said.location())).await;
            assert!(question.html().contains("Lin"), "the profile was asked for: {}", question.text());
            say(&gateway, &mut phone, &question, "allow").await;
            waiting.follow(&page_url).await;
            assert_eq!(waiting.member_id(&gateway).await, id, "one person, one member");
        } else {
            assert!(said.html().contains("已允许"), "known by now: {}", said.text());
            let (_, answer) = waiting.follow(&page_url).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
            assert!(!waiting.is_signed_in(&gateway).await);
        }
    }
}

#[tokio::test]
async fn the_form_of_one_phone_says_nothing_on_another() {
    let gateway = with_account("", "").await;
    let mut attacker = gateway.browser_as(PHONE);
    let (page_url, link) = with_link(&gateway, &mut attacker).await;
    let (mut victim, question) = asked_on_phone(&gateway, "Lin", &link).await;
    let (_, own) = asked_on_phone(&gateway, "王芳 Wang", &link).await;
    assert!(own.html().contains("已失效"), "whoever was asked first is the one who answers");
    let mut other = gateway.browser_as(PHONE);
    let (_, other_link) = with_link(&gateway, &mut other).await;
    let (_, others) = asked_on_phone(&gateway, "王芳 Wang", &other_link).await;
    let call = between(&question.html(), "name=\"c\" value=\"", "\"").to_owned();
    let form = format!("token={}&c={call}&say=allow", others.token());
    let answer = victim.submit(&gateway.url("/_wxgate/confirm"), &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "the question, once more: {}", answer.text());
    attacker.follow(&page_url).await;
    assert!(!attacker.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn the_question_names_every_site_that_opens() {
    let gateway = with_account("", "[[routes]]\nhost = \"lunch.localhost\"\n").await;
    let mut browser = gateway.browser_as(PHONE);
    let begun = browser.open(&gateway.url("/_wxgate/login?way=link&to=http://lunch.localhost/menu")).await;
    let page = browser.open(&gateway.url(begun.location())).await;
    let (_, question) = asked_on_phone(&gateway, "Lin", &link_on(&page)).await;
    let html = question.html();
    assert!(
        html.contains("允许登录 lunch.localhost") && html.contains("a.localhost 的其他所有网站"),
        "{html}"
    );
}

#[tokio::test]
async fn a_link_alone_asks_nobody_for_a_profile() {
    let gateway = with_account("", "").await;
    let mut browser = gateway.browser_as(PHONE);
    let (_, link) = with_link(&gateway, &mut browser).await;
    gateway.wechat.script().consent(Consent::Allow("Lin".to_owned()));
    let answer = gateway.browser_as(WECHAT).open(&format!("{link}&share=1")).await;
    assert!(answer.location().contains("scope=snsapi_base"), "{}", answer.location());
}

#[tokio::test]
async fn who_goes_back_after_an_answer_sees_what_has_become_of_it() {
    let gateway = with_account("", "").await;
    let mut browser = gateway.browser_as(PHONE);
    let (_, link) = with_link(&gateway, &mut browser).await;
    let (mut phone, question) = asked_on_phone(&gateway, "Lin", &link).await;
    let (_, asked) = phone.follow(&format!("{link}&share=1")).await;
    assert!(asked.html().contains("Lin"));
    assert!(say(&gateway, &mut phone, &asked, "allow").await.html().contains("已允许"));
    let again = say(&gateway, &mut phone, &question, "allow").await;
    let (_, answer) = phone.follow(&gateway.url(again.location())).await;
    assert!(answer.html().contains("已允许"), "{}", answer.text());
}

#[tokio::test]
async fn who_left_the_page_that_waits_is_let_in_by_the_next_one() {
    let gateway = with_account("oauth = false\nchat_login = true", "").await;
    gateway.wechat.follow("Lin", "wxaccount").await.unwrap();
    let mut browser = gateway.browser_as(WECHAT);
    let (_, page) = waiting(&gateway, &mut browser, "code").await;
    let html = page.html();
    let digits = between(between(&html, "class=\"ticket\"", "</p>"), "<strong>", "</strong>");
    for text in [digits.to_owned(), format!("Y{digits}")] {
        gateway.wechat.write("Lin", "wxaccount", &text).await.unwrap();
    }
    // Opening the chat has closed the page.
    let (end, answer) = browser.follow(&gateway.url("/reports?b=2")).await;
    assert_eq!((end, answer.status), (gateway.url("/reports?a=1"), StatusCode::OK), "{}", answer.text());
    assert!(browser.is_signed_in(&gateway).await);
    assert!(!gateway.browser_as(WECHAT).is_signed_in(&gateway).await);
}
