//! Every page as it was when somebody last looked at it, in both languages: a file each in `src/pages/snapshots`.
//!
//! Style and scripts are named there in place of themselves; the tests in a browser put them back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::admin::tests::gallery::sheets;
use super::super::gallery::{NOW, Said, gallery};
use super::{LANGUAGES, Language, LanguageLinks, Pages, PagesSettings};

/// Makes the files anew.
const UPDATE: &str = "WXGATE_UPDATE_PAGES";

/// The files that styles and scripts are put together from.
const FILES: [(&str, &str); 7] = [
    ("admin.css", include_str!("../admin.css")),
    ("brief.css", include_str!("../brief.css")),
    ("call.js", include_str!("../call.js")),
    ("copy.js", include_str!("../copy.js")),
    ("style.css", include_str!("../style.css")),
    ("times.js", include_str!("../times.js")),
    ("wait.js", include_str!("../wait.js")),
];

/// Pages that a proxy which asks is given, too.
const BRIEF: [&str; 3] = ["access-ask", "denied", "phone-no-code-ever"];

/// The files and what has to stand in them.
fn expected() -> BTreeMap<String, String> {
    let settings = PagesSettings {
        support: Some("help@example.com".to_owned()),
        privacy_url: Some("/privacy".to_owned()),
        ..PagesSettings::default()
    };
    let pages = Pages::new(&settings).expect("the templates are templates");
    let mut files = BTreeMap::new();
    let mut keep = |name: &str, language: Language, html: String| {
        let html = FILES
            .iter()
            .fold(html, |html, (name, text)| html.replace(text.trim_end(), &format!("/* {name} */")));
        let file = format!("{name}.{}.html", language.name());
        assert!(files.insert(file, html).is_none(), "two pages are called {name}");
    };
    for language in LANGUAGES {
        let links = LanguageLinks::from_query(Some("to=/reports"));
        for (name, page) in gallery(Said::usual()) {
            keep(name, language, pages.render(&page, language, Some(&links), "7f3a9c21", NOW));
            if BRIEF.contains(&name) {
                keep(&format!("brief-{name}"), language, pages.render_brief(&page, language, "7f3a9c21"));
            }
        }
        for (name, face) in sheets() {
            keep(name, language, pages.render_sheet(face, language, Some(&links), "7f3a9c21", NOW));
        }
    }
    files
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages/snapshots")
}

fn kept() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder()).expect("the folder of snapshots").map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text)
    };
    entries.map(named).collect()
}

/// What is different, file by file.
fn differences(kept: &BTreeMap<String, String>, expected: &BTreeMap<String, String>) -> Vec<String> {
    let missing = expected.keys().filter(|file| !kept.contains_key(*file));
    let stale = kept.keys().filter(|file| !expected.contains_key(*file));
    let changed = expected.iter().filter_map(|(file, now)| {
        let before = kept.get(file).filter(|before| *before != now)?;
        let mut lines = before.lines().zip(now.lines()).zip(1..);
        let first = lines.find(|((before, now), _)| before != now);
        Some(match first {
            Some(((before, now), line)) => format!("{file}:{line}\n  - {before}\n  + {now}"),
            None => format!("{file}: one of the two is longer"),
        })
    });
    let missing = missing.map(|file| format!("{file}: this page has no snapshot yet"));
    let stale = stale.map(|file| format!("{file}: there is no such page any more"));
    changed.chain(missing).chain(stale).collect()
}

#[test]
fn every_page_is_as_it_was_when_somebody_looked_at_it() {
    let expected = expected();
    if std::env::var_os(UPDATE).is_some() {
        let _ = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).unwrap();
        for (file, html) in &expected {
            fs::write(folder().join(file), html).unwrap();
        }
    }
    let differences = differences(&kept(), &expected);
    let shown = differences.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(
        differences.is_empty(),
        "{} pages are not as they were:\n{shown}\nIf that is meant, set {UPDATE}=1 and look at git diff",
        differences.len()
    );
}

#[test]
fn a_changed_a_new_and_a_stale_page_are_each_named() {
    let files = |files: &[(&str, &str)]| {
        files.iter().map(|(file, html)| ((*file).to_owned(), (*html).to_owned())).collect()
    };
    let kept = files(&[("a", "one\ntwo"), ("b", "same"), ("c", "gone")]);
    let expected = files(&[("a", "one\n2"), ("b", "same"), ("d", "new")]);
    let said = differences(&kept, &expected);
    assert_eq!(
        said,
        ["a:2\n  - two\n  + 2", "d: this page has no snapshot yet", "c: there is no such page any more"]
    );
}
