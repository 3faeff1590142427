//! What the pages say: one catalogue per language, and how a value is put into a sentence.

mod admin_en;
mod admin_zh;
mod en;
mod people_en;
mod people_zh;
mod phone_en;
mod phone_zh;
mod zh;

use super::language::Language;

/// Sentences by their keys.
type Words = &'static [(&'static str, &'static str)];

const CHINESE: [Words; 4] = [zh::WORDS, people_zh::WORDS, phone_zh::WORDS, admin_zh::WORDS];
const ENGLISH: [Words; 4] = [en::WORDS, people_en::WORDS, phone_en::WORDS, admin_en::WORDS];

/// The sentence behind `key`.
pub(super) fn find(language: Language, key: &str) -> Option<&'static str> {
    all(language).find_map(|(known, sentence)| (*known == key).then_some(*sentence))
}

fn all(language: Language) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let words = match language {
        Language::Chinese => CHINESE,
        Language::English => ENGLISH,
    };
    words.into_iter().flatten()
}

/// Puts values into the `{placeholders}` of a sentence, once: braces inside a value stay as they are.
///
/// # Errors
/// The name of a placeholder that `value` does not know.
pub(super) fn fill(sentence: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, &str> {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(after)?;
        filled.push_str(before);
        filled.push_str(&value(name).ok_or(name)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A value that cannot turn around the sentence it stands in: one with letters that run from right to left is
/// wrapped in the marks that `<bdi>` stands for, which a title can hold too.
pub(super) fn isolated(value: String) -> String {
    let runs_left = |letter: char| {
        matches!(
            letter,
            '\u{590}'..='\u{8ff}'
                | '\u{fb1d}'..='\u{fdff}'
                | '\u{fe70}'..='\u{fefc}'
                | '\u{10800}'..='\u{10fff}'
                | '\u{1e800}'..='\u{1efff}'
        )
    };
    if value.contains(runs_left) { format!("\u{2068}{value}\u{2069}") } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn placeholders(sentence: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        fill(sentence, |name| {
            names.insert(name.to_owned());
            Some(String::new())
        })
        .expect("every brace is closed");
        names
    }

    #[test]
    fn both_languages_have_the_same_words_in_the_same_order() {
        let keys = |words: Words| words.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        for (chinese, english) in CHINESE.into_iter().zip(ENGLISH) {
            assert_eq!(keys(chinese), keys(english));
        }
        let unique: BTreeSet<_> = all(Language::Chinese).map(|(key, _)| key).collect();
        assert_eq!(unique.len(), all(Language::Chinese).count(), "a key appears twice");
    }

    #[test]
    fn both_languages_have_the_same_placeholders() {
        for ((key, chinese), (_, english)) in all(Language::Chinese).zip(all(Language::English)) {
            assert_eq!(placeholders(chinese), placeholders(english), "{key}");
            assert!(!chinese.is_empty() && !english.is_empty(), "{key}");
        }
    }

    #[test]
    fn a_name_in_letters_from_right_to_left_leaves_its_sentence_alone() {
        assert_eq!(isolated("דנה 7".to_owned()), "\u{2068}דנה 7\u{2069}");
        assert_eq!(isolated("王芳 Ann".to_owned()), "王芳 Ann");
    }

    #[test]
    fn a_value_is_never_read_as_a_sentence() {
        let filled = fill("{name} at {site}!", |name| Some(format!("<{{{name}}}>")));
        assert_eq!(filled.as_deref(), Ok("<{name}> at <{site}>!"));
        assert_eq!(fill("{name}", |_| None), Err("name"));
    }
}
