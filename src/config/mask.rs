//! Hides secrets in the copy of the file that reports show, at unchanged positions.

use std::ops::Range;

use super::suggestion::edit_distance;

/// Whether a key of this name holds, or was meant to hold, a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name: String = name.to_lowercase().chars().filter(|character| *character != '-').collect();
    if name.ends_with("_file") {
        return false;
    }
    let name = name.replace('_', "");
    SECRET_WORDS.iter().any(|word| name.contains(word))
        || (name.len() <= 32
            && SECRET_NAMES.iter().any(|secret| edit_distance(&name, secret) <= (secret.len() / 4).min(3)))
}

/// A copy of `text`, byte for byte as long, in which secrets are asterisks: the values at `secret_spans`,
/// passwords in URLs, and what follows the name of a secret in comments. In a broken file, where not every
/// value has a span, what follows any such name and any of `names_in_broken`.
pub(super) fn masked(
    text: &str,
    secret_spans: &[Range<usize>],
    names_in_broken: Option<&Vec<String>>,
) -> String {
    let mut hidden = Vec::new();
    for span in secret_spans {
        hidden.extend(inside_of_value(text, span));
    }
    hidden.extend(passwords_in_urls(text));
    hidden.extend(after_secret_names(text, names_in_broken));
    hidden.sort_by_key(|span| span.start);

    let mut copy = String::with_capacity(text.len());
    for span in hidden {
        let start = span.start.max(copy.len());
        if start < span.end {
            copy.push_str(&text[copy.len()..start]);
            copy.extend(text[start..span.end].chars().map(asterisk));
        }
    }
    copy.push_str(&text[copy.len()..]);
    copy
}

/// An asterisk that takes as many bytes as `character`, and mostly as many cells.
fn asterisk(character: char) -> char {
    match (character, character.len_utf8()) {
        ('\n' | '\r' | '\t' | ' ', _) => character,
        (_, 1) => '*',
        (_, 2) => '×',
        (_, 3) => '＊',
        _ => '🞱',
    }
}

/// What to hide of the value at `span`: all but its quotes, and a comment right of it. A value that only
/// names an environment variable is no secret.
fn inside_of_value(text: &str, span: &Range<usize>) -> Vec<Range<usize>> {
    let Some(value) = text.get(span.clone()) else { return Vec::new() };
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| value.starts_with(quote)).unwrap_or("");
    let inner = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote)).unwrap_or(value);
    let name = inner.strip_prefix("${").and_then(|inner| inner.strip_suffix('}'));
    let mut hidden = Vec::new();
    if !name.is_some_and(super::interpolation::is_variable_name) {
        let start = if inner.len() == value.len() { span.start } else { span.start + quote.len() };
        hidden.push(start..start + inner.len());
    }
    let rest = text[span.end..].lines().next().unwrap_or("");
    if let Some(comment) = rest.find('#') {
        hidden.push(span.end + comment..span.end + rest.len());
    }
    hidden
}

/// The `password` of every `scheme://user:password@host`.
fn passwords_in_urls(text: &str) -> Vec<Range<usize>> {
    text.match_indices("://")
        .filter_map(|(at, separator)| {
            let start = at + separator.len();
            let authority = text[start..].split(['"', '\'', '\n', ' ']).next()?;
            let (user_info, _) = authority.rsplit_once('@')?;
            let colon = user_info.find(':')?;
            Some(start + colon + 1..start + user_info.len())
        })
        .collect()
}

/// What follows the names of secrets, judged by the look of the text: in comments to the end of the line;
/// in a broken file to the end of what could still belong to the value, rather too much than too little.
fn after_secret_names(text: &str, names_in_broken: Option<&Vec<String>>) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut value: Option<Scan> = None;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let whole_line = line_start..line_start + line.len();
        line_start = whole_line.end;
        if let Some(scan) = value.as_mut() {
            if scan.is_open() || !begins_statement(line) {
                scan.read(line);
                hidden.push(whole_line);
                continue;
            }
            value = None;
        }
        let is_comment = line.trim_start().starts_with('#');
        if !is_comment && names_in_broken.is_none() {
            continue;
        }
        let names = names_in_broken.map_or(&[][..], Vec::as_slice);
        if let Some(at) = value_of_secret(line, names, is_comment) {
            hidden.push(whole_line.start + at..whole_line.end);
            if !is_comment {
                let mut scan = Scan::default();
                scan.read(&line[at..]);
                value = Some(scan);
            }
        }
    }
    hidden
}

