//! The one reader of a clock: everything else is handed the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment in wall-clock time, in whole seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `seconds` after the Unix epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The second in which the moment `milliseconds` after the Unix epoch lies.
    pub fn from_unix_millis(milliseconds: u64) -> Self {
        Self(i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX))
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Timestamp {
    /// The moment this long before.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(seconds))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(seconds))
    }
}

/// The wall-clock time, for everything that is written down or compared between machines.
#[expect(clippy::disallowed_methods, reason = "this file is the one reader of a clock")]
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}

/// The monotonic time, for deadlines and durations inside this process.
#[expect(clippy::disallowed_methods, reason = "this file is the one reader of a clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Milliseconds since the Unix epoch, for ids that sort by time.
#[expect(clippy::disallowed_methods, reason = "this file is the one reader of a clock")]
pub fn unix_millis() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
