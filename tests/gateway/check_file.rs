//! `wxgate check` alone: the operator's templates as visitors would see them, its language, an account that does nothing.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Setup, TestGateway, command};

const FILE: &str = r#"public_url = "https://app.example.com"
upstream = "http://127.0.0.1:3000"
[wechat.website]
app_id = "wx0123456789abcdef"
app_secret = "s"
"#;

/// The table that names the folder of templates, which is beside the file.
fn own_pages(folder: &Path) -> String {
    format!("[pages]\ntemplates_dir = {:?}\n", folder.join("pages"))
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder.join("pages")).unwrap();
    std::fs::write(folder.join("pages").join(name), text).unwrap();
}

/// Exit code, standard output and standard error of `wxgate check`.
fn check(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output =
        command(folder).arg("check").args(arguments).envs(environment.iter().copied()).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), out, err)
}

/// The same for a file of its own.
fn check_file(text: &str, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    check(folder.path(), arguments, environment)
}

#[tokio::test]
async fn a_template_that_fails_keeps_no_command_from_its_work() {
    let gateway = TestGateway::with(Setup { tables: "[access]\n".to_owned(), ..Setup::default() }).await;
    let folder = gateway.folder.path();
    write(folder, "notice.html", "{{ no_such_value }}");
    let file = folder.join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n{}", own_pages(folder))).unwrap();
    assert_eq!(check(folder, &[], &[]).0, Some(78));
    for arguments in [&["members", "list"][..], &["sessions", "list"], &["setup-link"], &["audit"]] {
        let output = command(folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_template_that_fails_on_a_page_is_found_before_a_visitor_finds_it() {
    for (name, text, what) in [
        ("notice.html", "<p>\n{{ no_such_value }}", "notice.html:2: undefined value, in {{ no_such_value }}"),
        (
            "notice.html",
            "{{ t(\"no.such.words\") }}",
            "notice.html:1: undefined value: no sentence for the words no.such.words",
        ),
        ("notice.html", "{{ t(title)|shout }}", "notice.html:1: unknown filter: filter shout is unknown"),
        ("notice.html", "\n{% include \"no_such.html\" %}", "notice.html:2: template not found"),
        ("call.html", "{{ left + \"s\" }}", "call.html:1: "),
        // only who comes by a link has an address to copy
        ("call.html", "{% if page_url %}{{ page_url.x.y }}{% endif %}", "(page phone-link, zh)"),
        // only an answer to a form, and a fixed language, has no links
        ("layout.html", "<p>{{ links.chinese }}</p>", "layout.html:1: "),
        // only a stranger with a portrait
        (
            "face.html",
            "{% if picture %}\n{{ portrait }}\n{% endif %}",
            "face.html:2: undefined value, in {{ portrait }} (page access-ask, zh)",
        ),
        // only where a form was filled in
        (
            "once_more.html",
            "{% for field in fields %}{{ field.label }}{% endfor %}",
            "(page once-more-stale, zh)",
        ),
        // only for those who read English
        ("stopped.html", "{% if lang == \"en\" %}{{ x }}{% endif %}", "(page access-closed, en)"),
        ("who.html", "{% set picture = {} %}{% include \"face.html\" %}{{ name.x.y }}", "who.html:1: "),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), format!("{FILE}{}", own_pages(folder.path())))
            .unwrap();
        write(folder.path(), name, text);
        let (code, out, err) = check(folder.path(), &[], &[]);
        assert_eq!((code, out.as_str()), (Some(78), ""), "{text}: {err}");
        let place = "--> config.toml:7:17\n";
        assert!(err.contains(what) && err.contains(place), "{what} in\n{err}");
        assert!(err.ends_with("1 error in config.toml\n"), "each place is told once: {err}");
    }
}

#[test]
fn a_template_that_never_ends_is_a_mistake_like_others() {
    let row = "{% for row in range(100000) %}{% for cell in range(100000) %}";
    let text = format!("<p>\n{row}.{{% endfor %}}{{% endfor %}}");
    for (name, page) in [("notice.html", "(page "), ("layout.html", "(page "), ("actions.html", "(page ")] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), format!("{FILE}{}", own_pages(folder.path())))
            .unwrap();
        write(folder.path(), name, &text);
        let (code, _, err) = check(folder.path(), &[], &[]);
        let what = format!("{name}:2: it takes more than 500000 steps: does a loop end?, in {row}");
        assert!(err.contains(&what) && err.contains(page), "{name}: {what} in\n{err}");
        assert!(code == Some(78) && err.ends_with("1 error in config.toml\n"), "{err}");
    }
}

