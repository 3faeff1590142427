//! The gateway's pages in all of their states, from their snapshots: each with the style, scripts and policy it has in truth.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wxgate::pages::render::{Pages, PagesSettings};

/// Stands where a code would.
const CODE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" fill="#fff"/><path d="M1 1h3v3h-3z"/></svg>"##;

/// What is said of the login that this names: WeChat makes no code for it. Of all others nothing is known.
pub(crate) const WITHOUT_CODE: &str = "c0de";

/// The login that this names is shown words where the code would be, and nothing more is known of it: another node does.
pub(crate) const WITHOUT_PICTURE: &str = "bad0";

/// Pages by name, each with what it turns into when it is loaded anew, and the policy for all.
type Shown = (BTreeMap<String, Mutex<VecDeque<String>>>, String);

/// Serves pages until it is dropped with the test.
pub(crate) struct ShownPages {
    origin: String,
    names: Vec<String>,
}

impl ShownPages {
    /// All snapshots, and `others`: a name and its HTML, one after the other as it is loaded anew.
    pub(crate) async fn start(others: &[(&str, &[&str])]) -> Self {
        let names = snapshots().into_keys().collect();
        let pages = snapshots().into_iter().map(|(name, html)| (name, VecDeque::from([html])));
        let others = others
            .iter()
            .map(|(name, turns)| ((*name).to_owned(), turns.iter().map(|html| (*html).to_owned()).collect()));
        let pages = pages.chain(others).map(|(name, turns)| (name, Mutex::new(turns))).collect();
        let settings = PagesSettings::default();
        let policy = Pages::new(&settings).unwrap().content_security_policy().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let shown = Arc::new((pages, policy));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&shown)));
            }
        });
        Self { origin, names }
    }

    /// The snapshots, by their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The address of a page.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.origin)
    }
}

/// Every snapshot, with its style and scripts put back.
pub(crate) fn snapshots() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let files = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let parts: Vec<(String, String)> = files(&folder)
        .filter(|path| path.extension().is_some_and(|extension| extension == "css" || extension == "js"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(&path)))
        .collect();
    files(&folder.join("snapshots"))
        .map(|path| {
            let html = parts.iter().fold(read(&path), |html, (name, text)| {
                html.replace(&format!("/* {name} */"), text.trim_end())
            });
            (path.file_name().unwrap().to_string_lossy().into_owned(), html)
        })
        .collect()
}

async fn answer(mut stream: TcpStream, shown: Arc<Shown>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(1..) = stream.read_buf(&mut head).await else { return };
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let (pages, policy) = &*shown;
    let name = path.split('?').next().unwrap_or_default();
    let html = pages.get(name).map(|turns| {
        let mut turns = turns.lock().unwrap();
        if turns.len() > 1 { turns.pop_front().unwrap() } else { turns[0].clone() }
    });
    let is_known = path.contains(WITHOUT_CODE);
    let (status, kind, body) = match &html {
        Some(html) => ("200 OK", "text/html; charset=utf-8", html.as_str()),
        None if path.contains(WITHOUT_PICTURE) => ("500 Internal Server Error", "image/svg+xml", CODE),
        None if path.starts_with("_wxgate/login/code") => ("200 OK", "image/svg+xml", CODE),
        None if is_known => ("200 OK", "application/json", r#"{"state":"no-code"}"#),
        None => ("503 Service Unavailable", "text/plain", ""),
    };
    let frames = if path.starts_with("framed-") { "; frame-src https://open.weixin.qq.com" } else { "" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\
         content-security-policy: {policy}{frames}\r\n\r\n"
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}
