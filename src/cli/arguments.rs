//! Arguments that more than one command reads.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::model::audit::AuditKind;
use crate::model::member::{DisplayName, Groups, Status, UserName};

const MINUTE: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Names with commas between; none for an empty text.
pub(super) fn groups(text: &str) -> Result<Groups, String> {
    text.parse()
}

/// A name for applications.
pub(super) fn user_name(text: &str) -> Result<UserName, String> {
    text.parse()
}

/// A name for people.
pub(super) fn display_name(text: &str) -> Result<DisplayName, String> {
    text.parse()
}

/// How long something is good.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if (MINUTE..=LONGEST).contains(&duration) => Ok(duration),
        Ok(_) => Err("write at least 1m and at most 366d".to_owned()),
        Err(_) => Err("write a number and a unit, such as 30m, 12h or 7d".to_owned()),
    }
}

/// One of the words for a status.
pub(super) fn status() -> impl TypedValueParser<Value = Status> {
    PossibleValuesParser::new(Status::ALL.map(Status::as_str)).try_map(|word| word.parse::<Status>())
}

/// One of the words for what is written down.
pub(super) fn audit_kind() -> impl TypedValueParser<Value = AuditKind> {
    PossibleValuesParser::new(AuditKind::ALL.iter().map(|kind| kind.as_str()))
        .try_map(|word| word.parse::<AuditKind>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_unit_and_bounds() {
        assert_eq!(lifetime("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["7", "", "soon", "-1d", "5s", "2000d"] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_are_none_for_an_empty_text() {
        assert!(groups("").is_ok_and(|groups| groups.is_empty()));
        assert_eq!(groups("it, staff").map(|groups| groups.to_string()), Ok("it,staff".to_owned()));
        assert!(groups("a|b").is_err());
    }
}
