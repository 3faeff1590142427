//! The website app, as the file describes it; and what stands below pages.

use super::{parse, with};
use crate::login::{WebsitePage, WebsiteSettings};

#[test]
fn the_code_is_on_wechats_page_unless_told_otherwise() {
    let website = |lines: &str| parse(&with(lines)).unwrap().wechat.website;
    assert_eq!(website(""), WebsiteSettings::default());
    let changed = website("page = \"embedded\"\nfast_login = false\nlang = \"en\"");
    let language = Some("en".to_owned());
    assert_eq!(changed, WebsiteSettings { page: WebsitePage::Embedded, fast_login: false, language });
}

#[test]
fn wrong_values_are_shown_where_they_stand() {
    for (line, place, fix) in [
        ("page = \"iframe\"", "6:8", "write \"redirect\" (to WeChat's page) or \"embedded\""),
        ("fast_login = \"no\"", "6:14", "write true or false"),
        ("fast_login = false", "6:14", "write page = \"embedded\", or take fast_login out"),
        ("page = \"redirect\"\nfast_login = false", "7:14", "has no effect on WeChat's own page"),
        ("lang = \"zh\"", "6:8", "\"cn\" and \"en\""),
        ("token = \"abc\"", "6:1", "the keys here are"),
    ] {
        let report = parse(&with(line)).unwrap_err();
        assert!(report.contains(&format!("--> config.toml:{place}\n")) && report.contains(fix), "{report}");
    }
}

#[test]
fn support_is_short() {
    let support = |length: usize| parse(&with(&format!("[pages]\nsupport = \"{}\"", "问".repeat(length))));
    assert_eq!(support(200).unwrap().pages.support, Some("问".repeat(200)));
    let report = support(201).unwrap_err();
    assert!(report.contains("config.toml:7:11") && report.contains("at most 200 characters"), "{report}");
}

#[test]
fn a_template_that_is_none_is_shown_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let read = || parse(&with(&format!("[pages]\ntemplates_dir = {:?}", folder.path())));
    std::fs::write(folder.path().join("layout.html"), "<p>\n{{ t(title }}").unwrap();
    std::fs::write(folder.path().join("lay.html"), "").unwrap();
    let report = read().unwrap_err();
    for words in
        ["config.toml:7:17", "layout.html:2: ", "lay.html is in place of no page", "2 errors in config.toml"]
    {
        assert!(report.contains(words), "{words} in\n{report}");
    }
    std::fs::remove_file(folder.path().join("lay.html")).unwrap();
    std::fs::write(folder.path().join("layout.html"), "<p>\n{{ t(title) }}").unwrap();
    assert!(read().is_ok());
    let missing = parse(&with("[pages]\ntemplates_dir = \"/no/such/folder\"")).unwrap_err();
    assert!(missing.contains("7:17") && missing.contains("/no/such/folder: No such file"), "{missing}");
}
