//! What was found, in both languages, and how it is printed.

use serde_json::{Value, json};

use super::super::listing::{say, say_json};
use crate::pages::language::Language;

/// A sentence in both languages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Text {
    zh: String,
    en: String,
}

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Level {
    Failed,
    Note,
    Ok,
}

/// How it stands with one thing, and what to do about it.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    check: &'static str,
    level: Level,
    what: Text,
    todo: Option<Text>,
    doubt: Option<Doubt>,
}

/// What an app's own answers cannot tell: whether the rest of its table is another app's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Doubt {
    /// Of the AppID: it is that of another kind of app.
    Id,
    /// Of the AppSecret: it is not that of this AppID.
    Secret,
}

/// Prints findings as they come, or all at the end for programs.
pub(super) struct Report {
    language: Language,
    json: Option<Vec<Value>>,
    said: Vec<Text>,
    is_bad: bool,
}

/// The sentence in Chinese and in English.
pub(super) fn text(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

impl Text {
    /// In one language.
    pub(super) fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }

    /// This after another one, with a mark between.
    pub(super) fn after(&self, before: &Text) -> Text {
        text(format!("{}：{}", before.zh, self.zh), format!("{}: {}", before.en, self.en))
    }

    /// Two sentences.
    pub(super) fn and(&self, next: &Text) -> Text {
        text(format!("{}{}", self.zh, next.zh), format!("{} {}", self.en, next.en))
    }
}

impl Finding {
    /// All is well with what `check` looks at.
    pub(super) fn ok(check: &'static str, what: Text) -> Self {
        Self { check, level: Level::Ok, what, todo: None, doubt: None }
    }

    /// It does not work, and this is to be done.
    pub(super) fn failed(check: &'static str, what: Text, todo: Text) -> Self {
        Self { check, level: Level::Failed, what, todo: Some(todo), doubt: None }
    }

    /// Only the administrator can see whether it works, or it may stop working.
    pub(super) fn note(check: &'static str, what: Text, todo: Text) -> Self {
        Self { check, level: Level::Note, what, todo: Some(todo), doubt: None }
    }

    /// Casts this doubt on the app it is about.
    #[must_use]
    pub(super) fn doubting(self, doubt: Option<Doubt>) -> Self {
        Self { doubt, ..self }
    }

    /// The doubt that it casts.
    pub(super) fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Says more of what it is, and what to do first.
    pub(super) fn explain(&mut self, what: &Text, first: &Text) {
        self.what = text(format!("{}；{}", self.what.zh, what.zh), format!("{}; {}", self.what.en, what.en));
        self.todo = Some(match &self.todo {
            Some(todo) => first.and(todo),
            None => first.clone(),
        });
    }
}

impl Report {
    /// In this language, for people or for programs.
    pub(super) fn new(language: Language, is_json: bool) -> Self {
        Self { language, json: is_json.then(Vec::new), said: Vec::new(), is_bad: false }
    }

    /// Prints one finding. Nobody reads the same advice twice.
    pub(super) fn add(&mut self, finding: Finding) -> anyhow::Result<()> {
        let Finding { check, level, what, todo, .. } = finding;
        self.is_bad |= level == Level::Failed;
        let (title, advice) = (what.in_language(self.language), todo.as_ref());
        if let Some(all) = &mut self.json {
            let advice = advice.map(|todo| todo.in_language(self.language));
            all.push(json!({ "check": check, "result": level.word(), "what": title, "advice": advice }));
            return Ok(());
        }
        let mut lines = format!("{:<7} {title}\n", level.word());
        if let Some(todo) = todo {
            if self.said.contains(&todo) {
                let above = text("处理方法同上。", "Do as above.");
                lines.push_str(&format!("        {}\n", above.in_language(self.language)));
            } else {
                lines.push_str(&format!("        {}\n", todo.in_language(self.language)));
                self.said.push(todo);
            }
        }
        say(&lines)
    }

    /// Ends; whether nothing failed.
    pub(super) fn end(self) -> anyhow::Result<bool> {
        if let Some(all) = self.json {
            say_json(&Value::Array(all))?;
        }
        Ok(!self.is_bad)
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Note => "note",
            Self::Ok => "ok",
        }
    }
}
