//! Two gateways on one PostgreSQL behind the nginx of `deploy/several-nodes`: any of them can serve any request.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use wxgate::members::{Directory, Invitation};
use wxgate::model::member::{Change, Groups, MemberId};
use wxgate::wechat::simulator::Fault;

use crate::members::{CLOSED, REVOKED, groups, until};
use crate::phones::{account_keys, asked_on_phone, code_on, link_in, say, tell_of_messages, waiting};
use crate::postgres::Postgres;
use crate::sessions::ticket_for;
use crate::support::people::operator;
use crate::support::{
    Browser, COMPUTER, Load, Nginx, PATIENCE, Port, ScriptedUpstream, Setup, TestGateway, command, eventually,
};
use crate::upgrades::{echo, next, socket as open_socket};

/// Seals the sessions of both.
const SECRET: &str = "a-session-secret-that-both-nodes-know-0123456789";

/// nginx, two nodes, and how they find each other's work: in the database alone.
struct Nodes {
    nginx: Nginx,
    one: TestGateway,
    two: TestGateway,
    _ports: [Port; 2],
}

impl Nodes {
    /// Members come in, and whoever has signed in sees `/signed-in`.
    async fn start() -> Self {
        Self::with("", String::new()).await
    }

    /// The same with more configuration.
    async fn with(tables: &str, account: String) -> Self {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let server = Postgres::shared();
        let database = format!("nodes_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        server.create_database(&database);
        let ports = [Port::reserve(), Port::reserve()];
        let setup = Setup {
            store: Some(server.url(&database)),
            port: ports[0].number,
            server: "trusted_proxies = [\"127.0.0.1\"]".to_owned(),
            tables: format!(
                "[access]\n[session]\nsecret = \"{SECRET}\"\n[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n{tables}"
            ),
            account,
            ..Setup::default()
        };
        let one = TestGateway::with(setup).await;
        let two = one.beside(ports[1].number);
        let port = Port::reserve();
        let nginx = Nginx::start(&shipped(&one, &two, &port), port).await;
        Self { nginx, one, two, _ports: ports }
    }

    /// A browser that comes through nginx.
    fn browser(&self) -> Browser {
        Browser::new(self.nginx.address, COMPUTER, None)
    }

    /// Such a browser, in which `person` has signed in and is a member.
    async fn member(&self, person: &str) -> (Browser, MemberId) {
        let mut browser = self.browser();
        browser.sign_in(&self.one, person, "/signed-in").await;
        let id = browser.member_id(&self.one).await;
        self.one.change(&id, Change::Approve(None)).await;
        for node in [&self.one, &self.two] {
            let mut here = browser.clone();
            here.moved_to(node);
            until(&mut here, &node.url("/"), 200).await;
        }
        (browser, id)
    }
}

/// The shipped file, with the addresses of this test and without the encryption.
fn shipped(one: &TestGateway, two: &TestGateway, port: &Port) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/several-nodes/nginx.conf");
    let mut text = std::fs::read_to_string(file).unwrap();
    for (from, to) in [
        ("10.0.0.11:8480", one.address.to_string()),
        ("10.0.0.12:8480", two.address.to_string()),
        ("listen 443 ssl;", format!("listen 127.0.0.1:{};", port.number)),
        ("server_name app.example.com;", "server_name a.localhost;".to_owned()),
        ("    ssl_certificate     /etc/nginx/app.example.com.pem;\n", String::new()),
        ("    ssl_certificate_key /etc/nginx/app.example.com.key;\n", String::new()),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from} is in {file} once");
        text = text.replace(from, &to);
    }
    text
}

#[test]
fn the_shipped_configuration_is_one() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/several-nodes/config.toml");
    let folder = tempfile::tempdir().unwrap();
    Postgres::shared().create_database("shipped");
    let mut text = std::fs::read_to_string(file).unwrap();
    for (name, secret) in
        [("session_secret", SECRET.to_owned()), ("store_url", Postgres::shared().url("shipped"))]
    {
        let (from, to) = (format!("/etc/wxgate/{name}"), folder.path().join(name));
        std::fs::write(&to, secret).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(text.matches(&from).count(), 1, "{from} is in {file} once");
        text = text.replace(&from, to.to_str().unwrap());
    }
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let output = command(folder.path())
        .arg("check")
        .env("WECHAT_APP_SECRET", "a-secret-of-32-letters-abcdefghi")
        .output();
    let output = output.unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !complained.contains("warning"), "{said}{complained}");
}

