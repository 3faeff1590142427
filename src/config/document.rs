//! Turns the text of the file into a tree whose every key and value knows where it stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mask;
use super::problem::{Place, Problem, Problems};

/// Where a key or a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// An environment variable.
    Environment {
        /// Its full name.
        variable: String,
    },
    /// Bytes of the file.
    File {
        /// Which ones.
        span: Range<usize>,
    },
}

impl From<&Origin> for Place {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Environment { variable } => Self::Environment { variable: variable.clone() },
            Origin::File { span } => Self::file(span.clone()),
        }
    }
}

/// A value and its place. It may be a secret, so it does not print itself.
pub struct Located {
    /// The value.
    pub value: Value,
    /// Its place; for a `[table]` that of its header.
    pub origin: Origin,
}

/// What can stand right of `=`.
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A number with a point.
    Float(f64),
    /// A whole number.
    Integer(i64),
    /// `[…]` or `[[…]]`.
    List(Vec<Located>),
    /// Anything no key of ours takes, by its name with an article.
    Other(&'static str),
    /// `[…]` at the start of a line, or `{…}`.
    Table(Table),
    /// A string.
    Text(String),
}

impl Value {
    /// What it is, as problems call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Float(_) => "a decimal number",
            Self::Integer(_) => "an integer",
            Self::List(_) => "a list",
            Self::Other(kind) => kind,
            Self::Table(_) => "a table",
            Self::Text(_) => "text",
        }
    }
}

/// Keys and values in the order of the file.
#[derive(Default)]
pub struct Table {
    /// All of them; no two have the same key.
    pub entries: Vec<Entry>,
}

impl Table {
    /// The entry called `key`.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// A key and its value.
pub struct Entry {
    /// The key.
    pub key: String,
    /// The place of the key.
    pub key_origin: Origin,
    /// The value.
    pub value: Located,
}

/// Parses the text that `problems` are collected about. Says what is wrong with its syntax; `None` when it is
/// so wrong that what was understood of it means nothing.
pub fn parse(problems: &Problems) -> Option<Table> {
    let (document, errors) = DeTable::parse_recoverable(&problems.text);
    let mut complained_line = 0;
    let mut errors: Vec<_> =
        errors.iter().map(|error| (error.span().unwrap_or_default(), error.message())).collect();
    errors.sort_by_key(|(span, _)| span.start);
    for (span, message) in errors.iter().take(MOST_REPORTED) {
        let line = problems.line_of(span.start);
        if line != complained_line {
            problems.add(syntax_problem(span.clone(), message));
        }
        complained_line = line;
    }
    if !errors.is_empty() {
        problems.mark_broken();
    }
    let is_understood = errors.iter().all(|(_, message)| *message == DUPLICATE_KEY);
    if !is_understood {
        return None;
    }
    let root = table(document.get_ref(), 0);
    hide_secrets(&root, problems);
    Some(root)
}

fn syntax_problem(span: Range<usize>, message: &str) -> Problem {
    let place = Place::file(span);
    if message == DUPLICATE_KEY {
        return Problem::error(&place, "this key is given twice").label("already written above: remove one");
    }
    let problem = Problem::error(&place, format!("this is not TOML: {message}"));
    if message.starts_with("string values must be quoted") {
        return problem.label("write text in double quotes");
    }
    problem
}

/// Notes where all text, numbers and the like inside `value` stand, as secrets.
pub(super) fn hide(value: &Located, problems: &Problems) {
    match (&value.value, &value.origin) {
        (Value::List(elements), _) => elements.iter().for_each(|element| hide(element, problems)),
        (Value::Table(table), _) => table.entries.iter().for_each(|entry| hide(&entry.value, problems)),
        (_, Origin::File { span }) => problems.hide(span.clone()),
        (_, Origin::Environment { .. }) => {}
    }
}

fn hide_secrets(table: &Table, problems: &Problems) {
    for entry in &table.entries {
        if mask::is_secret_name(&entry.key) {
            hide(&entry.value, problems);
        } else {
            hide_secrets_in_value(&entry.value, problems);
        }
    }
}

fn hide_secrets_in_value(located: &Located, problems: &Problems) {
    match &located.value {
        Value::List(elements) => elements.iter().for_each(|element| hide_secrets_in_value(element, problems)),
        Value::Table(table) => hide_secrets(table, problems),
        _ => {}
    }
}

fn table(table: &DeTable<'_>, depth: usize) -> Table {
    let mut entries: Vec<(usize, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let key_origin = Origin::File { span: key.span() };
            (
                key.span().start,
                Entry { key: key.get_ref().to_string(), key_origin, value: located(value, depth) },
            )
        })
        .collect();
    entries.sort_by_key(|(start, _)| *start);
    Table { entries: entries.into_iter().map(|(_, entry)| entry).collect() }
}

