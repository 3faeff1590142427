//! Every page, in both languages, with friendly and with hostile values.

mod documented;
mod snapshots;

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::gallery::{NOW, Said, asked, for_people, gallery};
use super::language::{Language, LanguageLinks};
use super::page::{Hindrance, Page};
use super::people::page::{Joining, Step};
use super::render::{Pages, PagesSettings};

const HOSTILE: &str = r#""><img src=x onerror=alert(1)>{{7*7}}{site}{% raw %}'"#;
const LANGUAGES: [Language; 2] = [Language::Chinese, Language::English];

/// The same text wherever somebody else's words are shown.
fn everywhere(text: &str) -> Said<'_> {
    Said {
        site: text,
        host: text,
        path: text,
        page_url: text,
        name: text,
        avatar: text,
        asked: Box::leak(Box::new(asked(text.to_owned()))),
        browser: text,
        code: text,
    }
}

/// Every page in every state, with `text` in place of others' words.
fn every_page(text: &str) -> Vec<Page<'_>> {
    gallery(everywhere(text)).into_iter().map(|(_, page)| page).collect()
}

fn bare_settings() -> PagesSettings {
    PagesSettings::default()
}

fn full_settings(text: &str) -> PagesSettings {
    PagesSettings {
        title: Some(text.to_owned()),
        language: None,
        support: Some(text.to_owned()),
        privacy_url: Some("/privacy".to_owned()),
        demo_banner: true,
        simulated: true,
        ..PagesSettings::default()
    }
}

fn drawn(settings: &PagesSettings, page: &Page<'_>, language: Language) -> String {
    let pages = Pages::new(settings).expect("the templates are templates");
    let links = LanguageLinks::from_query(Some("to=/reports"));
    pages.render(page, language, Some(&links), "7f3a9c21", NOW)
}

/// What stands between the first `before` and the next `after`.
fn between<'a>(html: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = html.split_once(before).unwrap_or_else(|| panic!("no {before} in {html}"));
    rest.split_once(after).expect("an end").0
}

/// Whether anything like ` onclick=` is there.
fn has_handler(html: &str) -> bool {
    html.split(" on").skip(1).any(|rest| {
        let end = rest.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(rest.len());
        end > 0 && rest[end..].starts_with('=')
    })
}

#[test]
fn every_page_is_whole_in_both_languages() {
    for language in LANGUAGES {
        for settings in [bare_settings(), full_settings("报表系统")] {
            for page in every_page("报表系统") {
                let html = drawn(&settings, &page, language);
                assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{page:?}");
                assert!(!between(&html, "<title>", "</title>").is_empty(), "{page:?}");
                assert!(!between(&html, "<h1>", "</h1>").is_empty(), "{page:?}");
                // a page that could not be drawn has neither
                assert!(html.contains("<header") && html.contains("</footer>"), "{page:?}");
                assert!(html.contains("2027-01-15 08:00:00 UTC") && html.contains("7f3a9c21"), "{page:?}");
                assert!(html.len() < 30_000, "{page:?} has {} bytes", html.len());
                assert!(!between(&html, "<body>", "</body>").contains('{') || html.contains("<script>"));
            }
        }
    }
}

#[test]
fn hostile_values_stay_text() {
    for language in LANGUAGES {
        for page in every_page(HOSTILE) {
            let html = drawn(&full_settings(HOSTILE), &page, language);
            assert!(html.contains("</footer>"), "{page:?}");
            assert!(!html.contains("<img src=x") && !html.contains(">49<"), "{page:?}: {html}");
            assert!(!html.contains("\"&gt;"), "a quote stayed a quote: {page:?}: {html}");
        }
    }
}

#[test]
fn nobody_is_told_that_they_are_signed_in_who_is_not() {
    for (name, is_signed_in) in [(Some("Lin"), true), (None, false)] {
        let html = drawn(&bare_settings(), &Page::Denied { name, path: "/x" }, Language::Chinese);
        assert_eq!(html.contains("你已经登录"), is_signed_in, "{html}");
        assert_eq!(html.contains("退出登录"), is_signed_in, "{html}");
    }
}

