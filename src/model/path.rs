//! One spelling for a path: what is judged is what is forwarded.
//!
//! Rules: RFC 3986 §6.2.2 (case, percent-encoding and dot-segment normalisation), plus refusal of every spelling
//! that servers are known to read in two ways.

use std::fmt;

use thiserror::Error;

/// A path in canonical form: begins with `/`, has no dot segments, no doubled slashes, no needless escapes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CanonicalPath(String);

/// Why a path is refused. The words name the spelling, so that an operator can find it in the request.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum AmbiguousPath {
    /// `\` or `%5c`: some servers read it as `/`.
    #[error("backslash in the path")]
    Backslash,
    /// `%01`…`%1f`, `%7f`, or the raw byte.
    #[error("control character in the path")]
    Control,
    /// `..;x` or `..%3bx`: servers that drop `;x` see `..`.
    #[error("dot segment with a parameter in the path")]
    DotSegmentParameter,
    /// `.` or `..` in a path that is passed on as it was sent: the application may resolve it, or not.
    #[error("dot segment in a path that is passed on as it is")]
    DotSegment,
    /// `%252f` and its kind: a server that decodes twice sees `/`.
    #[error("doubly encoded delimiter in the path")]
    DoublyEncoded,
    /// `%2f`: some servers decode it before they split the path.
    #[error("encoded slash in the path")]
    EncodedSlash,
    /// A raw `#`.
    #[error("fragment sign in the path")]
    Fragment,
    /// `%` without two hexadecimal digits behind it.
    #[error("invalid percent escape in the path")]
    InvalidEscape,
    /// The path does not begin with `/`.
    #[error("the request target is not a path")]
    NotAPath,
    /// `%00`.
    #[error("NUL in the path")]
    Nul,
    /// `//x/_wxgate/`: a server that takes the first name for a host sees a page of ours.
    #[error("a page of wxgate's own behind what may be taken for a host")]
    OwnPage,
    /// A raw `?`, which ends a path: the reader did not part the target there, or it stands in the configuration.
    #[error("question mark in the path")]
    QuestionMark,
    /// `%c0%af`, `%e0%80%af`: lenient decoders see an ASCII delimiter.
    #[error("overlong UTF-8 in the path")]
    OverlongEncoding,
}

impl CanonicalPath {
    /// Brings `raw` (the bytes before `?`) into canonical form, or says why it cannot be trusted.
    ///
    /// `/a/./b/../c` becomes `/a/c`; `//a` becomes `/a`; `%41` becomes `A`; `%d6` becomes `%D6`; a raw byte above
    /// 127 becomes its escape. `..` at the top stays at the top (RFC 3986 §5.2.4).
    pub fn parse(raw: &str) -> Result<Self, AmbiguousPath> {
        if !raw.starts_with('/') {
            return Err(AmbiguousPath::NotAPath);
        }
        if is_canonical(raw.as_bytes()) {
            return Ok(Self(raw.to_owned()));
        }
        Self::respelled(raw)
    }

