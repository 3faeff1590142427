//! One table being read: which keys it may have, its inner tables, and complaints about the rest.
//! The readers of single values are in `values.rs` and `secrets.rs`.

use std::cell::RefCell;
use std::path::Path;

use super::document::{Entry, Located, Origin, Table, Value};
use super::problem::{Place, Problem, Problems};
use super::{environment, suggestion};

/// What all sections of one configuration share.
pub struct Reading<'a> {
    pub(super) problems: &'a Problems,
    pub(super) environment: &'a [(String, String)],
    pub(super) folder: &'a Path,
}

impl<'a> Reading<'a> {
    /// Complaints go to `problems`, `${NAME}` is looked up in `environment`, and relative paths of secret
    /// files start from `folder`.
    pub fn new(problems: &'a Problems, environment: &'a [(String, String)], folder: &'a Path) -> Self {
        Self { problems, environment, folder }
    }
}

/// One table being read. Ask for each key it may have, then [`finish`](Self::finish).
///
/// Every reader returns `None` both for a key that is not given and for one that is wrong; what is wrong has
/// been complained about, so the caller can go on with a default.
#[must_use = "finish() complains about unknown keys"]
pub struct Section<'a> {
    pub(super) reading: &'a Reading<'a>,
    table: &'a Table,
    header: Place,
    path: Vec<String>,
    known: RefCell<Vec<String>>,
}

impl<'a> Section<'a> {
    /// The top-level table.
    pub fn top(root: &'a Table, reading: &'a Reading<'a>) -> Self {
        Self { reading, table: root, header: Place::Top, path: Vec::new(), known: RefCell::default() }
    }

    /// The table `[key]`.
    pub fn table(&mut self, key: &'static str) -> Option<Section<'a>> {
        let located = self.take(key)?;
        if let Value::Table(table) = &located.value {
            return Some(self.inner(key, table, located));
        }
        self.mistyped(key, located, "a table", &format!("write [{}]", self.dotted(key)));
        None
    }

    /// The tables `[[key]]`.
    pub fn tables(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(located) = self.take(key) else { return Vec::new() };
        let wish = format!("write [[{}]]", self.dotted(key));
        match (&located.value, &located.origin) {
            (Value::List(elements), _) => elements
                .iter()
                .filter_map(|element| match &element.value {
                    Value::Table(table) => Some(self.inner(key, table, element)),
                    _ => {
                        self.mistyped(key, element, "a table", &wish);
                        None
                    }
                })
                .collect(),
            (_, Origin::Environment { .. }) => {
                let title = format!("`{key}` is a list of tables, which variables cannot reach");
                let help = format!("write it in {}", self.reading.problems.file);
                self.complain(&Place::from(&located.origin), title, help);
                Vec::new()
            }
            _ => {
                self.mistyped(key, located, "a list of tables", &wish);
                Vec::new()
            }
        }
    }

    /// Whether `key` is there, right or wrong.
    pub fn is_given(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Where the value of `key` stands; the header of the section if it is not given.
    pub fn place(&self, key: &str) -> Place {
        self.table.get(key).map_or_else(|| self.header_place(), |entry| Place::from(&entry.value.origin))
    }

    /// Where the section begins.
    pub fn header_place(&self) -> Place {
        self.header.clone()
    }

    /// Reports an error, such as one between two keys.
    pub fn complain(&self, place: &Place, title: impl Into<String>, help: impl Into<String>) {
        self.reading.problems.add(Problem::error(place, title).help(help));
    }

    /// Reports something that is allowed but should be known.
    pub fn warn(&self, place: &Place, title: impl Into<String>, help: impl Into<String>) {
        self.reading.problems.add(Problem::warning(place, title).help(help));
    }

    /// Complains that `key` is not given. `example` is what could stand right of its `=`.
    pub fn miss(&self, key: &str, example: &str) {
        let under =
            if self.path.is_empty() { String::new() } else { format!(" under [{}]", self.path.join(".")) };
        let help = format!("write {key} = {example}{under}");
        self.complain(&self.header, format!("missing key `{key}`"), help);
    }

    /// Complains about every key that was not asked for.
    pub fn finish(self) {
        let known = self.known.borrow();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for entry in &self.table.entries {
            if !known.contains(&entry.key.as_str()) {
                self.report_unknown(entry, &known);
            }
        }
    }

    /// The value of `key`, which is known from now on.
    pub(super) fn take(&self, key: &str) -> Option<&'a Located> {
        let mut known = self.known.borrow_mut();
        if !known.iter().any(|name| name == key) {
            known.push(key.to_owned());
        }
        self.table.get(key).map(|entry| &entry.value)
    }

    /// Complains that `located` is `expected` to be something else.
    pub(super) fn mistyped(&self, key: &str, located: &Located, expected: &str, wish: &str) {
        let title = format!("`{key}`: expected {expected}, found {}", located.value.kind());
        self.reading.problems.add(Problem::error(&Place::from(&located.origin), title).label(wish));
    }

    /// Complains that `located` has the right type but not a value we can use.
    pub(super) fn reject(&self, key: &str, located: &Located, wish: impl Into<String>) {
        let title = format!("invalid `{key}`");
        self.reading.problems.add(Problem::error(&Place::from(&located.origin), title).label(wish));
    }

    fn inner(&self, key: &str, table: &'a Table, located: &Located) -> Section<'a> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        let (reading, header) = (self.reading, Place::from(&located.origin));
        Section { reading, table, header, path, known: RefCell::default() }
    }

    fn dotted(&self, key: &str) -> String {
        self.path.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".")
    }

    fn report_unknown(&self, entry: &Entry, known: &[&str]) {
        let title = format!("unknown key `{}`", self.dotted_if_variable(entry));
        let suggested = suggestion::closest(&entry.key, known);
        let help = match (suggested, &entry.key_origin) {
            (Some(name), Origin::Environment { variable }) => {
                let mut levels = environment::levels(variable);
                if let Some(level) = levels.get_mut(self.path.len()) {
                    name.clone_into(level);
                }
                format!("did you mean {}{}?", environment::PREFIX, levels.join("__").to_uppercase())
            }
            (Some(name), Origin::File { .. }) => format!("did you mean `{name}`?"),
            (None, Origin::Environment { variable }) if looks_like_service(variable) => {
                "if Kubernetes set it for a Service, switch that off: enableServiceLinks: false".to_owned()
            }
            (None, _) if known.is_empty() => "there are no keys here".to_owned(),
            (None, _) => {
                let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("the keys here are {}", names.join(", "))
            }
        };
        self.complain(&Place::from(&entry.key_origin), title, help);
    }

    fn dotted_if_variable(&self, entry: &Entry) -> String {
        match entry.key_origin {
            Origin::Environment { .. } => self.dotted(&entry.key),
            Origin::File { .. } => entry.key.clone(),
        }
    }
}

/// Whether Kubernetes could have made up this variable for a Service whose name begins with ours.
fn looks_like_service(variable: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT", "_TCP"].iter().any(|end| variable.contains(end))
}
