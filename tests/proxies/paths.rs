//! What was judged is what is served: seen from the application, by its most lenient reading.

use http::StatusCode;

use crate::application::Arrived;
use crate::proxies::Proxy;
use crate::stage::Stage;
use crate::support::Answer;

const NAVIGATION: &str = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n";

/// Spellings that proxies, gateways and applications are known to read in different ways. PAGE stands for a page that
/// is not open.
const TRICKS: [&str; 77] = [
    "/PAGE",
    "/PAGE/",
    "/PAGE?/public",
    "/PAGE?x=/public/",
    "/PAGE#/public",
    "/public#/../PAGE",
    "/public?/../PAGE",
    "/public/../PAGE",
    "/public/./../PAGE",
    "/public/x/../../PAGE",
    "/public/..",
    "/public/../",
    "/../PAGE",
    "/.",
    "/../../../PAGE",
    "/./PAGE",
    "//PAGE",
    "//PAGE//",
    "//public",
    "/public//../PAGE",
    "/public/..//PAGE",
    "///PAGE",
    "//public/../PAGE",
    "//a.localhost/public/../../PAGE",
    "//b.localhost/PAGE",
    "//b.localhost/../PAGE",
    "/public/%2e%2e/PAGE",
    "/public/%2E%2e/PAGE",
    "/public/.%2e/PAGE",
    "/public/%2e./PAGE",
    "/%2e/PAGE",
    "/public/..%2fPAGE",
    "/public/..%2FPAGE",
    "/public%2f..%2fPAGE",
    "/public%2f../PAGE",
    "/%2fPAGE",
    "/%2FPAGE",
    "/public/%2f../PAGE",
    "/public/%2f%2f../../PAGE",
    "/public/..%5cPAGE",
    "/public/..\\PAGE",
    "/public\\..\\PAGE",
    "/public%5c..%5cPAGE",
    "\\PAGE",
    "/\\PAGE",
    "/%5cPAGE",
    "/PAGE\\",
    "/PAGE%5c",
    "/PAGE;x",
    "/PAGE;/x",
    "/;/PAGE",
    "/public/..;/PAGE",
    "/public/..;x=1/PAGE",
    "/public;/../PAGE",
    "/public/;/../PAGE",
    "/public/%2e%2e;/PAGE",
    "/public/%2e%2e%3b/PAGE",
    "/public/%252e%252e/PAGE",
    "/public/..%252fPAGE",
    "/public/..%255cPAGE",
    "/public/%25%32%65%25%32%65/PAGE",
    "/public/%c0%ae%c0%ae/PAGE",
    "/public/..%c0%afPAGE",
    "/publicx",
    "/public.x",
    "/PUBLIC/../PAGE",
    "/Public/PAGE",
    "/public%00/../PAGE",
    "/public/%00/../PAGE",
    "/public/x%0d%0aX-Injected:%20yes",
    "/public/..%0a/PAGE",
    "/public/%u002e%u002e/PAGE",
    "/public/%/../PAGE",
    "/public/%zz/../PAGE",
    "public/../PAGE",
    "*",
    "/public/x%2f..%2f..%2fPAGE",
];

/// The same with a letter of the page's name encoded, and cut short.
fn tricks(page: &str) -> Vec<String> {
    let encoded = format!("%{:02x}{}", page.as_bytes()[0], &page[1..]);
    let mut tricks: Vec<String> = TRICKS.iter().map(|trick| trick.replace("PAGE", page)).collect();
    let with_letter = TRICKS.iter().filter(|trick| trick.contains("PAGE")).step_by(3);
    tricks.extend(with_letter.map(|trick| trick.replace("PAGE", &encoded)));
    tricks
        .extend(["%20", "%09", "%00", ".", "%2e", "/.", "/%2e", "~", "x"].map(|end| format!("/{page}{end}")));
    tricks.push(format!("/{}", page.to_ascii_uppercase()));
    tricks
}

