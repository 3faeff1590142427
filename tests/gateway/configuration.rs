//! The real binary reads its configuration, says everything that is wrong with it, and never prints a secret.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use crate::support::{Setup, TestGateway, command};

/// The smallest working file of the documentation.
const FIVE_LINES: &str = r#"public_url = "https://app.example.com"
upstream   = "http://127.0.0.1:3000"
[wechat.website]
app_id     = "wx0123456789abcdef"
app_secret = "${WECHAT_APP_SECRET}"
"#;

const CANARY: &str = "canary-7d1f-never-to-be-printed";

#[test]
fn five_lines_are_a_configuration() {
    let said = Said::by("check", FIVE_LINES, &[("WECHAT_APP_SECRET", "secret")]);
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (Some(0), "ok: 1 route on app.example.com\n", "")
    );
}

#[tokio::test]
async fn five_lines_run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), FIVE_LINES).unwrap();
    let mut gateway = command(folder.path());
    gateway.env("WECHAT_APP_SECRET", CANARY).env("WXGATE_SERVER__LISTEN", "127.0.0.1:0");
    let mut gateway = gateway.env("WXGATE_ADMIN__LISTEN", "127.0.0.1:0").spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(gateway.stdout.take().unwrap()));
    let seen: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.contains("trusts nobody")).collect();
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    let seen = seen.join("\n");
    for words in
        ["listening", "https://app.example.com", "http://127.0.0.1:3000", "wx0123456789abcdef", "members"]
    {
        assert!(seen.contains(words), "{words} is not in {seen}");
    }
    assert!(!seen.contains(CANARY));
}

