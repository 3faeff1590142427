//! The audit trail in the store and in the log: the same lines, word for word, and none in one of them only.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;
use wxgate::model::audit::AuditKind;
use wxgate::wechat::simulator::{Fault, Person};

use crate::phones::{
    account_keys, asked_on_phone, between, code_on, link_in, say, tell_of_messages, waiting,
};
use crate::postgres::Postgres;
use crate::support::{Browser, PATIENCE, Setup, TestGateway, command};

/// The way in by WeChat's own page, which is one of two.
const BY_WECHAT: &str = "/_wxgate/login?way=qr&to=/signed-in";

const ROUTES: &str = "[[routes]]\npath = \"/signed-in\"\naccess = \"signed-in\"\n[[routes]]\npath = \"/staff\"\ngroups = [\"staff\"]\n";

/// What both say of an event: what, who, whom, from where, by which request, and the rest.
type Line = [String; 6];

/// A gateway, and what the commands beside it have written to their own logs.
struct Scene {
    gateway: TestGateway,
    beside: String,
    /// Whose lines have gone from the store with them.
    gone: Vec<String>,
}

impl Scene {
    /// `access` are keys of `[access]`.
    async fn with(access: &str, store: Option<String>) -> Self {
        let tables = format!("[access]\n{access}\n{ROUTES}");
        let account = account_keys("qr_login = true");
        let gateway = TestGateway::with(Setup { tables, store, account, ..Setup::default() }).await;
        Self { gateway, beside: String::new(), gone: Vec::new() }
    }

