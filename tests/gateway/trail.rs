//! The audit trail in the store and in the log: the same lines, word for word, and none in one of them only.

use futures_util::future::join_all;
use http::StatusCode;
use rusqlite::Connection;
use serde_json::Value;
use tokio::time::Instant;
use wxgate::wechat::simulator::{Fault, Person};

use crate::phones::account_keys;
use crate::support::{Browser, PATIENCE, Setup, TestGateway, command};

/// The way in by WeChat's own page, which is one of two.
pub(crate) const BY_WECHAT: &str = "/_wxgate/login?way=qr&to=/signed-in";

const ROUTES: &str = "[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n[[routes]]\npath = \"/staff\"\ngroups = [\"staff\"]\n";

/// What both say of an event: what, who, whom, from where, by which request, and the rest.
pub(crate) type Line = [String; 6];

/// A gateway, and what the commands beside it have written to their own logs.
pub(crate) struct Scene {
    pub(crate) gateway: TestGateway,
    beside: String,
    /// Whose lines have gone from the store with them.
    pub(crate) gone: Vec<String>,
}

impl Scene {
    /// `access` are keys of `[access]`.
    pub(crate) async fn with(access: &str, store: Option<String>) -> Self {
        let tables = format!("[access]\n{access}\n{ROUTES}");
        let account = account_keys("qr_login = true");
        let gateway = TestGateway::with(Setup { tables, store, account, ..Setup::default() }).await;
        Self { gateway, beside: String::new(), gone: Vec::new() }
    }

    /// Runs a command beside the gateway, and gives what it prints.
    pub(crate) fn run(&mut self, arguments: &[&str]) -> String {
        let done = command(self.gateway.folder.path()).args(arguments).output().unwrap();
        let errors = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{arguments:?}: {errors}");
        self.beside.push_str(&errors);
        String::from_utf8(done.stdout).unwrap()
    }

    fn stored(&self) -> Vec<Line> {
        let listed = command(self.gateway.folder.path()).args(["audit", "--json"]).output().unwrap().stdout;
        let rows: Vec<Value> = serde_json::from_slice(&listed).unwrap();
        sorted(rows.iter().map(|row| line(row, "kind")))
    }

    fn logged(&self) -> Vec<Line> {
        let log = self.gateway.log();
        let lines = log.lines().chain(self.beside.lines());
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines = lines.filter(|line| line["target"] == "wxgate::audit").map(|said| line(&said, "message"));
        sorted(lines.filter(|line| line[0] == "forgotten" || !self.gone.contains(&line[2])))
    }

    /// All lines, which are the same in the store and in the log; only the log has those of whoever is gone.
    pub(crate) async fn agreed(&self) -> Vec<Line> {
        // Lines come in order: whatever was said before this one has been read.
        self.gateway.reload();
        let deadline = Instant::now() + PATIENCE;
        loop {
            // What nobody waits for may be on its way to one of them.
            let (stored, logged) = (self.stored(), self.logged());
            if stored == logged && told(&stored, "configuration-reloaded").len() == self.reloads() {
                return stored;
            }
            assert!(Instant::now() < deadline, "the store: {stored:#?}\nthe log: {logged:#?}");
        }
    }

    fn reloads(&self) -> usize {
        self.gateway.log().matches("the new configuration is ").count()
    }

    /// Somebody whom WeChat tells of by these ids, and by no name.
    pub(crate) async fn known_as(&self, openid: &str, unionid: Option<&str>) {
        let mut told = serde_json::json!({ "access_token": "T", "openid": openid });
        if let Some(unionid) = unionid {
            told["unionid"] = unionid.into();
        }
        self.gateway
            .wechat
            .script()
            .next_exchange(Fault::body(told.to_string()))
            .every_profile(Fault::body("[]"));
        let mut browser = self.gateway.browser();
        let callback = browser.callback(&self.gateway, "Lin", BY_WECHAT).await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    }

    pub(crate) async fn signed_in(&self, person: &str) -> (Browser, String) {
        let mut browser = self.gateway.browser();
        let callback = browser.callback(&self.gateway, person, BY_WECHAT).await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        let id = browser.member_id(&self.gateway).await.to_string();
        (browser, id)
    }

    /// Sends a form of a page to that page.
    pub(crate) async fn fill_in(&self, browser: &mut Browser, page: &str, form: &str) {
        let done = browser.fill_in(&self.gateway, page, page, form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{form}: {}", done.text());
    }
}

fn line(said: &Value, kind: &str) -> Line {
    [kind, "actor", "member", "client", "request_id", "detail"]
        .map(|field| said[field].as_str().unwrap_or_default().to_owned())
}

fn sorted(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut lines: Vec<Line> = lines.collect();
    lines.sort_unstable();
    lines
}

/// Who, whom and what exactly, in the lines of this kind.
pub(crate) fn told<'a>(lines: &'a [Line], kind: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let lines = lines.iter().filter(|line| line[0] == kind);
    lines.map(|[_, actor, member, _, _, detail]| (actor.as_str(), member.as_str(), detail.as_str())).collect()
}

