//! What a request head says about itself: where it ends, what follows, and whether servers would read it in two ways.

use memchr::{memchr, memchr3, memchr3_iter};

/// What follows the passing bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum After {
    Body(u64),
    Head,
    Held,
    Raw,
}

/// How far the search for the end of a head got.
pub(super) enum Progress {
    End(usize),
    Refused,
    Unfinished,
}

/// Finds the blank line, and refuses a line end that is not CR LF as soon as it is seen.
pub(super) fn find_end(buffer: &[u8], looked_at: usize) -> Progress {
    let start = looked_at.saturating_sub(1);
    for position in memchr3_iter(b'\n', b'\r', 0, &buffer[start..]).map(|found| start + found) {
        match buffer[position] {
            b'\n' if position == 0 || buffer[position - 1] != b'\r' => return Progress::Refused,
            b'\n' if position >= 3 && &buffer[position - 3..=position] == b"\r\n\r\n" => {
                return Progress::End(position + 1);
            }
            b'\n' if position == 1 => return Progress::Refused,
            b'\r' if buffer.get(position + 1).is_some_and(|next| *next != b'\n') => return Progress::Refused,
            0 => return Progress::Refused,
            _ => {}
        }
    }
    Progress::Unfinished
}

/// Judges the head at the beginning of `bytes`, and says where it ends and what follows it; `None` when it is refused
/// or unfinished.
///
/// Every byte is looked at, but few of them one by one: this runs for every request.
pub(super) fn inspect(bytes: &[u8]) -> Option<(usize, After)> {
    let line = line_at(bytes, 0)?;
    let is_http11 = inspect_request_line(line)?;
    let mut position = line.len() + 2;
    let mut lines = 1;
    let (mut length, mut chunked, mut hosts, mut upgrade, mut odd) = (None, false, 0, false, false);
    loop {
        let line = line_at(bytes, position)?;
        position += line.len() + 2;
        lines += 1;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| !TOKEN[usize::from(*byte)])?;
        if colon == 0 || line[colon] != b':' {
            return None;
        }
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        match colon {
            4 => hosts += usize::from(name.eq_ignore_ascii_case(b"host")),
            7 => upgrade |= name.eq_ignore_ascii_case(b"upgrade"),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let known = length.replace(parse_length(value.trim_ascii())?);
                odd |= known.is_some();
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                odd |= chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked");
                chunked = true;
            }
            _ => {}
        }
    }
    // Each line has its CR and its LF. One more is a CR inside a line, or something that nobody may write.
    if count_controls(&bytes[..position]) != 2 * lines {
        return None;
    }
    if odd || hosts > 1 || (is_http11 && hosts == 0) || (chunked && (length.is_some() || !is_http11)) {
        return None;
    }
    let after = match length {
        _ if chunked => After::Raw,
        Some(length) if length > 0 => After::Body(length),
        _ if upgrade => After::Held,
        _ => After::Head,
    };
    Some((position, after))
}

/// The line that begins at `start`, without the CR LF that it must end with.
fn line_at(bytes: &[u8], start: usize) -> Option<&[u8]> {
    let rest = &bytes[start..];
    rest[..memchr(b'\n', rest)?].strip_suffix(b"\r")
}

/// How many control characters there are, the tab aside.
fn count_controls(bytes: &[u8]) -> usize {
    let is_control = |byte: &u8| u8::from((*byte < 0x20) & (*byte != b'\t') | (*byte == 0x7f));
    // Few enough at a time that a byte counts them, and whole vectors of them.
    bytes.chunks(224).map(|chunk| usize::from(chunk.iter().map(is_control).sum::<u8>())).sum()
}

/// `METHOD SP target SP HTTP/1.x`, single blanks, no `#` in the target. Says whether it is HTTP/1.1. Control characters
/// other than the tab are looked for in the whole head.
fn inspect_request_line(line: &[u8]) -> Option<bool> {
    let (rest, is_http11) = match line.strip_suffix(b" HTTP/1.1") {
        Some(rest) => (rest, true),
        None => (line.strip_suffix(b" HTTP/1.0")?, false),
    };
    let blank = rest.iter().position(|byte| !TOKEN[usize::from(*byte)])?;
    let target = &rest[blank + 1..];
    let method_is_sound = (1..=32).contains(&blank) && rest[blank] == b' ';
    let target_is_sound = !target.is_empty() && memchr3(b' ', b'\t', b'#', target).is_none();
    (method_is_sound && target_is_sound).then_some(is_http11)
}

