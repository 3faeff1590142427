//! Lists on the terminal, page by page: a table for people, a JSON array for programs.

use std::io::{self, Write as _};

use serde_json::Value;
use thiserror::Error;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::model::legible::is_invisible;

/// Widest column, in cells of the terminal.
const WIDEST: usize = 40;

/// Whoever read our output has gone, which is their right (`| head`).
#[derive(Debug, Error)]
#[error("nobody reads the output any more")]
pub(super) struct Gone;

/// What can be listed, in `N` columns.
pub(super) trait Listed<const N: usize> {
    /// What stands above the columns.
    const HEADS: [&'static str; N];

    /// One row of the table.
    fn cells(&self) -> [String; N];

    /// The same for programs, and all of it.
    fn json(&self) -> Value;
}

/// A list under way.
pub(super) struct Listing<const N: usize> {
    is_json: bool,
    count: usize,
    widths: [usize; N],
}

impl<const N: usize> Listing<N> {
    /// The beginning of a list.
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json, count: 0, widths: [0; N] }
    }

    /// Lists some more. Columns are as wide as those seen so far need.
    pub(super) fn page<T: Listed<N>>(&mut self, items: &[T]) -> anyhow::Result<()> {
        let text = if self.is_json { self.array(items) } else { self.table(items) };
        self.count += items.len();
        say(&text)
    }

    /// The end; without anything listed, a person is told so.
    pub(super) fn end(self, nothing: &str) -> anyhow::Result<()> {
        match (self.is_json, self.count) {
            (true, 0) => say("[]\n"),
            (true, _) => say("\n]\n"),
            (false, 0) => {
                eprintln!("{nothing}");
                Ok(())
            }
            (false, _) => Ok(()),
        }
    }

    fn array<T: Listed<N>>(&self, items: &[T]) -> String {
        let begin = |number: usize| if self.count + number == 0 { "[\n" } else { ",\n" };
        items
            .iter()
            .enumerate()
            .map(|(number, item)| format!("{}{}", begin(number), printable(&item.json().to_string())))
            .collect()
    }

    fn table<T: Listed<N>>(&mut self, items: &[T]) -> String {
        let heads = (self.count == 0 && !items.is_empty()).then(|| T::HEADS.map(str::to_owned));
        let rows = items.iter().map(|item| item.cells().map(|cell| clipped(&visible(&cell))));
        let rows: Vec<[String; N]> = heads.into_iter().chain(rows).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        rows.iter().map(|row| line(row, &self.widths)).collect()
    }
}

/// Writes to the standard output.
pub(super) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Gone.into()),
        said => Ok(said?),
    }
}

/// Writes one thing to the standard output, for programs.
pub(super) fn say_json(json: &Value) -> anyhow::Result<()> {
    say(&format!("{}\n", printable(&format!("{json:#}"))))
}

/// JSON that says the same, and shows what would move the cursor, turn text around or hide in it as `\u` sequences. The
/// line breaks are its own: those in texts are written as `\n` already.
fn printable(json: &str) -> String {
    let mut units = [0; 2];
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter != '\n' && is_invisible(letter) {
            text.extend(letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(letter);
        }
    }
    text
}

/// How many there are of something, in words.
pub(super) fn counted(count: u64, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

/// A text of a stranger's without what moves the cursor, turns the text around or hides in it.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(|letter| if is_invisible(letter) { '\u{fffd}' } else { letter }).collect()
}

/// The text, if it is not too wide; else its beginning.
fn clipped(text: &str) -> String {
    if text.width() <= WIDEST {
        return text.to_owned();
    }
    let mut width = 0;
    let fits = |letter: &char| {
        width += letter.width().unwrap_or(0);
        width < WIDEST
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Cells below each other, also when letters are two cells wide.
fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| {
        let room = width.saturating_sub(cell.width());
        format!("{cell}{}", " ".repeat(room))
    });
    format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Listed<3> for [&str; 3] {
        const HEADS: [&'static str; 3] = ["ID", "NAME", "LAST"];

        fn cells(&self) -> [String; 3] {
            self.map(str::to_owned)
        }

        fn json(&self) -> Value {
            serde_json::json!({"id": self[0]})
        }
    }

    #[test]
    fn columns_line_up_under_wide_letters() {
        let mut listing = Listing::new(false);
        let text = listing.table(&[["1", "王芳", "x"], ["2", "Lin", ""], ["3", "Amélie", "y"]]);
        assert_eq!(text, "ID  NAME    LAST\n1   王芳    x\n2   Lin\n3   Amélie  y\n");
        listing.count = 3;
        assert_eq!(listing.table(&[["4", "a", "z"]]), "4   a       z\n", "the second page has no head");
    }

    #[test]
    fn a_name_cannot_move_the_cursor_or_fill_the_screen() {
        assert_eq!(visible("a\u{1b}[2J\u{202e}b\n"), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        let long = clipped(&"王".repeat(64));
        assert!(long.ends_with('…') && long.width() <= WIDEST, "{long}");
        assert_eq!(clipped("short"), "short");
    }

    #[test]
    fn json_keeps_every_letter_and_prints_none_that_cannot_be_seen() {
        let letters: String = ('\0'..=char::MAX).filter(|letter| is_invisible(*letter)).collect();
        let text = format!("王\"\\{letters}👩");
        for json in [
            serde_json::json!([{ "name": text }]).to_string(),
            format!("{:#}", serde_json::json!([{ "name": text }])),
        ] {
            let printed = printable(&json);
            assert!(!printed.contains(|letter| letter != '\n' && is_invisible(letter)));
            assert!(
                printed.contains("\\u202e")
                    && printed.contains("\\udb40\\udc01")
                    && printed.contains("\\u007f")
            );
            assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()[0]["name"], text);
        }
        assert!(!visible(&letters).contains(is_invisible));
    }

    #[test]
    fn one_is_one_and_not_many() {
        assert_eq!(
            [0, 1, 2].map(|count| counted(count, "session")),
            ["0 sessions", "1 session", "2 sessions"]
        );
    }

    #[test]
    fn pages_make_one_array() {
        let mut listing = Listing::<3>::new(true);
        let first = listing.array(&[["1", "", ""], ["2", "", ""]]);
        listing.count = 2;
        let text = format!("{first}{}\n]\n", listing.array(&[["3", "", ""]]));
        let array: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(array, serde_json::json!([{"id": "1"}, {"id": "2"}, {"id": "3"}]));
    }
}
