//! Whole configurations, good and bad, and the exact words about them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

type Environment<'a> = &'a [(&'a str, &'a str)];

/// Reads a few keys of every kind, as the gateway's own configuration does.
fn read_sample(
    path: PathBuf,
    text: &str,
    environment: Environment<'_>,
) -> Result<(String, Problems), Box<Problems>> {
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(&ConfigFile { path, text: text.to_owned() }, &environment, |top| {
        let url = |text: &str| match text.contains("://") {
            true => Ok(text.to_owned()),
            false => Err(format!("`{text}` needs a scheme: write http://{text}")),
        };
        let public_url = top.required("public_url", "\"https://app.example.com\"", url);
        let upstream = top.optional("upstream", url);
        let mut seen = format!("{public_url:?} {upstream:?}");
        if let Some(mut wechat) = top.table("wechat") {
            if let Some(mut website) = wechat.table("website") {
                let id = website.required("app_id", "\"wx…\"", |text| Ok(text.to_owned()));
                let secret = website.required_secret("app_secret", "\"…\"");
                seen += &format!(" {id:?} {:?}", secret.as_ref().map(|secret| secret.reveal()));
                website.finish();
            }
            wechat.finish();
        }
        if let Some(mut server) = top.table("server") {
            let day = Duration::from_secs(86_400);
            let proxies = server.texts("trusted_proxies", |text| match text.contains('.') {
                true => Ok(text.to_owned()),
                false => Err("write an address such as \"10.0.0.1\"".to_owned()),
            });
            let insecure = server.boolean("insecure_http");
            let workers = server.integer("workers", 1..=64);
            let timeout = server.duration("timeout", Duration::from_secs(1)..=day);
            let size = server.size("max_body_size", 1..=1 << 30);
            seen += &format!(" {proxies:?} {insecure:?} {workers:?} {timeout:?} {size:?}");
            server.finish();
        }
        for mut route in top.tables("routes") {
            seen += &format!(" {:?}", route.optional("host", |text| Ok(text.to_owned())));
            route.finish();
        }
        if let Some(mut session) = top.table("session") {
            let old = session.secrets("old_secrets");
            let old: Option<Vec<_>> =
                old.as_ref().map(|old| old.iter().map(|secret| secret.reveal()).collect());
            let url = session.secret("url");
            seen += &format!(" {old:?} {:?}", url.as_ref().map(|secret| secret.reveal()));
            session.finish();
        }
        public_url.map(|_| seen)
    })
}

fn values(text: &str, environment: Environment<'_>) -> String {
    read_sample("config.toml".into(), text, environment).unwrap().0
}

