//! The body of a message, XML or JSON, as a flat list of named texts.
//!
//! Only the first level counts: what is nested (`ScanCodeInfo`, a JSON object) is nothing that wxgate answers to. A body
//! with a DTD, an entity of its own, a repeated name or two roots is refused whole: whatever it would mean to others, two
//! readers would read two messages.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use serde_json::Value;

/// The name of the whole.
const ROOT: &str = "xml";

/// Names a body has at most.
const MOST_NAMES: usize = 64;

/// How a body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Syntax {
    /// `{"ToUserName": …}`: mini programs, and accounts that chose it.
    Json,
    /// `<xml><ToUserName><![CDATA[…`: Official Accounts.
    Xml,
}

/// The named texts of a body.
#[derive(Debug)]
pub(in crate::wechat) struct Body {
    pub(in crate::wechat) syntax: Syntax,
    texts: Vec<(String, String)>,
}

/// A body that is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::wechat) struct Unreadable;

impl Body {
    /// Reads either syntax.
    pub(in crate::wechat) fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = str::from_utf8(bytes).map_err(|_| Unreadable)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        let mut body = Self { syntax: Syntax::Json, texts: Vec::new() };
        if text.starts_with('{') {
            body.read_json(text)?;
        } else {
            body.syntax = Syntax::Xml;
            body.read_xml(text)?;
        }
        Ok(body)
    }

    /// The text called `name`, spelled exactly so.
    pub(in crate::wechat) fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    fn add(&mut self, name: String, text: String) -> Result<(), Unreadable> {
        if self.texts.len() >= MOST_NAMES || self.text(&name).is_some() {
            return Err(Unreadable);
        }
        self.texts.push((name, text));
        Ok(())
    }

    fn read_json(&mut self, text: &str) -> Result<(), Unreadable> {
        // A map of serde_json keeps the last of two names: `Pairs` keeps both.
        let Pairs(pairs) = serde_json::from_str(text).map_err(|_| Unreadable)?;
        for (name, value) in pairs {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
            };
            self.add(name, text)?;
        }
        Ok(())
    }

    fn read_xml(&mut self, text: &str) -> Result<(), Unreadable> {
        let mut reader = Reader::from_str(text);
        let mut path = Path::default();
        loop {
            match reader.read_event().map_err(|_| Unreadable)? {
                Event::Start(tag) => path.enter(tag.name().into_inner())?,
                Event::Empty(tag) => {
                    path.enter(tag.name().into_inner())?;
                    path.leave(self)?;
                }
                Event::End(_) => path.leave(self)?,
                Event::Text(piece) if piece.trim().is_empty() => path.blank(&piece),
                Event::Text(piece) => path.say(&piece)?,
                Event::CData(piece) => path.say(&piece)?,
                Event::GeneralRef(entity) => match entity.resolve_char_ref().map_err(|_| Unreadable)? {
                    Some(letter) => path.say(letter.encode_utf8(&mut [0; 4]))?,
                    None => path.say(resolve_predefined_entity(&entity).ok_or(Unreadable)?)?,
                },
                Event::Decl(_) | Event::Comment(_) => {}
                Event::DocType(_) | Event::PI(_) => return Err(Unreadable),
                Event::Eof => return if path.is_over { Ok(()) } else { Err(Unreadable) },
            }
        }
    }
}

/// Where in the XML the reader is.
#[derive(Default)]
struct Path {
    depth: u32,
    /// The root has been left.
    is_over: bool,
    /// The name on the first level, and its text so far.
    open: Option<(String, String)>,
}

impl Path {
    fn enter(&mut self, name: &str) -> Result<(), Unreadable> {
        self.depth += 1;
        match self.depth {
            1 if self.is_over || name != ROOT => return Err(Unreadable),
            2 => self.open = Some((name.to_owned(), String::new())),
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, body: &mut Body) -> Result<(), Unreadable> {
        self.depth = self.depth.checked_sub(1).ok_or(Unreadable)?;
        self.is_over = self.depth == 0;
        match self.open.take_if(|_| self.depth == 1) {
            Some((name, text)) => body.add(name, text),
            None => Ok(()),
        }
    }

    /// Text counts on the first level only, and has no place outside of it.
    fn say(&mut self, piece: &str) -> Result<(), Unreadable> {
        let (_, text) = self.open.as_mut().ok_or(Unreadable)?;
        if self.depth == 2 {
            text.push_str(piece);
        }
        Ok(())
    }

    /// Blanks may stand anywhere.
    fn blank(&mut self, piece: &str) {
        if let Some((_, text)) = self.open.as_mut().filter(|_| self.depth == 2) {
            text.push_str(piece);
        }
    }
}

/// The members of a JSON object as they stand there, repeated ones included.
struct Pairs(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn xml(inside: &str) -> Result<Body, Unreadable> {
        Body::parse(format!("<xml>{inside}</xml>").as_bytes())
    }

    #[test]
    fn cdata_text_and_entities_are_read_alike() {
        for inside in [
            "<Content><![CDATA[a<b]]></Content>",
            "<Content>a&lt;b</Content>",
            "<Content>a&#60;b</Content>",
            "\n <Content>a<![CDATA[<]]>b</Content>\r\n",
            "<Nested><Content>no</Content></Nested><Content><!-- no -->a&#x3c;b</Content>",
        ] {
            assert_eq!(xml(inside).unwrap().text("Content"), Some("a<b"), "{inside}");
        }
        assert_eq!(xml("<EventKey/>").unwrap().text("EventKey"), Some(""));
        assert_eq!(xml("<EventKey></EventKey>").unwrap().text("EventKey"), Some(""));
        assert_eq!(xml("<event>no</event>").unwrap().text("Event"), None);
    }

    #[test]
    fn json_is_read_too() {
        let body =
            Body::parse(br#" {"CreateTime":1714112445,"Content":"a\u003cb","Info":{"Content":"no"}} "#)
                .unwrap();
        assert_eq!(
            (body.syntax, body.text("Content"), body.text("CreateTime")),
            (Syntax::Json, Some("a<b"), Some("1714112445"))
        );
    }

    #[test]
    fn what_two_readers_could_read_as_two_messages_is_none() {
        for text in [
            "",
            "<xml>",
            "<xml></xml><xml></xml>",
            "<xml></xml>more",
            "<other></other>",
            "<xml><A>1</A><A>2</A></xml>",
            "<xml><A>1</A><A/></xml>",
            "<xml><A>1</B></xml>",
            "<!DOCTYPE xml><xml></xml>",
            "<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><A>&e;</A></xml>",
            "<xml><A>&e;</A></xml>",
            "<xml>text<A>1</A></xml>",
            "<?php ?><xml></xml>",
            r#"{"A":"1","A":"2"}"#,
            r#"{"A":"1"} {}"#,
            r#"["A"]"#,
            "\u{0}",
        ] {
            assert!(Body::parse(text.as_bytes()).is_err(), "{text}");
        }
        let many: String = (0..=MOST_NAMES).map(|number| format!("<N{number}/>")).collect();
        assert!(xml(&many).is_err());
        assert!(Body::parse(&[b'{', 0xff, b'}']).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(<xml>|</xml>|<A>|</A>|<A/>|<!\\[CDATA\\[|\\]\\]>|&lt;|&#0;|&#xFFFFFF;|\\{|\\}|\"|:|,|a|<!--|-->| ){0,12}") {
            let _ = Body::parse(text.as_bytes());
        }
    }
}
