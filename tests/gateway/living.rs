//! The process: it starts or says why not, takes a new configuration without a stumble, and ends without losing a request.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use wxgate::model::clock;

use crate::support::{PATIENCE, Setup, TestGateway, command, eventually};

const RELOAD_SUCCESS: &str = "wxgate_config_last_reload_success";

#[tokio::test]
async fn a_new_configuration_takes_over_without_a_failed_request() {
    let gateway = TestGateway::start().await;
    let cookie = format!("wxgate={}", gateway.signed_in("Lin").await.cookie("wxgate").unwrap());
    let (stop, stopped) = watch::channel(false);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (address, cookie, stopped) = (gateway.address, cookie.clone(), stopped.clone());
            tokio::spawn(async move {
                let mut connection = connect(address).await;
                let mut answered = 0;
                while !*stopped.borrow() {
                    assert_eq!(get(&mut connection, "/x", &cookie).await, StatusCode::OK);
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    for round in 0..10 {
        gateway.edit_config(|text| {
            format!("{text}\n[[routes]]\npath = \"/open{round}\"\naccess = \"public\"\n")
        });
        assert!(gateway.reload().contains("in force"));
        let answer = gateway.browser().open(&gateway.url(&format!("/open{round}"))).await;
        assert_eq!(answer.status, StatusCode::OK, "the new route holds at once");
    }
    stop.send(true).unwrap();
    for client in clients {
        assert!(client.await.unwrap() > 10, "each on one connection that was never dropped");
    }
    assert_eq!(metric(&gateway, RELOAD_SUCCESS).await, "1");
}

#[tokio::test]
async fn a_bad_configuration_leaves_the_old_one_in_force_and_says_where_it_is_bad() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.signed_in("Lin").await;
    let folder = gateway.folder.path();
    let certificate = rcgen::generate_simple_self_signed(["a.localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["a.localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), certificate.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), other.signing_key.serialize_pem()).unwrap();
    let path = folder.join("config.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let tls = |cert: &str, key: &str| format!("{good}\n[server.tls]\ncert = \"{cert}\"\nkey = \"{key}\"\n");
    for (what, text, says) in [
        ("a broken line", format!("upstream = \n{good}"), "config.toml:1:"),
        ("an open quote", good.replace("access = \"public\"", "access = \"public"), "config.toml:"),
        ("an unknown key", format!("{good}\nserver_nmae = 1\n"), "config.toml:"),
        ("an unknown table", format!("{good}\n[sesion]\nlifetime = \"1h\"\n"), "config.toml:"),
        ("an impossible value", good.replace("access = \"public\"", "access = \"nobody\""), "config.toml:"),
        ("a key given twice", format!("public_url = \"http://a.localhost\"\n{good}"), "config.toml:"),
        ("an unset variable", good.replace("\"website-app", "\"${NOT_SET}"), "config.toml:"),
        ("a short secret", format!("{good}\n[session]\nsecret = \"short\"\n"), "config.toml:"),
        ("a missing certificate", tls("missing.pem", "key.pem"), "missing.pem"),
        ("a key of another certificate", tls("cert.pem", "key.pem"), "key.pem"),
        ("a certificate that is none", tls("config.toml", "key.pem"), "config.toml"),
        (
            "a missing CA",
            format!(
                "{good}\n[[routes]]\npath = \"/tls\"\nupstream = \"https://127.0.0.1:1\"\nca_file = \"no-ca.pem\"\n"
            ),
            "no-ca.pem",
        ),
        ("an empty file", String::new(), "config.toml:1:1"),
        ("half a file", good[..good.len() / 2].to_owned(), "config.toml:"),
        ("half a line", good[..good.find("listen").unwrap() + 8].to_owned(), "config.toml:"),
    ] {
        std::fs::write(&path, text).unwrap();
        let line = gateway.reload();
        assert!(
            line.contains("not usable") && line.contains("stays in force") && line.contains(says),
            "{what}: {line}"
        );
        assert_eq!(metric(&gateway, RELOAD_SUCCESS).await, "0", "{what}");
        let answer = browser.open(&gateway.url("/public/x")).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}");
        assert_eq!(gateway.upstream.last().all("remote-name"), ["Lin"], "{what}");
        let output = command(folder).arg("check").output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{what}: wxgate check says so too");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(says), "{what}: {said}");
    }
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(gateway.reload().contains("is not UTF-8"));
    std::fs::remove_file(&path).unwrap();
    assert!(gateway.reload().contains("config.toml"));
    assert!(browser.is_signed_in(&gateway).await);
    std::fs::write(&path, good).unwrap();
    assert!(gateway.reload().contains("in force"));
    assert_eq!(metric(&gateway, RELOAD_SUCCESS).await, "1");
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_under_way() {
    for signal in ["TERM", "INT"] {
        let upstream = HeldUpstream::start().await;
        let mut gateway = TestGateway::with(upstream.setup("")).await;
        assert_eq!(gateway.admin("/readyz").await.0, 200);
        let mut download = send(&gateway, "GET /public/download HTTP/1.1\r\nhost: a.localhost\r\n\r\n").await;
        let mut upload = send(
            &gateway,
            "POST /public/upload HTTP/1.1\r\nhost: a.localhost\r\ncontent-length: 10\r\n\r\nfirst",
        )
        .await;
        let mut idle = TcpStream::connect(gateway.address).await.unwrap();
        read_until(&mut download, "begin").await;
        upstream.arrived("first").await;

        gateway.signal(signal);
        gateway.log_line(&["stopping"]);
        let (status, why) = gateway.admin("/readyz").await;
        assert_eq!(status, 503, "{why}");
        assert_eq!(gateway.admin("/livez").await.0, 200, "alive all the same");
        let address = gateway.address;
        eventually("no new connections", async || TcpStream::connect(address).await.is_err()).await;
        assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0, "an idle connection is closed");

        upload.write_all(b"-last").await.unwrap();
        upstream.arrived("first-last").await;
        upstream.release();
        assert!(read_to_end(&mut download).await.ends_with("-end"), "the download is whole");
        let answer = read_to_end(&mut upload).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
        assert_eq!(gateway.exit_code().await, Some(0));
        gateway.log_line(&["\"message\":\"stopped\""]);
    }
}