    /// What `parse` makes of a path that may be written otherwise.
    fn respelled(raw: &str) -> Result<Self, AmbiguousPath> {
        let spelled = respell(raw.as_bytes())?;
        let mut segments: Vec<&str> = Vec::new();
        let mut ends_open = true;
        for segment in spelled.split('/') {
            // Windows trims blanks behind a name.
            let name = without_parameters(segment).trim_end_matches("%20");
            ends_open = false;
            match name {
                "" if segment.is_empty() => ends_open = true,
                "." | ".." if segment != name => return Err(AmbiguousPath::DotSegmentParameter),
                "." => ends_open = true,
                ".." => {
                    segments.pop();
                    ends_open = true;
                }
                _ => segments.push(segment),
            }
        }
        let mut path = String::with_capacity(spelled.len());
        for segment in &segments {
            path.push('/');
            path.push_str(segment);
        }
        if ends_open || path.is_empty() {
            path.push('/');
        }
        Ok(Self(path))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path is `prefix` or lies below it, counted in whole segments.
    pub fn is_under(&self, prefix: &str) -> bool {
        is_under(&self.0, prefix)
    }

    /// Whether no server is known to take the path for another: nothing is escaped, and nothing has parameters.
    pub fn has_one_reading(&self) -> bool {
        memchr::memchr2(b'%', b';', self.0.as_bytes()).is_none()
    }

    /// The same path with `;parameters` dropped from every segment, as servlet containers see it; `None` when there
    /// are none. A segment of nothing but parameters leaves `//` behind, which they merge.
    pub fn without_parameters(&self) -> Option<String> {
        let mut bare = self.0.split('/').map(without_parameters).collect::<Vec<_>>().join("/");
        if bare == self.0 {
            return None;
        }
        while bare.contains("//") {
            bare = bare.replace("//", "/");
        }
        Some(bare)
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How else an application may read `raw`, when a proxy passes it on as it was sent instead of in canonical form: with
/// doubled slashes as they are, and, where it begins with two, with the first name as a host (RFC 3986 §4.2).
pub fn readings_as_sent(raw: &str) -> Result<Vec<String>, AmbiguousPath> {
    if raw.starts_with('/') && is_canonical(raw.as_bytes()) {
        return Ok(Vec::new());
    }
    other_readings(raw)
}

/// What `readings_as_sent` makes of a path that may be read otherwise.
fn other_readings(raw: &str) -> Result<Vec<String>, AmbiguousPath> {
    let spelled = respell(raw.as_bytes())?;
    let is_dots = |segment: &str| matches!(without_parameters(segment).trim_end_matches("%20"), "." | "..");
    if spelled.split('/').any(is_dots) {
        return Err(AmbiguousPath::DotSegment);
    }
    if !spelled.contains("//") {
        return Ok(Vec::new());
    }
    let behind_host = spelled.strip_prefix("//").map(|rest| {
        let rest = rest.trim_start_matches('/');
        rest.find('/').map_or_else(|| "/".to_owned(), |slash| rest[slash..].to_owned())
    });
    Ok(behind_host.into_iter().chain([spelled]).collect())
}

/// The path as a server that decodes twice sees it, where that is another one: `/%2561` as `/a`.
pub fn decoded_again(path: &CanonicalPath) -> Option<Result<CanonicalPath, AmbiguousPath>> {
    let mut parts = path.0.split("%25");
    let mut again = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A `%` that begins no escape stays what it is.
        again.push_str(if escape_at(part.as_bytes(), 0).is_some() { "%" } else { "%25" });
        again.push_str(part);
    }
    (again != path.0).then(|| CanonicalPath::parse(&again))
}

/// Whether `path` is `prefix` or lies below it, counted in whole segments. A trailing `/` of the prefix is ignored.
pub fn is_under(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// The name in a segment of a canonical path: what stands before its `;parameters`. Servers that decode before they
/// look for parameters take `%3B` for `;`.
pub fn without_parameters(segment: &str) -> &str {
    let end = segment.find(';').into_iter().chain(segment.find("%3B")).min();
    &segment[..end.unwrap_or(segment.len())]
}

/// Bytes that nobody reads as anything but themselves.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        plain[byte] = !matches!(
            byte as u8,
            b'%' | b';' | b'\\' | b'#' | b'?' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'
        );
        byte += 1;
    }
    plain
};

/// Whether a path, as nearly every path, has nothing in it that could be written otherwise. `false` says nothing.
fn is_canonical(raw: &[u8]) -> bool {
    let mut behind_slash = false;
    for &byte in raw {
        if !PLAIN[usize::from(byte)] || (behind_slash && matches!(byte, b'/' | b'.')) {
            return false;
        }
        behind_slash = byte == b'/';
    }
    true
}

/// Decodes needless escapes, upper-cases the needed ones, escapes raw bytes above 127, refuses the rest.
fn respell(raw: &[u8]) -> Result<String, AmbiguousPath> {
    let mut out = String::with_capacity(raw.len());
    let mut position = 0;
    while let Some(&byte) = raw.get(position) {
        position += 1;
        match byte {
            b'%' => {
                let value = escape_at(raw, position).ok_or(AmbiguousPath::InvalidEscape)?;
                position += 2;
                refuse_encoded(value, raw, position)?;
                if is_unreserved(value) {
                    out.push(char::from(value));
                } else {
                    push_escaped(&mut out, value);
                }
            }
            b'\\' => return Err(AmbiguousPath::Backslash),
            b'#' => return Err(AmbiguousPath::Fragment),
            b'?' => return Err(AmbiguousPath::QuestionMark),
            0 => return Err(AmbiguousPath::Nul),
            0x01..=0x20 | 0x7f => return Err(AmbiguousPath::Control),
            0x80.. => push_escaped(&mut out, byte),
            b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' => push_escaped(&mut out, byte),
            _ => out.push(char::from(byte)),
        }
    }
    if hides_delimiter(out.as_bytes()) { Err(AmbiguousPath::DoublyEncoded) } else { Ok(out) }
}

