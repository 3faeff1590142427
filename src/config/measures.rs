//! Durations and sizes as people write them.

use std::time::Duration;

/// `12h`, `30d`, `1m 30s`; or what to write instead.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(needs_unit(text));
    }
    humantime::parse_duration(text).map_err(|_| {
        "a duration is a number and a unit: write \"30s\", \"5m\", \"12h\" or \"30d\"".to_owned()
    })
}

/// What to write instead of a bare number.
pub(super) fn needs_unit(number: impl std::fmt::Display) -> String {
    format!("a duration needs a unit: write \"{number}s\" for seconds")
}

/// `10MiB`, `512KiB`, `1GiB` or a number of bytes; or what to write instead.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) =
        text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()));
    let factor =
        SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim())).map(|(_, factor)| factor);
    let size =
        factor.zip(number.parse::<u64>().ok()).and_then(|(factor, number)| number.checked_mul(*factor));
    size.ok_or_else(|| {
        "a size is a whole number and a unit: write \"512KiB\", \"10MiB\" or \"1GiB\"".to_owned()
    })
}

/// A duration in its largest whole unit, as one would write it.
pub(super) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_nanos() != 0 {
        return humantime::format_duration(duration).to_string();
    }
    let (unit, length) = [("d", 86_400), ("h", 3_600), ("m", 60)]
        .into_iter()
        .find(|(_, length)| seconds != 0 && seconds.is_multiple_of(*length))
        .unwrap_or(("s", 1));
    format!("{}{unit}", seconds / length)
}

/// A size in its largest whole unit.
pub(super) fn show_size(size: u64) -> String {
    let (unit, factor) = SIZE_UNITS
        .into_iter()
        .rev()
        .find(|(_, factor)| size != 0 && size.is_multiple_of(*factor))
        .unwrap_or(("B", 1));
    format!("{}{unit}", size / factor)
}

const SIZE_UNITS: [(&str, u64); 5] =
    [("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("12h"), Ok(Duration::from_secs(43_200)));
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("30").unwrap_err(), "a duration needs a unit: write \"30s\" for seconds");
        assert!(
            parse_duration("soon").is_err() && parse_duration("").is_err() && parse_duration("-1s").is_err()
        );
        assert_eq!(show_duration(Duration::from_secs(7 * 86_400)), "7d");
        assert_eq!(show_duration(Duration::from_secs(90)), "90s");
        assert_eq!(show_duration(Duration::ZERO), "0s");
        assert_eq!(show_duration(Duration::from_millis(1500)), "1s 500ms");
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("10MiB"), Ok(10 << 20));
        assert_eq!(parse_size("512 kib"), Ok(512 << 10));
        assert_eq!(parse_size("1024"), Ok(1024));
        for text in ["", "MiB", "10MB", "1.5MiB", "-1", "99999999999GiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(show_size(10 << 20), "10MiB");
        assert_eq!(show_size(1000), "1000B");
    }
}
