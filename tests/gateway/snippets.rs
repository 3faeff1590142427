//! The real binary prints what to paste into a reverse proxy, with this configuration's own hosts and names.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use crate::support::{Certificate, command};

/// What `deploy/` is printed from.
const EXAMPLE: &str = r#"public_url = "https://app.example.com"
upstream   = "http://127.0.0.1:3000"
[wechat.website]
app_id     = "wx0123456789abcdef"
app_secret = "secret"
[server]
trusted_proxies = ["127.0.0.1"]
"#;

/// Every proxy with its files, the main one first.
const FILES: [(&str, &[&str]); 5] = [
    ("caddy", &["Caddyfile"]),
    ("envoy", &["envoy.yaml"]),
    ("haproxy", &["haproxy.cfg", "wxgate.lua"]),
    ("nginx", &["wxgate.conf"]),
    ("traefik", &["wxgate.yml", "traefik.yml", "docker-compose.yml", "kubernetes.yaml"]),
];

/// `deploy/` is written anew with `WXGATE_UPDATE_DEPLOY=1`.
#[test]
fn the_shipped_files_are_what_snippet_prints() {
    for (proxy, files) in FILES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(proxy);
        for file in files {
            let printed = quietly(EXAMPLE, &[proxy, file]);
            if std::env::var_os("WXGATE_UPDATE_DEPLOY").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join(file), &printed).unwrap();
            }
            let shipped = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
            assert!(
                shipped == printed,
                "deploy/{proxy}/{file}: set WXGATE_UPDATE_DEPLOY=1 and look at git diff"
            );
        }
        let shipped = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let shipped: BTreeSet<_> = shipped.filter(|name| name != "README.md").collect();
        let known = files.iter().map(OsString::from).collect();
        assert_eq!(shipped, known, "deploy/{proxy}");
    }
}

#[test]
fn the_main_file_needs_no_name() {
    for (proxy, files) in FILES {
        assert_eq!(quietly(EXAMPLE, &[proxy]), quietly(EXAMPLE, &[proxy, files[0]]), "{proxy}");
    }
}

#[test]
fn snippets_name_the_configurations_own_hosts_and_headers() {
    let text = format!(
        "{}listen = \"0.0.0.0:9000\"\n[headers.names]\nuser = \"X-My-USER\"\nname = \"\"\n\
         [[routes]]\nhost = \"wiki.example.com\"\nupstream = \"http://wiki.internal\"\nheaders = \"grafana\"\n",
        EXAMPLE.replace("app.example.com", "login.example.com:8443")
    );
    for (proxy, files) in FILES {
        let printed: String = files.iter().map(|file| quietly(&text, &[proxy, file])).collect();
        for name in ["login.example.com", "wiki.example.com", "wiki.internal", "127.0.0.1", "9000"] {
            assert!(printed.contains(name), "{proxy} without {name}:\n{printed}");
        }
        // nginx takes out the visitors' own, because it has to name them.
        let small = printed.to_ascii_lowercase().replace("proxy_set_header x-webauth-name \"\";", "");
        for name in ["x-my-user", "remote-groups", "x-webauth-email", "x-wechat-openid"] {
            assert!(small.contains(name), "{proxy} without {name}:\n{printed}");
        }
        // nginx can only take out what is named.
        let left_out = if proxy == "nginx" { "upstream_http_x_webauth_name" } else { "x-webauth-name" };
        assert!(!small.contains(left_out) && !printed.contains("app.example.com"), "{proxy}:\n{printed}");
    }
}

#[test]
fn a_configuration_that_does_not_believe_the_proxy_gets_the_line_to_add() {
    let without = EXAMPLE.replace("trusted_proxies", "# ");
    let from = |networks: &str| EXAMPLE.replace("\"127.0.0.1\"", networks);
    for (text, line) in [
        (without.clone(), "trusted_proxies = [\"127.0.0.1\"]"),
        (format!("{without}listen = \"[::1]:8480\"\n"), "trusted_proxies = [\"::1\"]"),
        (
            from("\"10.0.0.0/8\", \"10.0.0.5\""),
            "trusted_proxies = [\"10.0.0.0/8\", \"10.0.0.5\", \"127.0.0.1\"]",
        ),
    ] {
        for (proxy, files) in FILES {
            let (code, printed, said) = snippet(&text, &[proxy]);
            assert_eq!(code, Some(0), "{said}");
            assert!(said.starts_with("warning: ") && said.contains(line), "{said}");
            assert!(printed.contains(line), "{proxy}/{}:\n{printed}", files[0]);
        }
    }
    for text in [
        from("\"127.0.0.0/8\""),
        from("\"10.0.0.5\"").replace("[server]", "[server]\nlisten = \"10.0.0.1:8480\""),
    ] {
        quietly(&text, &["nginx"]);
    }
}