/// How many requests a node has answered since it started.
async fn answered(node: &TestGateway) -> f64 {
    node.figure("wxgate_http_requests_total").await
}

#[tokio::test]
async fn a_code_made_by_one_node_and_scanned_at_the_other_signs_in_on_either() {
    let nodes = Nodes::with("", account_keys("qr_login = true")).await;
    tell_of_messages(&nodes.one);
    let mut computer = nodes.one.browser();
    let (page_url, page) = waiting(&nodes.one, &mut computer, "follow").await;
    let code = code_on(&nodes.one, &mut computer, &page).await;
    // WeChat's server, and the phone, come to the other node.
    nodes.one.wechat.script().callback_address(nodes.two.address);
    let message = nodes.one.wechat.scan_code("Lin", &code).await.unwrap().said().unwrap().to_owned();
    let (mut phone, question) = asked_on_phone(&nodes.two, "Lin", &link_in(&message)).await;
    assert!(say(&nodes.two, &mut phone, &question, "allow").await.html().contains("已允许"));
    computer.moved_to(&nodes.two);
    let mut windows = [computer.clone(), computer.clone()];
    windows[0].moved_to(&nodes.one);
    let [one, two] = &mut windows;
    let _ = tokio::join!(one.open(&page_url), two.open(&page_url));
    let mut winners = 0;
    for window in &mut windows {
        window.moved_to(&nodes.one);
        winners += u32::from(window.is_signed_in(&nodes.one).await);
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_code_that_wechat_did_not_make_for_one_node_is_explained_by_the_other() {
    const MAKE_CODE: &str = "/cgi-bin/qrcode/create";
    let nodes = Nodes::with("", account_keys("qr_login = true")).await;
    let wechat = &nodes.one.wechat;
    wechat.script().every_call(MAKE_CODE, Fault::Errcode(48001));
    let mut computer = nodes.one.browser();
    let (page_url, _) = waiting(&nodes.one, &mut computer, "follow").await;
    computer.moved_to(&nodes.two);
    let picture = page_url.replace("/wait?", "/code?");
    let picture = computer.open_with(&picture, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(picture.status, StatusCode::INTERNAL_SERVER_ERROR);
    computer.moved_to(&nodes.one);
    assert_eq!(computer.open(&page_url).await.status, StatusCode::OK, "this one has not asked WeChat");
    // What the page's script asks when it sees no code.
    for (language, words) in [("zh", "重试也没有用"), ("en", "trying again will not help")] {
        let page = computer.open_with(&format!("{page_url}&why=1"), &[("accept-language", language)]).await;
        assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", page.text());
        assert!(page.html().contains(words) && page.html().contains("48001"), "{}", page.text());
    }
    assert_eq!(wechat.calls_of(MAKE_CODE), 2, "each node has asked once");
    // A node that can make one shows it.
    wechat.script().well();
    let (page_url, _) = waiting(&nodes.one, &mut computer, "follow").await;
    let page = computer.open(&format!("{page_url}&why=1")).await;
    assert!(page.status == StatusCode::OK && page.html().contains("id=\"code\""), "{}", page.text());
    assert_eq!(wechat.open_codes().len(), 1);
}

#[tokio::test]
async fn a_login_begun_on_one_node_ends_on_the_other() {
    let nodes = Nodes::start().await;
    let mut lin = nodes.one.browser();
    let callback = lin.callback(&nodes.one, "Lin", "/signed-in").await;
    lin.moved_to(&nodes.two);
    let answer = lin.open(&callback).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/signed-in"));
    for node in [&nodes.one, &nodes.two] {
        lin.moved_to(node);
        assert_eq!(lin.fetch(&node.url("/signed-in")).await.status, StatusCode::OK);
    }
    // Through nginx, which hands one request to one and the next to the other.
    let before = [answered(&nodes.one).await, answered(&nodes.two).await];
    for _ in 0..4 {
        nodes.browser().sign_in(&nodes.one, "王芳 Wang", "/signed-in").await;
    }
    let after = [answered(&nodes.one).await, answered(&nodes.two).await];
    assert!(after[0] - before[0] >= 4.0 && after[1] - before[1] >= 4.0, "{before:?} {after:?}");
}

#[tokio::test]
async fn a_callback_that_comes_to_both_nodes_leads_to_the_page_wanted_and_not_to_wechat_again() {
    let nodes = Nodes::start().await;
    let mut lin = nodes.one.browser();
    let callback = lin.callback(&nodes.one, "Lin", "/signed-in").await;
    // Both were sent before either was answered.
    let mut second = lin.clone();
    second.moved_to(&nodes.two);
    assert_eq!(lin.open(&callback).await.location(), "/signed-in");
    let late = second.open(&callback).await;
    assert_eq!(late.status, StatusCode::SEE_OTHER, "{}", late.text());
    assert_eq!(late.location(), format!("{callback}&repeated=1"), "WeChat has the code spent");
    let repeated = late.location();
    // The browser that has got the first answer meanwhile.
    lin.moved_to(&nodes.two);
    assert_eq!(lin.open(repeated).await.location(), "/signed-in");
    assert!(lin.is_signed_in(&nodes.two).await);
    // The one whose first connection was lost, at either node.
    let mut lost = second.clone();
    let elsewhere = lost.open(repeated).await;
    assert!(elsewhere.location().contains("/connect/qrconnect?"), "{}", elsewhere.location());
    second.moved_to(&nodes.one);
    assert_eq!(second.open(repeated).await.location(), "/signed-in");
    assert!(second.is_signed_in(&nodes.one).await);
    assert!(!lost.is_signed_in(&nodes.two).await);
    assert_eq!(nodes.one.wechat.exchanges(), 2, "each node has asked WeChat once");
    // Whoever has got hold of the address has no cookie of the attempt.
    let stranger = nodes.two.browser().open(repeated).await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST, "{}", stranger.text());
}

#[tokio::test]
async fn what_is_decided_on_one_node_is_felt_on_the_other_within_seconds_under_load_too() {
    let nodes = Nodes::with("[[routes]]\npath = \"/staff\"\ngroups = [\"staff\"]\n", String::new()).await;
    let (wang, _) = nodes.member("王芳 Wang").await;
    let load = Load::of(&wang, &nodes.two.url("/"), 4);
    for is_under_load in [false, true] {
        // Whoever asks all the time has a standing that never has to be waited for.
        let mut lin = nodes.two.browser();
        lin.sign_in(&nodes.two, "Lin", "/signed-in").await;
        let id = lin.member_id(&nodes.two).await;
        let own = is_under_load.then(|| Load::of(&lin, &nodes.two.url("/signed-in"), 4));
        let approve = Change::Approve(Some(groups("staff")));
        for (change, path, status) in [
            (approve, "/staff", 200),
            (Change::Groups(groups("it")), "/staff", 403),
            (Change::Groups(groups("staff")), "/staff", 200),
            (Change::Block, "/", 401),
        ] {
            let what = format!("{change:?}");
            nodes.one.change(&id, change).await;
            let took = until(&mut lin, &nodes.two.url(path), status).await;
            println!("under load: {is_under_load}; {what} was felt after {took:.1?}");
            assert!(took < REVOKED, "{what}: {took:?}");
        }
        nodes.one.directory().await.forget(&operator(), &id).await.unwrap();
        if let Some(own) = own {
            println!("of them: {}", own.end().await);
        }
    }
    let figures = load.end().await;
    println!("somebody else meanwhile: {figures}");
    assert!(figures.are_all(200), "{figures}");
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_has_ended_on_the_other() {
    let nodes = Nodes::start().await;
    let (mut lin, id) = nodes.member("Lin").await;
    let mut phone = nodes.two.browser();
    phone.sign_in(&nodes.two, "Lin", "/signed-in").await;
    let url = nodes.two.url("/");
    let load = Load::of(&phone, &url, 4);
    lin.moved_to(&nodes.one);
    let answer = lin.submit(&nodes.one.url("/_wxgate/logout"), "everywhere=1").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let took = until(&mut phone, &url, 401).await;
    println!("signed out everywhere after {took:.1?}");
    assert!(took < REVOKED, "{took:?}");
    let figures = load.end().await;
    assert!(figures.statuses.keys().all(|status| [200, 401].contains(status)), "{figures}");

    phone.sign_in(&nodes.two, "Lin", "/").await;
    let directory = nodes.one.directory().await;
    directory.end_sessions(&operator(), &id).await.unwrap();
    let took = until(&mut phone, &url, 401).await;
    println!("ended by an administrator after {took:.1?}");
    assert!(took < REVOKED, "{took:?}");
}

#[tokio::test]
async fn a_websocket_and_an_event_stream_on_the_other_node_end_when_rights_do() {
    let events = ScriptedUpstream::event_stream(Some(Duration::from_millis(200))).await;
    let (echo, events) = (echo().await, events.url());
    let routes = [("/socket", echo), ("/events", events)];
    let routes = routes.map(|(path, url)| format!("[[routes]]\npath = \"{path}\"\nupstream = \"{url}\"\n"));
    let nodes = Nodes::with(&routes.concat(), String::new()).await;
    let (mut lin, id) = nodes.member("Lin").await;
    lin.moved_to(&nodes.two);
    let mut socket = open_socket(&nodes.two, &lin, "/socket").await.unwrap();
    let line = lin.cookie_line();
    let stream = nodes.two.raw(format!("GET /events HTTP/1.1\r\nHost: a.localhost\r\n{line}\r\n"));
    let began = Instant::now();
    let block = nodes.one.change(&id, Change::Block);
    let closing = async {
        let closed = next(&mut socket).await.unwrap().unwrap();
        assert!(closed.is_close(), "{closed:?}");
        began.elapsed()
    };
    let streaming = async { (stream.await, began.elapsed()) };
    let all = async { tokio::join!(streaming, closing, block) };
    let ((answer, cut), closed, ()) = tokio::time::timeout(PATIENCE, all).await.unwrap();
    println!("the WebSocket closed after {closed:.1?}, the stream after {cut:.1?}");
    assert!(answer.contains("data: tick") && !answer.ends_with("0\r\n\r\n"), "{answer}");
    assert!(closed < CLOSED && cut < CLOSED, "{closed:?} {cut:?}");
}

#[tokio::test]
async fn a_ticket_redeemed_on_both_nodes_at_once_counts_once() {
    let nodes =
        Nodes::with("[[routes]]\nhost = \"b.localhost\"\naccess = \"signed-in\"\n", String::new()).await;
    for _ in 0..10 {
        let mut browser = nodes.one.browser();
        let ticket = ticket_for(&nodes.one, &mut browser, "http://b.localhost/wiki").await;
        let (mut one, mut two) = (browser.clone(), browser);
        two.moved_to(&nodes.two);
        let (first, second) = tokio::join!(one.open(&ticket), two.open(&ticket));
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 400]);
    }
}

#[tokio::test]
async fn an_invitation_for_one_used_on_both_nodes_at_once_lets_in_one() {
    let nodes = Nodes::start().await;
    let directories = [nodes.one.directory().await, nodes.two.directory().await];
    let mut guests = Vec::new();
    for (person, node) in [("Lin", &nodes.one), ("王芳 Wang", &nodes.two)] {
        let mut browser = node.browser();
        browser.sign_in(node, person, "/signed-in").await;
        guests.push(browser.member_id(node).await);
    }
    // Members in all of its groups use no invitation: each is into another group.
    for round in 0..10 {
        let groups: Groups = groups(&format!("round-{round}"));
        let lifetime = Duration::from_secs(60);
        let invitation = Invitation { groups, uses: Some(1), lifetime, note: String::new() };
        let (_, code) = directories[0].invite(&operator(), invitation).await.unwrap();
        let join = |at: usize| {
            let (directory, who): (&Directory, _) = (&directories[at], &guests[at]);
            let code = code.reveal();
            async move { directory.join(&operator(), who, code).await.is_ok() }
        };
        let (first, second) = tokio::join!(join(0), join(1));
        assert!(first != second, "round {round}: {first} {second}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_is_missed_by_nobody_and_takes_part_again() {
    let mut nodes = Nodes::start().await;
    let (lin, _) = nodes.member("Lin").await;
    let load = Load::of(&lin, &nodes.one.url("/"), 20);
    load.goes_on(200).await;
    for node in [&mut nodes.one, &mut nodes.two] {
        node.signal("KILL");
        node.exit_code().await;
        load.goes_on(300).await;
        node.start_again();
        eventually("it takes part again", async || answered(node).await > 50.0).await;
    }
    let figures = load.end().await;
    println!("{} requests: {figures}", figures.count());
    assert!(figures.are_all(200), "{figures}");
}
