//! A real Chromium, driven through WebDriver.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::Url;

pub(crate) const COMPUTER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
pub(crate) const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
pub(crate) const WECHAT: &str = "Mozilla/5.0 (Linux; Android 14; 23113RKC6C Build/UKQ1.230804.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0.6261.120 Mobile Safari/537.36 XWEB/1220099 MMWEBSDK/20240404 MMWEBID/5707 MicroMessenger/8.0.49.2600(0x28003133) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN";
pub(crate) const WECOM: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/4.1.30 MicroMessenger/7.0.1 Language/zh";

/// Waits are for events; this only bounds a test that has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
const INSTALL: &str =
    "these tests need a real browser: apt-get install chromium chromium-driver fonts-noto-cjk";

/// The pictures in `docs/screenshots`, made with `WXGATE_UPDATE_SCREENSHOTS=1`.
const DOCUMENTED: &[&str] = &[
    "access.en",
    "access.zh",
    "application",
    "choose.en",
    "choose.zh",
    "confirm.en",
    "confirm.zh",
    "gate-and-phone",
    "in-app.en",
    "in-app.zh",
    "members",
    "open-in-wechat.en",
    "open-in-wechat.zh",
    "scan-to-follow.en",
    "scan-to-follow.zh",
    "unavailable-dark.en",
    "unavailable-dark.zh",
];

/// A Chromium takes a core and half a gigabyte.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Who looks, and through what.
#[derive(Clone, Copy)]
pub(crate) struct Looks {
    pub(crate) user_agent: &'static str,
    pub(crate) language: &'static str,
    /// In CSS pixels.
    pub(crate) size: (u64, u64),
    pub(crate) dark: bool,
}

/// The usual window of a computer.
pub(crate) const DESKTOP: Looks =
    Looks { user_agent: COMPUTER, language: "zh-CN", size: (960, 720), dark: false };

/// The usual window of a phone.
pub(crate) const HANDHELD: Looks =
    Looks { user_agent: WECHAT, language: "zh-CN", size: (390, 844), dark: false };

/// One Chromium with a profile of its own. It ends when this is dropped.
pub(crate) struct Browser {
    client: Client,
    session: Url,
    looks: Looks,
    driver: Child,
    _profile: TempDir,
    _room: SemaphorePermit<'static>,
}

impl Browser {
    pub(crate) async fn start(looks: Looks) -> Self {
        Self::start_in(ROOM.acquire().await.unwrap(), looks).await
    }

    /// Two at once, for a test of two people: tests that had room for one each would wait for each other for ever.
    pub(crate) async fn start_two(looks: Looks) -> (Self, Self) {
        Self::start_pair(looks, looks).await
    }

    /// Two at once that look different, such as a computer and the phone of who sits there.
    pub(crate) async fn start_pair(one: Looks, other: Looks) -> (Self, Self) {
        let mut rooms = ROOM.acquire_many(2).await.unwrap();
        let room = rooms.split(1).unwrap();
        (Self::start_in(room, one).await, Self::start_in(rooms, other).await)
    }

