//! Templates of the operator's in place of built-in ones, and a style sheet of theirs behind ours.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use minijinja::Environment;
use thiserror::Error;

use super::templates::ALL;

/// The file that is no template.
const STYLE: &str = "style.css";

/// Largest file. Pages are small, so that they come quickly on a phone.
const LARGEST: u64 = 128 << 10;

/// What stands in the operator's folder.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Where they lie.
    pub(super) folder: PathBuf,
    pub(super) templates: Vec<(&'static str, String)>,
    /// Rules behind ours.
    pub(super) style: String,
}

/// A file that cannot be used.
#[derive(Debug, Error)]
pub enum OverrideError {
    /// It is no template.
    #[error("{}:{line}: {what}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// No page is drawn with it.
    #[error("{} is in place of no page; the names are {}", path.display(), names())]
    Nameless {
        /// The file.
        path: PathBuf,
    },
    /// Nobody would look into it.
    #[error("{} is a folder: templates lie in templates_dir itself, also those that are in a folder of wxgate's", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// wxgate's own templates cannot be drawn with them.
    #[error("{}: {what}", folder.display())]
    Unfit {
        /// Where they lie.
        folder: PathBuf,
        /// Which fails where, and why.
        what: String,
    },
    /// It cannot be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// The file, or the folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl Overrides {
    /// Reads a folder: every `.html` in it, and `style.css`. Other files are nothing to us; a folder with templates in it
    /// would be one whose pages never change.
    ///
    /// # Errors
    /// All that is wrong with its files.
    pub fn load(folder: &Path) -> Result<Self, Vec<OverrideError>> {
        let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries =
            listed.map_err(|cause| vec![OverrideError::Unreadable { path: folder.to_owned(), cause }])?;
        let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        let (mut overrides, mut errors) = (Self { folder: folder.to_owned(), ..Self::default() }, Vec::new());
        for path in paths {
            if let Err(error) = overrides.take(&path) {
                errors.push(error);
            }
        }
        if errors.is_empty() { Ok(overrides) } else { Err(errors) }
    }

    /// Whether all pages are ours.
    pub(super) fn is_empty(&self) -> bool {
        self.templates.is_empty() && self.style.is_empty()
    }

    fn take(&mut self, path: &Path) -> Result<(), OverrideError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_template =
            path.extension().is_some_and(|extension| extension == "html") && !name.starts_with('.');
        // Kubernetes keeps what it mounts in `..data`, and git itself in `.git`.
        if !name.starts_with('.') && path.is_dir() {
            return Err(OverrideError::Folder { path: path.to_owned() });
        }
        if name == STYLE {
            self.style = sheet(path)?;
        } else if is_template {
            let known = replaceable().find(|known| *known == name);
            let known = known.ok_or_else(|| OverrideError::Nameless { path: path.to_owned() })?;
            self.templates.push((known, template(path, known)?));
        }
        Ok(())
    }
}

/// Templates that may be replaced: not those of administration, and not the page that has to fit into what a proxy takes.
pub(super) fn replaceable() -> impl Iterator<Item = &'static str> {
    let is_ours = |name: &str| name.starts_with("admin") || name == "brief.html";
    ALL.iter().map(|(name, _)| *name).filter(move |name| !is_ours(name))
}

fn names() -> String {
    replaceable().chain([STYLE]).collect::<Vec<_>>().join(", ")
}

/// A template that can be parsed.
fn template(path: &Path, name: &'static str) -> Result<String, OverrideError> {
    let text = read(path)?;
    match Environment::new().add_template(name, &text) {
        Ok(()) => Ok(text),
        Err(error) => Err(OverrideError::Broken {
            path: path.to_owned(),
            line: error.line().unwrap_or(1),
            what: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        }),
    }
}

/// Rules that do not end the element they stand in.
fn sheet(path: &Path) -> Result<String, OverrideError> {
    let text = read(path)?;
    match text.lines().position(|line| line.to_ascii_lowercase().contains("</style")) {
        None => Ok(text),
        Some(above) => {
            let what = "the rules stand inside <style> already: write them alone".to_owned();
            Err(OverrideError::Broken { path: path.to_owned(), line: above + 1, what })
        }
    }
}