#[tokio::test]
async fn told_twice_it_ends_at_once() {
    let upstream = HeldUpstream::start().await;
    let mut gateway = TestGateway::with(upstream.setup("")).await;
    let mut download = send(&gateway, "GET /public/download HTTP/1.1\r\nhost: a.localhost\r\n\r\n").await;
    read_until(&mut download, "begin").await;
    gateway.signal("TERM");
    gateway.log_line(&["stopping"]);
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code().await, Some(1));
    gateway.log_line(&["ended at once", "cut"]);
    assert!(!read_to_end(&mut download).await.contains("-end"));
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_and_counted() {
    let upstream = HeldUpstream::start().await;
    let mut gateway = TestGateway::with(upstream.setup("shutdown_timeout = \"1s\"")).await;
    let mut downloads = Vec::new();
    for _ in 0..2 {
        let mut download = send(&gateway, "GET /public/download HTTP/1.1\r\nhost: a.localhost\r\n\r\n").await;
        read_until(&mut download, "begin").await;
        downloads.push(download);
    }
    let began = clock::instant();
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code().await, Some(1));
    // The usual one is far longer.
    assert!(began.elapsed() >= Duration::from_millis(900) && began.elapsed() < Duration::from_secs(10));
    gateway.log_line(&["2 connections did not finish within shutdown_timeout"]);
    for mut download in downloads {
        assert!(!read_to_end(&mut download).await.contains("-end"), "cut short, and seen to be");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_in_a_sentence() {
    let gateway = TestGateway::start().await;
    let (public, admin) = (gateway.address.to_string(), gateway.admin.to_string());
    for (table, taken) in [("[server]", &public), ("[admin]", &admin)] {
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(gateway.folder.path().join("config.toml")).unwrap();
        let free = format!("{table}\nlisten = \"127.0.0.1:0\"");
        assert!(text.contains(&free));
        let text = text.replace(&free, &format!("{table}\nlisten = \"{taken}\""));
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        let output = command(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("cannot listen on {taken}; is another program using it?")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[tokio::test]
async fn a_socket_that_systemd_did_not_pass_is_asked_for_in_a_sentence() {
    let gateway = TestGateway::start().await;
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(gateway.folder.path().join("config.toml")).unwrap();
    let text = text.replacen("listen = \"127.0.0.1:0\"", "listen = \"systemd\"", 1);
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let output = command(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot listen on systemd; start the socket unit, not the program"), "{said}");
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named_in_a_sentence() {
    let gateway = TestGateway::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(gateway.folder.path().join("config.toml"), folder.path().join("config.toml")).unwrap();
    std::fs::write(folder.path().join("data"), "a file where the folder should be").unwrap();
    let output = command(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("data") && said.contains("cannot be") && !said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn an_application_that_is_down_is_no_reason_not_to_start() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = taken.local_addr().unwrap();
    drop(taken);
    let gateway =
        TestGateway::with(Setup { upstream: Some(format!("http://{nobody}")), ..Setup::default() }).await;
    assert_eq!(gateway.admin("/readyz").await.0, 200);
    let answer = gateway.browser().open(&gateway.url("/public/x")).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let kind = "wxgate_upstream_errors_total{route=\"a.localhost/public/\",kind=\"connect\"} 1";
    assert!(gateway.admin("/metrics").await.1.contains(kind));
}

#[tokio::test]
async fn health_and_figures_are_on_the_admin_listener_and_nowhere_else() {
    let gateway = TestGateway::start().await;
    for path in ["/livez", "/readyz", "/healthz"] {
        assert_eq!(gateway.admin(path).await, (200, "ok\n".to_owned()), "{path}");
    }
    for path in ["/", "/x", "/_wxgate/login", "/debug", "/metrics/", "/version"] {
        assert_eq!(gateway.admin(path).await.0, 404, "{path}");
    }
    let post = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = post.post(format!("http://{}/metrics", gateway.admin)).send().await.unwrap();
    assert_eq!(post.status().as_u16(), 405);
    for path in [
        "/livez",
        "/readyz",
        "/healthz",
        "/metrics",
        "/debug",
        "/version",
        "/_wxgate/metrics",
        "/_wxgate/healthz",
    ] {
        let answer = gateway.browser().fetch(&gateway.url(path)).await;
        assert!(matches!(answer.status.as_u16(), 401 | 404), "{path}: {}", answer.status);
    }
    assert_eq!(gateway.upstream.count(), 0);
}

#[tokio::test]
async fn everything_that_happens_is_counted() {
    let gateway = TestGateway::start().await;
    let mut browser = gateway.signed_in("Lin").await;
    browser.open(&gateway.url("/closed")).await;
    browser.open(&gateway.url("/set-cookie?__Host-wxgate=mine")).await;
    gateway.browser().fetch(&gateway.url("/api/x")).await;
    let (_, text) = gateway.admin("/metrics").await;
    for line in [
        "wxgate_http_requests_total{route=\"a.localhost/\",code=\"200\"} 2",
        "wxgate_http_requests_total{route=\"a.localhost/closed/\",code=\"403\"} 1",
        "wxgate_http_requests_total{route=\"a.localhost/api/\",code=\"401\"} 1",
        "wxgate_http_requests_total{route=\"_wxgate/login\",code=\"302\"} 1",
        "wxgate_http_requests_total{route=\"_wxgate/callback\",code=\"303\"} 1",
        "wxgate_http_request_duration_seconds_count{route=\"a.localhost/\"} 3",
        "wxgate_http_request_duration_seconds_bucket{le=\"+Inf\",route=\"a.localhost/\"} 3",
        "wxgate_auth_decisions_total{decision=\"admit\"} 2",
        "wxgate_auth_decisions_total{decision=\"sign-in\"} 2",
        "wxgate_auth_decisions_total{decision=\"refuse\"} 1",
        "wxgate_logins_total{channel=\"qr\",result=\"signed-in\"} 1",
        "wxgate_wechat_requests_total{api=\"sns/oauth2/access_token\",errcode=\"0\"} 1",
        "wxgate_wechat_requests_total{api=\"sns/userinfo\",errcode=\"0\"} 1",
        "wxgate_upstream_cookies_dropped_total 1",
        "wxgate_active_tunnels 0",
        "wxgate_config_last_reload_success 1",
        concat!("wxgate_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("wxgate_active_connections ") && text.ends_with("# EOF\n"));
    assert!(!text.contains("Lin") && !text.contains("wx-"), "no label names a person");
    eventually("all connections are counted out", async || {
        metric(&gateway, "wxgate_active_connections").await == "0"
    })
    .await;
}

/// The value of a figure without labels.
async fn metric(gateway: &TestGateway, name: &str) -> String {
    let (_, text) = gateway.admin("/metrics").await;
    let line =
        text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{text}"));
    line.split(' ').nth(1).unwrap().to_owned()
}

async fn connect(address: std::net::SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn get(connection: &mut SendRequest<Empty<Bytes>>, path: &str, cookie: &str) -> StatusCode {
    let request = Request::get(path).header("host", "a.localhost").header("cookie", cookie);
    connection.ready().await.unwrap();
    let response = connection.send_request(request.body(Empty::new()).unwrap()).await.unwrap();
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

async fn send(gateway: &TestGateway, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn read_until(stream: &mut TcpStream, words: &str) {
    let mut seen = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&seen).contains(words) {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "{}", String::from_utf8_lossy(&seen));
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("an answer that begins");
}

/// What is left on the connection, however it ends.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut seen)).await;
    assert!(read.is_ok(), "the connection stays open");
    String::from_utf8_lossy(&seen).into_owned()
}

/// An application that begins its answers at once and ends them when it is told to.
struct HeldUpstream {
    address: std::net::SocketAddr,
    release: watch::Sender<bool>,
    received: watch::Receiver<String>,
}

impl HeldUpstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (release, released) = watch::channel(false);
        let (heard, received) = watch::channel(String::new());
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let (mut released, heard) = (released.clone(), heard.clone());
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    let is_upload = loop {
                        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            return;
                        }
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                        let is_upload = head.starts_with("POST");
                        if is_upload {
                            heard.send_replace(body.to_owned());
                        }
                        if !is_upload || body.len() == 10 {
                            break is_upload;
                        }
                    };
                    if !is_upload {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegin").await;
                    }
                    let _ = released.wait_for(|released| *released).await;
                    let rest: &[u8] =
                        if is_upload { b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" } else { b"-end" };
                    let _ = stream.write_all(rest).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address, release, received }
    }

    fn setup(&self, server: &str) -> Setup {
        let upstream = Some(format!("http://{}", self.address));
        Setup { upstream, server: server.to_owned(), ..Setup::default() }
    }

    /// Waits until this much of the upload is here.
    async fn arrived(&self, body: &str) {
        let mut received = self.received.clone();
        let arrives = received.wait_for(|received| received == body);
        tokio::time::timeout(PATIENCE, arrives).await.expect("the upload arrives").unwrap();
    }

    fn release(&self) {
        self.release.send_replace(true);
    }
}
