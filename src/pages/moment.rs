//! Moments as pages show them: for machines and for people. A script writes them in the reader's own time.

use std::time::{Duration, UNIX_EPOCH};

use minijinja::{Value, context};

use crate::model::clock::Timestamp;

/// The moment for a template: `exact` and `text`.
pub(super) fn moment(at: Timestamp) -> Value {
    let (exact, text) = written(at);
    context! { exact, text }
}

/// The moment in RFC 3339, and in words everybody reads.
pub(super) fn written(at: Timestamp) -> (String, String) {
    /// The last second of the year 9999, the last that RFC 3339 can write.
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(at.as_unix()).unwrap_or(0).min(LAST);
    let exact = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
    let text = exact.replace('T', " ").replace('Z', " UTC");
    (exact, text)
}