#[test]
fn templates_that_can_be_drawn_are_well() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), format!("{FILE}{}", own_pages(folder.path()))).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
    let mut count = 0;
    for inside in ["layout.html", "templates", "templates/people", "templates/phone"] {
        let path = sources.join(inside);
        let files: Vec<_> = match path.is_dir() {
            true => std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect(),
            false => vec![path],
        };
        for file in files.iter().filter(|file| file.is_file() && !file.ends_with("brief.html")) {
            write(
                folder.path(),
                file.file_name().unwrap().to_str().unwrap(),
                &std::fs::read_to_string(file).unwrap(),
            );
            count += 1;
        }
    }
    assert!(count > 15, "{count} templates were found");
    assert_eq!(check(folder.path(), &[], &[]).0, Some(0), "{:?}", check(folder.path(), &[], &[]));
    // A language that nobody is shown is not looked at.
    write(folder.path(), "stopped.html", "{% if lang == \"en\" %}{{ x }}{% endif %}");
    std::fs::write(
        folder.path().join("config.toml"),
        format!("{FILE}{}language = \"zh\"\n", own_pages(folder.path())),
    )
    .unwrap();
    assert_eq!(check(folder.path(), &[], &[]).0, Some(0), "{:?}", check(folder.path(), &[], &[]));
}

#[tokio::test]
async fn a_reload_with_a_template_that_fails_keeps_the_former_ones_and_a_start_is_refused() {
    let mut gateway = TestGateway::with(Setup::default()).await;
    let folder = gateway.folder.path().to_owned();
    write(&folder, "notice.html", "<p>former {{ request_id }}</p>");
    gateway.edit_config(|text| format!("{text}{}", own_pages(&folder)));
    assert!(gateway.reload().contains("in force"));
    write(&folder, "notice.html", "<p>latter {{ no_such_value }}</p>");
    assert!(gateway.reload().contains("is not usable"));
    let page = gateway.get("/_wxgate/nothing", "Accept: text/html\r\n").await.text();
    assert!(page.contains("<p>former "), "{page}");
    gateway.signal("TERM");
    gateway.exit_code().await;
    let run = command(&folder).arg("run").output().unwrap();
    let err = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.code() == Some(78) && err.contains("notice.html:1: undefined value"), "{err}");
}

#[test]
fn what_is_wrong_is_told_to_programs_as_one_object() {
    let told = |text: &str, environment: &[(&str, &str)]| {
        let (code, out, _) = check_file(text, &["--json"], environment);
        let told: Value = serde_json::from_str(&out).unwrap();
        (code, told)
    };
    let well = json!({ "ok": true, "errors": [], "warnings": [] });
    assert_eq!(told(FILE, &[]), (Some(0), well));
    let secret = FILE.replace("app_secret = \"s\"", "\"名\" = 1\napp_secret = [\"never-to-be-seen\"]");
    let (code, all) = told(&secret, &[("WXGATE_LOG__LEVEL", "loud")]);
    assert_eq!((code, &all["ok"]), (Some(78), &json!(false)));
    let errors: Vec<_> = all["errors"].as_array().unwrap().iter().collect();
    let places: Vec<_> = errors.iter().map(|error| (&error["line"], &error["column"])).collect();
    assert_eq!(places, [(&json!(5), &json!(1)), (&json!(6), &json!(14)), (&Value::Null, &Value::Null)]);
    assert_eq!((&errors[0]["file"], &errors[2]["file"]), (&json!("config.toml"), &Value::Null));
    assert_eq!(errors[2]["variable"], "WXGATE_LOG__LEVEL");
    assert!(errors.iter().all(|error| error["message"].is_string()), "{all}");
    assert!(!all.to_string().contains("never-to-be-seen"), "{all}");
    let account = "[wechat.official_account]\napp_id = \"wx1\"\napp_secret = \"s\"\noauth = false\n";
    let (code, all) = told(&format!("{FILE}{account}"), &[]);
    let warning = &all["warnings"][0];
    assert_eq!((code, &all["ok"], &warning["line"]), (Some(0), &json!(true), &json!(9)));
    assert!(warning["help"].as_str().unwrap().contains("chat_login = true"), "{all}");
    // A database that is none is wrong in no line.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), FILE).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/wxgate.db"), "x".repeat(4096)).unwrap();
    let (code, out, err) = check(folder.path(), &["--json"], &[]);
    let all: Value = serde_json::from_str(&out).unwrap();
    assert_ne!(code, Some(0), "{err}");
    assert!(
        all["ok"] == json!(false) && err.contains(all["errors"][0]["message"].as_str().unwrap()),
        "{all}"
    );
}

