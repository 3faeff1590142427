//! People sign in with WeChat, or do not.

use http::StatusCode;

use crate::support::TestGateway;

#[tokio::test]
async fn a_person_on_a_computer_signs_in_and_is_back_where_they_wanted_to_go() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    browser.sign_in(&gateway, "Lin", "/reports?year=2026&q=a%20b").await;
    let seen = gateway.upstream.last();
    assert_eq!(seen.uri.to_string(), "/reports?year=2026&q=a%20b");
    assert_eq!(seen.all("remote-name"), ["Lin"]);
    assert_eq!(gateway.wechat.exchanges(), 1);
    let answer = browser.fetch(&gateway.url("/_wxgate/me")).await;
    assert_eq!((answer.status, answer.json()["name"].as_str()), (StatusCode::OK, Some("Lin")));
}
