//! The `Date` of an answer (RFC 9110 §5.6.7), and how far it is from the time here.

use std::time::{Duration, UNIX_EPOCH};

use super::clock::Timestamp;

/// The last second of the year 9999, the last that can be written.
const LAST: i64 = 253_402_300_799;

/// What another clock showed between two moments of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading {
    /// When it was asked.
    pub asked: Timestamp,
    /// When its answer was here.
    pub answered: Timestamp,
    /// What it showed.
    pub date: Timestamp,
}

impl Reading {
    /// Seconds by which our clock is certainly ahead of the other; negative when it is behind. What the answer's way may
    /// have taken is no difference.
    pub fn ahead(self) -> i64 {
        let (asked, answered) = (self.asked.as_unix(), self.answered.as_unix());
        let date = self.date.as_unix();
        if date < asked { asked - date } else { answered.min(date) - date }
    }
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, or one of the two older forms.
pub fn parse(text: &str) -> Option<Timestamp> {
    let seconds = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(seconds).ok().map(Timestamp::from_unix)
}

/// Writes what `parse` reads.
pub fn write(at: Timestamp) -> String {
    let seconds = u64::try_from(at.as_unix().clamp(0, LAST)).unwrap_or_default();
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn the_example_of_the_standard_is_read_and_written() {
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(parse(text), Some(at(784_111_777)));
        assert_eq!(write(at(784_111_777)), text);
        // RFC 9110 wants the two older forms read, too.
        for text in ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse(text), Some(at(784_111_777)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 31 Feb 2026 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 x GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_slow_answer_is_no_difference_between_clocks() {
        let ahead = |date| Reading { asked: at(100), answered: at(110), date: at(date) }.ahead();
        assert_eq!([100, 105, 110].map(ahead), [0, 0, 0]);
        assert_eq!([90, 99, 111, 200].map(ahead), [10, 1, -1, -90]);
    }

    proptest! {
        #[test]
        fn every_moment_is_read_as_it_was_written(seconds in 0..LAST) {
            prop_assert_eq!(parse(&write(at(seconds))), Some(at(seconds)));
        }

        #[test]
        fn hostile_text_is_none_or_a_moment(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
