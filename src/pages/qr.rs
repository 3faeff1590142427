//! An address as a QR code, for a phone to scan.

use minijinja::{Value, context};
use qrcode::{Color, QrCode};

/// Light squares around the dark ones, as many as cameras need.
const QUIET: usize = 4;

/// The code of `text` for a template: the width of its field, and the dark squares as one path. `None` when `text` is too
/// long for one.
pub(super) fn code(text: &str) -> Option<Value> {
    let (size, path) = drawn(text)?;
    Some(context! { size, path })
}

/// The code of `text` as a picture of its own (SVG).
pub(super) fn image(text: &str) -> Option<String> {
    let (size, path) = drawn(text)?;
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges"><rect width="{size}" height="{size}" fill="#fff"/><path d="{path}"/></svg>"##
    ))
}

/// Words, line by line, where a code would stand.
pub(super) fn in_words(words: &str) -> String {
    let lines: Vec<_> = words.lines().collect();
    let top = 124 - 12 * lines.len().saturating_sub(1);
    let line =
        |(number, line): (usize, &&str)| format!("<text x=\"120\" y=\"{}\">{line}</text>", top + 24 * number);
    let lines: String = lines.iter().enumerate().map(line).collect();
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" font-family="system-ui,sans-serif" font-size="17" text-anchor="middle" fill="#15201b"><rect width="240" height="240" fill="#fff"/>{lines}</svg>"##
    )
}

fn drawn(text: &str) -> Option<(usize, String)> {
    let code = QrCode::new(text.as_bytes()).ok()?;
    let width = code.width();
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            let length = run.len();
            if run.first() == Some(&Color::Dark) {
                path.push_str(&format!("M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET));
            }
            x += length;
        }
    }
    Some((width + 2 * QUIET, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_squares_of_a_code_stand_inside_its_field() {
        let code =
            code("https://app.example.com/_wxgate/invite?code=00112233445566778899aabbccddeeff").unwrap();
        let size: usize = code.get_attr("size").unwrap().try_into().unwrap();
        let path = code.get_attr("path").unwrap().to_string();
        // The upper left corner of every code is a square of seven.
        assert!(path.starts_with("M4 4h7v1h-7z"), "{path}");
        assert!(size > 30 && path.len() < 10_000);
        assert!(super::code(&"x".repeat(5000)).is_none());
    }
}
