//! Takes typed values out of a section, and complains where they are not what they should be.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::{Located, Origin, Value};
use super::interpolation::{self, BadReference};
use super::problem::Place;
use super::section::Section;
use super::{mask, measures};

impl Section<'_> {
    /// A text that `parse` understands, or says what to write instead.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let located = self.take(key)?;
        let text = self.text(key, located)?;
        self.parsed(key, located, &text, parse)
    }

    /// Like [`optional`](Self::optional), but the key has to be there. `example` is what could stand right of
    /// its `=`, such as `"\"https://app.example.com\""`.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.is_given(key) {
            self.miss(key, example);
        }
        self.optional(key, parse)
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let located = self.take(key)?;
        if let Value::Boolean(boolean) = located.value {
            return Some(boolean);
        }
        let text = self.loose_text(key, located, "true or false", "write true or false, without quotes")?;
        self.parsed(key, located, &text, |text| {
            text.trim().parse().map_err(|_| "write true or false".to_owned())
        })
    }

    /// A whole number in `range`.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let located = self.take(key)?;
        let wish = format!("write a whole number from {} to {}", range.start(), range.end());
        let integer = match located.value {
            Value::Integer(integer) => integer,
            _ => {
                let text = self.loose_text(key, located, "an integer", &format!("{wish}, without quotes"))?;
                self.parsed(key, located, &text, |text| text.trim().parse().map_err(|_| wish.clone()))?
            }
        };
        self.checked(key, located, integer, &range, wish)
    }

    /// A duration such as `"12h"` in `range`.
    pub fn duration(&mut self, key: &'static str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let located = self.take(key)?;
        if let Value::Integer(number) = located.value {
            self.reject(key, located, measures::needs_unit(number));
            return None;
        }
        let text = self.text(key, located)?;
        let duration = self.parsed(key, located, &text, measures::parse_duration)?;
        let [least, most] = [range.start(), range.end()].map(|end| measures::show_duration(*end));
        let wish = format!("write a duration from \"{least}\" to \"{most}\"");
        self.checked(key, located, duration, &range, wish)
    }

    /// A size in bytes such as `"10MiB"` or `1024` in `range`.
    pub fn size(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let located = self.take(key)?;
        let [least, most] = [range.start(), range.end()].map(|end| measures::show_size(*end));
        let wish = format!("write a size from \"{least}\" to \"{most}\"");
        let size = match located.value {
            Value::Integer(number) => match u64::try_from(number) {
                Ok(size) => size,
                Err(_) => {
                    self.reject(key, located, wish);
                    return None;
                }
            },
            _ => {
                let text = self.text(key, located)?;
                self.parsed(key, located, &text, measures::parse_size)?
            }
        };
        self.checked(key, located, size, &range, wish)
    }

    /// A list of texts that `parse` understands; `None` if any of them is wrong.
    pub fn texts<T>(
        &mut self,
        key: &'static str,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let located = self.take(key)?;
        let Value::List(elements) = &located.value else {
            let wish = match &located.value {
                Value::Text(_) if !self.is_secret(key) => format!("write [{}]", self.written(located)),
                _ => "write [\"…\", \"…\"]".to_owned(),
            };
            let text = self.loose_text(key, located, "a list", &wish)?;
            let parts = text.expanded.split(',').map(str::trim).filter(|part| !part.is_empty());
            let parts: Vec<_> = parts
                .map(|part| {
                    let part = Text { expanded: part.to_owned(), is_loose: true };
                    self.parsed(key, located, &part, &mut parse)
                })
                .collect();
            return parts.into_iter().collect();
        };
        let elements: Vec<_> = elements
            .iter()
            .map(|element| {
                let text = self.text(key, element)?;
                self.parsed(key, element, &text, &mut parse)
            })
            .collect();
        elements.into_iter().collect()
    }

    /// The text at `located` with its variables filled in. A variable's own value is taken as it is.
    pub(super) fn text(&self, key: &str, located: &Located) -> Option<Text> {
        let Value::Text(text) = &located.value else {
            let wish = match located.value {
                Value::List(_) | Value::Table(_) => "write one text in double quotes".to_owned(),
                _ if self.is_secret(key) => "write it in double quotes".to_owned(),
                _ => format!("write \"{}\"", self.written(located)),
            };
            self.mistyped(key, located, "text", &wish);
            return None;
        };
        if let Origin::Environment { .. } = located.origin {
            return Some(Text { expanded: text.clone(), is_loose: true });
        }
        match interpolation::expand(text, self.reading.environment) {
            Ok(expanded) => Some(Text { is_loose: expanded != *text, expanded }),
            Err(mistakes) => {
                mistakes.into_iter().for_each(|mistake| self.report_reference(located, mistake));
                None
            }
        }
    }

    fn parsed<T>(
        &self,
        key: &str,
        located: &Located,
        text: &Text,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let sentence = match parse(&text.expanded) {
            Ok(value) => return Some(value),
            Err(sentence) => sentence,
        };
        // What a variable held stays unsaid: it could be a secret in the wrong place.
        let sentence = match (&located.value, &located.origin) {
            (Value::Text(written), Origin::File { .. }) if text.is_loose && !text.expanded.is_empty() => {
                sentence.replace(&text.expanded, written)
            }
            _ => sentence,
        };
        self.reject(key, located, sentence);
        None
    }

    fn checked<T: PartialOrd>(
        &self,
        key: &str,
        located: &Located,
        value: T,
        range: &RangeInclusive<T>,
        wish: String,
    ) -> Option<T> {
        if range.contains(&value) {
            return Some(value);
        }
        self.reject(key, located, wish);
        None
    }

    /// A text that may stand for `expected`, since variables can hold nothing else.
    fn loose_text(&self, key: &str, located: &Located, expected: &str, wish: &str) -> Option<Text> {
        if let Value::Text(_) = located.value {
            let text = self.text(key, located)?;
            if text.is_loose {
                return Some(text);
            }
        }
        self.mistyped(key, located, expected, wish);
        None
    }

    fn is_secret(&self, key: &str) -> bool {
        mask::is_secret_name(key)
            || self.reading.problems.secret_names.borrow().iter().any(|name| name == key)
    }

    fn report_reference(&self, located: &Located, mistake: BadReference) {
        let (written, title, help) = match mistake {
            BadReference::Malformed => (
                "${".to_owned(),
                "`${` is not followed by a name and `}`".to_owned(),
                "write ${NAME} for an environment variable, $${ for a plain ${".to_owned(),
            ),
            BadReference::Unset(name) => (
                format!("${{{name}}}"),
                format!("environment variable {name} is not set"),
                format!("set {name}, or write the value here"),
            ),
        };
        let place = match &located.origin {
            Origin::File { span } => match self.written(located).find(&written) {
                Some(at) => Place::file(span.start + at..span.start + at + written.len()),
                None => Place::file(span.clone()),
            },
            origin => Place::from(origin),
        };
        self.complain(&place, title, help);
    }

    /// What stands in the file at `located`.
    fn written(&self, located: &Located) -> &str {
        match &located.origin {
            Origin::Environment { .. } => "",
            Origin::File { span } => self.reading.problems.text.get(span.clone()).unwrap_or(""),
        }
    }
}

/// A text as it is meant.
pub(super) struct Text {
    pub(super) expanded: String,
    /// It was not written as a TOML value here, so it may stand for other types.
    is_loose: bool,
}