    /// Runs a command beside the gateway, and gives what it prints.
    fn run(&mut self, arguments: &[&str]) -> String {
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
    async fn agreed(&self) -> Vec<Line> {
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
    async fn known_as(&self, openid: &str, unionid: Option<&str>) {
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

    async fn signed_in(&self, person: &str) -> (Browser, String) {
        let mut browser = self.gateway.browser();
        let callback = browser.callback(&self.gateway, person, BY_WECHAT).await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        let id = browser.member_id(&self.gateway).await.to_string();
        (browser, id)
    }

    /// Sends a form of a page to that page.
    async fn fill_in(&self, browser: &mut Browser, page: &str, form: &str) {
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
fn told<'a>(lines: &'a [Line], kind: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let lines = lines.iter().filter(|line| line[0] == kind);
    lines.map(|[_, actor, member, _, _, detail]| (actor.as_str(), member.as_str(), detail.as_str())).collect()
}

fn kinds_of(lines: &[Line]) -> BTreeSet<String> {
    lines.iter().map(|line| line[0].clone()).collect()
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

/// Everything that is written down, by the pages and by commands.
async fn every_kind(store: Option<String>) {
    let mut scene = Scene::with("", store).await;
    tell_of_messages(&scene.gateway);

    // The first administrator, by a link that a command makes.
    let (mut lin, lin_id) = scene.signed_in("Lin").await;
    let made: Value = serde_json::from_str(&scene.run(&["setup-link", "--json"])).unwrap();
    let link = made["link"].as_str().unwrap().to_owned();
    let (token, code) = (lin.open(&link).await.token(), link.split_once("code=").unwrap().1);
    let set_up =
        lin.submit(&scene.gateway.url("/_wxgate/setup"), &format!("token={token}&code={code}")).await;
    assert_eq!(set_up.location(), "/_wxgate/admin", "{}", set_up.text());

    // Somebody asks; what is decided about them.
    let (mut wang, wang_id) = scene.signed_in("王芳 Wang").await;
    let token = wang.open(&scene.gateway.url("/")).await.token();
    wang.submit(&scene.gateway.url("/_wxgate/request"), &format!("token={token}&to=/&message=")).await;
    let page = format!("/_wxgate/admin/members/{wang_id}");
    scene.fill_in(&mut lin, &page, "do=refuse").await;
    scene.fill_in(&mut lin, &page, "do=approve&groups=it").await;
    assert_eq!(wang.open(&scene.gateway.url("/staff")).await.status, StatusCode::FORBIDDEN);
    for form in [
        "do=rename&user_name=wang.fang",
        "do=display-name&display_name=%E7%8E%8B%E8%8A%B3",
        "do=groups&groups=staff",
        "do=grant-admin",
        "do=take-admin",
        "do=block",
        "do=unblock",
        "do=sign-out",
    ] {
        scene.fill_in(&mut lin, &page, form).await;
    }
    scene.run(&["members", "block", &wang_id]);
    let mut shut_out = scene.gateway.browser();
    let callback = shut_out.callback(&scene.gateway, "王芳 Wang", BY_WECHAT).await;
    assert_ne!(shut_out.open(&callback).await.status, StatusCode::SEE_OTHER);
    // What is about the forgotten goes from the store.
    let mut kinds = kinds_of(&scene.agreed().await);
    scene.run(&["members", "forget", &wang_id, "--yes"]);
    scene.gone.push(wang_id);

    // Sessions.
    let (mut wang, _) = scene.signed_in("王芳 Wang").await;
    assert_eq!(wang.submit(&scene.gateway.url("/_wxgate/logout"), "").await.status, StatusCode::OK);
    let (_, id) = scene.signed_in("王芳 Wang").await;
    let sessions: Value = serde_json::from_str(&scene.run(&["sessions", "list", &id, "--json"])).unwrap();
    scene.run(&["sessions", "revoke", sessions[0]["id"].as_str().unwrap()]);

    // Invitations.
    let made: Value = serde_json::from_str(&scene.run(&["invite", "--groups", "staff", "--json"])).unwrap();
    let (link, invite) = (made["link"].as_str().unwrap(), made["id"].as_str().unwrap());
    let (mut wang, _) = scene.signed_in("王芳 Wang").await;
    let (token, code) = (wang.open(link).await.token(), link.split_once("code=").unwrap().1);
    wang.submit(&scene.gateway.url("/_wxgate/invite"), &format!("token={token}&code={code}")).await;
    let made: Value = serde_json::from_str(&scene.run(&["invite", "--json"])).unwrap();
    scene.run(&["invite", "withdraw", made["id"].as_str().unwrap()]);

    // What is said on phones.
    for word in ["refuse", "allow"] {
        let mut computer = scene.gateway.browser();
        let (_, page) = waiting(&scene.gateway, &mut computer, "follow").await;
        let code = code_on(&scene.gateway, &mut computer, &page).await;
        let message = scene.gateway.wechat.scan_code("Lin", &code).await.unwrap().said().unwrap().to_owned();
        let (mut phone, question) = asked_on_phone(&scene.gateway, "Lin", &link_in(&message)).await;
        say(&scene.gateway, &mut phone, &question, word).await;
    }

    // Two records of one person, settled either way.
    let mut settled = Vec::new();
    for (round, deed) in ["keep-apart", "move-account"].into_iter().enumerate() {
        let (openid, unionid) = (format!("oA{round}"), format!("union{round}"));
        scene.known_as(&openid, None).await;
        scene.known_as(&format!("oB{round}"), Some(&unionid)).await;
        scene.known_as(&openid, Some(&unionid)).await;
        let page = lin.open(&scene.gateway.url("/_wxgate/admin/conflicts")).await.html();
        let id = between(&page, "name=\"conflict\" value=\"", "\"").to_owned();
        let lines = scene.agreed().await;
        let found = told(&lines, "conflict-found");
        let named = |holder: &&(&str, &str, &str)| page.contains(holder.1);
        let (_, holder, other) = *found.iter().find(named).unwrap();
        let other = other.strip_prefix("its unionid belongs to ").unwrap().to_owned();
        scene.fill_in(&mut lin, "/_wxgate/admin/conflicts", &format!("do={deed}&conflict={id}")).await;
        let what = if deed == "keep-apart" { "kept apart from" } else { "account moved from" };
        settled.push((other, format!("conflict {id}: {what} {holder}")));
        if deed == "move-account" {
            // It was their last.
            scene.gone.push((*holder).to_owned());
        }
    }
    let lines = scene.agreed().await;
    let mut expected: Vec<_> =
        settled.iter().map(|(other, detail)| (lin_id.as_str(), other.as_str(), detail.as_str())).collect();
    expected.sort_unstable();
    assert_eq!(told(&lines, "conflict-settled"), expected);
    assert!(told(&lines, "invite-used")[0].2.contains(invite));
    kinds.append(&mut kinds_of(&lines));
    let missing: Vec<_> = AuditKind::ALL.iter().filter(|kind| !kinds.contains(kind.as_str())).collect();
    assert!(missing.is_empty(), "not tried: {missing:?}");
}

#[tokio::test]
async fn every_kind_of_line_is_in_the_file_and_in_the_log() {
    every_kind(None).await;
}

#[tokio::test]
async fn every_kind_of_line_is_in_postgresql_and_in_the_log() {
    Postgres::shared().create_database("trail");
    every_kind(Some(Postgres::shared().url("trail"))).await;
}