fn located(spanned: &Spanned<DeValue<'_>>, depth: usize) -> Located {
    let value = match spanned.get_ref() {
        DeValue::Array(_) | DeValue::Table(_) if depth == DEEPEST => {
            Value::Other("something nested too deeply")
        }
        DeValue::Array(elements) => {
            Value::List(elements.iter().map(|element| located(element, depth + 1)).collect())
        }
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Float(float) => {
            float.as_str().parse().map_or(Value::Other("a decimal number"), Value::Float)
        }
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Value::Other("an integer out of range"), Value::Integer),
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Table(inner) => Value::Table(table(inner, depth + 1)),
    };
    Located { value, origin: Origin::File { span: spanned.span() } }
}

/// What the parser says of a key that is given twice; the only mistake that leaves the rest readable.
const DUPLICATE_KEY: &str = "duplicate key";

/// More syntax errors than this say nothing new.
const MOST_REPORTED: usize = 100;

/// Deeper than any key of ours, and no danger to the stack.
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<Table>, Problems) {
        let problems = Problems::new("config.toml", text);
        (parse(&problems), problems)
    }

    #[test]
    fn values_keep_their_order_and_places() {
        let (root, problems) = parsed("\u{feff}b = 1_000\na = \"x\"\n[[c]]\nd = 0x10\n");
        let root = root.unwrap();
        assert!(problems.is_empty());
        assert_eq!(root.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["b", "a", "c"]);
        assert!(matches!(root.entries[0].value.value, Value::Integer(1000)));
        assert_eq!(root.entries[1].value.origin, Origin::File { span: 14..17 });
        let Value::List(routes) = &root.entries[2].value.value else { panic!() };
        assert_eq!(routes[0].origin, Origin::File { span: 18..23 });
        let Value::Table(route) = &routes[0].value else { panic!() };
        assert!(matches!(route.entries[0].value.value, Value::Integer(16)));
    }

    #[test]
    fn several_syntax_errors_are_reported_once_a_line() {
        let (root, problems) = parsed("upstream = http://app\nx = 1\ny = = 2\n");
        assert!(root.is_none());
        assert_eq!(
            problems.render(false),
            "\
error: this is not TOML: string values must be quoted, expected literal string
 --> config.toml:1:12
  |
1 | upstream = http://app
  |            ^^^^^^^^^^ write text in double quotes

error: this is not TOML: extra `=`, expected nothing
 --> config.toml:3:5
  |
3 | y = = 2
  |     ^

2 errors in config.toml
"
        );
    }

    #[test]
    fn a_key_given_twice_leaves_the_rest_readable() {
        let (root, problems) = parsed("a = 1\na = 2\n[t]\n[t]\n");
        assert_eq!(root.unwrap().entries.len(), 2);
        let report = problems.render(false);
        assert!(report.contains("config.toml:2:1\n") && report.contains("config.toml:4:2\n"), "{report}");
    }

    #[test]
    fn nesting_does_not_exhaust_the_stack() {
        for (open, close) in [("[", "]"), ("{a=", "}")] {
            for depth in [20, 100, 100_000] {
                let (_, problems) = parsed(&format!("a = {}1{}", open.repeat(depth), close.repeat(depth)));
                assert_eq!(problems.has_errors(), depth >= 100);
                assert!(problems.render(false).len() < 2_000);
            }
        }
        let (_, problems) = parsed(&format!("{}a = 1", "a.".repeat(100_000)));
        assert!(problems.has_errors());
    }
}