#[test]
fn a_page_stays_small_whatever_it_is_told() {
    let long = "长".repeat(4000);
    for page in every_page(&long) {
        assert!(drawn(&bare_settings(), &page, Language::Chinese).len() < 30_000, "{page:?}");
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_nothing_runs_unannounced() {
    let pages = Pages::new(&bare_settings()).expect("the templates are templates");
    let policy = pages.content_security_policy();
    for language in LANGUAGES {
        for page in every_page("报表系统") {
            // Our own picture, and the one frame there is, which its answer allows.
            let html = drawn(&full_settings("报表系统"), &page, language)
                .replace("id=\"code\" src=", "id=\"code\" data-src=")
                .replace("class=\"frame\" src=", "class=\"frame\" data-src=");
            assert!(!html.contains("http://") && !html.contains("https://"), "{page:?}");
            assert!(!html.contains(" style=") && !html.contains(" src=") && !has_handler(&html), "{page:?}");
            for (tag, source) in [("style", "style-src"), ("script", "script-src")] {
                let opened = format!("<{tag}>");
                assert!(html.matches(&format!("<{tag}")).count() <= 1, "{page:?}");
                if html.contains(&opened) {
                    let text = between(&html, &opened, &format!("</{tag}>"));
                    let hash = STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
                    let allowed = between(policy, source, ";");
                    assert!(allowed.contains(&format!(" 'sha256-{hash}'")), "{page:?}");
                }
            }
        }
    }
}

#[test]
fn every_page_has_its_own_word() {
    let words: BTreeSet<_> = every_page("x").iter().map(Page::word).collect();
    assert_eq!(words.len(), 47);
    for page in every_page("x") {
        let says_error = drawn(&bare_settings(), &page, Language::English).contains("Error ");
        assert!(page.status() != 200 || !says_error, "{page:?}");
    }
}

#[test]
fn what_was_typed_is_kept_for_a_second_try() {
    let fields = [("message".to_owned(), HOSTILE.to_owned()), ("to".to_owned(), "/x".to_owned())];
    let page = Page::OnceMore {
        cause: Hindrance::StoreDown,
        name: "Lin",
        target: "/_wxgate/request",
        fields: &fields,
        token: "fresh",
    };
    let html = drawn(&bare_settings(), &page, Language::English);
    assert!(
        html.contains("action=\"&#x2f;_wxgate&#x2f;request\"") && html.contains("value=\"fresh\""),
        "{html}"
    );
    assert!(html.contains("name=\"message\" value=\"&quot;&gt;&lt;img"), "{html}");
}

#[test]
fn forms_come_with_their_origin() {
    for page in every_page("x") {
        let html = drawn(&bare_settings(), &page, Language::English);
        let policy = if html.contains("<form") { "same-origin" } else { "no-referrer" };
        assert!(html.contains(&format!("name=\"referrer\" content=\"{policy}\"")), "{page:?}");
        assert_eq!(html.contains("<form"), page.has_form(), "{page:?}");
    }
}

#[test]
fn a_proxy_that_asks_is_told_in_brief() {
    let long = "长".repeat(100);
    for language in LANGUAGES {
        for (_, page) in for_people(everywhere(&long)) {
            let pages = Pages::new(&bare_settings()).expect("the templates are templates");
            let html = pages.render_brief(&page, language, "7f3a9c21");
            assert!(html.len() <= 1024 && html.contains("<h1>"), "{page:?}: {html}");
        }
        for (_, page) in for_people(Said::usual()) {
            let pages = Pages::new(&bare_settings()).expect("the templates are templates");
            let html = pages.render_brief(&page, language, "7f3a9c21");
            let offers = html.contains("&#x2f;_wxgate&#x2f;request?to=&#x2f;reports");
            let can_act = matches!(
                page,
                Page::Joining(Joining::Stranger {
                    step: Step::Ask { .. } | Step::Join { .. } | Step::Wait(_),
                    ..
                })
            );
            assert_eq!(offers, can_act, "{page:?}: {html}");
        }
    }
}

#[test]
fn the_operators_choices_show() {
    let page = Page::NotFound;
    let bare = drawn(&bare_settings(), &page, Language::Chinese);
    assert!(!bare.contains("DEMO") && !bare.contains("隐私") && !bare.contains("联系"));
    let full = drawn(&full_settings("help@example.com"), &page, Language::Chinese);
    assert!(full.contains("演示 · DEMO") && full.contains("mailto:help@example.com"));
    assert!(full.contains("lang=en&amp;to="));
    let fixed = PagesSettings { language: Some(Language::Chinese), ..full_settings("x") };
    assert!(!drawn(&fixed, &page, Language::Chinese).contains("lang=en&amp;"));
    let unsafe_link =
        PagesSettings { privacy_url: Some("javascript:alert(1)".to_owned()), ..bare_settings() };
    assert!(!drawn(&unsafe_link, &page, Language::Chinese).contains("javascript:"));
}
