//! What somebody wrote into the chat, as far as it is about a sign-in: digits, with a yes or a no.

/// Digits that a page shows.
const DIGITS: usize = 6;

/// A message that means a sign-in.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Written {
    /// The digits on a page: which browser.
    Digits(String),
    /// Whether it may, and the digits again.
    Verdict(bool, String),
    /// A yes or a no to nothing in particular.
    Bare,
}

impl Written {
    /// Reads it as it comes from a phone's keyboard: in small letters, in full-width forms, in groups. Anything else is
    /// somebody else's conversation, and `None`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text: String =
            text.chars().map(narrow).filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        let text = text.to_ascii_uppercase();
        let (word, digits) =
            text.split_at(text.find(|letter: char| letter.is_ascii_digit()).unwrap_or(text.len()));
        let verdict = match word {
            "" => None,
            "Y" | "YES" => Some(true),
            "N" | "NO" => Some(false),
            _ => return None,
        };
        let is_whole = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        match verdict {
            None if is_whole => Some(Self::Digits(digits.to_owned())),
            Some(verdict) if is_whole => Some(Self::Verdict(verdict, digits.to_owned())),
            Some(_) if digits.is_empty() => Some(Self::Bare),
            _ => None,
        }
    }
}

/// Full-width forms (U+FF01 to U+FF5E), which Chinese keyboards write, as ASCII.
fn narrow(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_keyboards_write_them() {
        let digits = || "123456".to_owned();
        for (text, written) in [
            ("123456", Some(Written::Digits(digits()))),
            ("123 456", Some(Written::Digits(digits()))),
            ("123-456\n", Some(Written::Digits(digits()))),
            ("１２３４５６", Some(Written::Digits(digits()))),
            ("１２３　４５６", Some(Written::Digits(digits()))),
            ("Y123456", Some(Written::Verdict(true, digits()))),
            ("y 123 456", Some(Written::Verdict(true, digits()))),
            ("Ｙ１２３４５６", Some(Written::Verdict(true, digits()))),
            ("yes 123456", Some(Written::Verdict(true, digits()))),
            ("n123456", Some(Written::Verdict(false, digits()))),
            ("No-123456", Some(Written::Verdict(false, digits()))),
            (" ｙ ", Some(Written::Bare)),
            ("NO", Some(Written::Bare)),
            ("", None),
            ("12345", None),
            ("1234567", None),
            ("123456Y", None),
            ("YN123456", None),
            ("YY123456", None),
            ("Y123456Y", None),
            ("12:34:56", None),
            ("你好", None),
            ("Y你123456", None),
            ("١٢٣٤٥٦", None),
            ("yesterday", None),
        ] {
            assert_eq!(Written::read(text), written, "{text}");
        }
    }
}
