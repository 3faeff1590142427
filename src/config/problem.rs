//! What is wrong with a configuration, collected while it is read so that everything is said at once.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;

/// Where something stands. Places are ordered as a report lists them.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    /// The file as a whole: what is complained about is not there.
    Top,
    /// Bytes `start..end` of the file.
    File {
        /// The first byte.
        start: usize,
        /// The byte after the last.
        end: usize,
    },
    /// An environment variable.
    Environment {
        /// Its full name.
        variable: String,
    },
}

impl Place {
    /// The bytes `span` of the file.
    pub fn file(span: Range<usize>) -> Self {
        Self::File { start: span.start, end: span.end }
    }
}

/// Whether the gateway can run in spite of a problem.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, and says so.
    Warning,
}

/// One complaint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Whether it stops the gateway.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub title: String,
    /// Where.
    pub place: Place,
    /// The words beside the caret: what to write instead.
    pub label: Option<String>,
    /// A second place that has to do with it, and the words beside its underline.
    pub also: Option<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// A problem that stops the gateway.
    pub fn error(place: &Place, title: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, title.into())
    }

    /// A problem the gateway can live with.
    pub fn warning(place: &Place, title: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, title.into())
    }

    /// Puts words beside the caret.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Points at a second place.
    #[must_use]
    pub fn also(self, place: &Place, label: impl Into<String>) -> Self {
        Self { also: Some((place.clone(), label.into())), ..self }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn new(severity: Severity, place: &Place, title: String) -> Self {
        Self { severity, title, place: place.clone(), label: None, also: None, help: None }
    }
}

/// All that is wrong with one configuration.
pub struct Problems {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) list: RefCell<Vec<Problem>>,
    pub(super) secret_spans: RefCell<Vec<Range<usize>>>,
    pub(super) secret_names: RefCell<Vec<String>>,
    pub(super) is_broken: Cell<bool>,
}

impl Problems {
    /// Nothing is wrong yet with `text`, read from `file`. A byte order mark is not part of the text.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Self {
            file: file.into(),
            text,
            list: RefCell::default(),
            secret_spans: RefCell::default(),
            secret_names: RefCell::default(),
            is_broken: Cell::new(false),
        }
    }

    /// Takes note of a problem.
    pub fn add(&self, problem: Problem) {
        self.list.borrow_mut().push(problem);
    }

    /// Takes note that a secret stands at these bytes of the file: no report shows them.
    pub fn hide(&self, span: Range<usize>) {
        self.secret_spans.borrow_mut().push(span);
    }

    /// Takes note that keys of this name hold secrets.
    pub fn hide_name(&self, name: &str) {
        self.secret_names.borrow_mut().push(name.to_owned());
    }

    /// Takes note that the file is not TOML, so that secrets in it are found by their look too.
    pub fn mark_broken(&self) {
        self.is_broken.set(true);
    }

    /// Whether anything stops the gateway.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// The problems themselves, in the order of the report.
    pub fn sorted(&self) -> Vec<Problem> {
        let mut list = self.list.borrow().clone();
        list.sort_by(|one, other| one.place.cmp(&other.place));
        list
    }

    pub(super) fn count(&self, severity: Severity) -> usize {
        self.list.borrow().iter().filter(|problem| problem.severity == severity).count()
    }

    /// The line `place` stands on, counted from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}
