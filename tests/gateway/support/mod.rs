//! A gateway for one test: the real binary, with a simulated WeChat and a recording application around it.

mod browser;
mod certificate;
mod forms;
mod load;
mod nginx;
pub(crate) mod people;
mod port;
mod upstream;
mod wire;

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wxgate::store::StoreUrl;
use wxgate::wechat::simulator::{AccountType, App, Person, Simulator};

pub(crate) use browser::{Answer, Browser, COMPUTER, MINI_PROGRAM, PHONE, WECHAT, WECHAT_ON_COMPUTER, WECOM};
pub(crate) use certificate::Certificate;
pub(crate) use load::Load;
pub(crate) use nginx::Nginx;
pub(crate) use port::Port;
pub(crate) use upstream::{EchoUpstream, Played, RawUpstream, ScriptedUpstream, Seen};
pub(crate) use wire::{Cut, Wire};

/// Waits are for events; this only bounds a test that has failed. Below the usual `write_timeout` and `body_timeout`, which
/// some tests tell from shorter ones.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Where a promise is one of seconds, a busy computer may take so many times as long to keep it.
pub(crate) const BUSY: u32 = 3;

/// Where the gateway is, unless a test says otherwise.
const USUAL_ORIGIN: &str = "http://a.localhost";

pub(crate) const WEBSITE_SECRET: &str = "website-app-secret-never-to-be-seen";
pub(crate) const ACCOUNT_SECRET: &str = "account-app-secret-never-to-be-seen";

/// A running gateway. It is killed when dropped.
pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) wechat: Arc<Simulator>,
    pub(crate) upstream: EchoUpstream,
    pub(crate) folder: TempDir,
    pub(crate) child: Child,
    /// Who vouches for the gateway, where it speaks TLS.
    pub(crate) certificate: Option<Certificate>,
    origin: String,
    store: StoreUrl,
    lines: Arc<Lines>,
}

/// What a test changes of the usual configuration.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    /// `public_url`; `http://a.localhost` without.
    pub(crate) public_url: Option<String>,
    /// The application; a recording one without.
    pub(crate) upstream: Option<String>,
    /// More configuration: whole tables, put at the end.
    pub(crate) tables: String,
    /// Which database; a file of its own without.
    pub(crate) store: Option<String>,
    /// The port, where it has to be known before; any free one without.
    pub(crate) port: u16,
    /// Keys of `[server]` besides `listen`, one a line; without `workers` there are as many as tests/run says, or two.
    pub(crate) server: String,
    /// Keys of `[wechat]` besides the bases.
    pub(crate) wechat: String,
    /// Keys of `[wechat.official_account]` besides its id and secret.
    pub(crate) account: String,
    /// Whether the Official Account is configured too; it is, unless this says no.
    pub(crate) website_only: bool,
    /// Whether only the Official Account is configured.
    pub(crate) account_only: bool,
    /// What the Official Account may do at WeChat.
    pub(crate) account_type: AccountType,
    /// Whether the apps belong to no Open Platform account, so that nobody has a unionid.
    pub(crate) without_unionid: bool,
    /// Where WeChat's API is; the simulator without.
    pub(crate) api_base: Option<String>,
    /// Environment of the process.
    pub(crate) environment: Vec<(String, String)>,
    /// TLS of the gateway's own listener.
    pub(crate) certificate: Option<Certificate>,
    /// Files beside the configuration: name and text.
    pub(crate) files: Vec<(&'static str, String)>,
    /// People with WeChat besides the usual ones.
    pub(crate) people: Vec<Person>,
}

/// Waits until `holds`, for things nobody announces.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} never comes true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Log lines of the process, as they come.
#[derive(Default)]
pub(crate) struct Lines {
    all: Mutex<VecDeque<String>>,
    changed: Condvar,
}

impl TestGateway {
    /// The usual configuration: everything for people who are signed in, member or not, `/public` open, `/closed` denied, `/api` without
    /// redirects.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let upstream = EchoUpstream::start().await;
        let wechat = simulator(&setup);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wechat_address = listener.local_addr().unwrap();
        tokio::spawn(Arc::clone(&wechat).serve(listener, std::future::pending()));