#[test]
fn five_mistakes_are_five_carets_in_one_report() {
    let text = "\
public_url = \"https://app.example.com/shop\"
upstrem = \"http://127.0.0.1:3000\"
upstream = \"127.0.0.1:3000\"
[wechat.website]
app_id = \"wx0123456789abcdef\"
app_secret = \"s\"
[server]
trusted_proxies = [\"10.0.0.1\", \"my-proxy\"]
shutdown_timeout = 30
";
    for subcommand in ["check", "run"] {
        let said = Said::by(subcommand, text, &[]);
        assert_eq!(said.code, Some(78));
        for place in ["1:14", "2:1", "3:12", "8:32", "9:20"] {
            assert!(said.err.contains(&format!("--> config.toml:{place}\n")), "{place} in\n{}", said.err);
        }
        let carets = said.err.lines().filter(|line| line.contains("| ") && line.contains('^')).count();
        assert_eq!(carets, 5, "{}", said.err);
        assert!(
            said.err.contains("write \"https://app.example.com\"")
                && said.err.contains("did you mean `upstream`")
        );
        assert!(said.err.ends_with("5 errors in config.toml\n"), "{}", said.err);
    }
}

#[test]
fn impossible_values_are_refused_where_they_stand() {
    let five = FIVE_LINES.replace("${WECHAT_APP_SECRET}", "secret");
    let mut cases: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, text: String| cases.push((what.to_owned(), text));
    for value in [
        "127.0.0.1:3000",
        "ftp://a",
        "http://",
        "http://a/path",
        "http://a?x=1",
        "http://a#x",
        "http://u:p@a",
        "http://a:99999",
        "http://a:0",
        "http://a b",
        "http://[::1",
        "unix:/run/x",
        "",
        "http://a,b",
    ] {
        add(&format!("upstream {value}"), five.replace("http://127.0.0.1:3000", value));
    }
    for value in [
        "app.example.com",
        "https://",
        "https://a.test/x",
        "https://a.test?x",
        "https://a.test#x",
        "https://u@a.test",
        "https://a.test:0",
        "https://a.test:99999",
        "https://*.a.test",
        "https://ä.test",
        "wss://a.test",
        "https://a..test",
        "http://a.test",
        "http://192.168.0.1",
        "http://localhost.evil.test",
        " https://a.test",
    ] {
        add(&format!("public_url {value}"), five.replace("https://app.example.com", value));
    }
    for line in [
        "[server]\ntrusted_proxies = [\"my-proxy\"]",
        "[server]\ntrusted_proxies = [\"10.0.0.0/33\"]",
        "[server]\ntrusted_proxies = [\"10.0.0.1:80\"]",
        "[server]\ntrusted_proxies = [\"\"]",
        "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]",
        "[server]\ntrusted_proxies = [\"10.0.0.1\", \"::/0\"]",
        "[server]\ntrusted_proxies = [\"10.0.0.1/0\"]",
        "[server]\ntrusted_proxies = 5",
        "[server]\nlisten = \"nonsense\"",
        "[server]\nlisten = \"127.0.0.1:99999\"",
        "[server]\nmax_connections = 0",
        "[server]\nmax_connections = \"many\"",
        "[server]\nmax_body_size = \"10 apples\"",
        "[server]\nshutdown_timeout = \"soon\"",
        "[server]\nshutdown_timeout = \"-1s\"",
        "[server]\nheader_timeout = \"0s\"",
        "[server]\ninsecure_http = \"perhaps\"",
        "[server.tls]\ncert = \"cert.pem\"",
        "[admin]\nlisten = 8481",
        "[session]\nlifetime = \"7\"",
        "[session]\nlifetime = \"1s\"",
        "[session]\nlifetime = \"9999d\"",
        "[session]\nlifetime = \"1h\"\nidle_timeout = \"2h\"",
        "[session]\ncookie_domain = \"com\"",
        "[session]\ncookie_domain = \"192.168.0.1\"",
        "[session]\ncookie_domain = \"other.test\"",
        "[session]\ncookie_domain = \"ample.com\"",
        "[session]\nsecret = \"short\"",
        "[session]\nsecret = \"\"",
        "[session]\nold_secrets = [\"0123456789012345678901234567890123456789\"]",
        "[access]\ndefault = \"everybody\"",
        "[[routes]]\npath = \"admin\"",
        "[[routes]]\npath = \"/admin?x\"",
        "[[routes]]\npath = \"/a%2fb\"",
        "[[routes]]\npath = \"/admin/*\"",
        "[[routes]]\npath = \"/_wxgate/login\"",
        "[[routes]]\npath = \"/%5Fwxgate\"",
        "[[routes]]\nmethods = [\"get\"]",
        "[[routes]]\nmethods = [\"G T\"]",
        "[[routes]]\nhost = \"https://b.test\"",
        "[[routes]]\nhost = \"b.test:8080\"",
        "[[routes]]\naccess = \"nobody\"",
        "[[routes]]\nupstream = \"nowhere\"",
        "[[routes]]\npath = \"/a\"\n[[routes]]\npath = \"/a\"",
        "[[routes]]\npath = \"/a\"\n[[routes]]\npath = \"/a/\"\nmethods = [\"GET\"]",
        "[[routes]]\nheaders = \"nginx\"",
        "[headers]\npreset = \"apache\"",
        "[headers.names]\nuser = \"Remote User\"",
        "[headers.names]\nuser = \"Cookie\"",
        "[headers.names]\nuser = \"X-Same\"\nname = \"x_same\"",
        "[headers.encodings]\nname = \"rot13\"",
        "[pages]\nlanguage = \"fr\"",
        "[pages]\nprivacy_url = \"javascript:alert(1)\"",
        "[log]\nlevel = \"loud\"",
        "[log]\nformat = \"xml\"",
        "[wechat]\ntimeout = \"0s\"",
        "[wechat]\napi_base = \"api.weixin.qq.com\"",
        "[wechat]\nopen_base = \"https://open.weixin.qq.com?x\"",
        "[wechat.website]\n",
        "[wechat.website.more]\nx = 1",
        "[wechat.official_account]\napp_id = \"wx 1\"\napp_secret = \"s\"",
        "[wechat.official_account]\napp_id = \"wx1\"",
        "[wechat.official_account]\napp_id = \"wx1\"\napp_secret = \"\"",
        "[wechat.official_account]\napp_id = \"wx1\"\napp_secret_file = \"not-there\"",
        "[store]\nurl = 5",
        "nonsense",
        "public_url = ",
    ] {
        add(line, format!("{five}{line}\n"));
    }
    for (what, text) in cases {
        let said = Said::by("check", &text, &[]);
        assert_eq!(said.code, Some(78), "{what}: {}{}", said.out, said.err);
        assert!(said.err.contains("--> config.toml:") && said.err.contains('^'), "{what}: {}", said.err);
        assert!(said.err.contains(" in config.toml\n") && said.out.is_empty(), "{what}: {}", said.err);
    }
}

#[test]
fn a_file_that_is_none_is_explained() {
    for (bytes, says) in [
        (&b""[..], "missing key `public_url`"),
        (b"\xff\xfeh\x00i\x00", "is not UTF-8"),
        (b"\xef\xbb\xbf", "missing key `public_url`"),
        (b"[", "config.toml:1:"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), bytes).unwrap();
        let said = Said::of(command(folder.path()).arg("check").output().unwrap());
        assert_eq!(said.code, Some(78));
        assert!(said.err.contains(says), "{says}: {}", said.err);
    }
    let folder = tempfile::tempdir().unwrap();
    let said = Said::of(command(folder.path()).arg("check").output().unwrap());
    assert!(
        said.code == Some(78) && said.err.contains("config.toml and /etc/wxgate/config.toml"),
        "{}",
        said.err
    );
    let said = Said::of(command(folder.path()).args(["check", "--config", "other.toml"]).output().unwrap());
    assert!(
        said.code == Some(78) && said.err.contains("other.toml, given by --config, does not exist"),
        "{}",
        said.err
    );
    let said = Said::of(command(folder.path()).env("WXGATE_CONFIG", "by-env.toml").output().unwrap());
    assert!(
        said.code == Some(78) && said.err.contains("by-env.toml, given by WXGATE_CONFIG"),
        "{}",
        said.err
    );
    let said = Said::of(command(folder.path()).args(["--config", ".", "check"]).output().unwrap());
    assert!(said.code == Some(78) && said.err.contains("is a directory"), "{}", said.err);
}

