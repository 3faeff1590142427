//! Forms of our own pages at their bounds: as long as they may be, and while the store is away.

use std::time::Duration;

use http::StatusCode;
use rusqlite::Connection;
use wxgate::model::member::{Change, MemberId};

use crate::support::{Browser, Setup, TestGateway, eventually};

/// Longest form in bytes, as docs/architecture.md has it.
const LONGEST: usize = 16 * 1024;

async fn team() -> TestGateway {
    let tables = "[access]\n[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n".to_owned();
    TestGateway::with(Setup { tables, ..Setup::default() }).await
}

/// A browser of an administrator.
async fn admin(gateway: &TestGateway) -> Browser {
    let (mut lin, id) = gateway.member("Lin").await;
    gateway.change(&id, Change::MakeAdmin(true)).await;
    let url = gateway.url("/_wxgate/admin");
    eventually("an administrator", async || lin.open(&url).await.status == StatusCode::OK).await;
    lin
}

/// A browser of somebody who has signed in, and nothing more.
async fn guest(gateway: &TestGateway) -> (Browser, MemberId) {
    let mut browser = gateway.browser();
    browser.sign_in(gateway, "王芳 Wang", "/signed-in").await;
    let id = browser.member_id(gateway).await;
    (browser, id)
}

/// The database, as another program opens it.
fn database(gateway: &TestGateway) -> Connection {
    let database = Connection::open(gateway.folder.path().join("data/wxgate.db")).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database
}

/// The form, as long as this: between fields there may be any number of separators.
fn padded(form: &str, length: usize) -> String {
    format!("{form:&<length$}")
}

#[tokio::test]
async fn a_form_is_as_long_as_16_kib_and_no_longer() {
    let gateway = team().await;
    let mut lin = admin(&gateway).await;
    let (mut wang, id) = guest(&gateway).await;

    let (page, url) = (gateway.url(&format!("/_wxgate/admin/members/{id}")), gateway.url("/_wxgate/request"));
    let form = format!("token={}&to=/&message=hello", wang.open(&gateway.url("/")).await.token());
    let too_long = wang.submit(&url, &padded(&form, LONGEST + 1)).await;
    assert_eq!(too_long.status, StatusCode::BAD_REQUEST, "{}", too_long.text());
    let asked = wang.fetch(&gateway.url("/")).await.json();
    assert_eq!(asked["status"], "guest", "what is too long is not carried out");
    assert_eq!(wang.submit(&url, &padded(&form, LONGEST)).await.status, StatusCode::SEE_OTHER);

    let form = format!("token={}&do=approve&groups=", lin.open(&page).await.token());
    let too_long = lin.submit(&page, &padded(&form, LONGEST + 1)).await;
    assert_eq!(too_long.status, StatusCode::BAD_REQUEST, "{}", too_long.text());
    assert_eq!(wang.fetch(&gateway.url("/")).await.json()["status"], "pending");
    assert_eq!(lin.submit(&page, &padded(&form, LONGEST)).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn whoever_sends_a_form_while_the_store_is_away_is_told_when_to_send_it_again() {
    let gateway = team().await;
    let mut lin = admin(&gateway).await;
    let (mut wang, id) = guest(&gateway).await;
    let page = gateway.url(&format!("/_wxgate/admin/members/{id}"));
    let own = wang.open(&gateway.url("/")).await.token();
    let office = lin.open(&page).await.token();
    let lock = database(&gateway);
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let asked =
        wang.submit(&gateway.url("/_wxgate/request"), &format!("token={own}&to=/&message=hello")).await;
    let decided = lin.submit(&page, &format!("token={office}&do=approve&groups=staff")).await;
    for answer in [asked, decided] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
        assert!(answer.text().contains("name=\"token\""), "it can be sent once more");
        assert_eq!(answer.header("retry-after"), "5");
    }
}

#[tokio::test]
async fn whoever_waits_without_having_asked_is_on_one_of_the_pages() {
    let gateway = team().await;
    let mut lin = admin(&gateway).await;
    // Who came first has been here last.
    let sql = "WITH RECURSIVE n(g) AS (SELECT 0 UNION ALL SELECT g + 1 FROM n WHERE g < 119) INSERT INTO members
        (id, status, groups, is_admin, profile_name, avatar, created, signed_in, ended_before, search)
        SELECT printf('wx-%020x', g), 'pending', '', 0, 'x', '', 1700000000 + g, 1700009999 - g, 0, '' FROM n";
    assert_eq!(database(&gateway).execute(sql, []).unwrap(), 120);
    let mut next = Some("/_wxgate/admin?status=pending".to_owned());
    let mut seen = Vec::new();
    while let Some(path) = next {
        let page = lin.open(&gateway.url(&path)).await.html();
        let links = page.split("href=\"/_wxgate/admin/members/").skip(1);
        seen.extend(links.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        let before = page.split_once("\" rel=\"next\"").map(|(before, _)| before);
        next = before.and_then(|before| before.rsplit("href=\"").next()).map(str::to_owned);
    }
    seen.dedup();
    let everybody: Vec<_> = (0..120).map(|number| format!("wx-{number:020x}")).collect();
    assert_eq!(seen, everybody);
}