        let folder = tempfile::tempdir().unwrap();
        let text = configuration(&setup, &upstream, wechat_address);
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        for (name, text) in &setup.files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        if let Some(certificate) = &setup.certificate {
            std::fs::write(folder.path().join("cert.pem"), &certificate.chain).unwrap();
            std::fs::write(folder.path().join("key.pem"), &certificate.key).unwrap();
        }
        let origin = setup.public_url.clone().unwrap_or_else(|| USUAL_ORIGIN.to_owned());
        let store = setup.store.as_deref().unwrap_or("sqlite:wxgate.db").parse().unwrap();
        let (child, lines, address, admin) = spawn(folder.path(), &setup.environment);
        wechat.script().callback_address(address);
        let certificate = setup.certificate;
        Self { address, admin, wechat, upstream, folder, child, certificate, origin, store, lines }
    }

    /// Another node: the same configuration in a folder of its own, on another port.
    pub(crate) fn beside(&self, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(self.folder.path().join("config.toml")).unwrap();
        let listen = format!("listen = \"{}\"", self.address);
        assert!(text.contains(&listen), "the first node has a port of its own");
        let text = text.replacen(&listen, &format!("listen = \"127.0.0.1:{port}\""), 1);
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        let (child, lines, address, admin) = spawn(folder.path(), &[]);
        let (wechat, upstream) = (Arc::clone(&self.wechat), self.upstream.clone());
        let (origin, store) = (self.origin.clone(), self.store.clone());
        Self { address, admin, wechat, upstream, folder, child, certificate: None, origin, store, lines }
    }

    /// Starts the gateway again, in the same folder, after it has ended.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.lines, self.address, self.admin) = spawn(self.folder.path(), &[]);
        self.wechat.script().callback_address(self.address);
    }

    /// A browser that has never been here, on a computer.
    pub(crate) fn browser(&self) -> Browser {
        self.browser_as(COMPUTER)
    }

    /// A browser of another kind.
    pub(crate) fn browser_as(&self, user_agent: &'static str) -> Browser {
        let tls = self.certificate.as_ref().map(Certificate::client);
        Browser::new(self.address, user_agent, tls)
    }

    /// A browser in which `person` has signed in.
    pub(crate) async fn signed_in(&self, person: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(self, person, "/").await;
        browser
    }

    /// The same by way of `path`.
    pub(crate) async fn signed_in_at(&self, person: &str, path: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(self, person, path).await;
        browser
    }

    /// The address of a page on the usual host.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Sends raw bytes on a connection of their own and returns everything that comes back until it closes.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_ref()).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the connection stays open after {:?}", String::from_utf8_lossy(&answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Like `raw`, for bytes that the gateway may refuse while they are still being sent.
    pub(crate) async fn raw_or_cut(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut answer = Vec::new();
        let exchange = async {
            let _ = stream.write_all(bytes.as_ref()).await;
            let _ = stream.read_to_end(&mut answer).await;
        };
        assert!(tokio::time::timeout(PATIENCE, exchange).await.is_ok(), "the connection stays open");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends one request as it is written here, on a connection of its own.
    pub(crate) async fn asked(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut wire = Wire::to(self).await;
        wire.send(request).await;
        wire.answer().await
    }

    /// Asks the usual host for exactly this target; `lines` are more header lines, each with its CR LF.
    pub(crate) async fn get(&self, target: &str, lines: &str) -> Answer {
        self.asked(format!("GET {target} HTTP/1.1\r\nHost: a.localhost\r\n{lines}\r\n")).await
    }

    /// The text at a path of the admin listener, with its status.
    pub(crate) async fn admin(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.admin);
        let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// What a figure says that needs no labels; all lines of it together if it has some.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let (_, text) = self.admin("/metrics").await;
        let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix([' ', '{']));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Waits for a log line that holds all `words`, and gives it.
    pub(crate) fn log_line(&self, words: &[&str]) -> String {
        self.lines.wait_for(|line| words.iter().all(|word| line.contains(word)))
    }

    /// Every log line so far.
    pub(crate) fn log(&self) -> String {
        self.lines.text()
    }

    /// Kibibytes that the process has in memory.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the process to end, and gives its exit code.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(tokio::time::Instant::now() < deadline, "the gateway does not end");
            tokio::task::yield_now().await;
        }
    }

    /// Has the configuration read anew, and gives the log line about it.
    pub(crate) fn reload(&self) -> String {
        const VERDICT: &str = "the new configuration is ";
        let known = self.lines.text().matches(VERDICT).count();
        self.signal("HUP");
        self.lines.wait_for_one_more(VERDICT, known)
    }

    /// Rewrites the configuration file.
    pub(crate) fn edit_config(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("config.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, change(text)).unwrap();
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    fn collect(child: &mut Child) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let (output, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let sources: [Box<dyn std::io::Read + Send>; 2] = [Box::new(output), Box::new(errors)];
        for source in sources {
            let lines = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(source).lines().map_while(Result::ok) {
                    lines.all.lock().unwrap().push_back(line);
                    lines.changed.notify_all();
                }
            });
        }
        lines
    }

    /// The line that holds `words` after `known` others did.
    fn wait_for_one_more(&self, words: &str, known: usize) -> String {
        let found =
            |all: &VecDeque<String>| all.iter().filter(|line| line.contains(words)).nth(known).cloned();
        let guard = self.all.lock().unwrap();
        let (guard, _) =
            self.changed.wait_timeout_while(guard, PATIENCE, |all| found(all).is_none()).unwrap();
        found(&guard)
            .unwrap_or_else(|| panic!("no further {words:?} in:\n{}", Vec::from(guard.clone()).join("\n")))
    }

    fn wait_for(&self, fits: impl Fn(&str) -> bool) -> String {
        let found = |all: &VecDeque<String>| all.iter().find(|line| fits(line)).cloned();
        let guard = self.all.lock().unwrap();
        let (guard, _) =
            self.changed.wait_timeout_while(guard, PATIENCE, |all| found(all).is_none()).unwrap();
        found(&guard)
            .unwrap_or_else(|| panic!("no such log line in:\n{}", Vec::from(guard.clone()).join("\n")))
    }

    fn text(&self) -> String {
        Vec::from(self.all.lock().unwrap().clone()).join("\n")
    }
}

