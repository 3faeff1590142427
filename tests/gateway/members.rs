//! Who is a member, and how soon it is felt when that changes, wherever it was changed.

use std::time::Duration;

use futures_util::StreamExt as _;
use http::StatusCode;
use tokio::time::Instant;
use wxgate::members::Act;
use wxgate::model::clock::Timestamp;
use wxgate::model::member::{Change, Groups, MemberId};
use wxgate::store::MemberKey;
use wxgate::store::records::{AuditQuery, MembersQuery};

use crate::support::people::operator;
use crate::support::{BUSY, Browser, PATIENCE, ScriptedUpstream, Setup, TestGateway, eventually};
use crate::upgrades::{before_an_echo_for, next, socket as open_socket};

/// A revocation is felt everywhere within five seconds.
pub(crate) const REVOKED: Duration = Duration::from_secs(5).saturating_mul(BUSY);

/// Long answers and WebSockets end within ten.
pub(crate) const CLOSED: Duration = Duration::from_secs(10).saturating_mul(BUSY);

/// A gateway that lets members in, and `/signed-in` open to whoever has signed in.
async fn for_members(tables: &str) -> TestGateway {
    let tables = format!(
        "[access]\njoin = \"request\"\n[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n{tables}"
    );
    TestGateway::with(Setup { tables, ..Setup::default() }).await
}

pub(crate) fn groups(names: &str) -> Groups {
    names.parse().unwrap()
}

/// Asks for a page until the answer has this status, and gives how long that took.
pub(crate) async fn until(browser: &mut Browser, url: &str, status: u16) -> Duration {
    let began = Instant::now();
    eventually(url, async || browser.fetch(url).await.status == status).await;
    began.elapsed()
}

