//! How a body is written: XML or JSON, blanks or none, elements in the documented order or not. All of it means the same.

use super::super::random_text;
use crate::wechat::message::Syntax;

/// The hand in which a body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Handwriting {
    /// What stands between the elements.
    pub spacing: Spacing,
    /// Whether the elements come in any order.
    pub is_shuffled: bool,
    /// Whether texts are escaped instead of standing in CDATA sections.
    pub is_escaped: bool,
}

/// What stands between elements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spacing {
    /// Nothing.
    Compact,
    /// A line feed and two blanks, and a blank after a JSON colon.
    Indented,
    /// A line feed.
    Lines,
    /// Carriage return and line feed, also at both ends.
    Windows,
}

/// A value in a body.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nested(Vec<(String, Value)>),
    Number(u64),
    Text(String),
}

impl Handwriting {
    /// As the documents show it.
    pub const DOCUMENTED: Self = Self { spacing: Spacing::Lines, is_shuffled: false, is_escaped: false };

    /// Some of every kind.
    pub const ALL: [Self; 5] = [
        Self::DOCUMENTED,
        Self { spacing: Spacing::Compact, is_shuffled: false, is_escaped: false },
        Self { spacing: Spacing::Indented, is_shuffled: true, is_escaped: false },
        Self { spacing: Spacing::Windows, is_shuffled: true, is_escaped: true },
        Self { spacing: Spacing::Compact, is_shuffled: true, is_escaped: true },
    ];

    pub(super) fn write(self, syntax: Syntax, mut fields: Vec<(String, Value)>) -> String {
        if self.is_shuffled {
            fields.sort_by_cached_key(|_| random_text(8));
        }
        let ends = if self.spacing == Spacing::Windows { "\r\n" } else { "" };
        let body = match syntax {
            Syntax::Json => self.json(&fields),
            Syntax::Xml => format!("<xml>{}</xml>", self.xml(&fields)),
        };
        format!("{ends}{body}{ends}")
    }

    fn xml(self, fields: &[(String, Value)]) -> String {
        let gap = self.gap();
        let elements = fields.iter().map(|(name, value)| match value {
            Value::Nested(fields) => format!("{gap}<{name}>{}</{name}>", self.xml(fields)),
            Value::Number(number) => format!("{gap}<{name}>{number}</{name}>"),
            Value::Text(text) if self.is_escaped => format!("{gap}<{name}>{}</{name}>", escaped(text)),
            Value::Text(text) => {
                // The end of a section cannot stand inside it: two sections share it.
                let text = text.replace("]]>", "]]]]><![CDATA[>");
                format!("{gap}<{name}><![CDATA[{text}]]></{name}>")
            }
        });
        format!("{}{gap}", elements.collect::<String>())
    }

    fn json(self, fields: &[(String, Value)]) -> String {
        let gap = self.gap();
        let blank = if self.spacing == Spacing::Indented { " " } else { "" };
        let members = fields.iter().map(|(name, value)| {
            let value = match value {
                Value::Nested(fields) => self.json(fields),
                Value::Number(number) => number.to_string(),
                Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            };
            format!("{gap}\"{name}\":{blank}{value}")
        });
        format!("{{{}{gap}}}", members.collect::<Vec<_>>().join(","))
    }

    fn gap(self) -> &'static str {
        match self.spacing {
            Spacing::Compact => "",
            Spacing::Indented => "\n  ",
            Spacing::Lines => "\n",
            Spacing::Windows => "\r\n",
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