#[test]
fn a_secret_comes_from_the_file_the_environment_or_a_file_of_its_own() {
    let without = FIVE_LINES.replace("app_secret = \"${WECHAT_APP_SECRET}\"\n", "");
    let by_variable = ("WXGATE_WECHAT__WEBSITE__APP_SECRET", CANARY);
    assert_eq!(Said::by("check", &without, &[by_variable]).code, Some(0));
    assert_eq!(Said::by("check", FIVE_LINES, &[("WECHAT_APP_SECRET", CANARY)]).code, Some(0));
    assert_eq!(Said::by("check", &format!("{without}app_secret = \"{CANARY}\"\n"), &[]).code, Some(0));

    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, format!("{without}app_secret_file = \"secret\"\n")).unwrap();
    std::fs::write(&secret, format!("{CANARY}\n")).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let said = Said::of(command(elsewhere.path()).args(["check", "--config"]).arg(&config).output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "relative to the configuration");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = Said::of(command(folder.path()).arg("check").output().unwrap());
    assert!(said.code == Some(0) && said.err.contains("chmod 600"), "{}", said.err);
    for (content, mode) in [("", 0o600), ("  \n", 0o600), (CANARY, 0o000)] {
        let _ = std::fs::remove_file(&secret);
        std::fs::write(&secret, content).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        if mode == 0 && std::fs::read(&secret).is_ok() {
            continue; // root reads everything
        }
        let said = Said::of(command(folder.path()).arg("check").output().unwrap());
        assert_eq!(said.code, Some(78), "{}", said.err);
    }
}

#[test]
fn one_key_has_one_source() {
    let secret = ("WECHAT_APP_SECRET", "s");
    for (more, variables, says) in [
        (
            "",
            &[secret, ("WXGATE_UPSTREAM", "http://b")][..],
            "given twice: in config.toml:2 and in WXGATE_UPSTREAM",
        ),
        ("", &[secret, ("WXGATE_WECHAT__WEBSITE__APP_SECRET", CANARY)], "given twice: in config.toml:5"),
        ("", &[secret, ("WXGATE_WECHAT__WEBSITE__APP_SECRET_FILE", "x")], "are both given"),
        ("app_secret_file = \"x\"\n", &[secret], "are both given"),
        ("app_secret = \"again\"\n", &[secret], "config.toml:6"),
        ("", &[secret, ("WXGATE_WECHAT__WEBSITE__APP_SECRT", CANARY)], "WXGATE_WECHAT__WEBSITE__APP_SECRT"),
        ("", &[secret, ("WXGATE_SERVER__MAX_CONNECTIONS", "none")], "WXGATE_SERVER__MAX_CONNECTIONS"),
        ("", &[secret, ("WXGATE_SERVER__TRUSTED_PROXIES", "10.0.0.1,0.0.0.0/0")], "every address trusted"),
        ("", &[], "environment variable WECHAT_APP_SECRET is not set"),
        ("", &[("WECHAT_APP_SECRET", "")], "app_secret"),
    ] {
        let said = Said::by("check", &format!("{FIVE_LINES}{more}"), variables);
        assert_eq!(said.code, Some(78), "{says}: {}", said.err);
        assert!(said.err.contains(says), "{says}: {}", said.err);
        assert!(!said.err.contains(CANARY), "{}", said.err);
    }
}

