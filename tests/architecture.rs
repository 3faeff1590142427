//! The house has floors: a file imports only from lower ones, or from its own room. Direction only.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Top to bottom. Rooms of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["demo"],
    &["gateway"],
    &["live"],
    &["config"],
    &["pages"],
    &["login"],
    &["members"],
    &["sessions", "wechat", "proxy", "forward_auth"],
    &["store", "gate", "net"],
    &["seal", "telemetry"],
    &["model"],
];

/// These rooms compute: they do not wait, read files, open sockets or log.
const PURE: &[&str] = &["model", "gate", "seal"];
const IMPURE: &[&str] = &["async", "tokio", "std::fs", "std::net::Tcp", "tracing::"];

/// Who may hold the cell with the running configuration; everyone else is handed what a request needs.
const HOLDS_LIVE: &[&str] = &["cli", "demo", "gateway", "live"];

#[test]
fn every_import_goes_down() {
    let mut files = Vec::new();
    list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), Path::new(""), &mut files);
    assert!(files.len() > 50, "the sources were not found");
    let complaints: Vec<String> = files
        .into_iter()
        .filter(|(path, _)| {
            path != Path::new("lib.rs") && !path.iter().any(|part| part == "tests" || part == "tests.rs")
        })
        .flat_map(|(path, text)| complaints(&path, &text))
        .collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_wrong_import_is_found() {
    let of = |path: &str, text: &str| complaints(Path::new(path), text);
    for (path, text, line) in [
        ("gate/decide.rs", "use crate::model::host::Host;\nuse crate::net::serve::serve;", 2),
        ("wechat/api.rs", "use crate::{\n    model::{a, b},\n    sessions::Sessions,\n};", 3),
        ("pages/own.rs", "fn f() {\n    crate::live::health::x()\n}", 2),
        ("model/path.rs", "use super::super::seal;", 1),
        ("config/fields/mod.rs", "use super::super::cli;", 1),
        ("gateway.rs", "use super::demo::x;", 1),
        ("model/mod.rs", "use crate::attic::x;", 1),
        ("seal/mod.rs", "/* ok */ pub async fn f() {}", 1),
        ("gate/mod.rs", "fn f() { std::fs::read(\"x\"); }", 1),
        ("main.rs", "fn f(live: &Live) {}", 1),
    ] {
        let found = of(path, text);
        assert!(
            found.len() == 1 && found[0].starts_with(&format!("src/{path}:{line}: ")),
            "{path}: {found:?}"
        );
    }
    for (path, text) in [
        ("gate/decide.rs", "use super::identity_headers; // crate::net, async\nuse crate::gate::x;"),
        ("seal/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::cli::x;\n}"),
        ("pages/own.rs", "use crate::{gate, model::visit::{self, Visit}, proxy::{forward, {a, b}}};"),
    ] {
        assert_eq!(of(path, text), [""; 0], "{path}");
    }
}

/// What one file does that it must not.
fn complaints(path: &Path, text: &str) -> Vec<String> {
    let code = without_comments_and_tests(text);
    let room = path.iter().next().map(|part| part.to_string_lossy().replace(".rs", "")).unwrap_or_default();
    let mut found = Vec::new();
    let mut complain = |at: usize, rule: String| {
        let line = code[..at].matches('\n').count() + 1;
        found.push(format!("src/{}:{line}: {rule}", path.display()));
    };
    let Some(floor) = floor_of(&room) else {
        complain(0, format!("`{room}` stands on no floor: give it one in tests/architecture.rs"));
        return found;
    };
    for (at, other) in imports(&code, path) {
        match floor_of(other) {
            _ if other == room => {}
            None => {
                complain(at, format!("`{other}` stands on no floor: give it one in tests/architecture.rs"))
            }
            Some(below) if below > floor => {}
            Some(same) if same == floor => {
                complain(at, format!("`{room}` and `{other}` share a floor and must not know each other"));
            }
            Some(_) => complain(at, format!("`{room}` stands below `{other}` and must not import from it")),
        }
    }
    for (at, word) in IMPURE.iter().flat_map(|word| words(&code, word)) {
        if PURE.contains(&room.as_str()) {
            complain(at, format!("`{room}` only computes: no `{word}`"));
        }
    }
    for (at, _) in words(&code, "Live") {
        if !HOLDS_LIVE.contains(&room.as_str()) {
            complain(at, format!("`{room}` must not hold the live configuration; hand it what it needs"));
        }
    }
    found
}

/// The rooms that `code` reaches by `crate::`, by the library's name in `main.rs`, or by climbing with `super::`, each with
/// its place. Groups in braces are looked into.
fn imports<'a>(code: &'a str, path: &Path) -> Vec<(usize, &'a str)> {
    let depth = path.iter().count() - usize::from(path.file_name().is_some_and(|name| name == "mod.rs"));
    let library = if path == Path::new("main.rs") { "wxgate::" } else { "crate::" };
    let roots = [library.to_owned(), "super::".repeat(depth)];
    let mut rooms = Vec::new();
    for (at, root) in roots.iter().flat_map(|root| words(code, root)) {
        let is_climbing_on = code[..at].ends_with("super::");
        if is_climbing_on {
            continue;
        }
        let start = at + root.len();
        if !code[start..].starts_with('{') {
            rooms.push((start, identifier(&code[start..])));
            continue;
        }
        let (mut level, mut begins) = (0, false);
        for (offset, character) in code[start..].char_indices() {
            match character {
                '{' => (level, begins) = (level + 1, level == 0),
                '}' if level == 1 => break,
                '}' => level -= 1,
                ',' if level == 1 => begins = true,
                _ if begins && !character.is_whitespace() => {
                    rooms.push((start + offset, identifier(&code[start + offset..])));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    rooms
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn identifier(text: &str) -> &str {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or("")
}

/// Where `word` stands in `code`, not as part of a longer name.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).filter(move |(at, found)| {
        let goes_on = found.ends_with(is_name) && code[at + found.len()..].starts_with(is_name);
        !code[..*at].ends_with(is_name) && (!goes_on || *found == "std::net::Tcp")
    })
}

/// The same lines, with comments and what `#[cfg(test)]` guards empty.
fn without_comments_and_tests(text: &str) -> String {
    let mut code = String::new();
    let mut guarded = None;
    for line in text.lines() {
        let comment = line.find("//").filter(|at| !line[..*at].ends_with(':')).unwrap_or(line.len());
        guarded = match guarded {
            _ if line == "#[cfg(test)]" => Some("?"),
            Some("?") if line.ends_with(';') => Some("end"),
            Some("?") => Some("module"),
            Some("module") if line != "}" => Some("module"),
            Some("module") => Some("end"),
            _ => None,
        };
        code.push_str(if guarded.is_some() { "" } else { &line[..comment] });
        code.push('\n');
    }
    code
}

fn list(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            list(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}
