//! The language in which findings are told.

use crate::pages::language::Language;

/// `chosen`, else what the environment says of the terminal.
pub(super) fn choose(chosen: Option<&str>, environment: &[(String, String)]) -> Language {
    let variable = |name: &&str| {
        let found = environment.iter().find(|(known, value)| known == *name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let locale = || ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(variable);
    match chosen.or_else(locale) {
        Some(name) if name.starts_with("zh") => Language::Chinese,
        _ => Language::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_chosen_one_or_that_of_the_terminal() {
        let environment = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let chinese = environment(&[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")]);
        assert_eq!(choose(None, &chinese), Language::Chinese);
        assert_eq!(choose(Some("en"), &chinese), Language::English);
        let english = environment(&[("LC_MESSAGES", "C"), ("LANG", "zh_CN.UTF-8")]);
        assert_eq!(choose(None, &english), Language::English);
        assert_eq!(choose(Some("zh"), &[]), Language::Chinese);
        assert_eq!(choose(None, &[]), Language::English);
    }
}