#[test]
fn no_mistake_makes_a_secret_appear() {
    let five = FIVE_LINES.replace("${WECHAT_APP_SECRET}", CANARY);
    let line = format!("app_secret = \"{CANARY}\"");
    let sound = FIVE_LINES.replace("${WECHAT_APP_SECRET}", "s");
    let store = |address: &str| format!("{sound}[store]\nurl = \"postgres://{address}\"\n");
    for (what, text) in [
        ("a misspelt key", five.replace("app_secret", "app_secert")),
        ("another misspelt key", five.replace("app_secret", "appsecret")),
        ("the wrong table", five.replace("[wechat.website]", "[wechat]")),
        ("a misspelt table", five.replace("[wechat.website]", "[wechat.webiste]")),
        ("a list", five.replace(&format!("\"{CANARY}\""), &format!("[\"{CANARY}\"]"))),
        ("a table", five.replace(&format!("\"{CANARY}\""), &format!("{{ value = \"{CANARY}\" }}"))),
        ("an open quote", five.replace(&format!("\"{CANARY}\""), &format!("\"{CANARY}"))),
        ("no quotes", five.replace(&format!("\"{CANARY}\""), CANARY)),
        ("two values", five.replace(&format!("\"{CANARY}\""), &format!("\"x\" \"{CANARY}\""))),
        ("given twice", format!("{five}app_secret = \"{CANARY}\"\n")),
        ("a neighbour's mistake", format!("{five}{line} nonsense\n")),
        ("a bad neighbour", five.replace("wx0123456789abcdef", "wx 1")),
        ("a variable inside", five.replace(CANARY, &format!("{CANARY}${{NOT_SET}}"))),
        ("a bad variable", five.replace(CANARY, &format!("${{{CANARY}"))),
        ("a bad escape", five.replace(CANARY, &format!("\\q{CANARY}"))),
        (
            "an inline table",
            format!(
                "public_url = \"x\"\nwechat = {{ website = {{ app_id = 1, app_secret = \"{CANARY}\" }} }}\n"
            ),
        ),
        ("a dotted key", format!("wechat.website.app_secret = \"{CANARY}\"\nwechat.website.app_id = 1\n")),
        ("a short session secret", format!("{five}[session]\nsecret = \"canary-7d1f\"\n")),
        (
            "an old secret",
            format!("{five}[session]\nold_secrets = [\"{CANARY}-0123456789\", \"canary-7d1f\"]\n"),
        ),
        ("a secret beside its file", format!("{five}app_secret_file = \"x\"\n")),
        (
            "a multi-line text",
            five.replace(&format!("\"{CANARY}\""), &format!("\"\"\"\n{CANARY}\n\"\"\"\nx")),
        ),
        ("a password in the upstream", five.replace("//127", &format!("//me:{CANARY}@127"))),
        ("a password in public_url", five.replace("//app", &format!("//me:{CANARY}@app"))),
        ("an @ in the store's password", store(&format!("gate:p@{CANARY}@127.0.0.1:1/wx"))),
        ("an @ and a / in it", store(&format!("gate:p{CANARY}@RET/x@db.invalid/wx"))),
        ("a : behind the store's user as %3A", store(&format!("g%3A{CANARY}@127.0.0.1:1"))),
    ] {
        for subcommand in [&["check"][..], &["run"], &["backup", "copy", "--json"]] {
            let said = Said::by_all(subcommand, &text, &[]);
            assert_eq!(said.code, Some(78), "{what}: {}", said.err);
            assert!(!said.all().contains("canary-7d1f"), "{what}: {}", said.all());
        }
    }
}