/// Digits only, without leading zeros.
fn parse_length(value: &[u8]) -> Option<u64> {
    let leading_zero = value.len() > 1 && value.first() == Some(&b'0');
    if leading_zero || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Which bytes names are made of (RFC 9110 §5.6.2).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"!#$%&'*+-.^_`|~";
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};

/// The length of the head at the beginning of `bytes`, if the guard lets it through; for fuzzing.
pub fn accepted_head(bytes: &[u8]) -> Option<usize> {
    inspect(bytes).map(|(end, _)| end)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(head: &str) -> Option<After> {
        match find_end(head.as_bytes(), 0) {
            Progress::End(end) => inspect(&head.as_bytes()[..end]).map(|(_, after)| after),
            Progress::Refused | Progress::Unfinished => None,
        }
    }

    #[test]
    fn ordinary_heads_pass() {
        for (head, after) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", After::Head),
            ("GET / HTTP/1.0\r\n\r\n", After::Head),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", After::Body(5)),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:0\r\n\r\n", After::Head),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", After::Raw),
            ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", After::Held),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \t\u{4e2d} b\r\n\r\n", After::Head),
        ] {
            assert_eq!(judge(head), Some(after), "{head:?}");
        }
    }

    #[test]
    fn heads_with_a_second_reading_are_refused() {
        let with = |lines: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
        let lines = [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length: 05",
            "Content-Length: 5 5",
            "Content-Length: 0x5",
            "Content-Length: 5_0",
            "Content-Length: -1",
            "Content-Length:",
            "Content-Length: 18446744073709551616",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: identity, chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: \u{b}chunked",
            "Transfer-Encoding : chunked",
            " X: folded",
            "\tX: folded",
            "X Y: z",
            ": z",
            "no colon",
            "N\u{e4}me: z",
            "X: a\u{1}b",
            "X: a\nY: b",
            "X: a\rY: b",
            "X: a\r\r\nY: b",
            "Host: b",
        ];
        let heads = lines.iter().map(|line| with(line)).chain(
            [
                "GET / HTTP/1.1\r\n\r\n",
                "GET /\r\n\r\n",
                "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.32\r\nHost: a\r\n\r\n",
                "GET / hTTP/1.1\r\nHost: a\r\n\r\n",
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /public#/../admin HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\nHost: a\n\n",
            ]
            .map(str::to_owned),
        );
        for head in heads {
            assert_eq!(judge(&head), None, "{head:?}");
        }
    }

    /// The judgement as RFC 9112 reads: one byte after the other.
    pub(in super::super) mod oracle {
        use super::super::{After, parse_length};

        pub(in super::super::super) fn judge(bytes: &[u8]) -> Option<(usize, After)> {
            let end = find_end(bytes)?;
            Some((end, inspect(&bytes[..end])?))
        }

        fn find_end(bytes: &[u8]) -> Option<usize> {
            for position in 0..bytes.len() {
                match bytes[position] {
                    b'\n' if position == 0 || bytes[position - 1] != b'\r' => return None,
                    b'\n' if position >= 3 && &bytes[position - 3..=position] == b"\r\n\r\n" => {
                        return Some(position + 1);
                    }
                    b'\n' if position == 1 => return None,
                    b'\r' if bytes.get(position + 1).is_some_and(|next| *next != b'\n') => return None,
                    0 => return None,
                    _ => {}
                }
            }
            None
        }

        fn inspect(head: &[u8]) -> Option<After> {
            let text = head.strip_suffix(b"\r\n\r\n")?;
            let mut lines =
                text.split(|byte| *byte == b'\r').map(|line| line.strip_prefix(b"\n").unwrap_or(line));
            let is_http11 = inspect_request_line(lines.next()?)?;
            let (mut length, mut chunked, mut hosts, mut upgrade) = (None, false, 0, false);
            for line in lines {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
                if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
                    return None;
                }
                // Blanks around a value are taken off, but a form feed is none.
                if line[colon + 1..].iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f) {
                    return None;
                }
                if name.eq_ignore_ascii_case(b"content-length") {
                    if length.replace(parse_length(value)?).is_some() {
                        return None;
                    }
                } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                    if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                        return None;
                    }
                    chunked = true;
                } else if name.eq_ignore_ascii_case(b"host") {
                    hosts += 1;
                } else if name.eq_ignore_ascii_case(b"upgrade") {
                    upgrade = true;
                }
            }
            if hosts > 1 || (is_http11 && hosts == 0) || (chunked && (length.is_some() || !is_http11)) {
                return None;
            }
            Some(match length {
                _ if chunked => After::Raw,
                Some(length) if length > 0 => After::Body(length),
                _ if upgrade => After::Held,
                _ => After::Head,
            })
        }

        fn inspect_request_line(line: &[u8]) -> Option<bool> {
            let mut parts = line.split(|byte| *byte == b' ');
            let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
            let is_http11 = match version {
                b"HTTP/1.1" => true,
                b"HTTP/1.0" => false,
                _ => return None,
            };
            let method_is_sound =
                !method.is_empty() && method.len() <= 32 && method.iter().all(|byte| is_token(*byte));
            let target_is_sound = !target.is_empty()
                && !target.iter().any(|byte| *byte <= 0x20 || *byte == 0x7f || *byte == b'#');
            (method_is_sound && target_is_sound && parts.next().is_none()).then_some(is_http11)
        }

        fn is_token(byte: u8) -> bool {
            byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
        }
    }

    /// Heads, most of them sound: what servers disagree about lies close to what they agree about.
    pub(in super::super) fn heads() -> impl Strategy<Value = Vec<u8>> {
        let pick = |choices: &'static [&'static str]| prop::sample::select(choices);
        let start = (
            pick(&["GET", "POST", "M-SEARCH", "G T", "", "AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDE", "\r\nGET"]),
            pick(&["/", "/a?b=c", "*", "http://a/", "/a#b", "/\t", "", "/\u{4e2d}", "/\u{1}", " /"]),
            pick(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "http/1.1", "HTTP/1.1 "]),
        );
        let line = pick(&[
            "Host: a",
            "hOST:b",
            "Content-Length: 5",
            "content-length:\t7 ",
            "Content-Length: 05",
            "Transfer-Encoding: chunked",
            "transfer-encoding: CHUNKED ",
            "Transfer-Encoding: gzip",
            "Upgrade: websocket",
            "X-Long: 012345678901234567890123456789012345678901234567890123456789",
            "X: \t\u{4e2d} b",
            "X:",
            "X: \u{c}",
            "Content-Length: \u{c}5",
            "X: \u{7f}",
            "X: a\0",
            "X: a\rb",
            "X: a\nb",
            "X : a",
            " folded",
            ": a",
            "X",
            "X\u{e4}: a",
            "Accept: text/html",
        ]);
        (start, prop::collection::vec(line, 0..5), prop::bool::weighted(0.8)).prop_map(
            |((method, target, version), lines, has_host)| {
                let host = if has_host { "Host: a\r\n" } else { "" };
                let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
                format!("{method} {target} {version}\r\n{host}{lines}\r\n").into_bytes()
            },
        )
    }

    pub(in super::super) fn mutated() -> impl Strategy<Value = Vec<u8>> {
        let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..3, any::<u8>()), 0..4);
        (heads(), edits).prop_map(|(mut head, edits)| {
            for (place, edit, byte) in edits {
                let place = place.index(head.len());
                let byte = if byte < 128 { b"\r\n\0 \t:#\x7fa\x80"[usize::from(byte) % 10] } else { byte };
                match edit {
                    0 => head[place] = byte,
                    1 => head.insert(place, byte),
                    _ if head.len() > 1 => drop(head.remove(place)),
                    _ => {}
                }
            }
            head
        })
    }

    proptest! {
        #[test]
        fn the_judgement_is_that_of_reading_byte_by_byte(head in prop_oneof![
            heads(),
            mutated(),
            prop::collection::vec(any::<u8>(), 0..64),
        ]) {
            prop_assert_eq!(inspect(&head), oracle::judge(&head), "{:?}", String::from_utf8_lossy(&head));
        }
    }
}