/// Whether a second round of decoding would bring a delimiter to light: `%252f`, `%25%32%66`.
fn hides_delimiter(spelled: &[u8]) -> bool {
    spelled.windows(3).enumerate().any(|(position, escape)| {
        escape == b"%25"
            && matches!(
                escape_at(spelled, position + 3),
                Some(b'/' | b'\\' | b'.' | b'%' | b';' | b'?' | b'#' | 0..=0x1f)
            )
    })
}

/// Judges the escaped byte `value`; `after` is the position behind its two digits.
fn refuse_encoded(value: u8, raw: &[u8], after: usize) -> Result<(), AmbiguousPath> {
    match value {
        0 => Err(AmbiguousPath::Nul),
        b'/' => Err(AmbiguousPath::EncodedSlash),
        b'\\' => Err(AmbiguousPath::Backslash),
        0x01..=0x1f | 0x7f => Err(AmbiguousPath::Control),
        0xc0 | 0xc1 if continues(raw, after).is_some() => Err(AmbiguousPath::OverlongEncoding),
        0xe0 if matches!(continues(raw, after), Some(0x80..=0x9f)) => Err(AmbiguousPath::OverlongEncoding),
        0xf0 if matches!(continues(raw, after), Some(0x80..=0x8f)) => Err(AmbiguousPath::OverlongEncoding),
        // Five and six bytes were UTF-8 once (RFC 2279).
        0xf8 if matches!(continues(raw, after), Some(0x80..=0x87)) => Err(AmbiguousPath::OverlongEncoding),
        0xfc if matches!(continues(raw, after), Some(0x80..=0x83)) => Err(AmbiguousPath::OverlongEncoding),
        _ => Ok(()),
    }
}

/// The UTF-8 continuation byte escaped at `position`, if there is one.
fn continues(raw: &[u8], position: usize) -> Option<u8> {
    if raw.get(position) != Some(&b'%') {
        return None;
    }
    escape_at(raw, position + 1).filter(|byte| (0x80..=0xbf).contains(byte))
}