/// The configuration that makes whoever WeChat knows as `person` an administrator.
fn administers(person: &str) -> String {
    format!("admins = [\"{}\"]", Person::new(person).openid("wxwebsite"))
}

#[tokio::test]
async fn who_is_let_in_by_the_configuration_is_let_in_in_the_log_too() {
    let scene = Scene::with(&format!("join = \"open\"\n{}", administers("Lin")), None).await;
    let (_, lin) = scene.signed_in("Lin").await;
    let (_, wang) = scene.signed_in("王芳 Wang").await;
    let lines = scene.agreed().await;
    let mut expected = [&lin, &wang].map(|id| ("gateway", id.as_str(), "access.join is open"));
    expected.sort_unstable();
    assert_eq!(told(&lines, "approved"), expected);
    assert_eq!(told(&lines, "admin-granted"), [("gateway", lin.as_str(), "named in access.admins")]);
    assert_eq!(told(&lines, "signed-in").len(), 2);
}

#[tokio::test]
async fn who_asks_six_times_at_once_has_asked_once_and_has_one_code() {
    let scene = Scene::with("", None).await;
    let (mut wang, id) = scene.signed_in("王芳 Wang").await;
    let token = wang.open(&scene.gateway.url("/")).await.token();
    let (url, form) = (scene.gateway.url("/_wxgate/request"), format!("token={token}&to=/&message="));
    let mut all: Vec<Browser> = (0..6).map(|_| wang.clone()).collect();
    for asked in join_all(all.iter_mut().map(|browser| browser.submit(&url, &form))).await {
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    }
    let lines = scene.agreed().await;
    let [(actor, member, detail)] = told(&lines, "asked")[..] else { panic!("{lines:?}") };
    assert_eq!((actor, member), (id.as_str(), id.as_str()));
    let code = detail.strip_prefix("code ").unwrap();
    assert!(wang.open(&url).await.text().contains(code), "{code} is none that is good");
}

#[tokio::test]
async fn an_invitation_is_used_once_it_makes_a_difference_and_by_its_id() {
    let mut scene = Scene::with("join = \"invite\"", None).await;
    let mut make =
        || serde_json::from_str::<Value>(&scene.run(&["invite", "--groups", "staff", "--json"])).unwrap();
    let (first, second) = (make(), make());
    let (mut wang, id) = scene.signed_in("王芳 Wang").await;
    let token = wang.open(first["link"].as_str().unwrap()).await.token();
    for invitation in [&first, &second] {
        let code = invitation["link"].as_str().unwrap().split_once("code=").unwrap().1;
        let form = format!("token={token}&code={code}");
        let joined = wang.submit(&scene.gateway.url("/_wxgate/invite"), &form).await;
        assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.text());
    }
    let lines = scene.agreed().await;
    let used = format!("invitation {}", first["id"].as_str().unwrap());
    assert_eq!(told(&lines, "invite-used"), [(id.as_str(), id.as_str(), used.as_str())]);
}

#[tokio::test]
async fn a_repeated_callback_that_brings_nothing_back_is_a_refused_sign_in() {
    let mut scene = Scene::with("", None).await;
    let mut lin = scene.gateway.browser();
    let callback = lin.callback(&scene.gateway, "Lin", BY_WECHAT).await;
    // The answer to it is lost on the way to this one.
    let mut unanswered = lin.clone();
    assert_eq!(lin.open(&callback).await.status, StatusCode::SEE_OTHER);
    let id = lin.member_id(&scene.gateway).await.to_string();
    scene.run(&["sessions", "revoke", "--all-of", &id]);
    assert_ne!(unanswered.open(&callback).await.status, StatusCode::SEE_OTHER);
    let lines = scene.agreed().await;
    let refused = told(&lines, "sign-in-refused");
    assert!(refused.len() == 1 && (refused[0].0, refused[0].1) == (id.as_str(), id.as_str()), "{lines:?}");
}

#[tokio::test]
async fn what_the_store_does_not_take_is_in_the_log_only_if_it_has_happened_all_the_same() {
    let scene = Scene::with("", None).await;
    let (mut wang, _) = scene.signed_in("王芳 Wang").await;
    let token = wang.open(&scene.gateway.url("/")).await.token();
    let locked = Connection::open(scene.gateway.folder.path().join("data/wxgate.db")).unwrap();
    locked.busy_timeout(PATIENCE).unwrap();
    locked.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let url = scene.gateway.url("/_wxgate/request");
    let asked = wang.submit(&url, &format!("token={token}&to=/&message=")).await;
    assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE, "{}", asked.text());
    scene.gateway.reload();
    scene.gateway.log_line(&["could not be written", "\"kind\":\"configuration-reloaded\""]);
    assert_eq!(told(&scene.logged(), "configuration-reloaded"), [("gateway", "", "in force")]);
    assert_eq!(told(&scene.logged(), "asked"), []);
}