#[tokio::test]
async fn whoever_signs_in_is_a_guest_until_somebody_lets_them_in() {
    let gateway = for_members("").await;
    let mut lin = gateway.browser();
    lin.sign_in(&gateway, "Lin", "/signed-in").await;
    let reached = gateway.upstream.count();
    let answer = lin.open(&gateway.url("/")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.headers.get("location").is_none());
    assert_eq!(lin.fetch(&gateway.url("/")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(gateway.upstream.count(), reached, "nothing of it reached the application");
    let me = lin.fetch(&gateway.url("/_wxgate/me")).await.json();
    assert_eq!((&me["status"], &me["name"], &me["admin"]), (&"guest".into(), &"Lin".into(), &false.into()));

    let id = lin.member_id(&gateway).await;
    gateway.change(&id, Change::Approve(None)).await;
    let took = until(&mut lin, &gateway.url("/"), 200).await;
    assert!(took < REVOKED, "{took:?}");
    assert_eq!(gateway.upstream.last().headers["remote-user"], id.as_str());
}

#[tokio::test]
async fn anonymous_visitors_write_no_row() {
    let gateway = for_members("").await;
    let mut browser = gateway.browser();
    for path in ["/", "/public", "/_wxgate/login?to=/x", "/_wxgate/callback?code=a&state=b", "/_wxgate/me"] {
        browser.open(&gateway.url(path)).await;
    }
    let directory = gateway.directory().await;
    assert!(
        directory.members(MembersQuery { limit: 10, ..MembersQuery::default() }).await.unwrap().is_empty()
    );
    let lines = directory.audit(AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    assert!(lines.iter().all(|(_, event)| event.member.is_none()), "{lines:?}");
}

#[tokio::test]
async fn groups_decide_and_a_change_is_felt_without_a_new_sign_in() {
    let gateway = for_members(
        "[[routes]]\npath = \"/staff\"\ngroups = [\"staff\", \"财务\"]\n[[routes]]\npath = \"/admins\"\naccess = \"admins\"\n",
    )
    .await;
    let (mut lin, id) = gateway.member("Lin").await;
    until(&mut lin, &gateway.url("/"), 200).await;
    assert_eq!(gateway.upstream.last().headers["remote-groups"], "");
    for path in ["/staff", "/admins"] {
        assert_eq!(lin.open(&gateway.url(path)).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    gateway.change(&id, Change::Groups(groups("财务 it"))).await;
    gateway.change(&id, Change::UserName(Some("lin.wei".parse().unwrap()))).await;
    gateway.change(&id, Change::DisplayName(Some("林伟".parse().unwrap()))).await;
    gateway.change(&id, Change::MakeAdmin(true)).await;
    let took = until(&mut lin, &gateway.url("/staff"), 200).await;
    assert!(took < REVOKED, "{took:?}");
    assert_eq!(lin.open(&gateway.url("/admins")).await.status, StatusCode::OK);
    let seen = gateway.upstream.last().headers;
    assert_eq!(seen["remote-user"], "lin.wei");
    assert_eq!(seen["remote-name"], "%E6%9E%97%E4%BC%9F");
    assert_eq!(seen["remote-groups"], "it,%E8%B4%A2%E5%8A%A1");
    gateway.change(&id, Change::Groups(groups("it"))).await;
    let took = until(&mut lin, &gateway.url("/staff"), 403).await;
    assert!(took < REVOKED, "{took:?}");
}

#[tokio::test]
async fn who_is_blocked_is_nobody_on_open_pages_and_shut_out_of_all_others() {
    let gateway = for_members("").await;
    let (mut lin, id) = gateway.member("Lin").await;
    until(&mut lin, &gateway.url("/"), 200).await;
    gateway.change(&id, Change::Block).await;
    // Blocking ends the sessions too, so that nobody is signed in any more.
    let took = until(&mut lin, &gateway.url("/"), 401).await;
    assert!(took < REVOKED, "{took:?}");
    assert_eq!(lin.fetch(&gateway.url("/signed-in")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(lin.fetch(&gateway.url("/public")).await.status, StatusCode::OK);
    assert!(!gateway.upstream.last().headers.contains_key("remote-user"));

    let mut again = gateway.browser();
    let callback = again.callback(&gateway, "Lin", "/signed-in").await;
    let answer = again.open(&callback).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    assert!(answer.all("set-cookie").iter().all(|line| !line.starts_with("wxgate=")));
}

#[tokio::test]
async fn a_session_can_be_ended_and_the_others_go_on() {
    let gateway = for_members("").await;
    let (mut computer, id) = gateway.member("Lin").await;
    let mut phone = gateway.browser();
    phone.sign_in(&gateway, "Lin", "/signed-in").await;
    until(&mut computer, &gateway.url("/"), 200).await;
    until(&mut phone, &gateway.url("/"), 200).await;
    let directory = gateway.directory().await;
    let now = operator().now;
    let detail = directory.member(MemberKey::Id(id.clone()), now).await.unwrap().unwrap();
    assert_eq!(detail.sessions.len(), 2);
    directory.end_session(&operator(), detail.sessions[0].id, None).await.unwrap();
    let began = Instant::now();
    let mut statuses = [StatusCode::OK; 2];
    eventually("one of the two is signed out", async || {
        let url = gateway.url("/");
        statuses = [computer.fetch(&url).await.status, phone.fetch(&url).await.status];
        statuses.contains(&StatusCode::UNAUTHORIZED)
    })
    .await;
    assert!(began.elapsed() < REVOKED, "{:?}", began.elapsed());
    assert!(statuses.contains(&StatusCode::OK), "the other goes on");
    directory.end_sessions(&operator(), &id).await.unwrap();
    until(&mut computer, &gateway.url("/"), 401).await;
    until(&mut phone, &gateway.url("/"), 401).await;
    computer.sign_in(&gateway, "Lin", "/").await;
}

#[tokio::test]
async fn a_callback_from_before_signing_out_everywhere_is_no_way_back() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let mut copy = browser.clone();
    let mut late = browser.clone();
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    let id = browser.member_id(&gateway).await;
    assert_eq!(copy.open(&callback).await.status, StatusCode::SEE_OTHER, "a callback may come twice");
    // By a node whose clock is behind.
    let slow = Act { now: Timestamp::from_unix(operator().now.as_unix() - 20), ..operator() };
    gateway.directory().await.end_sessions(&slow, &id).await.unwrap();
    until(&mut copy, &gateway.url("/"), 401).await;
    let answer = late.open(&callback).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert!(answer.html().contains("已退出登录"), "{}", answer.text());
    assert!(!late.is_signed_in(&gateway).await);
    late.sign_in(&gateway, "Lin", "/").await;
    assert!(late.is_signed_in(&gateway).await, "by a login of their own");
}

#[tokio::test]
async fn a_callback_from_before_one_session_was_ended_is_no_way_back_either() {
    let gateway = TestGateway::start().await;
    for by_themselves in [true, false] {
        let mut browser = gateway.browser();
        let callback = browser.callback(&gateway, "Lin", "/").await;
        let mut late = browser.clone();
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        let id = browser.member_id(&gateway).await;
        let directory = gateway.directory().await;
        if by_themselves {
            assert_eq!(browser.submit(&gateway.url("/_wxgate/logout"), "").await.status, StatusCode::OK);
        } else {
            let detail = directory.member(MemberKey::Id(id), operator().now).await.unwrap().unwrap();
            let session = detail.sessions.iter().find(|session| !session.ended).unwrap().id;
            directory.end_session(&operator(), session, None).await.unwrap();
        }
        assert_eq!(late.open(&callback).await.status, StatusCode::BAD_REQUEST, "{by_themselves}");
        assert!(!late.is_signed_in(&gateway).await);
    }
}

#[tokio::test]
async fn a_callback_from_before_somebody_was_forgotten_makes_no_record_of_them() {
    let gateway =
        TestGateway::with(Setup { tables: "[access]\njoin = \"open\"\n".to_owned(), ..Setup::default() })
            .await;
    let mut browser = gateway.browser();
    let callback = browser.callback(&gateway, "Lin", "/").await;
    let mut late = browser.clone();
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    let id = browser.member_id(&gateway).await;
    let directory = gateway.directory().await;
    directory.forget(&operator(), &id).await.unwrap();
    assert_eq!(late.open(&callback).await.status, StatusCode::BAD_REQUEST);
    let query = MembersQuery { status: None, after: None, search: None, limit: 9 };
    assert_eq!(directory.members(query).await.unwrap(), []);
}

#[tokio::test]
async fn a_person_signs_out_of_all_their_browsers() {
    let gateway = TestGateway::start().await;
    let (mut one, mut other) = (gateway.signed_in("Lin").await, gateway.signed_in("Lin").await);
    let mut stranger = gateway.signed_in("王芳 Wang").await;
    let answer = one.submit(&gateway.url("/_wxgate/logout"), "everywhere=1").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    // This node made the change itself: nothing is believed a moment longer.
    assert_eq!(other.fetch(&gateway.url("/")).await.status, StatusCode::UNAUTHORIZED);
    assert!(stranger.is_signed_in(&gateway).await);
    for form in ["everywhere=1&everywhere=1", "everywhere=1&role=admin", "nothing=1"] {
        let answer = stranger.submit(&gateway.url("/_wxgate/logout"), form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
    }
    assert!(stranger.is_signed_in(&gateway).await);
}

#[tokio::test]
async fn a_sign_out_outlives_the_process() {
    let mut gateway = TestGateway::start().await;
    let mut lin = gateway.signed_in("Lin").await;
    let mut copied = lin.clone();
    lin.submit(&gateway.url("/_wxgate/logout"), "").await;
    gateway.signal("KILL");
    gateway.exit_code().await;
    gateway.start_again();
    copied.moved_to(&gateway);
    assert_eq!(copied.fetch(&gateway.url("/")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_is_forgotten_is_signed_out_and_comes_back_as_somebody_new() {
    let gateway = for_members("").await;
    let (mut lin, id) = gateway.member("Lin").await;
    until(&mut lin, &gateway.url("/"), 200).await;
    let directory = gateway.directory().await;
    directory.forget(&operator(), &id).await.unwrap();
    let took = until(&mut lin, &gateway.url("/"), 401).await;
    assert!(took < REVOKED, "{took:?}");
    // Without the old cookie, which another worker may believe in for a moment.
    let mut lin = gateway.browser();
    lin.sign_in(&gateway, "Lin", "/signed-in").await;
    assert_ne!(lin.member_id(&gateway).await, id);
    assert_eq!(lin.fetch(&gateway.url("/")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_websocket_closes_when_rights_end_elsewhere() {
    let gateway = before_an_echo_for("[access]\n").await;
    let (mut lin, id) = gateway.member("Lin").await;
    until(&mut lin, &gateway.url("/"), 200).await;
    let mut socket = open_socket(&gateway, &lin, "/socket").await.unwrap();
    let began = Instant::now();
    gateway.change(&id, Change::Block).await;
    let closed = next(&mut socket).await.unwrap().unwrap();
    assert!(closed.is_close() && began.elapsed() < CLOSED, "{closed:?} after {:?}", began.elapsed());
    assert!(socket.next().await.is_none_or(|message| message.is_err()));
}

#[tokio::test]
async fn an_event_stream_is_cut_when_rights_end_whether_it_is_silent_or_not() {
    for pace in [None, Some(Duration::from_millis(200))] {
        let application = ScriptedUpstream::event_stream(pace).await;
        let tables = format!(
            "[access]\n[[routes]]\npath = \"/events\"\nupstream = \"http://{}\"\n",
            application.address
        );
        let gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
        let (mut lin, id) = gateway.member("Lin").await;
        until(&mut lin, &gateway.url("/"), 200).await;
        let line = lin.cookie_line();
        let stream = gateway.raw(format!("GET /events HTTP/1.1\r\nHost: a.localhost\r\n{line}\r\n"));
        let began = Instant::now();
        let block = gateway.change(&id, Change::Block);
        let (answer, ()) =
            tokio::time::timeout(PATIENCE, async { tokio::join!(stream, block) }).await.unwrap();
        assert!(answer.contains("text/event-stream") && !answer.ends_with("0\r\n\r\n"), "{answer}");
        assert!(began.elapsed() < CLOSED, "{pace:?}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_stranger_with_an_administrators_name_is_another_member() {
    let people = vec![wxgate::wechat::simulator::Person::new("Lin\u{200b}")];
    let tables = "[access]\n".to_owned();
    let gateway = TestGateway::with(Setup { tables, people, ..Setup::default() }).await;
    let (_, admin) = gateway.member("Lin").await;
    gateway.change(&admin, Change::MakeAdmin(true)).await;
    let mut copycat = gateway.browser();
    let callback = copycat.callback(&gateway, "Lin\u{200b}", "/").await;
    copycat.open(&callback).await;
    let me = copycat.fetch(&gateway.url("/_wxgate/me")).await.json();
    let id: MemberId = me["id"].as_str().unwrap().parse().unwrap();
    assert_ne!(id, admin);
    assert_eq!((&me["admin"], &me["status"]), (&false.into(), &"guest".into()));
}