fn report(text: &str, environment: Environment<'_>) -> String {
    match read_sample("config.toml".into(), text, environment) {
        Ok((_, problems)) => problems.render(false),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn a_good_file_is_read() {
    let text = r#"
public_url = "https://${HOST}/$${x}"
[wechat.website]
app_id = "wx1"
app_secret = "${SECRET}"
[server]
trusted_proxies = ["10.0.0.1"]
insecure_http = true
workers = 4
timeout = "1m 30s"
max_body_size = "10MiB"
[[routes]]
host = "a"
[[routes]]
host = "b"
[session]
old_secrets = ["one", "two"]
"#;
    assert_eq!(
        values(text, &[("HOST", "app"), ("SECRET", "s")]),
        "Some(\"https://app/${x}\") None Some(\"wx1\") Some(\"s\") \
         Some([\"10.0.0.1\"]) Some(true) Some(4) Some(90s) Some(10485760) \
         Some(\"a\") Some(\"b\") Some([\"one\", \"two\"]) None"
    );
}

#[test]
fn the_environment_alone_is_enough() {
    let environment = [
        ("WXGATE_PUBLIC_URL", "https://a"),
        ("WXGATE_WECHAT__WEBSITE__APP_ID", "wx1"),
        ("WXGATE_WECHAT__WEBSITE__APP_SECRET", "${not}expanded"),
        ("WXGATE_SERVER__TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2"),
        ("WXGATE_SERVER__INSECURE_HTTP", "false"),
        ("WXGATE_SERVER__WORKERS", "8"),
        ("WXGATE_SERVER__MAX_BODY_SIZE", "1024"),
    ];
    assert_eq!(
        values("", &environment),
        "Some(\"https://a\") None Some(\"wx1\") Some(\"${not}expanded\") \
         Some([\"10.0.0.1\", \"10.0.0.2\"]) Some(false) Some(8) None Some(1024)"
    );
    assert!(values("public_url = \"x://\"\n[server]\nworkers = \"${N}\"", &[("N", "3")]).contains("Some(3)"));
}

#[test]
fn five_mistakes_in_one_report() {
    let text = "\
public_url = \"app.example.com\"
upstrem = \"http://127.0.0.1:3000\"

[wechat.website]
app_id = 12345
app_secret = \"${WECHAT_APP_SECRET}\"

[server]
timeout = 30
";
    assert_eq!(
        report(text, &[]),
        "\
error: invalid `public_url`
 --> config.toml:1:14
  |
1 | public_url = \"app.example.com\"
  |              ^^^^^^^^^^^^^^^^^ `app.example.com` needs a scheme: write http://app.example.com

error: unknown key `upstrem`
 --> config.toml:2:1
  |
2 | upstrem = \"http://127.0.0.1:3000\"
  | ^^^^^^^
  |
  = help: did you mean `upstream`?

error: `app_id`: expected text, found an integer
 --> config.toml:5:10
  |
5 | app_id = 12345
  |          ^^^^^ write \"12345\"

error: environment variable WECHAT_APP_SECRET is not set
 --> config.toml:6:15
  |
6 | app_secret = \"${WECHAT_APP_SECRET}\"
  |               ^^^^^^^^^^^^^^^^^^^^
  |
  = help: set WECHAT_APP_SECRET, or write the value here

error: invalid `timeout`
 --> config.toml:9:11
  |
9 | timeout = 30
  |           ^^ a duration needs a unit: write \"30s\" for seconds

5 errors in config.toml
"
    );
}

#[test]
fn an_empty_file_is_told_what_to_write() {
    assert_eq!(
        report("", &[]),
        "\
error: missing key `public_url`
 --> config.toml:1:1
  = help: write public_url = \"https://app.example.com\"

1 error in config.toml
"
    );
    let text = "public_url = \"https://a\"\n[wechat.website]\n";
    let report = report(text, &[]);
    assert!(report.contains("2 | [wechat.website]\n  | ^^^^^^^^^^^^^^^^\n"), "{report}");
    assert!(report.contains("help: write app_id = \"wx…\" under [wechat.website]"), "{report}");
    assert!(report.contains("missing key `app_secret`"), "{report}");
}

#[test]
fn unknown_keys_and_variables_are_named() {
    let text = "public_url = \"https://a\"\n[serverr]\nx = 1\n[wechat]\ncolour = 1\n";
    let environment = [
        ("WXGATE_UPSTREM", "CANARY"),
        ("WXGATE_WECHAT__WEBSIT__APP_ID", "x"),
        ("WXGATE_ADMIN_SERVICE_HOST", "10.0.0.1"),
    ];
    let report = report(text, &environment);
    for words in [
        "2 | [serverr]\n  |  ^^^^^^^\n  |\n  = help: did you mean `server`?",
        "= help: the keys here are `website`",
        "error: unknown key `upstrem`\n --> environment variable WXGATE_UPSTREM\n  = help: did you mean WXGATE_UPSTREAM?",
        "error: unknown key `wechat.websit`\n",
        "did you mean WXGATE_WECHAT__WEBSITE__APP_ID?",
        "enableServiceLinks: false",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    assert!(!report.contains("CANARY"));
}

#[test]
fn wrong_types_and_values_say_what_to_write() {
    let cases = [
        (
            "[server]\nworkers = \"4\"",
            "`workers`: expected an integer, found text",
            "write a whole number from 1 to 64",
        ),
        ("[server]\nworkers = 65", "invalid `workers`", "write a whole number from 1 to 64"),
        ("[server]\nworkers = 99999999999999999999", "found an integer out of range", ""),
        ("[server]\ninsecure_http = \"true\"", "expected true or false, found text", "without quotes"),
        ("[server]\ntrusted_proxies = \"10.0.0.1\"", "expected a list, found text", "write [\"10.0.0.1\"]"),
        ("[server]\ntrusted_proxies = [1]", "expected text, found an integer", "write \"1\""),
        ("[server]\ntimeout = \"2d\"", "invalid `timeout`", "write a duration from \"1s\" to \"1d\""),
        ("[server]\ntimeout = \"soon\"", "invalid `timeout`", "write \"30s\", \"5m\", \"12h\" or \"30d\""),
        ("[server]\nmax_body_size = -1", "invalid `max_body_size`", "write a size from \"1B\" to \"1GiB\""),
        ("[server]\nmax_body_size = \"10MB\"", "invalid `max_body_size`", "\"10MiB\""),
        ("server = 1", "`server`: expected a table, found an integer", "write [server]"),
        ("[routes]", "expected a list of tables, found a table", "write [[routes]]"),
        ("upstream = 2020-01-01", "expected text, found a date or time", "write \"2020-01-01\""),
        ("upstream = \"x${\"", "`${` is not followed by a name", "$${ for a plain ${"),
    ];
    for (text, title, wish) in cases {
        let report = report(&format!("public_url = \"https://a\"\n{text}"), &[]);
        assert!(report.contains(title) && report.contains(wish), "{report}");
        assert!(report.ends_with("1 error in config.toml\n"), "{report}");
    }
    let environment = [("WXGATE_PUBLIC_URL", "https://a"), ("WXGATE_SERVER__WORKERS", "many")];
    let report = report("", &environment);
    assert!(
        report.contains("--> environment variable WXGATE_SERVER__WORKERS\n  = help: write a whole number")
    );
}

#[test]
fn each_wrong_element_has_its_caret() {
    let report = report(
        "public_url = \"https://a\"\r\n[server]\r\ntrusted_proxies = [\"x\", \"1.1\", \"yy\"]\r\n",
        &[],
    );
    assert!(report.contains("config.toml:3:20\n") && report.contains("config.toml:3:32\n"), "{report}");
    assert!(!report.contains(['\r', '␍']));
}

#[test]
fn secrets_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(folder.path().join("secret"), "s3cret\r\n").unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    let with = |lines: &str| {
        let text = format!("public_url = \"https://a\"\n[wechat.website]\napp_id = \"wx1\"\n{lines}");
        read_sample(path.clone(), &text, &[])
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path().join("secret"), fs::Permissions::from_mode(0o640)).unwrap();
        let (_, problems) = with("app_secret_file = \"secret\"").unwrap();
        let report = problems.render(false);
        assert!(report.contains("warning: ") && report.contains("can be read by other users"), "{report}");
        assert!(report.contains("1 warning in ") && !report.contains("s3cret"), "{report}");
        fs::set_permissions(folder.path().join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let (seen, problems) = with("app_secret_file = \"secret\"").unwrap();
    assert!(seen.contains("s3cret\"") && problems.is_empty());
    for (lines, words) in [
        ("app_secret_file = \"none\"", "none: No such file"),
        ("app_secret_file = \"empty\"", "empty is empty"),
        ("app_secret = \" \"", "`app_secret` is empty"),
        (
            "app_secret = \"x\"\n\napp_secret_file = \"secret\"",
            "`app_secret` and `app_secret_file` are both given",
        ),
    ] {
        let report = with(lines).unwrap_err().render(false);
        assert!(report.contains(words), "{report}");
    }
}

#[test]
fn both_twins_are_underlined() {
    let text = "public_url = \"https://a\"\n[session]\nurl = \"CANARY\"\nurl_file = \"/x\"\n";
    assert_eq!(
        report(text, &[]),
        "\
error: `url` and `url_file` are both given
 --> config.toml:3:7
  |
3 | url = \"******\"
  |       ^^^^^^^^
4 | url_file = \"/x\"
  |            ---- and here
  |
  = help: remove one of the two

1 error in config.toml
"
    );
}

#[test]
fn a_secret_given_twice_is_masked_twice() {
    let report = report("public_url = \"https://a\"\n[session]\nurl = \"a\"\nurl = \"CANARY\"\n", &[]);
    assert!(
        report.contains("4 | url = ********\n") && report.ends_with("1 error in config.toml\n"),
        "{report}"
    );
}

#[test]
fn what_a_variable_holds_is_not_repeated() {
    let report = report("public_url = \"${SECRET}\"", &[("SECRET", "CANARY")]);
    assert!(report.contains("`${SECRET}` needs a scheme"), "{report}");
    assert!(!report.contains("CANARY"), "{report}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn secrets_never_appear(
        key in prop::sample::select(vec![
            "app_secret", "app_secrt", "AppSecret", "secret", "token", "encoding_aes_key", "old_secrets", "password",
        ]),
        value in prop::sample::select(vec![
            "\"CANARY\"", "'CANARY'", "CANARY", "\"CANARY", "CANARY\"", "'CANARY\n", "\"\"\"\nCANARY\n\"\"\"",
            "\"\"\"x = 1\nCANARY", "'''\nCANARY", "[\"CANARY\"]", "[\n\"a\",\nCANARY]", "[\"CANARY\"", "{ a = \"CANARY\" }",
            "\"CANARY\" \"CANARY\"", "\"\\qCANARY\"", "\"中文CANARY\" # CANARY", "=\"CANARY\"", "\n\"CANARY\"", "CANARY = \"x\"",
            "\"${UNSET}CANARY\"", "[1, [\"CANARY\"]]", "\"CANARY\r\"", "2020-01-01CANARY",
        ]),
        head in prop::sample::select(vec![
            "", "[wechat.website]\n", "[session]\n", "[session\n", "[[routes]]\n", "[session]\nurl = \"db://me:CANARY@host\"\nurl_file = 1\n",
            "wechat.website.", "website = { app_id = 1, ", "\u{feff}x = y\r\n", "# token = CANARY\n", "\t",
        ]),
        sign in prop::sample::select(vec![" = ", "=", ": ", " "]),
        tail in prop::sample::select(vec![
            "", "\n", "}", "]", "\nupstrem = 1\n", "\nx = y\n", "\n[session]\n", " # CANARY", " x", "\n\"\n", "\r\napp_secret = \"CANARY\"",
        ]),
    ) {
        let text = format!("{head}{key}{sign}{value}{tail}");
        for (text, environment) in [
            (text.clone(), vec![]),
            (format!("{text}\n{text}"), vec![("WXGATE_WECHAT__WEBSITE__APP_SECRET", "CANARY"), ("WXGATE_APP_SECRET", "CANARY")]),
        ] {
            let report = report(&text, &environment);
            prop_assert!(!report.contains("CANARY"), "{}\n{}", text, report);
        }
    }

    #[test]
    fn no_text_is_too_odd(text in "[a-z_=\"'\\[\\]{}#.,\\\\ \n\r\t微é🎉\u{feff}$0-9]{0,80}") {
        let _ = report(&text, &[]);
    }
}
