//! What is wrong with a configuration, for programs.

use serde_json::{Value, json};

use super::problem::{Place, Problem, Problems, Severity};

impl Problems {
    /// `errors` and `warnings`, each in the order of the file. As in the report for people, no secret is in it.
    pub fn json(&self) -> Value {
        let sorted = self.sorted();
        let of = |severity| {
            let list = sorted.iter().filter(|problem| problem.severity == severity);
            list.map(|problem| self.told(problem)).collect::<Vec<_>>()
        };
        json!({ "errors": of(Severity::Error), "warnings": of(Severity::Warning) })
    }

    fn told(&self, problem: &Problem) -> Value {
        let (place, variable) = match &problem.place {
            Place::Top => (Some((1, 1)), None),
            Place::File { start, .. } => (Some((self.line_of(*start), self.column_of(*start))), None),
            Place::Environment { variable } => (None, Some(variable)),
        };
        json!({
            "message": problem.title,
            "help": problem.help.as_ref().or(problem.label.as_ref()),
            "file": place.map(|_| &self.file),
            "line": place.map(|(line, _)| line),
            "column": place.map(|(_, column)| column),
            "variable": variable,
        })
    }

    /// The column `offset` stands in, in characters, counted from 1.
    fn column_of(&self, offset: usize) -> usize {
        let before = self.text.char_indices().take_while(|(at, _)| *at < offset);
        1 + before.fold(0, |column, (_, character)| if character == '\n' { 0 } else { column + 1 })
    }
}
