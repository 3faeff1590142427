//! The `Date` of an answer (RFC 9110 §5.6.7, IMF-fixdate), and how far it is from the time here.

use std::time::{Duration, UNIX_EPOCH};

use super::clock::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// 1970 began with a Thursday.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

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

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form in which anything of this century writes it.
pub fn parse(text: &str) -> Option<Timestamp> {
    let mut words = text.trim().strip_suffix(" GMT")?.split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let moment = humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()?;
    let seconds = moment.duration_since(UNIX_EPOCH).ok()?.as_secs();
    words.next().is_none().then_some(Timestamp::from_unix(i64::try_from(seconds).ok()?))
}

/// Writes what `parse` reads.
pub fn write(at: Timestamp) -> String {
    let seconds = u64::try_from(at.as_unix().clamp(0, LAST)).unwrap_or_default();
    let written = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
    let part = |range| written.get(range).unwrap_or_default();
    let weekday = usize::try_from(seconds / 86_400 % 7).ok().and_then(|day| WEEKDAYS.get(day));
    let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    let [weekday, month] = [weekday, month].map(|name| name.copied().unwrap_or_default());
    format!("{weekday}, {} {month} {} {} GMT", part(8..10), part(0..4), part(11..19))
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
            "Sunday, 06-Nov-94 08:49:37 GMT",
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
