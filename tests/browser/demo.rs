//! `wxgate demo` as a person starts it, and a stranger's web site.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::Browser;

/// An administrator.
pub(crate) const LIN: &str = "林主任 Lin";

/// A member.
pub(crate) const WANG: &str = "王芳 Wang Fang";

/// A stranger, who does not follow the account either.
pub(crate) const ZHANG: &str = "张伟 Zhang Wei";

/// A running demo. It is killed when dropped.
pub(crate) struct Demo {
    child: Child,
    /// `http://localhost:PORT` of the gateway.
    pub(crate) gateway: String,
    /// `http://localhost:PORT` of the simulated WeChat.
    pub(crate) wechat: String,
}

impl Demo {
    /// With the example application.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wxgate"));
        command.args(["demo", "--port", "0"]).args(arguments).env_clear();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address_after = |words: &str| loop {
            let line = lines.next().expect("the demo says where to look").unwrap();
            if line.contains(words) {
                break line.split_whitespace().last().unwrap().to_owned();
            }
        };
        let gateway = address_after("Open the protected application");
        let phone = address_after("Use the pretend phone");
        std::thread::spawn(move || lines.for_each(drop));
        let (gateway, wechat) = (gateway.trim_end_matches('/'), phone.trim_end_matches("/phone"));
        Self { child, gateway: gateway.to_owned(), wechat: wechat.to_owned() }
    }

    /// An address at the gateway.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// The pretend phone, in the hands of `person`.
    pub(crate) async fn hold(&self, phone: &Browser, person: &str) {
        phone.open(&format!("{}/phone", self.wechat)).await;
        phone.click(&format!("button[name=holder][value='{person}']")).await;
        phone.shows("button[name=holder][aria-pressed=true]", person).await;
    }

    /// The first person signs in on a computer, and is on the application's first page.
    pub(crate) async fn sign_in(&self, browser: &Browser) {
        let computer = browser.window().await;
        browser.open(&self.url("/_wxgate/login?way=qr&to=/")).await;
        // Codes that were left behind may wait too.
        let uuid = browser.look("return document.querySelector('main').dataset.uuid").await;
        let uuid = uuid.as_str().unwrap();
        browser.new_window().await;
        browser.open(&format!("{}/phone?uuid={uuid}", self.wechat)).await;
        browser.click(&format!("[data-uuid='{uuid}'] button")).await;
        browser.click("form[action='/phone/allow'] button").await;
        browser.switch_to(&computer).await;
        browser.arrives_at(&self.url("/")).await;
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A web site with one page, on a port of its own. Gives the port.
pub(crate) async fn stranger(page: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let page = page.clone();
            tokio::spawn(async move {
                // One page, whatever is asked for: the request need not be read to its end.
                _ = stream.read(&mut [0; 8192]).await;
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n";
                _ = stream.write_all(format!("{head}<!doctype html>{page}").as_bytes()).await;
                _ = stream.shutdown().await;
            });
        }
    });
    port
}
