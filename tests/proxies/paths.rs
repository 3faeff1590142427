//! What was judged is what is served: seen from the application, by its most lenient reading.

use crate::proxies::Proxy;
use crate::reading::{NAVIGATION, assert_refusal, is_below, is_open, readings, sent};
use crate::stage::Stage;

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

pub(crate) async fn what_a_person_reaches_is_what_was_judged(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let cookies = stage.cookie_line("Lin").await;
    for trick in tricks("closed") {
        let (status, arrived, second) = sent(&stage, &stage.request("GET", &trick, &cookies)).await;
        assert_eq!(second.len(), 0, "{trick} reaches the other host");
        for arrived in &arrived {
            for reading in readings(&arrived.target) {
                assert!(!is_below(&reading, "/closed"), "{trick} arrives as {}", arrived.target);
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