/// Every path that servers that decode once or twice, take `\` for `/`, drop parameters, or end a path at a NUL would
/// find in a target.
fn readings(target: &str) -> Vec<String> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let after_scheme = target.split_once("://").map(|(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let path = after_scheme.unwrap_or(target).split(['?', '#']).next().unwrap();
    let (once, twice) = (decode(path), decode(&decode(path)));
    let mut readings = Vec::new();
    for text in [path.to_owned(), once, twice] {
        let ended = text.split('\0').next().unwrap().to_owned();
        for (text, drops_parameters) in [(&text, false), (&text, true), (&ended, false), (&ended, true)] {
            let mut segments = Vec::new();
            for segment in text.split(['/', '\\']) {
                match if drops_parameters { segment.split(';').next().unwrap() } else { segment } {
                    "" | "." => {}
                    ".." => _ = segments.pop(),
                    name => segments.push(name),
                }
            }
            readings.push(format!("/{}", segments.join("/")));
        }
    }
    readings
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Sends one request; gives the status, 0 for a cut, and what arrived at the applications.
async fn sent(stage: &Stage, request: &str) -> (u16, Vec<Arrived>, Vec<Arrived>) {
    let answer = stage.asked(request).await;
    if let Ok(answer) = &answer {
        assert!(!answer.headers.contains_key("x-injected"), "{request}");
    }
    // Caddy has this empty answer for what no site of its serves.
    let is_empty = |answer: &Answer| answer.status == StatusCode::OK && answer.body.is_empty();
    let status = answer.map_or(0, |answer| if is_empty(&answer) { 421 } else { answer.status.as_u16() });
    (status, stage.application.take(), stage.second.take())
}

/// A refusal, and no confusion: garbage makes no errors of the server's.
fn assert_refusal(status: u16, what: &str) {
    let usual = [0, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 414, 421, 426, 431, 501, 505];
    assert!(usual.contains(&status), "{what}: {status}");
}

pub(crate) async fn what_a_stranger_reaches_is_open_in_every_reading(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let mut reached = 0;
    for trick in tricks("closed").into_iter().chain(tricks("members")) {
        for lines in [NAVIGATION, "", "Connection: close\r\n"] {
            let (status, arrived, second) = sent(&stage, &stage.request("GET", &trick, lines)).await;
            assert_eq!(second.len(), 0, "{trick} reaches the other host");
            for arrived in &arrived {
                reached += 1;
                assert!(is_open(arrived, &stage.authority), "{trick} arrives as {}", arrived.target);
            }
            if arrived.is_empty() {
                assert_refusal(status, &trick);
                assert_ne!(status, 0, "{trick} is not answered");
            }
        }
    }
    for path in
        ["/public", "/public/", "/public/x", "/public?x", "/public/x?y=/../closed", "/public/%E7%8E%8B"]
    {
        let (status, arrived, _) = sent(&stage, &stage.request("GET", path, "")).await;
        assert_eq!((status, arrived.len()), (200, 1), "{path}");
        assert_eq!(arrived[0].target, path);
    }
    println!("{reached} tricks reached the open path");
}

/// The same host, whatever the port and the capitals.
fn is_host(host: &str, authority: &str) -> bool {
    let name = |authority: &str| {
        let name = authority.split(':').next().unwrap().trim_end_matches('.');
        name.to_ascii_lowercase()
    };
    name(host) == name(authority)
}

/// Whether a stranger may have this of the usual host.
fn is_open(arrived: &Arrived, authority: &str) -> bool {
    is_host(arrived.header("host"), authority)
        && readings(&arrived.target).iter().all(|reading| is_below(reading, "/public"))
}

pub(crate) async fn what_a_person_reaches_is_what_was_judged(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    for trick in tricks("closed") {
        let (status, arrived, second) = sent(&stage, &stage.request("GET", &trick, &cookies)).await;
        assert_eq!(second.len(), 0, "{trick} reaches the other host");
        for arrived in &arrived {
            for reading in readings(&arrived.target) {
                // What only a reader finds who drops parameters, the gateway leaves to the application.
                let is_plain = !arrived.target.contains(';');
                assert!(!is_plain || !is_below(&reading, "/closed"), "{trick} arrives as {}", arrived.target);
                assert!(!is_below(&reading, "/_wxgate"), "{trick} arrives as {}", arrived.target);
            }
            assert_eq!(arrived.header("remote-name"), "Lin", "{trick}");
        }
        if arrived.is_empty() {
            assert_refusal(status, &trick);
        }
    }
    for path in
        ["/x/y.z", "/a;b=c/d", "/~a/b-c_d", "/a%20b?c=%2F..%2Fclosed", "/a,b:c@d!$&'()*+=", "/CLOSED/x"]
    {
        let (status, arrived, _) = sent(&stage, &stage.request("GET", path, &cookies)).await;
        assert_eq!((status, arrived.len()), (200, 1), "{path}");
        assert_eq!(arrived[0].target, path);
    }
}

pub(crate) async fn the_gateways_own_paths_stay_its_own(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let lin = stage.cookie_line("Lin").await;
    let spellings = [
        "/_wxgate",
        "/_wxgate/",
        "/_wxgate/auth",
        "/_wxgate/auth/",
        "/_wxgate/auth/nginx",
        "/_wxgate/auth/traefik",
        "/_wxgate/auth/caddy",
        "/_wxgate/auth/envoy",
        "/_wxgate/auth/envoy/public",
        "/_wxgate/auth/envoy/",
        "/_wxgate/auth/nginx?x=1",
        "/_wxgate//auth/nginx",
        "//_wxgate/auth/nginx",
        "/_wxgate/./auth/nginx",
        "/_wxgate/x/../auth/nginx",
        "/public/../_wxgate/auth/nginx",
        "/_wxgate/%61uth/nginx",
        "/%5fwxgate/auth/nginx",
        "/_wxgate%2fauth%2fnginx",
        "/_wxgate/auth%2fnginx",
        "/_wxgate/auth/nginx/",
        "/_wxgate/auth/nginx;x",
        "/_WXGATE/auth/nginx",
        "/_wxgate/AUTH/nginx",
        "/_WXGATE/login",
        "/_Wxgate/me",
        "/_wxgate/../x",
        "/_wxgate/../closed",
        "/_wxgate/../public",
        "/_wxgate/..%2fclosed",
        "/_wxgate/%2e%2e/closed",
        "/_wxgate/login/../../closed",
        "/_wxgate;x/auth/nginx",
        "/_wxgate\\auth\\nginx",
        "/_wxgate/..;/closed",
        "/_wxgate%00/x",
        "/_wxgatex",
        "/_wxgate/nothing",
        "/.well-known/../_wxgate/auth/caddy",
        "/_wxgate/me%2f..%2fx",
    ];
    let asked = format!("X-Original-URL: {}\r\nX-Original-Method: GET\r\n", stage.url("/public"));
    for spelling in spellings {
        for visitor in
            [String::new(), lin.clone(), asked.clone(), format!("{lin}{asked}"), NAVIGATION.to_owned()]
        {
            for method in ["GET", "POST"] {
                let (status, arrived, second) =
                    sent(&stage, &stage.request(method, spelling, &visitor)).await;
                assert_eq!(second.len(), 0, "{spelling}");
                for arrived in &arrived {
                    for reading in readings(&arrived.target) {
                        let lower = reading.to_ascii_lowercase();
                        let own = is_below(&reading, "/_wxgate");
                        assert!(!own, "{spelling} arrives as {}", arrived.target);
                        assert!(
                            !lower.starts_with("/_wxgate/auth"),
                            "{spelling} arrives as {}",
                            arrived.target
                        );
                        let stranger = !visitor.contains(&lin);
                        assert!(!stranger || is_below(&reading, "/public"), "{spelling}: {}", arrived.target);
                        assert!(!is_below(&reading, "/closed"), "{spelling}: {}", arrived.target);
                    }
                }
                if arrived.is_empty() {
                    assert_refusal(status, spelling);
                }
            }
        }
    }
}

pub(crate) async fn no_header_speaks_for_another_address(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let lin = stage.cookie_line("Lin").await;
    let (open, closed) = (stage.url("/public"), stage.url("/closed"));
    let second = stage.second_authority.clone();
    let mut lies = Vec::new();
    for value in ["/public", open.as_str(), &closed, "/closed", &stage.second_url("/")] {
        for name in ["X-Original-URL", "X-Original-URI", "X-Original-Uri", "X-Forwarded-Uri", "X-Rewrite-URL"]
        {
            lies.push(format!("{name}: {value}\r\n"));
        }
        for name in [
            "X_Original_URL",
            "X-Original_URL",
            "X-Forwarded_Uri",
            "x_forwarded_uri",
            "X-Envoy-Original-Path",
        ] {
            lies.push(format!("{name}: {value}\r\n"));
        }
        lies.push(format!("X-Original-URL: {value}\r\nX-Original-Method: GET\r\n").repeat(2));
    }
    for value in [second.as_str(), "evil.test", "a.localhost", "a.localhost, b.localhost"] {
        for name in
            ["X-Forwarded-Host", "X-Forwarded_Host", "X-Host", "X-Forwarded-Server", "X-Original-Host"]
        {
            lies.push(format!("{name}: {value}\r\n"));
        }
        lies.push(format!("Forwarded: host=\"{value}\"\r\n"));
    }
    for value in ["GET", "OPTIONS", "DELETE", "nonsense"] {
        for name in [
            "X-Forwarded-Method",
            "X-Original-Method",
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X_Forwarded_Method",
        ] {
            lies.push(format!("{name}: {value}\r\n"));
        }
    }
    for value in ["https", "ws", "nonsense"] {
        lies.push(format!(
            "X-Forwarded-Proto: {value}\r\nX-Forwarded-Scheme: {value}\r\nX-Scheme: {value}\r\n"
        ));
    }
    lies.push("X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: ::1\r\nForwarded: for=127.0.0.1\r\n".to_owned());
    lies.push("X-Envoy-Auth-Headers-To-Remove: cookie\r\nX-Envoy-External-Address: 6.6.6.6\r\n".to_owned());
    for lie in &lies {
        // The plain status, or no at all where a name is written oddly.
        for (path, who, plain) in
            [("/x", "", 401), ("/x", lin.as_str(), 200), ("/closed", &lin, 403), ("/public", "", 200)]
        {
            let (status, arrived, second) =
                sent(&stage, &stage.request("GET", path, &format!("{lie}{who}"))).await;
            assert_eq!(second.len(), 0, "{lie}");
            let refused = lie.contains('_') && [400, 403].contains(&status);
            assert!(status == plain || refused, "{path} with {lie}: {status}");
            assert_eq!(arrived.len(), usize::from(status == 200), "{path} with {lie}");
            for arrived in arrived {
                assert_eq!((arrived.method.as_str(), arrived.target.as_str()), ("GET", path), "{lie}");
                assert_eq!(arrived.header("host"), stage.authority, "{lie}");
            }
        }
    }
}

pub(crate) async fn no_host_stands_in_for_another(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let (own, second) = (stage.authority.clone(), stage.second_authority.clone());
    let port = own.rsplit_once(':').unwrap().1.to_owned();
    let request = |target: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        format!("GET {target} HTTP/1.1\r\n{hosts}\r\n")
    };
    // Both hosts as they are, in any case.
    for host in [own.clone(), own.to_ascii_uppercase()] {
        assert_eq!(sent(&stage, &request("/", &[&host])).await.0, 401, "{host}");
        assert_eq!(sent(&stage, &request("/public", &[&host])).await.0, 200, "{host}");
    }
    assert_eq!(sent(&stage, &request("/", &[&second])).await.2.len(), 1);
    assert_eq!(sent(&stage, &request("/members", &[&second])).await.0, 401);

    let absolute = |host: &str, path: &str| format!("http://{host}{path}");
    let foreign =
        ["evil.test", "evil-a.localhost", "a.localhost.evil.test", "xa.localhost", "localhost", "127.0.0.1"];
    let mut requests: Vec<String> = Vec::new();
    for path in ["/x", "/public", "/members", "/closed"] {
        for (target, host) in [(&own, &second), (&second, &own)] {
            requests.push(request(&absolute(target, path), &[host]));
            requests.push(request(path, &[target, host]));
            requests.push(request(path, &[&format!("{target}, {host}")]));
            requests.push(request(path, &[&format!("{target}@{host}")]));
            requests.push(request(path, &[&format!("{target}/{host}")]));
            requests.push(request(&format!("//{target}{path}"), &[host]));
            requests.push(request(&format!("https://{target}{path}"), &[host]));
            requests.push(request(&format!("http://{target}@{host}{path}"), &[target]));
            requests.push(request(&format!("http:{target}{path}"), &[host]));
            requests.push(format!("GET {path} HTTP/1.1\r\nHost : {target}\r\nHost: {host}\r\n\r\n"));
            requests.push(format!("GET {path} HTTP/1.1\r\n Host: {target}\r\nHost: {host}\r\n\r\n"));
            requests.push(format!("GET {path} HTTP/1.1\r\nHost: {target}\r\nX: y\r\n Host: {host}\r\n\r\n"));
        }
        requests.extend(foreign.map(|host| request(path, &[&format!("{host}:{port}")])));
        for host in [
            "a.localhost",
            "a.localhost.",
            &format!("a.localhost.:{port}"),
            "a.localhost:80",
            "",
            "a.localhost:",
        ] {
            requests.push(request(path, &[host]));
        }
        requests.push(request(path, &[]));
        requests.push(format!("GET {path} HTTP/1.0\r\n\r\n"));
        requests.push(format!("GET {path} HTTP/1.0\r\nHost: {own}\r\n\r\n"));
    }
    for request in &requests {
        let (status, arrived, others) = sent(&stage, request).await;
        for arrived in &arrived {
            assert!(is_open(arrived, &own), "{request} arrives as {arrived:?}");
        }
        for other in &others {
            assert!(is_host(other.header("host"), &second), "{request} arrives as {other:?}");
            let readings = readings(&other.target);
            let open = |path: &String| !is_below(path, "/members") && !is_below(path, "/closed");
            assert!(readings.iter().all(open), "{request} arrives as {other:?}");
        }
        if arrived.len() + others.len() == 0 {
            assert_refusal(status, request);
        }
    }
    assert_eq!(sent(&stage, &request("/public", &[&own])).await.0, StatusCode::OK.as_u16());
}
