//! Pages on which somebody decides: only administrators do, only by forms of those pages, and what they typed is not lost.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use wxgate::members::{Act, Invitation, JoinSettings};
use wxgate::model::audit::Actor;
use wxgate::model::clock;
use wxgate::model::member::{Change, MemberId, Status};
use wxgate::store::MemberKey;
use wxgate::store::records::{AuditQuery, MemberDetail};

use crate::members::CLOSED;
use crate::support::people::operator;
use crate::support::{Browser, Setup, TestGateway, Wire, eventually};

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

async fn team(join: &str) -> TestGateway {
    let tables = format!(
        "[access]\njoin = \"{join}\"\n[[routes]]\nhost = \"b.localhost\"\npath = \"/\"\n[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n"
    );
    TestGateway::with(Setup { tables, ..Setup::default() }).await
}

/// A browser of an administrator.
async fn admin(gateway: &TestGateway) -> (Browser, MemberId) {
    let (mut lin, id) = gateway.member("Lin").await;
    gateway.change(&id, Change::MakeAdmin(true)).await;
    let url = gateway.url("/_wxgate/admin");
    eventually("an administrator", async || lin.open(&url).await.status == StatusCode::OK).await;
    (lin, id)
}

/// A browser of somebody who has signed in, and nothing more.
async fn guest(gateway: &TestGateway, person: &str) -> (Browser, MemberId) {
    let mut browser = gateway.browser();
    browser.sign_in(gateway, person, "/signed-in").await;
    let id = browser.member_id(gateway).await;
    (browser, id)
}

async fn detail(gateway: &TestGateway, id: &MemberId) -> Option<MemberDetail> {
    gateway.directory().await.member(MemberKey::Id(id.clone()), clock::now()).await.unwrap()
}

async fn status(gateway: &TestGateway, id: &MemberId) -> Status {
    detail(gateway, id).await.unwrap().member.status
}

fn page_of(id: &MemberId) -> String {
    format!("/_wxgate/admin/members/{id}")
}

#[tokio::test]
async fn a_stranger_asks_and_is_in_as_soon_as_they_are_approved() {
    let gateway = team("request").await;
    let (mut lin, _) = admin(&gateway).await;
    let (mut wang, id) = guest(&gateway, "王芳 Wang").await;
    let token = wang.open(&gateway.url("/reports?year=2026")).await.token();
    let form = format!("token={token}&to=/reports?year%3D2026&message=%E4%BD%A0%E5%A5%BD+%3Cb%3E");
    let asked = wang.submit(&gateway.url("/_wxgate/request"), &form).await;
    assert_eq!(
        (asked.status, asked.location()),
        (StatusCode::SEE_OTHER, "/_wxgate/request?to=/reports?year=2026")
    );
    let waiting = wang.open(&gateway.url(asked.location())).await;
    let request = detail(&gateway, &id).await.unwrap().member.request.unwrap();
    assert_eq!((request.message.as_str(), request.code.len()), ("你好 <b>", 4));
    assert!(waiting.text().contains(&request.code) && !waiting.text().contains("<b>"), "{}", waiting.text());
    assert_eq!(wang.fetch(&gateway.url("/")).await.json()["status"], "pending");
    // Asking again changes nothing: not the message, not the code.
    wang.submit(&gateway.url("/_wxgate/request"), &format!("token={token}&to=/&message=again")).await;
    assert_eq!(detail(&gateway, &id).await.unwrap().member.request.unwrap().code, request.code);

    let mut poll = wang.clone();
    let url = gateway.url("/_wxgate/login/status");
    let news = async { poll.fetch(&url).await.json() };
    let page = page_of(&id);
    let approve = lin.fill_in(
        &gateway,
        "/_wxgate/admin",
        &page,
        "do=approve&groups=staff,%E8%B4%A2%E5%8A%A1&from=list",
    );
    let (news, approved) = tokio::join!(news, approve);
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.text());
    assert_eq!(news["status"], "active");
    // This node made the change itself.
    assert_eq!(wang.open(&gateway.url("/reports")).await.status, StatusCode::OK);
    assert_eq!(gateway.upstream.last().headers["remote-groups"], "staff,%E8%B4%A2%E5%8A%A1");
    let back = wang.open(&gateway.url("/_wxgate/request?to=/reports")).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/reports"));
}