#[test]
fn addresses_that_only_the_operator_knows_are_named() {
    let elsewhere = EXAMPLE.replace("[\"127.0.0.1\"]", "[\"172.18.0.5\"]\nlisten = \"0.0.0.0:8480\"");
    let wiki = format!("{EXAMPLE}[[routes]]\nhost = \"wiki.example.com\"\n").replace("upstream ", "#");
    for (proxy, files) in FILES {
        let (_, _, said) = snippet(&wiki, &[proxy]);
        assert!(said.contains("wiki.example.com; where the file says 127.0.0.1:3000"), "{proxy}: {said}");
        let (_, _, said) = snippet(&elsewhere, &[proxy]);
        assert!(said.contains("where the file says 127.0.0.1:8480"), "{proxy}: {said}");
        for file in &files[1..] {
            let (_, _, said) = snippet(&wiki, &[proxy, file]);
            assert_eq!(said, "", "{proxy}/{file} names no application");
        }
    }
    quietly(&elsewhere, &["traefik", "docker-compose.yml"]);
}

#[test]
fn hosts_that_differ_in_a_hyphen_only_stay_two() {
    let routes = ["a-b", "a.b"].map(|name| {
        format!("[[routes]]\nhost = \"{name}.example.com\"\nupstream = \"http://127.0.0.1:4000\"\n")
    });
    let text = format!("{EXAMPLE}{}", routes.concat());
    for file in ["wxgate.yml", "docker-compose.yml", "kubernetes.yaml"] {
        let printed = quietly(&text, &["traefik", file]);
        assert!(printed.contains("a-b-example-com") && printed.contains("a--b-example-com"), "{printed}");
    }
}

#[test]
fn a_listener_with_tls_of_its_own_gets_a_warning() {
    let (folder, certificate) = (tempfile::tempdir().unwrap(), Certificate::of(&["app.example.com"]));
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (chain, key) = (file("cert.pem", &certificate.chain), file("key.pem", &certificate.key));
    let text = format!("{EXAMPLE}[server.tls]\ncert = \"{chain}\"\nkey = \"{key}\"\n");
    let (code, _, said) = snippet(&text, &["nginx"]);
    assert!(code == Some(0) && said.contains("[server.tls]"), "{said}");
}

#[test]
fn a_host_leads_to_the_application_of_its_catch_all_route() {
    let routes = "[[routes]]\nhost = \"wiki.example.com\"\npath = \"/api\"\nupstream = \"http://127.0.0.1:4000\"\n\
                  [[routes]]\nhost = \"wiki.example.com\"\nmethods = [\"GET\"]\nupstream = \"http://127.0.0.1:5000\"\n\
                  [[routes]]\nhost = \"wiki.example.com\"\nupstream = \"http://127.0.0.1:6000\"\n";
    for (proxy, _) in FILES {
        let (code, printed, said) = snippet(&format!("{EXAMPLE}{routes}"), &[proxy]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("wiki.example.com/api/ goes to http://127.0.0.1:4000 "), "{said}");
        assert!(!said.contains("6000"), "{said}");
        let has = |port: &str| printed.contains(port);
        assert!(has("6000") && !has("5000") && !has("4000"), "{proxy}:\n{printed}");
    }
}

#[test]
fn an_unknown_file_or_proxy_says_which_there_are() {
    for (proxy, files) in FILES {
        let (code, printed, said) = snippet(EXAMPLE, &[proxy, "nonsense"]);
        assert_eq!((code, printed.as_str()), (Some(2), ""));
        assert!(said.contains(&files.join(", ")), "{said}");
    }
    for arguments in [&["nonsense"][..], &["--help"], &["nginx", "--help"]] {
        let (code, printed, said) = snippet(EXAMPLE, arguments);
        assert_eq!(code, Some(if arguments.contains(&"--help") { 0 } else { 2 }));
        for (proxy, _) in FILES {
            assert!(printed.contains(proxy) || said.contains(proxy), "{arguments:?}: {printed}{said}");
        }
    }
    assert_eq!(snippet(EXAMPLE, &[]).0, Some(2));
}

#[test]
fn only_a_tcp_listener_can_be_asked() {
    for listen in ["unix:/run/wxgate/wxgate.sock", "systemd"] {
        let (code, printed, said) = snippet(&format!("{EXAMPLE}listen = \"{listen}\"\n"), &["nginx"]);
        assert_eq!((code, printed.as_str()), (Some(1), ""));
        assert!(said.contains("listen") && said.contains(listen), "{said}");
    }
}

#[test]
fn an_ipv6_address_is_no_name_for_a_snippet() {
    for proxy in FILES.map(|(proxy, _)| proxy) {
        let (code, printed, said) =
            snippet(&EXAMPLE.replace("https://app.example.com", "https://[::1]"), &[proxy]);
        assert_eq!((code, printed.as_str()), (Some(1), ""));
        assert!(said.contains("[::1] is an IPv6 address"), "{said}");
    }
}

#[test]
fn a_bad_configuration_makes_no_snippet() {
    let (code, printed, said) = snippet(&EXAMPLE.replace("https://app", "app"), &["nginx"]);
    assert_eq!((code, printed.as_str()), (Some(78), ""));
    assert!(said.contains("--> config.toml:1:14\n"), "{said}");
}

/// What is printed without a word of warning.
fn quietly(config: &str, arguments: &[&str]) -> String {
    let (code, printed, said) = snippet(config, arguments);
    assert_eq!((code, said.as_str()), (Some(0), ""), "{arguments:?}");
    printed
}

/// Exit code, output and errors of `wxgate snippet`.
fn snippet(config: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    let output = command(folder.path()).arg("snippet").args(arguments).output().unwrap();
    let [printed, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), printed, said)
}