/// Where in `line` the value of a secret begins, if the line has one.
fn value_of_secret(line: &str, names: &[String], is_comment: bool) -> Option<usize> {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    let mut end = 0;
    for word in line.split(|character| !is_word(character)) {
        let start = end;
        end = start + word.len();
        if is_secret_name(word) || names.iter().any(|name| name == word) {
            let rest = line[end..].trim_start_matches(['"', '\'', ' ', '\t']);
            if rest.starts_with(['=', ':']) {
                return Some(line.len() - rest.len() + 1);
            }
            if !is_comment {
                return Some(end);
            }
        }
        end += line[end..].chars().next().map_or(0, char::len_utf8);
    }
    None
}

/// Whether a line of a broken file looks like the next key, table or comment.
fn begins_statement(line: &str) -> bool {
    let line = line.trim();
    if line.starts_with(['[', '#']) {
        return true;
    }
    let is_key = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.');
    line.split_once('=').is_some_and(|(key, value)| {
        let key = key.trim_end();
        !key.is_empty() && key.chars().all(is_key) && !value.is_empty() && !value.starts_with('=')
    })
}

/// Follows quotes and brackets, to know whether a value goes on in the next line.
#[derive(Default)]
struct Scan {
    brackets: usize,
    quote: Option<&'static str>,
}

impl Scan {
    fn is_open(&self) -> bool {
        self.brackets > 0 || self.quote.is_some()
    }

    fn read(&mut self, line: &str) {
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            let mut step = character.len_utf8();
            match self.quote {
                Some(quote) if rest.starts_with(quote) => {
                    self.quote = None;
                    step = quote.len();
                }
                Some(quote) if quote.starts_with('"') && character == '\\' => {
                    step += rest[step..].chars().next().map_or(0, char::len_utf8);
                }
                Some(_) => {}
                None => {
                    self.quote =
                        ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote));
                    step = self.quote.map_or(step, str::len);
                    match character {
                        '[' | '{' => self.brackets += 1,
                        ']' | '}' => self.brackets = self.brackets.saturating_sub(1),
                        '#' => break,
                        _ => {}
                    }
                }
            }
            rest = &rest[step..];
        }
        self.quote = self.quote.filter(|quote| quote.len() == 3);
    }
}

/// Names of secrets, without underscores; names spelled nearly so are taken for them.
const SECRET_NAMES: [&str; 5] = ["appsecret", "encodingaeskey", "oldsecrets", "secret", "token"];

/// What makes any name the name of a secret.
const SECRET_WORDS: [&str; 6] = ["aeskey", "apikey", "passwd", "password", "secret", "token"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_and_their_misspellings() {
        for name in
            ["app_secret", "AppSecret", "app-secrt", "encoding_aes_ky", "tokn", "OLD_SECRETS", "db_password"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["app_id", "app_secret_file", "server", "session", "upstream", "key", "title", "open", "listen"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn masking_moves_nothing() {
        let text = "a = 'päßword微🎉' # was x\nb = 2\n";
        let span = 4..4 + "'päßword微🎉'".len();
        let copy = masked(text, std::slice::from_ref(&span), None);
        assert_eq!(copy, "a = '*××****＊🞱' * *** *\nb = 2\n");
        assert_eq!(copy.len(), text.len());
    }

    #[test]
    fn a_reference_to_a_variable_stays_readable() {
        let text = "app_secret = \"${WECHAT_APP_SECRET}\"";
        assert_eq!(masked(text, std::slice::from_ref(&(13..text.len())), None), text);
    }

    #[test]
    fn passwords_in_urls_are_hidden() {
        let text = "url = \"postgres://wxgate:hunter2@db/wxgate\"";
        assert_eq!(masked(text, &[], None), "url = \"postgres://wxgate:*******@db/wxgate\"");
    }

    #[test]
    fn a_broken_file_hides_whatever_may_belong_to_a_secret() {
        for text in [
            "app_secret = \"CANARY",
            "app_secret = CANARY",
            "app_secret: CANARY",
            "app_secret \"CANARY\"",
            "\"app_secret\" = 'CANARY",
            "app_secret =\n  \"CANARY\"",
            "app_secret = '\nCANARY==\n'",
            "app_secret = \"\"\"\nx = 1\nCANARY\nfoo = bar",
            "old_secrets = [\"a\",\n\n # b\n 'CANARY',",
            "website = { app_id = 1, app_secret = CANARY }",
            "wechat.website.token = CANARY",
            "#app_secret = \"CANARY\"",
        ] {
            let copy = masked(text, &[], Some(&Vec::new()));
            assert!(!copy.contains("CANARY"), "{copy}");
            assert_eq!(copy.len(), text.len());
        }
        let text = "app_secret = \"CANARY\nupstream = http://app\n";
        assert_eq!(masked(text, &[], Some(&Vec::new())), "app_secret = *******\nupstream = http://app\n");
    }
}