#[tokio::test]
async fn nobody_but_administrators_sees_or_does_anything() {
    let gateway = team("request").await;
    let (mut lin, lin_id) = admin(&gateway).await;
    let (mut wang, id) = guest(&gateway, "王芳 Wang").await;
    let token = lin.open(&gateway.url(&page_of(&lin_id))).await.token();
    let own = wang.open(&gateway.url("/")).await.token();
    let pages = ["", "/", "/invites", "/conflicts", "/audit", &format!("/members/{id}"), "/nothing"];
    for change in [None, Some(Change::Approve(None))] {
        if let Some(change) = change {
            gateway.change(&id, change).await;
            let url = gateway.url("/");
            eventually("a member", async || wang.fetch(&url).await.status == StatusCode::OK).await;
        }
        for page in pages {
            let url = gateway.url(&format!("/_wxgate/admin{page}"));
            let answer = wang.open(&url).await;
            assert!(matches!(answer.status.as_u16(), 403 | 404), "{page}: {}", answer.status);
            assert!(!answer.text().contains(lin_id.as_str()), "{page}");
            for token in [&token, &own] {
                let form = format!("token={token}&do=approve&groups=");
                let answer = wang.submit(&url, &form).await;
                assert!(matches!(answer.status.as_u16(), 403 | 404), "{page}: {}", answer.status);
            }
            let mut nobody = gateway.browser();
            let answer = nobody.open(&url).await;
            assert!(matches!(answer.status.as_u16(), 302 | 404), "{page}: {}", answer.status);
            let answer = nobody.submit(&url, &format!("token={token}&do=approve")).await;
            assert!(
                !answer.status.is_success() && answer.status != StatusCode::SEE_OTHER
                    || answer.location().contains("login"),
                "{page}"
            );
        }
    }
    let form = format!("token={own}&do=grant-admin");
    wang.submit(&gateway.url(&page_of(&id)), &form).await;
    assert!(!detail(&gateway, &id).await.unwrap().member.is_admin);
}