/// Runs the gateway in `folder` until it listens, and gives its two addresses.
fn spawn(folder: &Path, environment: &[(String, String)]) -> (Child, Arc<Lines>, SocketAddr, SocketAddr) {
    let mut command = command(folder);
    let configured = std::fs::read_to_string(folder.join("config.toml")).unwrap();
    if !configured.lines().any(|line| line.starts_with("workers")) {
        // tests/run tries everything on one worker, too.
        let workers = std::env::var("WXGATE_TEST_WORKERS").unwrap_or_else(|_| "2".to_owned());
        command.env("WXGATE_SERVER__WORKERS", workers);
    }
    let mut child = command.envs(environment.iter().cloned()).spawn().unwrap();
    let lines = Lines::collect(&mut child);
    let listening = lines.wait_for(|line| line.contains("listening") && line.contains("public_url"));
    let field = |name: &str| {
        // As JSON, or as text.
        let written = [format!("\"{name}\":\""), format!(" {name}=\"")];
        let begin = written.iter().find_map(|start| Some(listening.find(start)? + start.len())).unwrap();
        listening[begin..].split('"').next().unwrap().parse().unwrap()
    };
    let (address, admin) = (field("listen"), field("admin"));
    (child, lines, address, admin)
}

/// The gateway's binary, to be run in `folder` with nothing of this process's environment.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wxgate"));
    command
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn simulator(setup: &Setup) -> Arc<Simulator> {
    let website = App::website("wxwebsite", WEBSITE_SECRET, "a.localhost");
    let account =
        App::official_account("wxaccount", ACCOUNT_SECRET, "a.localhost").with_original_id("gh_account");
    let account = account.of_type(setup.account_type);
    let apps = [website, account].map(|app| {
        let app = app.with_host("a.test").with_host("a.shared.test").with_host("localhost");
        if setup.without_unionid { app } else { app.bound_to("platform") }
    });
    let usual = [Person::new("Lin"), Person::new("王芳 Wang")];
    Simulator::new(apps.into(), usual.into_iter().chain(setup.people.iter().cloned()).collect())
}

fn configuration(setup: &Setup, upstream: &EchoUpstream, wechat: SocketAddr) -> String {
    let public_url = setup.public_url.as_deref().unwrap_or(USUAL_ORIGIN);
    let upstream = setup.upstream.clone().unwrap_or_else(|| format!("http://{}", upstream.address));
    let app = |table: &str, id: &str, secret: &str, keys: &str, is_wanted: bool| match is_wanted {
        true => format!("[wechat.{table}]\napp_id = \"{id}\"\napp_secret = \"{secret}\"\n{keys}\n"),
        false => String::new(),
    };
    let tls = match setup.certificate {
        Some(_) => "[server.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"",
        None => "",
    };
    // Most stories are about people whom nobody has to let in first.
    let store = setup.store.as_ref().map(|url| format!("[store]\nurl = \"{url}\"")).unwrap_or_default();
    let access = if setup.tables.contains("[access]") { "" } else { "[access]\ndefault = \"signed-in\"" };
    format!(
        r#"
public_url = "{public_url}"
upstream = "{upstream}"
[server]
listen = "127.0.0.1:{port}"
{server}
{tls}
[admin]
listen = "127.0.0.1:0"
[wechat]
api_base = "{api_base}"
open_base = "http://{wechat}"
{wechat_keys}
{website}
{account}
{store}
[[routes]]
path = "/public"
access = "public"
[[routes]]
path = "/closed"
access = "deny"
[[routes]]
path = "/api"
api = true
{access}
{tables}
"#,
        port = setup.port,
        server = setup.server,
        wechat_keys = setup.wechat,
        api_base = setup.api_base.clone().unwrap_or_else(|| format!("http://{wechat}")),
        website = app("website", "wxwebsite", WEBSITE_SECRET, "", !setup.account_only),
        account = app("official_account", "wxaccount", ACCOUNT_SECRET, &setup.account, !setup.website_only),
        tables = setup.tables,
    )
}
