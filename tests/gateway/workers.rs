//! Several workers, one gateway: connections are shared out, and whatever holds for one holds for all.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, watch};

use crate::support::{EchoUpstream, Played, ScriptedUpstream, Setup, TestGateway, Wire, command, eventually};

/// An application that holds every answer back until it is let go, and says on which connection a request came.
struct Holding {
    application: ScriptedUpstream,
    go: watch::Sender<bool>,
}

impl Holding {
    async fn start() -> Self {
        let (go, going) = watch::channel(false);
        let application = ScriptedUpstream::playing(move |mut application: Played, number| {
            let mut going = going.clone();
            async move {
                while let Some(head) = application.request().await {
                    if head.contains(" /public/begun") {
                        application.answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegin").await;
                        let _ = going.wait_for(|going| *going).await;
                        application.answer("-end").await;
                        continue;
                    }
                    let _ = going.wait_for(|going| *going).await;
                    let text = number.to_string();
                    let length = text.len();
                    application
                        .answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}"))
                        .await;
                }
            }
        })
        .await;
        Self { application, go }
    }

    async fn gateway(&self, server: &str) -> TestGateway {
        TestGateway::with(Setup {
            upstream: Some(self.application.url()),
            server: server.to_owned(),
            ..Setup::default()
        })
        .await
    }

    async fn has_heard(&self, count: usize) {
        eventually("every request is there", async || self.application.heads().len() >= count).await;
    }

    fn let_go(&self) {
        self.go.send_replace(true);
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
}

async fn ask(wire: &mut Wire<TcpStream>, path: &str) -> String {
    wire.send(get(path)).await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.text()
}

/// So many visitors, one after the other: each has had an answer before the next comes.
async fn visitors(gateway: &TestGateway, count: usize) -> Vec<Wire<TcpStream>> {
    let mut visitors = Vec::new();
    for _ in 0..count {
        let mut wire = Wire::to(gateway).await;
        wire.send(get("/_wxgate/nothing")).await;
        assert_eq!(wire.answer().await.status, StatusCode::NOT_FOUND);
        visitors.push(wire);
    }
    visitors
}

async fn figure(gateway: &TestGateway, name: &str) -> u64 {
    let (_, figures) = gateway.admin("/metrics").await;
    let line = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {figures}")).parse().unwrap()
}

// ------------------------------------------------------------------------------------------ shares

/// Each worker keeps its own connections to the application: which one a request goes over says who serves the visitor.
/// Visitors of different workers ask at the same time, so that each worker opens a connection. What the application says of
/// them.
async fn one_connection_each(holding: &Holding, visitors: &mut [Wire<TcpStream>]) -> Vec<String> {
    for visitor in &mut *visitors {
        visitor.send(get("/public/first")).await;
    }
    holding.has_heard(visitors.len()).await;
    holding.let_go();
    let mut owns = Vec::new();
    for visitor in visitors {
        owns.push(visitor.answer().await.text());
    }
    assert!(owns.iter().enumerate().all(|(at, own)| !owns[..at].contains(own)), "{owns:?}");
    owns
}

#[tokio::test]
async fn a_few_visitors_are_dealt_out_one_by_one() {
    let holding = Holding::start().await;
    let gateway = holding.gateway("workers = 2").await;
    let mut visitors = visitors(&gateway, 8).await;
    let owns = one_connection_each(&holding, &mut visitors[..2]).await;
    for round in 0..3 {
        for (number, visitor) in visitors.iter_mut().enumerate() {
            let over = ask(visitor, "/public/next").await;
            assert_eq!(over, owns[number % 2], "visitor {number} in round {round}");
        }
    }
}

#[tokio::test]
async fn a_single_worker_serves_everybody() {
    let holding = Holding::start().await;
    let gateway = holding.gateway("workers = 1").await;
    let mut visitors = visitors(&gateway, 8).await;
    holding.let_go();
    for visitor in &mut visitors {
        assert_eq!(ask(visitor, "/public/x").await, "0");
    }
}

