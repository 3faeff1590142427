//! Every page in every state can be used by everybody, as far as axe-core can tell: in both languages, by day and by
//! night, on a computer, on the smallest phone, and in letters of twice the size.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::shown_pages::ShownPages;
use super::support::{Browser, DESKTOP, Looks};

const INSTALL: &str =
    "WXGATE_TEST_AXE has to name axe-core's axe.min.js: use tests/run browser, or npm install axe-core";

/// The rules of WCAG 2.2 A and AA, and what else is good practice.
const EVERY_RULE: &str =
    "{ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }";

/// Those that colours and room make a difference to.
const RULES_OF_SIGHT: &str = "{ type: 'rule', values: ['color-contrast', 'target-size'] }";

/// What is wider than the window.
const TOO_WIDE: &str = "
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) { return []; }
    const wide = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > room + 1);
    return ['wider than ' + room + ' px: ' + wide.map(one => one.tagName + '.' + one.className).join(', ')];";

/// A window and what is looked at in it.
struct Sight {
    what: &'static str,
    width: u64,
    dark: bool,
    letters: &'static str,
    rules: &'static str,
}

const SIGHTS: [Sight; 3] = [
    Sight { what: "on a computer", width: 1280, dark: false, letters: "100%", rules: EVERY_RULE },
    Sight { what: "on a phone by night", width: 320, dark: true, letters: "100%", rules: RULES_OF_SIGHT },
    Sight {
        what: "on a phone in large letters",
        width: 320,
        dark: false,
        letters: "200%",
        rules: RULES_OF_SIGHT,
    },
];

/// What axe finds wrong by these rules.
fn check(rules: &str) -> String {
    format!(
        "const options = {{ iframes: false, resultTypes: ['violations'], runOnly: {rules} }};
        return axe.run(document, options).then(({{ violations }}) => violations.map(({{ id, impact, nodes }}) =>
            id + ' (' + impact + '): ' + nodes.map(node => node.target.join(' ')).join(', ')));"
    )
}

const WINDOW: Looks = Looks { size: (1280, 900), ..DESKTOP };

/// Brings axe into every page that the browser opens.
async fn equip(browser: &Browser) {
    let path = std::env::var_os("WXGATE_TEST_AXE").expect(INSTALL);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{error}: {INSTALL}"));
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
}

/// What is wrong with the page, in every sight.
async fn wrong_with(browser: &Browser, url: &str) -> Vec<String> {
    browser.open(url).await;
    let mut wrong = Vec::new();
    for Sight { what, width, dark, letters, rules } in SIGHTS {
        browser.resize(width, 900, width < 600).await;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            // Colours are what they are at once.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        browser.evaluate(&format!("document.documentElement.style.fontSize = '{letters}'")).await;
        for script in [check(rules), TOO_WIDE.to_owned()] {
            let said = browser.evaluate(&script).await;
            let said = said.as_array().unwrap().iter().filter_map(Value::as_str);
            wrong.extend(said.map(|said| format!("{what}: {said}")));
        }
    }
    wrong
}

/// What is wrong with all pages in one language.
async fn wrong_in(language: &str, pages: &ShownPages, browser: &Browser) -> String {
    equip(browser).await;
    let (mut complaints, mut seen) = (String::new(), 0);
    for name in pages.names().filter(|name| name.ends_with(&format!(".{language}.html"))) {
        seen += 1;
        for wrong in wrong_with(browser, &pages.url(name)).await {
            writeln!(complaints, "{name} {wrong}").unwrap();
        }
    }
    assert!(seen > 100, "the snapshots were not found");
    // A style or script that the policy does not let in.
    complaints + &browser.complaints().await.join("\n")
}

#[tokio::test]
async fn every_page_is_for_everybody() {
    let pages = ShownPages::start(&[]).await;
    let (one, other) = Browser::start_two(WINDOW).await;
    let (chinese, english) = tokio::join!(wrong_in("zh", &pages, &one), wrong_in("en", &pages, &other));
    assert!(chinese.is_empty() && english.is_empty(), "\n{chinese}{english}");
}

#[tokio::test]
async fn a_page_that_is_not_for_everybody_is_found() {
    let broken = "<!doctype html><html lang=\"en\"><meta name=\"viewport\" content=\"width=device-width\"><title>x</title><main><h1>x</h1><img src=\"data:,\">\
        <p><font color=\"#ccc\">pale</font></p><input><table width=\"400\"><tr><td>wide</table></main>";
    let pages = ShownPages::start(&[("broken", &[broken])]).await;
    let browser = Browser::start(WINDOW).await;
    equip(&browser).await;
    let wrong = wrong_with(&browser, &pages.url("broken")).await.join("\n");
    for word in ["image-alt (critical)", "color-contrast (serious)", "label (critical)", "wider than 320 px"]
    {
        assert!(wrong.contains(word), "{word}: {wrong}");
    }
}
