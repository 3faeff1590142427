//! Finds one cookie in `Cookie` lines without reading the others.

use http::header::{COOKIE, HeaderMap};
use memchr::memmem::Finder;

use super::set_cookie::BLANKS;

/// A cookie to look for again and again.
#[derive(Clone, Debug)]
pub struct NamedCookie {
    finder: Finder<'static>,
}

impl NamedCookie {
    /// Looks for cookies of exactly this name, which must be one that cannot overlap itself.
    pub fn new(name: &str) -> Self {
        Self { finder: Finder::new(name).into_owned() }
    }

    /// Its values, in order, over all `Cookie` lines: what [`received`](super::set_cookie::received) says of this name.
    #[cfg(test)]
    fn values<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        self.raw_values(headers).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The same as bytes, for whoever knows better what to make of those that are no text.
    pub fn raw_values<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        headers.get_all(COOKIE).iter().flat_map(|line| self.values_in(line.as_bytes()))
    }

    fn values_in<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.finder.find_iter(line).filter_map(|at| {
            let before = trim_end(&line[..at]);
            if !before.is_empty() && before.last() != Some(&b';') {
                return None;
            }
            let behind = trim_start(&line[at + self.finder.needle().len()..]).strip_prefix(b"=")?;
            let end = memchr::memchr(b';', behind).unwrap_or(behind.len());
            Some(trim_start(trim_end(&behind[..end])))
        })
    }
}

fn is_blank(byte: u8) -> bool {
    const BYTES: [u8; 2] = [BLANKS[0] as u8, BLANKS[1] as u8];
    BYTES.contains(&byte)
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    let lead = bytes.iter().take_while(|byte| is_blank(**byte)).count();
    &bytes[lead..]
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    let trail = bytes.iter().rev().take_while(|byte| is_blank(**byte)).count();
    &bytes[..bytes.len() - trail]
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::super::set_cookie::received;
    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_reading_all_cookies_finds(
            lines in prop::collection::vec(
                "(([ \t\u{a0}]{0,2}(__Host-)?(wxgate|wxgatewxgate|a|wxgate-x|\"wxgate)?[ \t]{0,2}[=;,]{0,2}[ \ta-z\"é]{0,4}){0,3};?){0,4}",
                0..4,
            ),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut headers = HeaderMap::new();
            for line in &lines {
                // Not every line is text.
                let mut bytes = line.clone().into_bytes();
                if !bytes.is_empty() && cut.index(3) == 0 {
                    let at = cut.index(bytes.len());
                    bytes[at] = 0xd5;
                }
                headers.append(COOKIE, HeaderValue::from_bytes(&bytes).unwrap());
            }
            for name in ["wxgate", "__Host-wxgate"] {
                let all: Vec<&str> =
                    received(&headers).filter(|(found, _)| *found == name).map(|(_, value)| value).collect();
                let cookie = NamedCookie::new(name);
                prop_assert_eq!(cookie.values(&headers).collect::<Vec<_>>(), all);
            }
        }
    }
}