#[tokio::test]
async fn figures_are_those_of_all_workers_together() {
    let setup = Setup { server: "workers = 3".to_owned(), ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    let mut visitors = visitors(&gateway, 6).await;
    for visitor in &mut visitors {
        for _ in 0..5 {
            ask(visitor, "/public/x").await;
        }
        visitor.send(get("/closed")).await;
        assert_eq!(visitor.answer().await.status, StatusCode::FORBIDDEN);
    }
    let route = "route=\"a.localhost/public/\"";
    for (name, count) in [
        (format!("wxgate_http_requests_total{{{route},code=\"200\"}}"), 30),
        (format!("wxgate_http_request_duration_seconds_count{{{route}}}"), 30),
        ("wxgate_auth_decisions_total{decision=\"refuse\"}".to_owned(), 6),
        ("wxgate_http_requests_total{route=\"a.localhost/closed/\",code=\"403\"}".to_owned(), 6),
        ("wxgate_active_connections".to_owned(), 6),
    ] {
        // A request is counted behind its answer.
        eventually(&name, async || figure(&gateway, &name).await == count).await;
    }
    drop(visitors);
    eventually("nobody is left", async || figure(&gateway, "wxgate_active_connections").await == 0).await;
}

// ------------------------------------------------------------------------- one gateway all the same

#[tokio::test]
async fn a_new_configuration_reaches_connections_of_every_worker() {
    let setup = Setup { server: "workers = 3".to_owned(), ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    let mut visitors = visitors(&gateway, 6).await;
    for visitor in &mut visitors {
        ask(visitor, "/public/x").await;
    }
    let other = EchoUpstream::start().await;
    gateway.edit_config(|text| {
        let open = "path = \"/public\"\naccess = \"public\"";
        text.replace(open, &format!("{open}\nupstream = \"http://{}\"", other.address))
    });
    assert!(gateway.reload().contains("in force"));
    let before = gateway.upstream.count();
    for visitor in &mut visitors {
        ask(visitor, "/public/x").await;
    }
    assert_eq!((gateway.upstream.count(), other.count()), (before, 6));
}

#[tokio::test]
async fn a_sign_out_holds_at_every_worker() {
    let setup = Setup { server: "workers = 3".to_owned(), ..Setup::default() };
    let gateway = TestGateway::with(setup).await;
    let mut lin = gateway.signed_in("Lin").await;
    let request = format!("GET /x HTTP/1.1\r\nHost: a.localhost\r\n{}\r\n", lin.cookie_line());
    let mut visitors = visitors(&gateway, 6).await;
    for (status, signs_out) in [(StatusCode::OK, true), (StatusCode::UNAUTHORIZED, false)] {
        for visitor in &mut visitors {
            visitor.send(&request).await;
            assert_eq!(visitor.answer().await.status, status);
        }
        if signs_out {
            lin.submit(&gateway.url("/_wxgate/logout"), "").await;
        }
    }
}

#[tokio::test]
async fn a_stop_lets_the_connections_of_every_worker_finish() {
    let holding = Holding::start().await;
    let mut gateway = holding.gateway("workers = 2").await;
    let mut visitors = visitors(&gateway, 6).await;
    for (number, visitor) in visitors.iter_mut().enumerate() {
        visitor.send(get(if number < 3 { "/public/begun" } else { "/public/waiting" })).await;
    }
    holding.has_heard(6).await;
    gateway.signal("TERM");
    gateway.log_line(&["stopping"]);
    let address = gateway.address;
    eventually("no new connections", async || TcpStream::connect(address).await.is_err()).await;
    holding.let_go();
    for (number, visitor) in visitors.iter_mut().enumerate() {
        let answer = visitor.answer().await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(number >= 3 || answer.text() == "begin-end", "{}", answer.text());
        assert!(visitor.rest().await.is_empty(), "and then it closes");
    }
    assert_eq!(gateway.exit_code().await, Some(0));
    gateway.log_line(&["\"message\":\"stopped\""]);
}

#[tokio::test]
async fn visitors_at_the_door_when_the_gateway_is_told_to_stop_are_answered() {
    let holding = Holding::start().await;
    let mut gateway = holding.gateway("workers = 2").await;
    // It sleeps while they come, so that all of them and the signal are there when it wakes.
    gateway.signal("STOP");
    let mut waiting = Vec::new();
    for _ in 0..60 {
        let mut visitor = Wire::to(&gateway).await;
        visitor.send(get("/public/quick")).await;
        waiting.push(visitor);
    }
    gateway.signal("TERM");
    gateway.signal("CONT");
    holding.let_go();
    for mut visitor in waiting {
        assert_eq!(visitor.answer().await.status, StatusCode::OK);
    }
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn the_limit_of_connections_counts_those_of_all_workers() {
    const LIMIT: usize = 16;
    let release = Arc::new(Notify::new());
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let application = ScriptedUpstream::playing({
        let (release, now, most) = (Arc::clone(&release), Arc::clone(&now), Arc::clone(&most));
        move |mut application: Played, _| {
            let (release, now, most) = (Arc::clone(&release), Arc::clone(&now), Arc::clone(&most));
            async move {
                while application.request().await.is_some() {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    release.notified().await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    application.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                }
            }
        }
    })
    .await;
    let gateway = TestGateway::with(Setup {
        upstream: Some(application.url()),
        server: format!("workers = 2\nmax_connections = {LIMIT}"),
        ..Setup::default()
    })
    .await;
    let mut waiting = Vec::new();
    for _ in 0..2 * LIMIT {
        let mut wire = Wire::to(&gateway).await;
        wire.send("GET /public HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n").await;
        waiting.push(tokio::spawn(async move { wire.answer().await.status }));
    }
    for answered in 0..2 * LIMIT {
        let due = (answered + LIMIT).min(2 * LIMIT);
        eventually("the next ones are let in", async || application.heads().len() >= due).await;
        // The others have been at the door for as long as this takes.
        for _ in 0..3 {
            assert!(figure(&gateway, "wxgate_active_connections").await <= LIMIT as u64);
        }
        release.notify_one();
    }
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(most.load(Ordering::SeqCst), LIMIT);
}

// ----------------------------------------------------------------------------------------- sockets

/// Another gateway, in the folder of the first one, with `listen` in the place of its address.
fn with_listen(gateway: &TestGateway, listen: &str) {
    let line = format!("listen = \"{listen}\"");
    gateway.edit_config(|text| text.replacen("listen = \"127.0.0.1:0\"", &line, 1));
}

/// A process that is killed when the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_second_gateway_on_one_port_is_told_that_it_is_taken() {
    for (first, second) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let setup = Setup { server: format!("workers = {first}"), ..Setup::default() };
        let gateway = TestGateway::with(setup).await;
        with_listen(&gateway, &gateway.address.to_string());
        gateway
            .edit_config(|text| text.replace(&format!("workers = {first}"), &format!("workers = {second}")));
        let output = command(gateway.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{first} and {second} workers: {said}");
        let words = format!("cannot listen on {}; is another program using it?", gateway.address);
        assert!(said.contains(&words), "{said}");
        assert_eq!(gateway.get("/public", "").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_port_is_free_again_as_soon_as_the_gateway_has_ended() {
    let setup = Setup { server: "workers = 2".to_owned(), ..Setup::default() };
    let mut gateway = TestGateway::with(setup).await;
    let address = gateway.address;
    with_listen(&gateway, &address.to_string());
    for _ in 0..3 {
        assert_eq!(gateway.get("/public", "").await.status, StatusCode::OK);
        gateway.signal("TERM");
        assert_eq!(gateway.exit_code().await, Some(0));
        gateway.start_again();
        assert_eq!(gateway.address, address);
    }
}

#[tokio::test]
async fn visitors_of_a_unix_socket_are_shared_out() {
    let holding = Holding::start().await;
    let gateway = holding.gateway("workers = 2").await;
    let path = gateway.folder.path().join("wxgate.sock");
    with_listen(&gateway, &format!("unix:{}", path.display()));
    let _local = Killed(command(gateway.folder.path()).spawn().unwrap());
    eventually("the socket opens", async || UnixStream::connect(&path).await.is_ok()).await;
    let mut visitors = Vec::new();
    for _ in 0..4 {
        let mut wire = Wire::on(UnixStream::connect(&path).await.unwrap());
        wire.send(get("/_wxgate/nothing")).await;
        assert_eq!(wire.answer().await.status, StatusCode::NOT_FOUND);
        visitors.push(wire);
    }
    for visitor in &mut visitors {
        visitor.send(get("/public/first")).await;
    }
    holding.has_heard(4).await;
    holding.let_go();
    for visitor in &mut visitors {
        assert_eq!(visitor.answer().await.status, StatusCode::OK);
    }
    let mut over = std::collections::HashSet::new();
    for visitor in &mut visitors {
        visitor.send(get("/public/next")).await;
        over.insert(visitor.answer().await.text());
    }
    assert_eq!(over.len(), 2, "one connection to the application for each worker");
}

/// A browser opens several connections at once: each is dealt out in the knowledge of the one before.
#[tokio::test]
async fn visitors_who_come_together_are_shared_out() {
    let holding = Holding::start().await;
    let gateway = holding.gateway("workers = 2").await;
    let path = gateway.folder.path().join("wxgate.sock");
    with_listen(&gateway, &format!("unix:{}", path.display()));
    let _local = Killed(command(gateway.folder.path()).spawn().unwrap());
    eventually("the socket opens", async || UnixStream::connect(&path).await.is_ok()).await;
    let mut visitors = Vec::new();
    for _ in 0..8 {
        visitors.push(Wire::on(UnixStream::connect(&path).await.unwrap()));
    }
    for visitor in &mut visitors {
        visitor.send(get("/public/first")).await;
    }
    holding.has_heard(8).await;
    holding.let_go();
    for visitor in &mut visitors {
        assert_eq!(visitor.answer().await.status, StatusCode::OK);
    }
    // One at a time: each worker uses the connection that it used last.
    let mut over = HashMap::new();
    for visitor in &mut visitors {
        visitor.send(get("/public/next")).await;
        *over.entry(visitor.answer().await.text()).or_insert(0) += 1;
    }
    assert!(over.values().all(|visitors| *visitors == 4), "{over:?}");
}

/// As systemd does it: the socket is bound by somebody else, and file 3 of the gateway.
#[tokio::test]
async fn an_inherited_socket_is_served_by_all_workers() {
    let holding = Holding::start().await;
    let mut gateway = holding.gateway("workers = 2").await;
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code().await, Some(0));
    with_listen(&gateway, "systemd");
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = socket.local_addr().unwrap();
    let script =
        format!("exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec {}", env!("CARGO_BIN_EXE_wxgate"));
    let child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(gateway.folder.path())
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _inheriting = Killed(child);
    let mut visitors = Vec::new();
    for _ in 0..4 {
        // What the kernel has queued is served once the gateway is there.
        let mut wire = Wire::on(TcpStream::connect(address).await.unwrap());
        wire.send(get("/_wxgate/nothing")).await;
        assert_eq!(wire.answer().await.status, StatusCode::NOT_FOUND);
        visitors.push(wire);
    }
    let owns = one_connection_each(&holding, &mut visitors[..2]).await;
    for (number, visitor) in visitors.iter_mut().enumerate() {
        assert_eq!(ask(visitor, "/public/next").await, owns[number % 2], "visitor {number}");
    }
}
