//! Names one request in logs, on pages and for the application: a UUID version 7 (RFC 9562 §5.7), which sorts by time.

/// The UUID of a request that arrived `unix_millis` after the epoch, made of ten random bytes.
pub fn request_id(unix_millis: u64, random: [u8; 10]) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&unix_millis.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

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