fn read(path: &Path) -> Result<String, OverrideError> {
    let unreadable = |cause| OverrideError::Unreadable { path: path.to_owned(), cause };
    // Whoever opens a pipe waits until somebody writes into it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is not a regular file")));
    }
    let mut text = String::new();
    let mut file = File::open(path).map_err(unreadable)?.take(LARGEST + 1);
    file.read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        let cause = io::Error::other(format!("it is larger than {} KiB", LARGEST >> 10));
        return Err(unreadable(cause));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Timestamp;
    use crate::pages::language::Language;
    use crate::pages::page::Page;
    use crate::pages::render::{Pages, PagesSettings};

    fn load(files: &[(&str, &str)]) -> Result<Overrides, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let prefix = format!("{}/", folder.path().display());
        Overrides::load(folder.path())
            .map_err(|errors| errors.iter().map(|error| error.to_string().replace(&prefix, "")).collect())
    }

    fn pages(files: &[(&str, &str)]) -> Pages {
        Pages::new(&PagesSettings { overrides: load(files).unwrap(), ..PagesSettings::default() }).unwrap()
    }

    fn drawn(pages: &Pages, page: &Page<'_>) -> String {
        pages.render(page, Language::English, None, "7f3a9c21", Timestamp::from_unix(1_800_000_000))
    }

    #[test]
    fn a_template_stands_in_place_of_ours() {
        let layout =
            "<title>{{ t(title) }}</title>\n<p>ours {{ request_id }}</p>{% block content %}{% endblock %}";
        let pages = pages(&[("layout.html", layout), ("README", "{{"), (".layout.html", "{{")]);
        let html = drawn(&pages, &Page::NotFound);
        assert!(html.contains("<p>ours 7f3a9c21</p>") && html.contains("class=\"actions\""), "{html}");
        let brief = pages.render_brief(&Page::NotFound, Language::English, "7f3a9c21");
        assert!(!brief.contains("ours"), "{brief}");
    }

    #[test]
    fn values_are_escaped_in_them_as_in_ours() {
        let pages = pages(&[("notice.html", "{% for fact in facts %}{{ fact.value }}{% endfor %}")]);
        let html = drawn(&pages, &Page::Denied { name: Some("<b>"), path: "/<i>" });
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>") && !html.contains("<i>"), "{html}");
    }

    #[test]
    fn rules_come_behind_ours_and_are_allowed_by_the_policy() {
        use aws_lc_rs::digest;
        use base64::Engine as _;
        let pages = pages(&[("style.css", "h1 { color: #123456 }\n")]);
        let html = drawn(&pages, &Page::NotFound);
        let (_, rest) = html.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        assert!(style.ends_with("h1 { color: #123456 }\n") && style.contains("body"), "{style}");
        let hash = digest::digest(&digest::SHA256, style.as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(hash);
        assert!(pages.content_security_policy().contains(&format!("'sha256-{hash}'")), "{style}");
    }

    #[test]
    fn a_template_that_fails_on_a_page_leaves_that_page_to_ours() {
        for notice in ["{{ no_such_value }}", "{{ t(\"no.such.words\") }}", "{% extends \"no_such.html\" %}"]
        {
            let pages = pages(&[("notice.html", notice), ("style.css", "h1 { color: red }")]);
            let built_in = Pages::new(&PagesSettings::default()).unwrap();
            assert_eq!(drawn(&pages, &Page::NotFound), drawn(&built_in, &Page::NotFound), "{notice}");
        }
    }

    #[test]
    fn the_documentation_has_every_template() {
        let documentation = include_str!("../../docs/pages.md");
        for name in replaceable().chain([STYLE]) {
            assert!(documentation.contains(&format!("`{name}`")), "`{name}` is not in docs/pages.md");
        }
    }

    #[test]
    fn a_folder_of_templates_is_refused_and_a_hidden_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("..data")).unwrap();
        assert!(Overrides::load(folder.path()).unwrap().is_empty());
        fs::create_dir(folder.path().join("phone")).unwrap();
        let errors = Overrides::load(folder.path()).unwrap_err();
        assert!(
            errors[0].to_string().contains("phone is a folder: templates lie in templates_dir"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_pipe_is_not_waited_for_and_a_link_to_a_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("style.css");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (said, says) = std::sync::mpsc::channel();
        let path = folder.path().to_owned();
        std::thread::spawn(move || said.send(Overrides::load(&path)));
        let loaded = says.recv_timeout(std::time::Duration::from_secs(20)).expect("an answer");
        let errors = loaded.unwrap_err();
        assert!(errors[0].to_string().ends_with("style.css: it is not a regular file"), "{errors:?}");
        fs::remove_file(&pipe).unwrap();
        fs::write(folder.path().join("mine"), "a {}").unwrap();
        std::os::unix::fs::symlink("mine", &pipe).unwrap();
        assert_eq!(Overrides::load(folder.path()).unwrap().style, "a {}");
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_line() {
        let errors = load(&[
            ("layout.html", "<p>\n{% if x %}"),
            ("notcie.html", ""),
            ("admin.html", ""),
            ("brief.html", ""),
            ("style.css", "a {}\n</STYLE>"),
            ("sign_in.html", &"x".repeat(200 << 10)),
        ])
        .unwrap_err();
        let text = errors.join("\n");
        assert_eq!(errors.len(), 6, "{text}");
        for words in [
            "layout.html:2: unexpected end of input",
            "notcie.html is in place of no page; the names are actions.html",
            "admin.html is in place of no page",
            "brief.html is in place of no page",
            "style.css:2: ",
            "sign_in.html: it is larger than 128 KiB",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
        let missing = Overrides::load(Path::new("/no/such/folder")).unwrap_err();
        assert!(missing[0].to_string().contains("/no/such/folder: No such file"), "{missing:?}");
    }
}
