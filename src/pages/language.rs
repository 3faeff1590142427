//! Which of the two languages a visitor reads, and the links that change it.

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// Simplified Chinese, shown to readers of every kind of Chinese.
    Chinese,
    /// English, shown to everybody who reads no Chinese.
    English,
}

impl Language {
    /// The language to answer in: what the operator fixed, else what the visitor chose with `?lang=` now
    /// or (cookie) earlier, else what the browser prefers. Nobody's word at all means Chinese.
    pub fn choose(
        parameter: Option<&str>,
        cookie: Option<&str>,
        accept_language: Option<&str>,
        fixed: Option<Self>,
    ) -> Self {
        fixed
            .or_else(|| parameter.and_then(Self::named))
            .or_else(|| cookie.and_then(Self::named))
            .or_else(|| accept_language.and_then(preferred))
            .unwrap_or(Self::Chinese)
    }

    /// The language with this name: `zh`, `zh-CN`, `zh_TW`, `en`, `en-GB`…
    pub fn named(name: &str) -> Option<Self> {
        let primary = name.trim().split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Chinese)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }

    /// The short name, for `?lang=`, the cookie and the configuration file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }

    /// The language tag for the `lang` attribute and `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }
}

/// The addresses of the page being shown, in each language.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LanguageLinks {
    pub(super) chinese: String,
    pub(super) english: String,
}

impl LanguageLinks {
    /// The links for a page asked for with this query string (without its `?`).
    ///
    /// `lang` is put first, because the login page takes everything after `to=` as the address to return to.
    pub fn from_query(query: Option<&str>) -> Self {
        let mut rest = query.unwrap_or_default();
        while let Some(after) = rest.strip_prefix("lang=") {
            rest = after.split_once('&').map_or("", |(_, others)| others);
        }
        let link = |language: Language| {
            let separator = if rest.is_empty() { "" } else { "&" };
            format!("?lang={}{separator}{rest}", language.name())
        };
        Self { chinese: link(Language::Chinese), english: link(Language::English) }
    }
}

/// What an `Accept-Language` header asks for (RFC 9110, 12.5.4): the best of our two languages, English for
/// a reader of other languages, `None` when it names no language.
fn preferred(header: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    let mut reads_another = false;
    for range in header.split(',') {
        let (name, quality) = match range.split_once(';') {
            None => (range.trim(), 1.0),
            Some((name, parameter)) => (name.trim(), quality(parameter)),
        };
        if name.is_empty() || name == "*" || quality <= 0.0 {
            continue;
        }
        match Language::named(name) {
            Some(language) if best.is_none_or(|(known, _)| quality > known) => {
                best = Some((quality, language))
            }
            Some(_) => {}
            None => reads_another = true,
        }
    }
    best.map(|(_, language)| language).or(reads_another.then_some(Language::English))
}

/// The weight in `q=0.8`; a weight nobody can read counts as a refusal.
fn quality(parameter: &str) -> f32 {
    let written =
        parameter.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim_start().strip_prefix('='));
    let weight = written.and_then(|number| number.trim().parse::<f32>().ok());
    weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::Language::{Chinese, English};
    use super::*;

    #[test]
    fn a_browser_gets_the_language_it_prefers() {
        for (header, expected) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Chinese),
            ("en-US,en;q=0.9,zh-CN;q=0.8", English),
            ("zh-TW", Chinese),
            ("zh-HK,en;q=0.5", Chinese),
            ("zh-Hant-TW;q=0.3, en;q=0.4", English),
            ("en;q=0.2, ZH;q=0.7", Chinese),
            ("fr-FR,fr;q=0.9", English),
            ("fr,zh;q=0.5", Chinese),
            ("ja,*;q=0.5", English),
            ("zh;q=0,en", English),
            ("zh;q=nan,en;q=0.1", English),
            ("zh;q=7,de", English),
            ("*", Chinese),
            ("", Chinese),
            (",,;", Chinese),
        ] {
            assert_eq!(Language::choose(None, None, Some(header), None), expected, "{header:?}");
        }
    }

    #[test]
    fn the_nearest_wish_wins() {
        assert_eq!(Language::choose(None, None, None, None), Chinese);
        assert_eq!(Language::choose(Some("en"), Some("zh"), Some("zh"), None), English);
        assert_eq!(Language::choose(Some("xx"), Some("en"), Some("zh"), None), English);
        assert_eq!(Language::choose(None, Some("en-GB"), Some("zh"), None), English);
        assert_eq!(Language::choose(Some("en"), Some("en"), Some("en"), Some(Chinese)), Chinese);
    }

    #[test]
    fn a_language_link_keeps_the_rest_of_the_query() {
        let english = |query| LanguageLinks::from_query(query).english;
        assert_eq!(english(None), "?lang=en");
        assert_eq!(english(Some("lang=zh")), "?lang=en");
        assert_eq!(english(Some("lang=zh&lang=en&to=/a?lang=zh&b=c")), "?lang=en&to=/a?lang=zh&b=c");
        assert_eq!(LanguageLinks::from_query(Some("to=/")).chinese, "?lang=zh&to=/");
    }
}
