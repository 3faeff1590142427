//! Members, invitations, sessions and setup links from the shell, beside a running gateway.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use wxgate::members::{Act, Directory, JoinSettings};
use wxgate::model::audit::Actor;
use wxgate::model::clock;
use wxgate::store::{self, Opening, StoreSettings, StoreUrl};

use crate::support::{BUSY, Browser, Setup, TestGateway, command, eventually};

/// Within five seconds a change counts on every node.
const SOON: Duration = Duration::from_secs(5).saturating_mul(BUSY);

#[tokio::test]
async fn letting_in_and_shutting_out_counts_within_seconds() {
    let gateway = team().await;
    let mut browser = gateway.signed_in("Lin").await;
    assert_eq!(browser.open(&gateway.url("/team")).await.status, 403);
    let id = only_member(&gateway);
    let said = run(&gateway, &["members", "approve", &id, "--groups", "staff"]);
    assert_eq!((said.code, said.out), (Some(0), format!("{id} (Lin): active, in staff\n")), "{}", said.err);
    becomes(&gateway, &mut browser, "/team", 200).await;
    assert_eq!(gateway.upstream.last().all("remote-groups"), ["staff"]);

    assert_eq!(run(&gateway, &["members", "groups", &id, "--add", "it"]).code, Some(0));
    assert_eq!(run(&gateway, &["members", "rename", &id, "lin"]).code, Some(0));
    let begun = clock::instant();
    eventually("the new name", async || {
        browser.open(&gateway.url("/team")).await;
        gateway.upstream.last().all("remote-user") == ["lin"]
    })
    .await;
    assert!(begun.elapsed() < SOON);
    assert_eq!(gateway.upstream.last().all("remote-groups"), ["it,staff"]);

    assert_eq!(run(&gateway, &["members", "block", "LIN"]).code, Some(0), "names are in any case of letters");
    let begun = clock::instant();
    eventually("the end", async || browser.open(&gateway.url("/team")).await.status != 200).await;
    assert!(begun.elapsed() < SOON);
    let said = run(&gateway, &["members", "approve", "lin"]);
    assert!(said.code == Some(1) && said.err.contains("`wxgate members unblock`"), "{}", said.err);
    assert!(run(&gateway, &["members", "unblock", "lin"]).out.ends_with(": active, in it,staff\n"));
}

