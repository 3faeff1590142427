//! Hostile configuration files are read without panic, and no report ever shows a secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wxgate::config::source::ConfigFile;
use wxgate::config::{fields, read};

const CANARY: &str = "kXq7ZpV2mW9s";

fuzz_target!(|input: &str| {
    // The first line is an environment variable, the rest stands before or behind the planted secret.
    let (variable, hostile) = input.split_once('\n').unwrap_or(("", input));
    let hostile_first = variable.len() % 2 == 0;
    // `…_file` keys would read whatever file the fuzzer thinks of.
    let is_fair = |text: &str| !text.contains(CANARY) && !text.contains("_file");
    if !is_fair(hostile) || !is_fair(variable) {
        return;
    }
    let planted = format!("\n[wechat.website]\napp_id = \"wx0123456789abcdef\"\napp_secret = \"{CANARY}\"\n");
    let text = if hostile_first {
        format!("public_url = \"https://a.test\"\n{hostile}{planted}")
    } else {
        format!("public_url = \"https://a.test\"{planted}{hostile}")
    };
    let environment = [
        ("HOSTILE".to_owned(), variable.to_owned()),
        ("WXGATE_PAGES__TITLE".to_owned(), variable.to_owned()),
        ("WXGATE_WECHAT__OFFICIAL_ACCOUNT__APP_SECRET".to_owned(), CANARY.to_owned()),
    ];
    let file = ConfigFile { path: "/nonexistent/config.toml".into(), text };
    let (seen, problems) =
        match read(&file, &environment, |top| fields::read(top, &environment, fields::Templates::Parsed)) {
            Ok((config, warnings)) => (format!("{config:?}"), warnings.render(false)),
            Err(problems) => (String::new(), problems.render(true)),
        };
    assert!(!seen.contains(CANARY) && !problems.contains(CANARY), "{problems}");
});