#[tokio::test]
async fn a_reload_shows_no_secret_either() {
    let gateway = TestGateway::start().await;
    gateway
        .edit_config(|text| text.replace("app_secret = \"website-app", &format!("app_secert = \"{CANARY}")));
    assert!(gateway.reload().contains("app_secert"));
    gateway.edit_config(|text| text.replace("app_secert = ", "app_secret = "));
    gateway.reload();
    assert!(!gateway.log().contains(CANARY), "{}", gateway.log());
}

#[test]
fn plain_http_is_for_this_computer_unless_it_is_asked_for() {
    let five = |url: &str, more: &str| {
        let text = FIVE_LINES.replace("https://app.example.com", url).replace("${WECHAT_APP_SECRET}", "s");
        Said::by("check", &format!("{text}{more}"), &[])
    };
    for url in [
        "http://localhost",
        "http://localhost:8480",
        "http://app.localhost",
        "http://127.0.0.1:8480",
        "http://[::1]",
    ] {
        let said = five(url, "");
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{url}");
    }
    for (url, more) in [
        ("http://app.example.com", ""),
        ("http://192.168.1.5:8480", ""),
        ("http://10.0.0.1", ""),
        ("http://localhost.example.com", ""),
        ("http://0.0.0.0", ""),
        ("http://localhost", "[[routes]]\nhost = \"wiki.example.com\"\n"),
        ("http://app.localhost", "[[routes]]\nhost = \"192.168.1.5\"\n"),
    ] {
        let said = five(url, more);
        assert_eq!(said.code, Some(78), "{url} {more}");
        assert!(said.err.contains("plain http") && said.err.contains("insecure_http"), "{}", said.err);
        let said = five(url, &format!("{more}[server]\ninsecure_http = true\n"));
        assert!(said.code == Some(0) && said.err.contains("warning"), "{url} {more}: {}", said.err);
    }
}

#[test]
fn another_wechat_than_tencents_is_a_warning() {
    let text = FIVE_LINES
        .replace("[wechat.website]", "[wechat]\napi_base = \"https://wechat.evil.test\"\n[wechat.website]");
    let said = Said::by("check", &text, &[("WECHAT_APP_SECRET", "s")]);
    assert!(said.code == Some(0) && said.err.contains("`api_base` is not Tencent's"), "{}", said.err);
    let text = text.replace("https://wechat.evil.test", "https://api.weixin.qq.com");
    assert_eq!(Said::by("check", &text, &[("WECHAT_APP_SECRET", "s")]).err, "");
}

#[test]
fn check_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), FIVE_LINES).unwrap();
    for arguments in [&["check"][..], &["explain", "https://app.example.com/"], &["snippet", "nginx"]] {
        let output = command(folder.path()).env("WECHAT_APP_SECRET", "s").args(arguments).output().unwrap();
        assert!(output.status.success());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no key, no folder");
}

#[test]
fn explain_says_what_would_happen() {
    let text = format!(
        "{FIVE_LINES}[[routes]]\npath = \"/api\"\napi = true\n[[routes]]\npath = \"/open\"\naccess = \"public\"\n\
         [[routes]]\npath = \"/closed\"\naccess = \"deny\"\n[[routes]]\nhost = \"ro.example.com\"\nmethods = [\"GET\"]\n"
    );
    for (arguments, says) in [
        (&["https://app.example.com/x"][..], "anonymous 302 to the login for navigations"),
        (&["https://app.example.com/api/x"], "anonymous 401 JSON"),
        (
            &["https://APP.example.com:443//open/../open/x?y"],
            "GET https://app.example.com/open/x\nroute     app.example.com/open/ (access = \"public\")",
        ),
        (&["https://app.example.com/openx"], "route     app.example.com/ (access"),
        (&["https://app.example.com/closed"], "everybody 403"),
        (&["https://app.example.com/a%2fb"], "400 for everybody: encoded slash in the path"),
        (&["https://app.example.com/_wxgate/login"], "own page _wxgate/login: never forwarded"),
        (&["https://other.example.com/"], "421 for everybody"),
        (&["https://ro.example.com/"], "route     ro.example.com/"),
        (&["--method", "POST", "https://ro.example.com/"], "404 for everybody"),
        (&["/x"], "write a whole address"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), &text).unwrap();
        let mut command = command(folder.path());
        let output = command.env("WECHAT_APP_SECRET", CANARY).arg("explain").args(arguments).output();
        let said = Said::of(output.unwrap());
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.out.contains(says), "{arguments:?}: {}", said.out);
        assert!(!said.all().contains(CANARY));
    }
    assert_eq!(Said::by("explain", FIVE_LINES, &[]).code, Some(2), "no address");
}