#[tokio::test]
async fn members_are_listed_shown_and_forgotten() {
    let gateway = team().await;
    gateway.signed_in("Lin").await;
    gateway.signed_in("王芳 Wang").await;
    let said = run(&gateway, &["members", "list"]);
    let rows: Vec<&str> = said.out.lines().collect();
    assert!(rows.len() == 3 && rows[0].starts_with("ID  "), "{}", said.out);
    for words in ["guest", "Lin", "王芳 Wang"] {
        assert!(said.out.contains(words), "{}", said.out);
    }
    let list = json(&gateway, &["members", "list", "--search", "王芳", "--json"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    assert_eq!(json(&gateway, &["members", "list", "--limit", "1", "--json"]).as_array().unwrap().len(), 1);
    assert_eq!(json(&gateway, &["members", "list", "--status", "blocked", "--json"]), serde_json::json!([]));
    let id = list[0]["id"].as_str().unwrap();
    let shown = run(&gateway, &["members", "show", id]);
    assert!(shown.out.contains("王芳 Wang") && shown.out.contains(" of wxwebsite, last "), "{}", shown.out);
    let shown = json(&gateway, &["members", "show", id, "--json"]);
    assert_eq!((shown["accounts"].as_array().unwrap().len(), &shown["status"]), (1, &"guest".into()));

    let said = run(&gateway, &["members", "forget", id]);
    assert!(said.code == Some(2) && said.err.contains("add --yes"), "{}", said.err);
    assert_eq!(run(&gateway, &["members", "forget", id, "--yes"]).code, Some(0));
    for who in [id, "nobody", "ABCD"] {
        let said = run(&gateway, &["members", "show", who]);
        let hint = format!("no member {who:?}; look with `wxgate members list --search {who:?}`");
        assert!(said.code == Some(1) && said.err.contains(&hint), "{}", said.err);
    }
    let lin = only_member(&gateway);
    let said = run(&gateway, &["members", "block", &lin, "nobody"]);
    assert!(
        said.code == Some(1) && said.out.is_empty(),
        "nothing is done unless all are found: {}",
        said.out
    );
    for wrong in [
        &["members", "rename", &lin][..],
        &["members", "rename", &lin, "两"],
        &["members", "groups", &lin],
        &["members", "approve"],
        &["members", "list", "--status", "gone"],
        &["sessions", "revoke"],
        &["sessions", "revoke", "xyz"],
        &["invite", "--for", "7"],
        &["audit", "--kind", "nothing"],
    ] {
        assert_eq!(run(&gateway, wrong).code, Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn whoever_asks_is_known_by_the_code_they_tell() {
    let gateway = team().await;
    gateway.signed_in("Lin").await;
    let id = only_member(&gateway);
    let directory = directory(gateway.folder.path()).await;
    let act = by(Actor::Member(id.parse().unwrap()));
    let asked = directory.request(&act, &id.parse().unwrap(), "新来的", &JoinSettings::default()).await;
    let code = asked.unwrap().request.unwrap().code;
    let said = run(&gateway, &["members", "list", "--status", "pending"]);
    assert!(said.out.contains(&code), "{}", said.out);
    let said = run(&gateway, &["members", "show", &code.to_lowercase()]);
    assert!(said.out.contains("新来的") && said.out.contains(&id), "{}{}", said.out, said.err);

    gateway.signed_in("王芳 Wang").await;
    let list = json(&gateway, &["members", "list", "--status", "guest", "--json"]);
    let other = list[0]["id"].as_str().unwrap();
    assert_eq!(run(&gateway, &["members", "rename", other, &code]).code, Some(0));
    let said = run(&gateway, &["members", "approve", &code]);
    assert!(said.code == Some(1) && said.err.contains(&id) && said.err.contains(other), "{}", said.err);
    assert_eq!(run(&gateway, &["members", "rename", other, "--clear"]).code, Some(0));
    let said = run(&gateway, &["members", "refuse", &code]);
    assert_eq!((said.code, said.out), (Some(0), format!("{id} (Lin): refused\n")), "{}", said.err);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let gateway = team().await;
    gateway.signed_in("Lin").await;
    let id = only_member(&gateway);
    let said = run(&gateway, &["members", "admin", &id]);
    assert!(said.code == Some(1) && said.err.contains("approve"), "{}", said.err);
    assert_eq!(run(&gateway, &["members", "approve", &id]).code, Some(0));
    assert!(run(&gateway, &["members", "admin", &id]).out.contains("administrator"));
    for arguments in [&["members", "admin", &id, "--take"][..], &["members", "block", &id]] {
        let said = run(&gateway, arguments);
        assert!(said.code == Some(1) && said.err.contains("last administrator"), "{}", said.err);
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let gateway = team().await;
    let mut first = gateway.signed_in("Lin").await;
    let mut second = gateway.signed_in("Lin").await;
    let id = only_member(&gateway);
    let sessions = json(&gateway, &["sessions", "list", &id, "--json"]);
    assert_eq!(sessions.as_array().map(Vec::len), Some(2));
    assert_eq!(json(&gateway, &["sessions", "list", "--json"]), sessions);
    let table = run(&gateway, &["sessions", "list"]).out;
    assert!(table.starts_with("ID            WHO  SIGNED IN (UTC)   ENDS"), "{table}");
    assert!(table.contains("  Lin  20") && table.contains("127.0.0.1"), "{table}");
    let browser = sessions[0]["browser"].as_str().unwrap();
    assert!(browser.starts_with("Mozilla/") && !table.contains("Mozilla/"), "{table}");
    let beginning = &sessions[0]["id"].as_str().unwrap()[..8];
    let said = run(&gateway, &["sessions", "revoke", beginning]);
    assert!(said.code == Some(0) && said.out.contains("Lin"), "{}{}", said.out, said.err);
    let said = run(&gateway, &["sessions", "revoke", beginning]);
    assert!(said.code == Some(1) && said.err.contains("no open session"), "{}", said.err);
    let begun = clock::instant();
    eventually("one of two is signed out", async || {
        let mut statuses = Vec::new();
        for browser in [&mut first, &mut second] {
            statuses.push(browser.open(&gateway.url("/")).await.status.as_u16());
        }
        statuses.iter().filter(|status| **status == 200).count() == 1
    })
    .await;
    assert!(begun.elapsed() < SOON);
    assert!(run(&gateway, &["sessions", "revoke", "--all-of", &id]).out.contains("1 session ended"));
    assert_eq!(json(&gateway, &["sessions", "list", "--json"]), serde_json::json!([]));
}

#[tokio::test]
async fn what_the_command_line_decides_is_a_log_line_and_json() {
    let gateway = team().await;
    gateway.signed_in("Lin").await;
    gateway.signed_in("王芳 Wang").await;
    let ids: Vec<String> = json(&gateway, &["members", "list", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["id"].as_str().unwrap().to_owned())
        .collect();
    let listed = |status: &str| json(&gateway, &["members", "list", "--status", status, "--json"]);
    let (first, second) = (ids[0].as_str(), ids[1].as_str());

    let said = run(&gateway, &["members", "approve", first, second, "--groups", "it", "--json"]);
    let outcome: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(outcome.as_array().map(Vec::len), Some(2), "{outcome}");
    assert!(
        outcome
            .as_array()
            .unwrap()
            .iter()
            .all(|member| listed("active").as_array().unwrap().contains(member))
    );
    // As the gateway writes them: not a terminal, so JSON.
    let lines: Vec<Value> = said.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (line, id) in lines.iter().zip(&ids) {
        assert_eq!((&line["target"], &line["message"]), (&"wxgate::audit".into(), &"approved".into()));
        assert_eq!((&line["actor"], &line["member"]), (&"command-line".into(), &id.as_str().into()));
        assert_eq!(line["detail"], "it");
    }
    assert_eq!(lines.len(), 2, "{}", said.err);

    let renamed = json(&gateway, &["members", "rename", first, "ann", "--json"]);
    assert_eq!((&renamed["user_name"], &renamed["id"]), (&"ann".into(), &first.into()));
    let some = json(&gateway, &["members", "groups", first, "--add", "ops", "--json"]);
    assert_eq!(some["groups"], serde_json::json!(["it", "ops"]));
    assert_eq!(json(&gateway, &["members", "admin", first, "--json"])["is_admin"], true);
    let said = run(&gateway, &["members", "block", first, second, "--json"]);
    assert_eq!(
        (said.code, &serde_json::from_str::<Value>(&said.out).unwrap()),
        (Some(1), &listed("blocked"))
    );
    assert!(said.err.contains("last administrator"), "{}", said.err);
    assert_eq!(json(&gateway, &["members", "unblock", second, "--json"])[0]["status"], "active");

    let sessions = json(&gateway, &["sessions", "list", first, "--json"]);
    let ended = json(&gateway, &["sessions", "revoke", "--all-of", first, "--json"]);
    assert_eq!(ended, serde_json::json!({ "ended": 1, "sessions": sessions }));
    let gone = json(&gateway, &["members", "forget", second, "--yes", "--json"]);
    assert_eq!(
        (&gone["id"], &gone["forgotten"], &gone["accounts"]),
        (&second.into(), &true.into(), &1.into())
    );
    let invite = json(&gateway, &["invite", "--json"])["id"].as_str().unwrap().to_owned();
    let gone = json(&gateway, &["invite", "withdraw", &invite, "--json"]);
    assert_eq!(gone, serde_json::json!({ "id": invite, "withdrawn": true }));

    gateway.edit_config(|text| format!("{text}\n[log]\nformat = \"text\"\n"));
    for (arguments, words) in [
        (&["setup-link"][..], ["setup-link-made", "actor=command-line"]),
        (&["members", "groups", "ann", ""], ["groups-changed", first]),
    ] {
        let said = run(&gateway, arguments);
        assert!(words.iter().all(|word| said.err.contains(word)) && !said.err.contains('{'), "{}", said.err);
        assert!(!said.out.contains(words[0]), "{}", said.out);
    }
    assert!(run(&gateway, &["members", "list"]).err.is_empty(), "looking is no decision");
}

#[tokio::test]
async fn what_is_wrong_with_the_store_is_said_with_whole_paths() {
    let gateway = team().await;
    let (folder, database) = (gateway.folder.path(), "data/wxgate.db");
    let whole = |path: &str| folder.canonicalize().unwrap().join(path).display().to_string();
    gateway.log_line(&["keeps members", &whole(database)]);
    let away = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("config.toml"), away.path().join("config.toml")).unwrap();
    let said = run_in(away.path(), &["members", "list"]);
    let elsewhere = away.path().canonicalize().unwrap().join(database);
    assert!(said.err.contains(&format!("sqlite:{} ", elsewhere.display())), "{}", said.err);
    std::fs::create_dir(away.path().join("data")).unwrap();
    std::fs::copy(folder.join("data/store.id"), away.path().join("data/store.id")).unwrap();
    let said = run_in(away.path(), &["check"]);
    for path in [&elsewhere, &elsewhere.with_file_name("store.id")] {
        assert!(said.err.contains(&path.display().to_string()), "{}", said.err);
    }
    gateway.edit_config(|text| format!("data_dir = \"data\"\n{text}"));
    let said = run(&gateway, &["check"]);
    assert!(said.code == Some(0) && said.err.contains("write the whole path"), "{}", said.err);
    assert!(said.err.contains(&whole("data")), "{}", said.err);
}

#[tokio::test]
async fn invitations_are_made_listed_and_withdrawn() {
    let gateway = team().await;
    // The first line of the trail, written when the gateway listens already.
    gateway.log_line(&["/_wxgate/setup?code="]);
    let said = run(&gateway, &["invite", "--groups", "it", "--note", "新同事", "--for", "2d"]);
    let code = said.out.trim().strip_prefix("http://a.localhost/_wxgate/invite?code=").unwrap();
    assert_eq!((code.len(), said.code), (32, Some(0)));
    let invites = json(&gateway, &["invite", "list", "--json"]);
    assert_eq!((&invites[0]["note"], &invites[0]["uses_left"]), (&"新同事".into(), &1.into()));
    assert!(!invites.to_string().contains(code));
    let made = json(&gateway, &["invite", "--any-number", "--json"]);
    assert!(made["link"].as_str().unwrap().contains("?code=") && made["uses_left"].is_null());
    let id = invites[0]["id"].as_str().unwrap();
    assert_eq!(run(&gateway, &["invite", "withdraw", id]).code, Some(0));
    let said = run(&gateway, &["invite", "withdraw", id]);
    assert!(said.code == Some(1) && said.err.contains("`wxgate invite list`"), "{}", said.err);
    assert_eq!(json(&gateway, &["invite", "list", "--json"]).as_array().map(Vec::len), Some(1));
    assert_eq!(run(&gateway, &["invite", "--uses", "2", "--any-number"]).code, Some(2));

    let trail = json(&gateway, &["audit", "--json"]);
    let kinds: Vec<&str> =
        trail.as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["invite-withdrawn", "invite-made", "invite-made", "setup-link-made"]);
    assert_eq!(trail[0]["actor"], "command-line");
    let some = json(&gateway, &["audit", "--kind", "invite-made", "--limit", "1", "--json"]);
    assert_eq!(some.as_array().map(Vec::len), Some(1));
    assert!(!trail.to_string().contains(code));
}

#[tokio::test]
async fn the_link_of_the_first_start_makes_one_administrator() {
    let mut gateway = team().await;
    gateway.signed_in("Lin").await;
    let line = gateway.log_line(&["WARN", "nobody administers yet", "24 小时"]);
    let code = |text: &str| {
        let start = text.find("http://a.localhost/_wxgate/setup?code=").unwrap();
        text[start..].split_once('=').unwrap().1[..32].to_owned()
    };
    let (first, second) = (code(&line), code(&run(&gateway, &["setup-link"]).out));
    let third = json(&gateway, &["setup-link", "--for", "1h", "--json"]);
    assert!(third["expires"].is_string());
    let id = only_member(&gateway);
    {
        let directory = directory(gateway.folder.path()).await;
        let act = by(Actor::Gateway);
        let id = id.parse().unwrap();
        assert!(directory.set_up(&act, &id, &first).await.unwrap().administers());
        for code in [&first, &second] {
            assert!(directory.set_up(&act, &id, code).await.is_err(), "one link ends all");
        }
    }
    gateway.signal("TERM");
    gateway.exit_code().await;
    gateway.start_again();
    gateway.log_line(&["keeps members", "wxgate.db"]);
    assert_eq!(gateway.reload().matches("in force").count(), 1);
    assert!(!gateway.log().contains("nobody administers"), "{}", gateway.log());
}

#[tokio::test]
async fn a_backup_of_a_running_gateway_opens_elsewhere() {
    let gateway = team().await;
    gateway.signed_in("Lin").await;
    let id = only_member(&gateway);
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::create_dir(elsewhere.path().join("data")).unwrap();
    let copy = elsewhere.path().join("data/wxgate.db");
    let copy = copy.to_str().unwrap();
    let said = run(&gateway, &["backup", copy]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = run(&gateway, &["backup", copy]);
    assert!(said.code == Some(1) && said.err.contains("no copy was made"), "{}", said.err);
    assert!(said.err.contains("name another one") && !said.err.contains("os error"), "{}", said.err);
    let other = format!("{copy}.2");
    let made = json(&gateway, &["backup", &other, "--json"]);
    let bytes = std::fs::metadata(&other).unwrap().len();
    assert_eq!((made["file"].as_str(), made["bytes"].as_u64()), (Some(&*other), Some(bytes)));
    assert!(made["store"].as_str().unwrap().starts_with("sqlite:/"), "{made}");
    let said = run(&gateway, &["backup", "no/such/folder/copy.db"]);
    assert!(said.code == Some(1) && said.err.contains("make the folder first"), "{}", said.err);
    std::fs::copy(gateway.folder.path().join("config.toml"), elsewhere.path().join("config.toml")).unwrap();
    let said = run_in(elsewhere.path(), &["members", "show", &id]);
    assert!(said.code == Some(0) && said.out.contains("Lin"), "{}{}", said.out, said.err);
}

#[tokio::test]
async fn explain_says_what_one_member_gets() {
    let gateway = team().await;
    gateway.signed_in("Lin").await;
    let id = only_member(&gateway);
    let explain = |path: &str, who: &str| {
        run(&gateway, &["explain", &gateway.url(path), "--member", who])
            .out
            .lines()
            .last()
            .unwrap()
            .to_owned()
    };
    assert_eq!(explain("/team", &id), "verdict   403, with a page to ask for access");
    assert!(explain("/", &id).ends_with(" with identity headers"));
    run(&gateway, &["members", "approve", &id]);
    assert!(explain("/team", &id).starts_with("verdict   goes to http://"));
    assert_eq!(explain("/office", &id), "verdict   403: in none of the groups office");
    assert_eq!(run(&gateway, &["explain", &gateway.url("/"), "--member", "x"]).code, Some(1));
    let said = run(&gateway, &["explain", &gateway.url("/office")]);
    for line in ["blocked   403: an administrator shut them out", "members in none of them get 403"] {
        assert!(said.out.lines().any(|found| found == line), "{line}: {}", said.out);
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_explained() {
    let gateway = team().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(gateway.folder.path().join("config.toml"), folder.path().join("config.toml")).unwrap();
    for arguments in
        [&["members", "list"][..], &["invite"], &["setup-link"], &["audit"], &["sessions", "list"]]
    {
        let said = run_in(folder.path(), arguments);
        assert!(said.code == Some(1) && said.err.contains("start the gateway once"), "{}", said.err);
    }
    assert_eq!(run_in(folder.path(), &["check"]).code, Some(0), "the first start makes it");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is made");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::copy(gateway.folder.path().join("data/store.id"), folder.path().join("data/store.id")).unwrap();
    for arguments in [&["check"][..], &["members", "list"]] {
        let said = run_in(folder.path(), arguments);
        assert!(said.code == Some(78) && said.err.contains("is not there"), "{}", said.err);
    }
    std::fs::write(folder.path().join("config.toml"), "nonsense").unwrap();
    assert_eq!(run_in(folder.path(), &["members", "list"]).code, Some(78));
}

#[tokio::test]
async fn readiness_is_about_the_store_too() {
    let gateway = team().await;
    assert_eq!(gateway.admin("/readyz").await, (200, "ok\n".to_owned()));
    let (here, away) =
        (gateway.folder.path().join("data/wxgate.db"), gateway.folder.path().join("data/away.db"));
    std::fs::rename(&here, &away).unwrap();
    eventually("not ready", async || {
        let (status, why) = gateway.admin("/readyz").await;
        status == 503 && why.starts_with("the store does not answer")
    })
    .await;
    assert_eq!(gateway.admin("/livez").await.0, 200);
    std::fs::rename(&away, &here).unwrap();
    eventually("ready again", async || gateway.admin("/readyz").await.0 == 200).await;
}

#[tokio::test]
async fn a_reload_is_written_down_and_keeps_the_store() {
    let gateway = team().await;
    gateway.reload();
    gateway.edit_config(|text| format!("{text}\n[store]\nurl = \"sqlite:other.db\"\n"));
    gateway.reload();
    gateway.log_line(&["WARN", "[store] or data_dir", "until a restart"]);
    gateway.edit_config(|text| format!("{text}\nnonsense"));
    gateway.reload();
    assert!(!gateway.folder.path().join("data/other.db").exists());
    gateway.edit_config(|text| text.replace("other.db", "wxgate.db").replace("\nnonsense", ""));
    eventually("three reloads in the trail", async || {
        let trail = json(&gateway, &["audit", "--kind", "configuration-reloaded", "--json"]);
        let details: Vec<&str> =
            trail.as_array().unwrap().iter().map(|line| line["detail"].as_str().unwrap()).collect();
        details == ["not usable; the old one stays", "in force", "in force"]
    })
    .await;
}

/// A gateway whose `/team` is for members, and `/office` for some of them.
async fn team() -> TestGateway {
    let tables = "[[routes]]\npath = \"/team\"\naccess = \"members\"\n\
                  [[routes]]\npath = \"/office\"\ngroups = [\"office\"]\n";
    TestGateway::with(Setup { tables: tables.to_owned(), ..Setup::default() }).await
}

/// Waits until a page answers so, which must be soon.
async fn becomes(gateway: &TestGateway, browser: &mut Browser, path: &str, status: u16) {
    let begun = clock::instant();
    eventually("the change", async || browser.open(&gateway.url(path)).await.status == status).await;
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
}

/// The id of the only member there is.
fn only_member(gateway: &TestGateway) -> String {
    let list = json(gateway, &["members", "list", "--json"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    list[0]["id"].as_str().unwrap().to_owned()
}

fn by(actor: Actor) -> Act {
    Act { actor, client: None, request_id: None, now: clock::now() }
}

/// The directory in a gateway's folder, beside the running process.
async fn directory(folder: &Path) -> std::sync::Arc<Directory> {
    let settings = StoreSettings {
        url: StoreUrl::Sqlite("wxgate.db".into()),
        ca_file: None,
        data_dir: folder.join("data"),
    };
    let here = tokio::runtime::Handle::current();
    Directory::new(store::open(&settings, Opening::Existing, here.clone()).await.unwrap(), here)
}

/// What a command said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

#[tokio::test]
async fn everybody_is_blocked_who_was_named_though_nobody_reads_the_output() {
    let gateway = team().await;
    let (lin, wang) =
        (gateway.member("Lin").await.1.to_string(), gateway.member("王芳 Wang").await.1.to_string());
    let names = [lin.as_str(), &wang];
    for form in [&["--json"][..], &[]] {
        let mut command = command(gateway.folder.path());
        command.args(["members", "block"]).args(names).args(form);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).status().unwrap();
        drop(command);
        for name in names {
            assert!(run(&gateway, &["members", "show", name]).out.contains("blocked"), "{form:?} {name}");
        }
        assert_eq!(run(&gateway, &["members", "unblock", &lin, &wang]).code, Some(0));
    }
}

fn run(gateway: &TestGateway, arguments: &[&str]) -> Said {
    run_in(gateway.folder.path(), arguments)
}

fn run_in(folder: &Path, arguments: &[&str]) -> Said {
    let output = command(folder).args(arguments).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(!err.contains("panicked"), "{err}");
    Said { code: output.status.code(), out, err }
}

fn json(gateway: &TestGateway, arguments: &[&str]) -> Value {
    let said = run(gateway, arguments);
    assert_eq!(said.code, Some(0), "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}
