//! What people meet whichever database is behind: a conflict that is settled on its page, one session that ends, a decision
//! that another process made, a trail that is kept as long as it says.

use futures_util::SinkExt as _;
use http::StatusCode;
use rusqlite::Connection;
use tokio_tungstenite::tungstenite::Message;
use wxgate::model::clock;
use wxgate::model::member::{Change, MemberId};
use wxgate::store::MemberKey;
use wxgate::store::records::{AuditQuery, MemberDetail};

use crate::members::until;
use crate::postgres::Postgres;
use crate::support::people::operator;
use crate::support::{Browser, Setup, TestGateway, command, eventually};
use crate::upgrades::{echo, next, socket as open_socket};

/// A gateway over SQLite, and one over a database `name` of PostgreSQL; whoever has signed in sees `/signed-in`.
async fn over_either(name: &str, routes: &str) -> [TestGateway; 2] {
    Postgres::shared().create_database(name);
    let tables = format!("[access]\n{routes}[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n");
    let over =
        async |store| TestGateway::with(Setup { store, tables: tables.clone(), ..Setup::default() }).await;
    [over(None).await, over(Some(Postgres::shared().url(name))).await]
}

async fn detail(gateway: &TestGateway, id: &MemberId) -> Option<MemberDetail> {
    gateway.directory().await.member(MemberKey::Id(id.clone()), clock::now()).await.unwrap()
}

async fn administrator(gateway: &TestGateway) -> Browser {
    let (mut lin, id) = gateway.member("Lin").await;
    gateway.change(&id, Change::MakeAdmin(true)).await;
    let url = gateway.url("/_wxgate/admin");
    eventually("an administrator", async || lin.open(&url).await.status == StatusCode::OK).await;
    lin
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_settled_on_its_page() {
    for gateway in over_either("conflicts", "").await {
        let mut lin = administrator(&gateway).await;
        for (deed, holder_stays, accounts) in [("keep-apart", true, 1), ("move-account", false, 2)] {
            let (first, second) = (format!("first-{deed}"), format!("second-{deed}"));
            let union = format!("union-{deed}");
            let holder = gateway.arrives(&first, None).await;
            let other = gateway.arrives(&second, Some(&union)).await;
            assert_eq!(gateway.arrives(&first, Some(&union)).await, holder);
            let conflicts = "/_wxgate/admin/conflicts";
            let page = lin.open(&gateway.url(conflicts)).await.html();
            let id = page.split_once("name=\"conflict\" value=\"").unwrap().1.split_once('"').unwrap().0;
            let form = format!("do={deed}&conflict={id}");
            let done = lin.fill_in(&gateway, conflicts, conflicts, &form).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
            assert!(lin.open(&gateway.url(done.location())).await.html().contains("role=\"status\""));
            assert_eq!(detail(&gateway, &holder).await.is_some(), holder_stays, "{deed}");
            assert_eq!(detail(&gateway, &other).await.unwrap().accounts.len(), accounts, "{deed}");
        }
        assert!(
            !lin.open(&gateway.url("/_wxgate/admin/conflicts")).await.html().contains("name=\"conflict\"")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_takes_its_websocket_along_and_no_others() {
    let application = echo().await;
    let route = format!("[[routes]]\npath = \"/socket\"\nupstream = \"{application}\"\n");
    for gateway in over_either("one_session", &route).await {
        let (mut stolen, id) = gateway.member("Lin").await;
        until(&mut stolen, &gateway.url("/"), 200).await;
        let session = detail(&gateway, &id).await.unwrap().sessions[0].id;
        let mut own = gateway.browser();
        own.sign_in(&gateway, "Lin", "/signed-in").await;
        let mut stolen_socket = open_socket(&gateway, &stolen, "/socket").await.unwrap();
        let mut own_socket = open_socket(&gateway, &own, "/socket").await.unwrap();
        gateway.directory().await.end_session(&operator(), session, None).await.unwrap();
        let closed = next(&mut stolen_socket).await.unwrap().unwrap();
        assert!(closed.is_close(), "{closed:?}");
        until(&mut stolen, &gateway.url("/"), 401).await;
        own_socket.send(Message::text("still here")).await.unwrap();
        assert_eq!(next(&mut own_socket).await.unwrap().unwrap(), Message::text("still here"));
        assert_eq!(own.fetch(&gateway.url("/")).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_page_hears_of_a_decision_made_on_the_command_line() {
    for gateway in over_either("heard", "").await {
        let mut wang = gateway.browser();
        wang.sign_in(&gateway, "王芳 Wang", "/signed-in").await;
        let id = wang.member_id(&gateway).await;
        let asked = wang.fill_in(&gateway, "/", "/_wxgate/request", "to=/&message=").await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
        let url = gateway.url("/_wxgate/login/status");
        let approving = async {
            let folder = gateway.folder.path().to_owned();
            let approve =
                move || command(&folder).args(["members", "approve", id.as_str()]).output().unwrap();
            let output = tokio::task::spawn_blocking(approve).await.unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        let hearing =
            eventually("the page hears", async || wang.fetch(&url).await.text().contains("\"active\""));
        tokio::join!(hearing, approving);
        assert_eq!(wang.open(&gateway.url("/")).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trail_is_kept_as_long_as_it_says() {
    let tables = "[store]\nkeep_audit = \"2d\"\n[access]\n".to_owned();
    let mut gateway = TestGateway::with(Setup { tables, ..Setup::default() }).await;
    for openid in ["old", "young"] {
        gateway.arrives(openid, None).await;
    }
    gateway.signal("TERM");
    gateway.exit_code().await;
    let file = Connection::open(gateway.folder.path().join("data/wxgate.db")).unwrap();
    let moved = |days: i64, line: &str| {
        let older = "UPDATE audit SET at = at - 86400 * ?1 \
             WHERE id = (SELECT id FROM audit WHERE kind = 'signed-in' ORDER BY id LIMIT 1 OFFSET ?2)";
        assert_eq!(file.execute(older, (days, i64::from(line == "young"))).unwrap(), 1);
    };
    moved(3, "old");
    moved(1, "young");
    drop(file);
    gateway.start_again();
    let sign_ins = async || {
        let query = AuditQuery { limit: 100, ..AuditQuery::default() };
        let lines = gateway.directory().await.audit(query).await.unwrap();
        lines.iter().filter(|(_, event)| event.kind.as_str() == "signed-in").count()
    };
    eventually("the old line is deleted", async || sign_ins().await == 1).await;
}