#[tokio::test]
async fn only_a_form_of_the_page_itself_changes_anything() {
    let gateway = team("request").await;
    let (mut lin, _) = admin(&gateway).await;
    let (_, id) = guest(&gateway, "王芳 Wang").await;
    let url = gateway.url(&page_of(&id));
    let token = lin.open(&url).await.token();
    let form = format!("token={token}&do=approve&groups=");
    let own =
        [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let with = |name: &'static str, value: &'static str| {
        own.map(|(header, old)| if header == name { (header, value) } else { (header, old) })
    };
    for headers in [
        &with("sec-fetch-site", "cross-site")[..],
        &with("sec-fetch-site", "same-site"),
        &with("sec-fetch-site", "none"),
        // A script or a frame of an application on the same host.
        &with("sec-fetch-dest", "empty"),
        &with("sec-fetch-dest", "iframe"),
        &with("sec-fetch-mode", "cors"),
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("origin", "http://b.localhost")],
        &[],
    ] {
        let answer = lin.submit_as(&url, &form, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    for form in ["do=approve&groups=", "token=&do=approve&groups=", "token=v1.x.y&do=approve&groups="] {
        let answer = lin.submit(&url, form).await;
        assert!(answer.status.is_client_error(), "{form}: {}", answer.status);
    }
    for form in [
        format!("token={token}&do=approve&groups=&role=admin"),
        format!("token={token}&do=approve&do=block&groups="),
        format!("token={token}&do=promote"),
        format!("token={token}&groups="),
        format!("token={token}&do=approve&groups=%ff"),
        format!("token={token}&do=forget&sure=yes"),
    ] {
        assert_eq!(lin.submit(&url, &form).await.status, StatusCode::BAD_REQUEST, "{form}");
    }
    let json = [&own[..], &[("content-type", "text/plain")]].concat();
    assert_eq!(lin.send(Method::POST, &url, &json, &form).await.status, StatusCode::BAD_REQUEST);
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        lin.send(method, &format!("{url}?{form}"), &own, "").await;
    }
    // Another session's token, of the same person.
    let mut other = gateway.signed_in("Lin").await;
    let answer = other.submit(&url, &form).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert_eq!(status(&gateway, &id).await, Status::Guest);
    assert_eq!(lin.submit(&url, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(status(&gateway, &id).await, Status::Active);
}

#[tokio::test]
async fn a_script_on_the_same_host_reads_no_page_of_administration() {
    let gateway = team("request").await;
    let (mut lin, _) = admin(&gateway).await;
    let url = gateway.url("/_wxgate/admin");
    for (mode, dest) in [
        ("cors", "empty"),
        ("same-origin", "empty"),
        ("no-cors", "script"),
        ("navigate", "iframe"),
        ("navigate", "object"),
    ] {
        let headers = [
            ("accept", "text/html"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
        ];
        let answer = lin.send(Method::GET, &url, &headers, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{mode} {dest}");
        assert!(!answer.text().contains("token"), "{mode} {dest}");
    }
    // Only the login host has these pages.
    let elsewhere = lin.open("http://b.localhost/_wxgate/admin").await;
    assert_eq!(
        (elsewhere.status, elsewhere.location()),
        (StatusCode::FOUND, "http://a.localhost/_wxgate/admin")
    );
}

#[tokio::test]
async fn everything_an_administrator_does_is_done_and_written_down() {
    let gateway = team("request").await;
    let (mut lin, lin_id) = admin(&gateway).await;
    let (mut wang, id) = guest(&gateway, "王芳 Wang").await;
    let page = page_of(&id);
    for (form, event) in [
        ("do=approve&groups=", "approved"),
        ("do=rename&user_name=wang.fang", "renamed"),
        ("do=display-name&display_name=%E7%8E%8B%E8%8A%B3", "display-name-changed"),
        ("do=groups&groups=staff", "groups-changed"),
        ("do=grant-admin", "admin-granted"),
        ("do=take-admin", "admin-taken"),
        ("do=block", "blocked"),
        ("do=unblock", "unblocked"),
        ("do=sign-out", "sessions-ended"),
    ] {
        let done = lin.fill_in(&gateway, &page, &page, form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{form}: {}", done.text());
        let shown = lin.open(&gateway.url(done.location())).await;
        assert_eq!(shown.status, StatusCode::OK, "{form}");
        let line = gateway.log_line(&[
            &format!("\"message\":\"{event}\""),
            "wxgate::audit",
            done.header("x-request-id"),
        ]);
        assert!(line.contains(&format!("\"actor\":\"{lin_id}\"")) && line.contains(id.as_str()), "{line}");
    }
    assert_eq!(wang.fetch(&gateway.url("/signed-in")).await.status, StatusCode::UNAUTHORIZED);
    wang.sign_in(&gateway, "王芳 Wang", "/").await;
    let session =
        detail(&gateway, &id).await.unwrap().sessions.into_iter().find(|session| !session.ended).unwrap();
    let form = format!("do=end-session&session={}", wxgate::seal::hex(&session.id));
    assert_eq!(lin.fill_in(&gateway, &page, &page, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(wang.fetch(&gateway.url("/")).await.status, StatusCode::UNAUTHORIZED);
    let trail = lin.open(&gateway.url("/_wxgate/admin/audit")).await;
    assert!(trail.status == StatusCode::OK && trail.text().contains("wang.fang"), "{}", trail.text());
    assert!(trail.text().contains("<bdi>王芳</bdi>") && trail.text().contains("<bdi>Lin</bdi>"));

    let unsure = lin.fill_in(&gateway, &page, &page, "do=forget").await;
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(lin.fill_in(&gateway, &page, &page, "do=forget&sure=1").await.status, StatusCode::SEE_OTHER);
    assert!(detail(&gateway, &id).await.is_none());
    assert_eq!(lin.open(&gateway.url(&page)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_trail_of_somebody_is_found_by_name_and_after_they_are_gone_by_id() {
    let gateway = team("request").await;
    let (mut lin, lin_id) = admin(&gateway).await;
    let (_, wang_id) = guest(&gateway, "王芳 Wang").await;
    guest(&gateway, "王伟 Wang").await;
    let mut find = async |who: &str| {
        let who: String = url::form_urlencoded::byte_serialize(who.as_bytes()).collect();
        let page = lin.open(&gateway.url(&format!("/_wxgate/admin/audit?member={who}"))).await;
        (page.status, page.text())
    };
    for who in ["王芳", wang_id.as_str(), &wang_id.as_str()[..12]] {
        let (status, page) = find(who).await;
        assert_eq!(status, StatusCode::OK, "{who}");
        assert!(page.contains("<bdi>王芳 Wang</bdi>") && !page.contains("王伟"), "{who}: {page}");
    }
    let (status, page) = find("wang").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains(&format!("member={wang_id}\"")), "{page}");
    assert!(page.contains("王伟 Wang") && !page.contains("<table"), "{page}");
    assert_eq!(find("nobody at all").await.0, StatusCode::UNPROCESSABLE_ENTITY);

    gateway.directory().await.forget(&operator(), &wang_id).await.unwrap();
    assert_eq!(find("王芳").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, page) = find(wang_id.as_str()).await;
    assert!(status == StatusCode::OK && page.contains("已删除的成员"), "{page}");
    let link = format!("/_wxgate/admin/members/{wang_id}");
    assert!(!page.contains(&link) && !page.contains(lin_id.as_str()), "{page}");
}

#[tokio::test]
async fn what_cannot_be_is_said_and_what_was_typed_is_kept() {
    let gateway = team("request").await;
    let (mut lin, lin_id) = admin(&gateway).await;
    let (_, id) = guest(&gateway, "王芳 Wang").await;
    let (own, page) = (page_of(&lin_id), page_of(&id));
    lin.fill_in(&gateway, &own, &own, "do=rename&user_name=Lin.Wei").await;
    for (page, form, typed) in [
        (&page, "do=rename&user_name=lin.wei", "lin.wei"),
        (&page, "do=rename&user_name=a%2Cb", "a,b"),
        (&page, "do=groups&groups=good,%3Cscript%3E", "&lt;script&gt;"),
        (&page, "do=unblock", ""),
        (&page, "do=grant-admin", ""),
        (&own, "do=take-admin", ""),
        (&own, "do=block", ""),
        (&own, "do=forget&sure=1", ""),
    ] {
        let answer = lin.fill_in(&gateway, page, page, form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(
            answer.text().contains(typed) && answer.text().contains("role=\"alert\""),
            "{form}: {}",
            answer.text()
        );
    }
    assert_eq!(status(&gateway, &id).await, Status::Guest);
    assert!(detail(&gateway, &lin_id).await.unwrap().member.administers());
}

#[tokio::test]
async fn an_invitation_makes_members_and_looking_at_it_does_not() {
    let gateway = team("invite").await;
    let (mut lin, _) = admin(&gateway).await;
    let invites = "/_wxgate/admin/invites";
    let made = lin
        .fill_in(
            &gateway,
            invites,
            invites,
            "do=make&groups=staff&uses=one&count=&days=7&note=for+%E7%8E%8B%E8%8A%B3",
        )
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let page = made.html();
    let start = page.find("http://a.localhost/_wxgate/invite?code=").unwrap_or_else(|| panic!("{page}"));
    let link: String = page[start..].chars().take_while(|letter| !"\"<& ".contains(*letter)).collect();
    assert!(!lin.open(&gateway.url(invites)).await.text().contains(&link), "the link is shown once");

    let (mut wang, id) = guest(&gateway, "王芳 Wang").await;
    assert_eq!(wang.fetch(&gateway.url("/")).await.status, StatusCode::FORBIDDEN);
    for _ in 0..3 {
        gateway.browser().open(&link).await;
        assert_eq!(wang.open(&link).await.status, StatusCode::OK);
    }
    assert_eq!(status(&gateway, &id).await, Status::Guest);
    let token = wang.open(&link).await.token();
    let code = link.split_once("code=").unwrap().1;
    let form = format!("token={token}&code={code}");
    let joined = wang.submit(&gateway.url("/_wxgate/invite"), &form).await;
    assert_eq!((joined.status, joined.location()), (StatusCode::SEE_OTHER, "/"), "{}", joined.text());
    assert_eq!(wang.open(&gateway.url("/")).await.status, StatusCode::OK);
    assert_eq!(gateway.upstream.last().headers["remote-groups"], "staff");
    let again = gateway.signed_in_at("Lin", "/signed-in").await.open(&link).await;
    assert!(again.status.is_client_error(), "it was for one: {}", again.status);
    assert!(!gateway.log().contains(code), "a code that makes members is in the log");
}

#[tokio::test]
async fn the_first_administrator_comes_by_the_link_in_the_log_once() {
    let gateway = team("request").await;
    let line = gateway.log_line(&["/_wxgate/setup?code="]);
    let start = line.find("http://a.localhost/_wxgate/setup?code=").unwrap();
    let link: String =
        line[start..].chars().take_while(|letter| letter.is_ascii_graphic() && *letter != '"').collect();
    let mut lin = gateway.browser();
    let first = lin.open(&link).await;
    assert!(
        first.status == StatusCode::FOUND && first.location().contains("/_wxgate/login"),
        "{}",
        first.text()
    );
    lin.sign_in(&gateway, "Lin", "/signed-in").await;
    let token = lin.open(&link).await.token();
    let code = link.split_once("code=").unwrap().1;
    let (mut wang, _) = guest(&gateway, "王芳 Wang").await;
    let other = wang.open(&link).await.token();
    let set_up = lin.submit(&gateway.url("/_wxgate/setup"), &format!("token={token}&code={code}")).await;
    assert_eq!(
        (set_up.status, set_up.location()),
        (StatusCode::SEE_OTHER, "/_wxgate/admin"),
        "{}",
        set_up.text()
    );
    assert_eq!(lin.open(&gateway.url("/_wxgate/admin")).await.status, StatusCode::OK);
    let late = wang.submit(&gateway.url("/_wxgate/setup"), &format!("token={other}&code={code}")).await;
    assert!(late.status.is_client_error(), "{}", late.status);
    assert_eq!(wang.open(&gateway.url("/_wxgate/admin")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_is_refused_a_page_is_written_down_once() {
    let gateway = TestGateway::with(Setup {
        tables: "[access]\n[[routes]]\npath = \"/staff\"\ngroups = [\"staff\"]\n".to_owned(),
        ..Setup::default()
    })
    .await;
    let (mut lin, id) = gateway.member("Lin").await;
    let url = gateway.url("/staff");
    eventually("refused for its group", async || lin.fetch(&url).await.json()["error"] == "forbidden").await;
    for _ in 0..20 {
        lin.open(&url).await;
    }
    gateway.log_line(&["\"message\":\"visit-refused\"", "/staff/", id.as_str()]);
    let directory = gateway.directory().await;
    eventually("one line", async || {
        let query = AuditQuery { member: Some(id.clone()), limit: 50, ..AuditQuery::default() };
        let lines = directory.audit(query).await.unwrap();
        lines.iter().filter(|(_, event)| event.kind.as_str() == "visit-refused").count() == 1
    })
    .await;
}

#[tokio::test]
async fn an_invitation_made_elsewhere_ends_when_it_is_withdrawn() {
    let gateway = team("invite").await;
    let directory = gateway.directory().await;
    let invitation =
        Invitation { groups: "it".parse().unwrap(), uses: None, lifetime: DAY, note: String::new() };
    let (invite, code) = directory.invite(&operator(), invitation).await.unwrap();
    let link = format!("/_wxgate/invite?code={}", code.reveal());
    let (mut wang, _) = guest(&gateway, "王芳 Wang").await;
    let token = wang.open(&gateway.url(&link)).await.token();
    directory.withdraw_invite(&operator(), &invite.id).await.unwrap();
    let form = format!("token={token}&code={}", code.reveal());
    assert!(wang.submit(&gateway.url("/_wxgate/invite"), &form).await.status.is_client_error());
    assert_eq!(wang.fetch(&gateway.url("/")).await.status, StatusCode::FORBIDDEN);
}

/// A hole in an application on the login host lets a script send what it likes, from there, with the administrator's cookie.
#[tokio::test]
async fn a_script_on_the_same_host_gets_no_token_that_is_good_in_administration() {
    let gateway = team("request").await;
    let (mut lin, _) = admin(&gateway).await;
    let (mut wang, id) = guest(&gateway, "王芳 Wang").await;
    let script = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")];
    for path in ["/_wxgate/request", "/_wxgate/invite", "/_wxgate/setup", "/_wxgate/admin", &page_of(&id)] {
        let answer = lin.submit_as(&gateway.url(path), "do=approve&groups=&to=/&message=", &script).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!answer.text().contains("token"), "{path}");
    }
    // What strangers are given, and what a window is given that never was in administration.
    let of_a_stranger = wang.open(&gateway.url("/")).await.token();
    let stale = lin.submit(&gateway.url("/_wxgate/request"), "token=stale&to=/&message=").await.token();
    let of_a_session = lin.cookie("wxgate").unwrap().to_owned();
    for token in [of_a_stranger, stale, of_a_session] {
        let answer =
            lin.submit(&gateway.url(&page_of(&id)), &format!("token={token}&do=approve&groups=")).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
        assert!(!answer.text().contains("name=\"token\""), "nothing is offered to be sent once more");
    }
    assert_eq!(status(&gateway, &id).await, Status::Guest);
}

#[tokio::test]
async fn a_crowd_that_waits_leaves_nobody_out_of_the_list_and_no_page_of_it_empty() {
    let gateway = team("request").await;
    let (mut lin, lin_id) = admin(&gateway).await;
    let directory = gateway.directory().await;
    let mut everybody = BTreeSet::from([lin_id.to_string()]);
    let mut last = lin_id;
    for number in 0..55 {
        let id = gateway.somebody_known_as(&format!("oWaits{number}")).await;
        let act = Act { actor: Actor::Member(id.clone()), ..operator() };
        directory.request(&act, &id, "", &JoinSettings::default()).await.unwrap();
        everybody.insert(id.to_string());
        last = id;
    }
    let mut seen = BTreeSet::new();
    let mut next = Some("/_wxgate/admin".to_owned());
    while let Some(path) = next {
        let page = lin.open(&gateway.url(&path)).await.html();
        let rows = page.split("<th scope=\"row\">").count() - 1;
        let links = page.split("href=\"/_wxgate/admin/members/").skip(1);
        seen.extend(links.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        let before = page.split_once("\" rel=\"next\"").map(|(before, _)| before);
        next = before.and_then(|before| before.rsplit("href=\"").next()).map(str::to_owned);
        assert!(rows >= if next.is_some() { 47 } else { 1 }, "{rows} on {path}");
    }
    assert_eq!(seen, everybody);
    // Whoever tells their letters is found with the buttons that answer them.
    let asked = detail(&gateway, &last).await;
    let code = asked.unwrap().member.request.unwrap().code;
    let found = lin.open(&gateway.url(&format!("/_wxgate/admin?q={}", code.to_lowercase()))).await.html();
    assert!(
        found.contains(&format!("<strong class=\"letters\">{code}</strong>"))
            && found.contains("value=\"approve\"")
    );
}

#[tokio::test]
async fn no_invitation_counts_where_only_administrators_make_members() {
    let gateway = team("closed").await;
    let directory = gateway.directory().await;
    let invitation =
        Invitation { groups: "it".parse().unwrap(), uses: None, lifetime: DAY, note: String::new() };
    let (_, code) = directory.invite(&operator(), invitation).await.unwrap();
    let link = format!("/_wxgate/invite?code={}", code.reveal());
    let (mut lin, _) = admin(&gateway).await;
    let token = lin.open(&gateway.url("/_wxgate/admin/invites")).await.token();
    let (mut wang, id) = guest(&gateway, "王芳 Wang").await;
    assert_eq!(wang.open(&gateway.url(&link)).await.status, StatusCode::GONE);
    let form = format!("token={token}&code={}", code.reveal());
    assert!(wang.submit(&gateway.url("/_wxgate/invite"), &form).await.status.is_client_error());
    assert_eq!(lin.submit(&gateway.url("/_wxgate/invite"), &form).await.status, StatusCode::GONE);
    assert_eq!(status(&gateway, &id).await, Status::Guest);
}

#[tokio::test]
async fn a_setup_link_ends_when_somebody_administers() {
    let gateway = team("request").await;
    let line = gateway.log_line(&["/_wxgate/setup?code="]);
    let code = line.split_once("setup?code=").unwrap().1;
    let code: String = code.chars().take_while(char::is_ascii_hexdigit).collect();
    admin(&gateway).await;
    let (mut wang, _) = guest(&gateway, "王芳 Wang").await;
    let answer = wang.open(&gateway.url(&format!("/_wxgate/setup?code={code}"))).await;
    assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
}

#[tokio::test]
async fn an_upload_ends_with_the_rights_of_whoever_sends_it() {
    let gateway = team("request").await;
    let (mut lin, id) = gateway.member("Lin").await;
    let url = gateway.url("/");
    eventually("a member", async || lin.fetch(&url).await.status == StatusCode::OK).await;
    let mut wire = Wire::to(&gateway).await;
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n{}\r\n",
        lin.cookie_line()
    );
    wire.send(head).await;
    gateway.change(&id, Change::Block).await;
    let began = tokio::time::Instant::now();
    eventually("the upload is cut", async || wire.try_send("5\r\nhello\r\n").await.is_err()).await;
    assert!(began.elapsed() < CLOSED, "{:?}", began.elapsed());
}
