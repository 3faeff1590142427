//! How problems look: rustc's way, the line, a caret under the mistake, and what to do.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::mask;
use super::problem::{Place, Problem, Problems, Severity};

impl Problems {
    /// The whole report, in the order of the file, ending with a line that counts; empty when nothing is
    /// wrong. `styled` adds terminal colours. Secrets never appear in it.
    pub fn render(&self, styled: bool) -> String {
        if self.is_empty() {
            return String::new();
        }
        let secret_names = self.is_broken.get().then(|| self.secret_names.borrow());
        let shown_text = mask::masked(&self.text, &self.secret_spans.borrow(), secret_names.as_deref());
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let problems = self.sorted();
        let mut report = String::new();
        for problem in problems.iter().take(MOST_SHOWN) {
            let shown = renderer.render(&[self.group(problem, &shown_text)]);
            // Without line numbers there is no margin; give it the width of one.
            let margin = if shows_text(problem) { "\n" } else { "\n " };
            report.push_str(&shown.replace('\n', margin));
            report.push_str("\n\n");
        }
        if problems.len() > MOST_SHOWN {
            report.push_str(&format!("… and {} more\n\n", problems.len() - MOST_SHOWN));
        }
        report.push_str(&self.summary());
        report.push('\n');
        report
    }

    /// Such as `5 errors, 1 warning in config.toml`.
    fn summary(&self) -> String {
        let counted = [(Severity::Error, "error"), (Severity::Warning, "warning")]
            .into_iter()
            .filter_map(|(severity, name)| match self.count(severity) {
                0 => None,
                1 => Some(format!("1 {name}")),
                several => Some(format!("{several} {name}s")),
            })
            .collect::<Vec<_>>();
        format!("{} in {}", counted.join(", "), self.file)
    }

    fn group<'a>(&'a self, problem: &Problem, shown_text: &'a str) -> Group<'a> {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(printable(&problem.title)));
        let mut marks = Vec::new();
        let mut remarks = Vec::new();
        for (kind, place, label) in pointers(problem) {
            match place {
                Place::Environment { variable } => {
                    let origin = format!("environment variable {}", printable(variable));
                    group = group.element(Origin::path(origin));
                    remarks.extend(label);
                }
                Place::File { start, end } => {
                    marks.push((kind, on_one_line(shown_text, *start..*end), label))
                }
                Place::Top => {
                    group = group.element(Origin::path(&*self.file).line(1).char_column(1));
                    remarks.extend(label);
                }
            }
        }
        if let (Some(first), Some(last)) =
            (marks.iter().map(|mark| mark.1.start).min(), marks.iter().map(|mark| mark.1.end).max())
        {
            let lines = whole_lines(shown_text, first..last);
            let annotations = marks.into_iter().map(|(kind, span, label)| -> Annotation<'a> {
                kind.span(span.start - lines.start..span.end - lines.start).label(label.map(printable))
            });
            let snippet = Snippet::source(&shown_text[lines.clone()])
                .line_start(self.line_of(lines.start))
                .path(&*self.file)
                .annotations(annotations);
            group = group.element(snippet);
        }
        remarks.extend(problem.help.as_deref());
        group.elements(remarks.into_iter().map(|remark| Level::HELP.message(printable(remark))))
    }
}

/// Whether a problem stands in a line of the file.
fn shows_text(problem: &Problem) -> bool {
    pointers(problem).any(|(_, place, _)| matches!(place, Place::File { .. }))
}

/// The places of a problem, the main one first.
fn pointers(problem: &Problem) -> impl Iterator<Item = (AnnotationKind, &Place, Option<&str>)> {
    let main = (AnnotationKind::Primary, &problem.place, problem.label.as_deref());
    let also =
        problem.also.as_ref().map(|(place, label)| (AnnotationKind::Context, place, Some(label.as_str())));
    std::iter::once(main).chain(also)
}

/// `span`, cut at the end of its first line and moved to where characters begin.
fn on_one_line(text: &str, span: Range<usize>) -> Range<usize> {
    let boundary =
        |offset: usize| (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = boundary(span.start);
    let end = boundary(span.end.max(start));
    let first_line = text[start..end].lines().next().map_or(0, str::len);
    start..start + first_line
}

/// `span`, widened to the lines it stands on.
fn whole_lines(text: &str, span: Range<usize>) -> Range<usize> {
    let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |newline| span.end + newline + 1);
    start..end
}

/// `text` without characters that would move the cursor or colour the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// A file with more mistakes than this is not a configuration.
const MOST_SHOWN: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_follows_the_file_and_counts() {
        let problems = Problems::new("config.toml", "one = 1\ntwo = 2\n");
        problems.add(Problem::warning(&Place::file(8..11), "second").help("mind it"));
        problems.add(Problem::error(&Place::Environment { variable: "WXGATE_X".to_owned() }, "last"));
        problems.add(Problem::error(&Place::file(0..3), "first").label("here"));
        assert_eq!(
            problems.render(false),
            "\
error: first
 --> config.toml:1:1
  |
1 | one = 1
  | ^^^ here

warning: second
 --> config.toml:2:1
  |
2 | two = 2
  | ^^^
  |
  = help: mind it

error: last
 --> environment variable WXGATE_X

2 errors, 1 warning in config.toml
"
        );
    }

    #[test]
    fn columns_count_characters_and_carets_count_cells() {
        let problems = Problems::new("config.toml", "\ttitle = \"微信\" # 说明\r\nnext = 1\r\n");
        let start = problems.text.find('#').unwrap();
        problems.add(Problem::error(&Place::file(start..start + 1), "here"));
        let report = problems.render(false);
        assert!(report.contains("--> config.toml:1:15\n"), "{report}");
        assert!(report.contains("1 |     title = \"微信\" # 说明\n  |                    ^\n"), "{report}");
    }

    #[test]
    fn odd_spans_and_control_characters_do_no_harm() {
        for text in ["", "\n", "é", "a\r\nb"] {
            for start in 0..6 {
                for end in 0..6 {
                    let problems = Problems::new("config.toml", text);
                    problems.add(Problem::error(&Place::file(start..end), "odd\u{1b}[31m").help("\u{7}"));
                    let report = problems.render(false);
                    assert!(!report.contains(['\u{1b}', '\u{7}']));
                }
            }
        }
        assert_eq!(Problems::new("config.toml", "").render(true), "");
    }
}
