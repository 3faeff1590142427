//! `wxgate check --online` asks the program that takes the messages which are not about signing in.

use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wxgate::model::clock;

use crate::check_online::{Said, check, with_account};
use crate::support::{PATIENCE, Port, TestGateway, Wire};

/// A program that answers what it is asked as `answer` says, given the request's path and query, or never.
struct Backend {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    async fn start(answer: impl Fn(&str) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let asked = Arc::clone(&backend.asked);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                // A greeting of TLS has no end that is known here.
                let is_whole = |head: &[u8]| head.ends_with(b"\r\n\r\n") || head.first() == Some(&0x16);
                while !is_whole(&head) && stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {}
                let head = String::from_utf8_lossy(&head).into_owned();
                let line = head.lines().next().unwrap_or_default().to_owned();
                let target = line.split(' ').nth(1).unwrap_or_default();
                match answer(target) {
                    Some(text) => drop(stream.write_all(text.as_bytes()).await),
                    None => waiting.push(stream),
                }
                asked.lock().unwrap().push(line);
            }
        });
        backend
    }

    /// A gateway that hands its messages on to this.
    async fn behind(&self, keys: &str) -> TestGateway {
        with_account(&format!("{keys}\n{}", to(&format!("http://127.0.0.1:{}", self.port)))).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// What `name` is in a query.
fn value<'a>(target: &'a str, name: &str) -> &'a str {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}

/// The key, with a secret in the address as some have one.
fn to(origin: &str) -> String {
    format!("message_backend = \"{origin}/hook-98_hidden?secret=hidden\"")
}

fn with_status(status: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"))
}

/// Lets the configuration name another backend.
async fn instead(gateway: &TestGateway, origin: &str) -> Said {
    gateway.edit_config(|text| {
        let old = text.lines().find(|line| line.starts_with("message_backend")).unwrap().to_owned();
        text.replace(&old, &to(origin))
    });
    check(gateway, &[]).await
}

#[tokio::test]
async fn a_backend_is_asked_what_wechat_asks_and_nothing_is_posted_to_it() {
    let backend = Backend::start(|target| with_status("200 OK", value(target, "echostr"))).await;
    let gateway = backend.behind("").await;
    let said = check(&gateway, &[]).await;
    assert_eq!((said.code, said.failures()), (Some(0), 0), "{}", said.out);
    let place = format!("message_backend http://127.0.0.1:{}: ", backend.port);
    said.about(&["ok ", &place, "answers as it answers WeChat"]);
    assert!(!said.out.contains("hidden"), "{}", said.out);
    let asked = backend.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("GET /hook-98_hidden?secret=hidden&signature="), "{asked:?}");
    let chinese = check(&gateway, &["--lang", "zh"]).await;
    chinese.about(&["ok ", "像回答微信那样回答了"]);
}

#[tokio::test]
async fn a_backend_that_answers_otherwise_is_noted_and_one_that_leads_elsewhere_fails() {
    for status in ["403 Forbidden", "404 Not Found", "405 No", "500 No", "200 OK"] {
        let backend = Backend::start(move |_| with_status(status, "no")).await;
        let gateway = backend.behind("").await;
        let said = check(&gateway, &[]).await;
        assert_eq!((said.code, said.failures()), (Some(0), 0), "{}", said.out);
        let number = format!("(HTTP {})", &status[..3]);
        let found = said.about(&["note ", "not as it would answer WeChat", &number]);
        assert!(found.contains("its token is that of [wechat.official_account]"), "{found}");
    }
    for status in ["302 Found", "502 Bad Gateway"] {
        let backend = Backend::start(move |_| with_status(status, "no")).await;
        let gateway = backend.behind("").await;
        let what = format!("answers HTTP {}", &status[..3]);
        check(&gateway, &[]).await.fails_only(&what, &["wxgate follows no redirects"]);
    }
}

#[tokio::test]
async fn why_a_backend_is_not_reached_is_said_in_words() {
    let backend = Backend::start(|_| with_status("400 Bad Request", "")).await;
    let gateway = backend.behind("").await;
    let nobody = Port::reserve();
    let said = instead(&gateway, &format!("http://127.0.0.1:{}", nobody.number)).await;
    said.fails_only("refuses the connection: nothing listens there", &["correct message_backend"]);
    let said = instead(&gateway, "http://nobody.invalid").await;
    said.fails_only("cannot be resolved (DNS)", &["message_backend", "nobody.invalid"]);
    let said = instead(&gateway, &format!("https://127.0.0.1:{}", backend.port)).await;
    let fix = format!("write message_backend = \"http://127.0.0.1:{}/…\"", backend.port);
    said.fails_only("does not speak TLS", &[&fix]);
}

#[tokio::test]
async fn a_backend_that_takes_longer_than_wechat_waits_is_said_to() {
    let backend = Backend::start(|_| None).await;
    let gateway = backend.behind("").await;
    let began = clock::instant();
    let said = check(&gateway, &[]).await;
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    said.fails_only("does not answer within 4 seconds, and WeChat waits no longer", &["answer at once"]);
}

#[tokio::test]
async fn what_a_backend_reads_is_no_signature_for_messages_without_encryption() {
    let backend = Backend::start(|target| with_status("200 OK", value(target, "echostr"))).await;
    let gateway = backend.behind("message_mode = \"plaintext\"").await;
    let said = check(&gateway, &[]).await;
    said.about(&["ok ", "message_backend", "answers as it answers WeChat"]);
    said.about(&["ok ", "/_wxgate/wechat/message answers as WeChat wants it"]);
    let asked = backend.asked();
    let query = asked[0].split(' ').nth(1).unwrap().split_once('&').unwrap().1.to_owned();
    let mut wire = Wire::to(&gateway).await;
    let host = format!("Host: localhost:{}\r\n\r\n", gateway.address.port());
    wire.send(format!("GET /_wxgate/wechat/message?{query} HTTP/1.1\r\n{host}")).await;
    let answer = wire.answer_to(&Method::GET).await.unwrap();
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    gateway.log_line(&["not a message of WeChat's", "it was signed 3600 seconds from now"]);
}