#[test]
fn the_sum_is_told_in_the_language_that_is_asked_for() {
    let english = "ok: 1 route on app.example.com\n";
    let chinese = "ok：app.example.com 上有 1 条路由\n";
    for (arguments, environment, out) in [
        (&["--lang", "zh"][..], &[][..], chinese),
        (&["--lang", "en"], &[("LANG", "zh_CN.UTF-8")], english),
        (&[], &[("LANG", "zh_CN.UTF-8")], chinese),
        (&[], &[], english),
    ] {
        assert_eq!(check_file(FILE, arguments, environment), (Some(0), out.to_owned(), String::new()));
    }
    let (code, _, err) = check_file(&FILE.replace("app_id", "appid"), &["--lang", "zh"], &[]);
    assert!(
        code == Some(78) && err.contains("did you mean `app_id`?"),
        "mistakes are told in English: {err}"
    );
}

#[test]
fn the_address_for_messages_is_told_in_chinese_too() {
    let keys = "[wechat.official_account]\napp_id = \"wx1\"\napp_secret = \"s\"\noriginal_id = \"gh_1\"\n\
        token = \"abc\"\nencoding_aes_key = \"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\"\n";
    let (code, out, err) = check_file(&format!("{FILE}{keys}"), &["--lang", "zh"], &[]);
    let line =
        "消息推送：微信公众平台「服务器配置」中的 URL 是 https://app.example.com/_wxgate/wechat/message\n";
    assert!(code == Some(0) && out.ends_with(line), "{out}{err}");
}

#[test]
fn an_account_that_is_used_for_nothing_is_a_warning_that_says_what_to_do() {
    let beside = |lines: &str| {
        let account = "[wechat.official_account]\napp_id = \"wx1\"\napp_secret = \"s\"\n";
        check_file(&format!("{FILE}{account}{lines}"), &[], &[])
    };
    let inbox = "original_id = \"gh_1\"\ntoken = \"abc\"\nencoding_aes_key = \"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\"\n";
    for lines in ["oauth = false\n".to_owned(), format!("oauth = false\n{inbox}")] {
        let (code, _, err) = beside(&lines);
        assert_eq!(code, Some(0), "{err}");
        assert!(err.contains("warning: the Official Account is used for nothing"), "{err}");
        assert!(err.contains("--> config.toml:9:9\n") && err.contains("set chat_login = true"), "{err}");
    }
    for lines in [
        "".to_owned(),
        "oauth = false\nverify_files = [\"MP_verify_0123456789abCDEF.txt\"]\n".to_owned(),
        format!("oauth = false\nmessage_backend = \"http://127.0.0.1:3000/\"\n{inbox}"),
        format!("oauth = false\nend_sessions_on_unfollow = true\n{inbox}"),
        format!("oauth = false\nchat_login = true\n{inbox}"),
    ] {
        let (code, _, err) = beside(&lines);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{lines}");
    }
}