/// The byte written by the two hexadecimal digits at `position`.
fn escape_at(raw: &[u8], position: usize) -> Option<u8> {
    let high = char::from(*raw.get(position)?).to_digit(16)?;
    let low = char::from(*raw.get(position + 1)?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

/// RFC 3986 §2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn push_escaped(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_length_of_an_overlong_delimiter_is_refused() {
        for slash in ["%c0%af", "%e0%80%af", "%f0%80%80%af", "%f8%80%80%80%af", "%fc%80%80%80%80%af"] {
            let path = format!("/public/..{slash}admin");
            assert_eq!(CanonicalPath::parse(&path), Err(AmbiguousPath::OverlongEncoding), "{path}");
        }
    }

    #[test]
    fn one_spelling_remains() {
        for (raw, canonical) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/public/../admin", "/admin"),
            ("/public/./../admin", "/admin"),
            ("/public/..", "/"),
            ("/../admin", "/admin"),
            ("/.", "/"),
            ("//admin", "/admin"),
            ("/public//../admin", "/admin"),
            ("///", "/"),
            ("/%2e%2E/admin", "/admin"),
            ("/%41%62", "/Ab"),
            ("/%2d%2D", "/--"),
            ("/%d6%d0", "/%D6%D0"),
            ("/中", "/%E4%B8%AD"),
            ("/a;v=1/b", "/a;v=1/b"),
            ("/100%25", "/100%25"),
            ("/...", "/..."),
            ("/a/.../..", "/a/"),
        ] {
            assert_eq!(CanonicalPath::parse(raw).map(|path| path.0), Ok(canonical.to_owned()), "{raw}");
        }
    }

    #[test]
    fn spellings_that_servers_read_differently_are_refused() {
        use AmbiguousPath::*;
        for (raw, why) in [
            ("/public/..%2fadmin", EncodedSlash),
            ("%2f", NotAPath),
            ("/%2Fadmin", EncodedSlash),
            ("/public/..%5cadmin", Backslash),
            ("/public\\..\\admin", Backslash),
            ("/a%00", Nul),
            ("/a%0d%0a", Control),
            ("/a%7f", Control),
            ("/a b", Control),
            ("/a#b", Fragment),
            ("/a?b", QuestionMark),
            ("/%7ea?b", QuestionMark),
            ("/%", InvalidEscape),
            ("/%2", InvalidEscape),
            ("/%zz", InvalidEscape),
            ("/%u002e", InvalidEscape),
            ("/..;/admin", DotSegmentParameter),
            ("/a/.;x=1/b", DotSegmentParameter),
            ("/%2e%2e;/admin", DotSegmentParameter),
            ("/%2e%2e%3b/admin", DotSegmentParameter),
            ("/a/..%3Bx=1/b", DotSegmentParameter),
            ("/public/..%20/admin", DotSegmentParameter),
            ("/%252e%252e/", DoublyEncoded),
            ("/..%252fadmin", DoublyEncoded),
            ("/%25%32%66", DoublyEncoded),
            ("/%c0%afadmin", OverlongEncoding),
            ("/%c0%ae%c0%ae/", OverlongEncoding),
            ("/%e0%80%af", OverlongEncoding),
            ("/%f0%80%80%af", OverlongEncoding),
            ("", NotAPath),
            ("*", NotAPath),
            ("admin", NotAPath),
        ] {
            assert_eq!(CanonicalPath::parse(raw), Err(why), "{raw}");
        }
    }

    #[test]
    fn prefixes_end_on_a_segment() {
        let under = |path: &str, prefix| CanonicalPath::parse(path).unwrap().is_under(prefix);
        assert!(
            under("/public", "/public") && under("/public/", "/public") && under("/public/x", "/public/")
        );
        assert!(!under("/publicx", "/public") && !under("/PUBLIC", "/public"));
        assert!(under("/anything", "/"));
    }

    proptest! {
        #[test]
        fn the_short_way_leads_where_the_long_one_does(
            raw in "(/[-a-z.%;0-9]{0,3}|/[ -~]{0,4}|/\\PC{0,3}|//|/[.]{1,3}|[a-zA-Z~!$&'()*+,=:@]){0,8}",
        ) {
            let path = format!("/{raw}");
            if is_canonical(path.as_bytes()) {
                prop_assert_eq!(CanonicalPath::respelled(&path), Ok(CanonicalPath(path.clone())));
                prop_assert_eq!(decoded_again(&CanonicalPath(path.clone())), None);
                prop_assert_eq!(other_readings(&path), Ok(Vec::new()));
                prop_assert_eq!(CanonicalPath(path).without_parameters(), None);
            } else {
                prop_assert_eq!(CanonicalPath::parse(&path), CanonicalPath::respelled(&path));
            }
        }
    }

    proptest! {
        #[test]
        fn a_canonical_path_is_its_own_canonical_form(raw in "/[ -~\u{80}-\u{ff}]{0,40}") {
            if let Ok(path) = CanonicalPath::parse(&raw) {
                prop_assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path.clone()));
                prop_assert!(path.as_str().is_ascii());
                prop_assert!(!path.as_str().contains("//"));
                prop_assert!(path.as_str().split('/').all(|segment| !matches!(segment.split(';').next(), Some("." | ".."))));
            }
        }

        #[test]
        fn no_escape_hides_a_dot_segment(prefix in "/[a-z]{1,5}", dots in prop::sample::select(vec![
            "..", "%2e.", ".%2e", "%2e%2e", "%2E%2E", ".", "%2e",
        ]), rest in "[a-z]{1,5}") {
            let path = CanonicalPath::parse(&format!("{prefix}/{dots}/{rest}")).unwrap();
            let expected = if dots == "." || dots == "%2e" { format!("{prefix}/{rest}") } else { format!("/{rest}") };
            prop_assert_eq!(path.as_str(), expected);
        }
    }
}
