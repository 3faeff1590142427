//! Names one request in logs, on pages and for the application: a UUID version 7 (RFC 9562 §5.7), which sorts by time.

/// The UUID of a request that arrived `unix_millis` after the epoch, made of ten random bytes.
pub fn request_id(unix_millis: u64, random: [u8; 10]) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&unix_millis.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = [b'-'; 36];
    for (byte, at) in bytes.iter().zip(PLACES) {
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 0x0f)];
    }
    String::from_utf8(text.to_vec()).unwrap_or_default()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Where the digits of each byte stand, between hyphens.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Whether a trusted proxy's request id may be taken over: short, and nothing that could break a line.
pub fn is_sound(text: &str) -> bool {
    (8..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let id = request_id(0x0192_3456_789a, [0xff; 10]);
        assert_eq!(id, "01923456-789a-7fff-bfff-ffffffffffff");
        assert!(request_id(1, [0xff; 10]) < request_id(2, [0; 10]));
        assert!(is_sound(&id) && !is_sound("a\nb-12345") && !is_sound(""));
    }
}