    async fn start_in(room: SemaphorePermit<'static>, looks: Looks) -> Self {
        assert!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing; {INSTALL}");
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = start_driver(profile.path());
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--no-first-run".to_owned(),
            "--no-proxy-server".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1".to_owned(),
            format!("--user-data-dir={}", profile.path().join("profile").display()),
            format!("--user-agent={}", looks.user_agent),
            format!("--lang={}", looks.language),
            format!("--accept-lang={}", looks.language),
            format!("--window-size={},{}", looks.size.0, looks.size.1),
        ];
        let capabilities = json!({
            "timeouts": { "pageLoad": PATIENCE.as_millis() },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "binary": CHROMIUM, "args": arguments },
        });
        let client = Client::builder().no_proxy().timeout(2 * PATIENCE).build().unwrap();
        let base = Url::parse(&format!("http://127.0.0.1:{port}/session/")).unwrap();
        let mut browser = Self { client, session: base, looks, driver, _profile: profile, _room: room };
        let session =
            browser.command(Method::POST, "", json!({ "capabilities": { "alwaysMatch": capabilities } }));
        let session = session.await.expect("Chromium starts");
        browser.session =
            browser.session.join(&format!("{}/", session["sessionId"].as_str().unwrap())).unwrap();
        browser.dress().await;
        browser
    }

    /// Gives the window its size and colours; every window needs it anew.
    async fn dress(&self) {
        let (width, height) = self.looks.size;
        self.resize(width, height, width < 600).await;
        let scheme = if self.looks.dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Gives the page this much room; on a phone it lays itself out as phones do.
    pub(crate) async fn resize(&self, width: u64, height: u64, phone: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    pub(crate) async fn open(&self, url: &str) {
        self.command(Method::POST, "url", json!({ "url": url })).await.unwrap();
    }

    /// The address of the page.
    pub(crate) async fn address(&self) -> Url {
        let address = self.command(Method::GET, "url", Value::Null).await.unwrap();
        Url::parse(address.as_str().unwrap()).unwrap()
    }

    /// Waits for the browser to come to `url`, however many redirects that takes.
    pub(crate) async fn arrives_at(&self, url: &str) {
        until(&format!("{url} is reached"), async || {
            let at = self.address().await;
            if at.as_str() == url { Ok(()) } else { Err(format!("still at {at}")) }
        })
        .await;
    }

    /// Clicks an element as soon as it is there.
    pub(crate) async fn click(&self, css: &str) {
        until(&format!("{css} can be clicked"), async || {
            let element = self.find(css).await?;
            self.command(Method::POST, &format!("element/{element}/click"), json!({})).await
        })
        .await;
    }

    /// Waits for a picture to be there.
    pub(crate) async fn has_loaded(&self, css: &str) {
        let width = format!("return document.querySelector({css:?})?.naturalWidth ?? 0");
        until(&format!("{css} has loaded"), async || match self.try_evaluate(&width).await?.as_u64() {
            Some(1..) => Ok(()),
            _ => Err("it has not".to_owned()),
        })
        .await;
    }

    /// What people read in an element, as soon as it fits.
    pub(crate) async fn text_when(&self, css: &str, fits: impl Fn(&str) -> bool) -> String {
        until(&format!("{css} fits"), async || {
            let element = self.find(css).await?;
            let text = self.command(Method::GET, &format!("element/{element}/text"), Value::Null).await?;
            let text = text.as_str().unwrap_or_default().to_owned();
            if fits(&text) { Ok(text) } else { Err(format!("it says {text:?}")) }
        })
        .await
    }

    /// Types into a field as soon as it is there.
    pub(crate) async fn write(&self, css: &str, text: &str) {
        until(&format!("{css} can be written into"), async || {
            let element = self.find(css).await?;
            self.command(Method::POST, &format!("element/{element}/value"), json!({ "text": text })).await
        })
        .await;
    }

    /// Waits for an element to show `words`.
    pub(crate) async fn shows(&self, css: &str, words: &str) {
        self.text_when(css, |text| text.contains(words)).await;
    }

    /// The value of a JavaScript function body in the page, awaited if it is a promise.
    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        self.try_evaluate(script).await.unwrap()
    }

    /// The same of a page that may just be changing: what only looks may look again.
    pub(crate) async fn look(&self, script: &str) -> Value {
        until(&format!("{script} has a value"), async || self.try_evaluate(script).await).await
    }

    async fn try_evaluate(&self, script: &str) -> Result<Value, String> {
        self.command(Method::POST, "execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// The window in use.
    pub(crate) async fn window(&self) -> String {
        self.command(Method::GET, "window", Value::Null).await.unwrap().as_str().unwrap().to_owned()
    }

    /// Opens another window, and goes there.
    pub(crate) async fn new_window(&self) -> String {
        let window = self.command(Method::POST, "window/new", json!({ "type": "tab" })).await.unwrap();
        let handle = window["handle"].as_str().unwrap().to_owned();
        self.switch_to(&handle).await;
        self.dress().await;
        handle
    }

    pub(crate) async fn switch_to(&self, window: &str) {
        self.command(Method::POST, "window", json!({ "handle": window })).await.unwrap();
    }

    /// Looks into the page's first frame, or back out.
    pub(crate) async fn switch_to_frame(&self, frame: Option<u32>) {
        self.command(Method::POST, "frame", json!({ "id": frame })).await.unwrap();
    }

    /// Names of the cookies that the page's address gets, those no script can see included.
    pub(crate) async fn cookies(&self) -> BTreeSet<String> {
        let cookies = self.command(Method::GET, "cookie", Value::Null).await.unwrap();
        let names = cookies.as_array().unwrap().iter().map(|cookie| cookie["name"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }

    /// Complaints on the console since the last call: a blocked style or script, an exception; not the mere news that
    /// a page came with an error status.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.log("browser").await.into_iter();
        let complaints = entries.filter(|entry| entry["source"] != "network" && entry["level"] != "INFO");
        complaints.map(|entry| entry["message"].to_string()).collect()
    }

    /// Hosts that any window asked for anything since the last call.
    pub(crate) async fn hosts_asked(&self) -> BTreeSet<String> {
        let mut hosts = BTreeSet::new();
        for entry in self.log("performance").await {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let parameters = &event["message"]["params"];
            let url = match event["message"]["method"].as_str() {
                Some("Network.requestWillBeSent") => &parameters["request"]["url"],
                Some("Network.webSocketCreated") => &parameters["url"],
                _ => continue,
            };
            let url = Url::parse(url.as_str().unwrap()).unwrap();
            // Chromium's own pages have addresses too.
            if matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
                hosts.extend(url.host_str().map(str::to_owned));
            }
        }
        hosts
    }

    /// Whether everything fits the width of the window.
    pub(crate) async fn assert_no_sideways_scrolling(&self) {
        let widths = "return [document.documentElement.scrollWidth, window.innerWidth]";
        let widths = self.evaluate(widths).await;
        let [content, window] = [widths[0].as_u64().unwrap(), widths[1].as_u64().unwrap()];
        assert!(content <= window, "{}: {content} px in a window of {window}", self.address().await);
    }

    /// Calls the DevTools, for what WebDriver has no words for.
    pub(crate) async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": method, "params": parameters });
        self.command(Method::POST, "goog/cdp/execute", body).await.unwrap()
    }

    /// The window as a PNG, base64.
    pub(crate) async fn picture(&self) -> String {
        let picture = self.command(Method::GET, "screenshot", Value::Null).await.unwrap();
        picture.as_str().unwrap().to_owned()
    }

    /// Keeps a picture of the window as `target/screenshots/NAME.png`, and those the documents show among them too
    /// when they are being made anew.
    pub(crate) async fn screenshot(&self, name: &str) {
        keep(name, &self.picture().await);
    }

    /// Keeps pictures side by side, put together in a window of their own.
    pub(crate) async fn side_by_side(&self, name: &str, pictures: &[String]) {
        self.new_window().await;
        self.open("about:blank").await;
        let script = "const size = [12, 24];
            document.body.style = 'margin:12px;display:flex;gap:12px;align-items:start;background:#c6ccd4';
            for (const data of arguments) {
                const image = document.body.appendChild(new Image());
                image.style.flex = 'none';
                image.src = 'data:image/png;base64,' + data;
                await image.decode();
                size[0] += image.naturalWidth + 12;
                size[1] = Math.max(size[1], image.naturalHeight + 24);
            }
            return size;";
        let size = self.command(Method::POST, "execute/sync", json!({ "script": script, "args": pictures }));
        let size = size.await.unwrap();
        self.resize(size[0].as_u64().unwrap(), size[1].as_u64().unwrap(), false).await;
        self.screenshot(name).await;
    }

    async fn find(&self, css: &str) -> Result<String, String> {
        let query = json!({ "using": "css selector", "value": css });
        let found = self.command(Method::POST, "element", query).await?;
        let reference = found.as_object().and_then(|found| found.values().next());
        Ok(reference.and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.command(Method::POST, "se/log", json!({ "type": kind })).await.unwrap();
        entries.as_array().unwrap().clone()
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let url = self.session.join(path).unwrap();
        let url = url.as_str().trim_end_matches('/');
        let request = self.client.request(method, url);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let failed = !answer.status().is_success();
        let mut answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if failed {
            Err(format!("{path}: {}", value["message"].as_str().unwrap_or_default()))
        } else {
            Ok(value)
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to, Chromium ends in order and leaves its profile alone; then nothing of its group is left to kill.
        let address = self.session.socket_addrs(|| None).unwrap_or_default();
        if let Some(Ok(mut stream)) =
            address.first().map(|address| TcpStream::connect_timeout(address, PATIENCE))
        {
            let path = self.session.path().trim_end_matches('/');
            _ = stream.set_read_timeout(Some(PATIENCE));
            _ = write!(stream, "DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            _ = stream.read(&mut [0; 64]);
        }
        let group = format!("-{}", self.driver.id());
        _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        _ = self.driver.wait();
    }
}

/// Starts a driver in a process group of its own, on a port of its own choice.
fn start_driver(home: &Path) -> (Child, u16) {
    let mut command = Command::new(CHROMEDRIVER);
    command.arg("--port=0").env("HOME", home).process_group(0).stdin(Stdio::null()).stderr(Stdio::null());
    let mut driver =
        command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{error}; {INSTALL}"));
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = loop {
        let line = lines.next().expect("the driver says its port").unwrap();
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            break port.trim_end_matches('.').parse().unwrap();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    (driver, port)
}

/// Asks again until the answer is `Ok`: a browser does not tell when a page has changed.
pub(crate) async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => assert!(Instant::now() < deadline, "waited too long until {what}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// Nobody has met a blocked style or script, or an exception.
pub(crate) async fn assert_nobody_complains(browsers: &[&Browser]) {
    for browser in browsers {
        assert_eq!(browser.complaints().await, [""; 0]);
    }
}

fn keep(name: &str, picture: &str) {
    let picture = STANDARD.decode(picture).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wanted = DOCUMENTED.contains(&name) && std::env::var_os("WXGATE_UPDATE_SCREENSHOTS").is_some();
    let documents = wanted.then_some("docs/screenshots");
    for folder in std::iter::once("target/screenshots").chain(documents) {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), &picture).unwrap();
    }
}