#[tokio::test]
async fn healthcheck_asks_the_running_gateway() {
    let gateway = TestGateway::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = |listen: &str| {
        std::fs::write(
            folder.path().join("config.toml"),
            format!("{FIVE_LINES}[admin]\nlisten = \"{listen}\"\n"),
        )
        .unwrap();
        let mut command = command(folder.path());
        Said::of(command.env("WECHAT_APP_SECRET", "s").arg("healthcheck").output().unwrap())
    };
    let said = config(&gateway.admin.to_string());
    assert_eq!((said.code, said.all().as_str()), (Some(0), ""));
    let address = gateway.admin.to_string();
    let port = address.rsplit_once(':').unwrap().1;
    assert_eq!(config(&format!("0.0.0.0:{port}")).code, Some(0), "every address means this one too");
    drop(gateway);
    let said = config(&address);
    assert!(said.code == Some(1) && said.err.contains("does not answer"), "{}", said.err);
    assert_eq!(Said::by("healthcheck", "", &[]).code, Some(78));
}

#[test]
fn small_commands_do_their_small_things() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| Said::of(command(folder.path()).args(arguments).output().unwrap());
    let said = run(&["--version"]);
    assert_eq!((said.code, said.out), (Some(0), format!("wxgate {}\n", env!("CARGO_PKG_VERSION"))));
    let [first, second] = [run(&["keygen"]), run(&["keygen"])];
    assert!(
        first.code == Some(0) && first.out != second.out && first.out.trim().len() == 64,
        "{}",
        first.out
    );
    let text = format!("{FIVE_LINES}[session]\nsecret = \"{}\"\n", first.out.trim());
    assert_eq!(
        Said::by("check", &text, &[("WECHAT_APP_SECRET", "s")]).code,
        Some(0),
        "a key that is accepted"
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = run(&["completions", shell]);
        assert!(said.code == Some(0) && said.out.contains("healthcheck"), "{shell}");
        assert!(said.out.contains("setup-link") && said.out.contains("approve"), "{shell}");
    }
    let said = run(&["man"]);
    assert!(said.code == Some(0) && said.out.contains(".TH") && said.out.contains("healthcheck"));
    assert!(said.out.contains("members") && said.out.contains("setup\\-link"), "{}", said.out);
    for arguments in [&["--help"][..], &["check", "--help"], &["help", "demo"]] {
        assert_eq!(run(arguments).code, Some(0));
    }
    for wrong in [
        &["nonsense"][..],
        &["--nonsense"],
        &["check", "x"],
        &["completions"],
        &["completions", "cmd"],
        &["--config"],
    ] {
        let said = run(wrong);
        assert!(said.code == Some(2) && said.err.contains("--help"), "{wrong:?}: {}", said.err);
    }
}

#[tokio::test]
async fn a_secret_is_never_among_the_processs_arguments() {
    let gateway = TestGateway::with(Setup::default()).await;
    let arguments =
        std::fs::read(Path::new("/proc").join(gateway.child.id().to_string()).join("cmdline")).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains("secret"));
}

/// What a run of the binary said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// Runs a subcommand on this configuration.
    fn by(subcommand: &str, config: &str, environment: &[(&str, &str)]) -> Self {
        Self::by_all(&[subcommand], config, environment)
    }

    /// Runs a subcommand with arguments of its own on this configuration.
    fn by_all(arguments: &[&str], config: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        Self::of(command(folder.path()).args(arguments).envs(environment.iter().copied()).output().unwrap())
    }

    fn of(output: Output) -> Self {
        let [out, err] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(!err.contains("panicked"), "{err}");
        Self { code: output.status.code(), out, err }
    }

    fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}
