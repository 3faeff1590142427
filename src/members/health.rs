//! Whether the store can be read, and whether it can be written: what others need not find out again by waiting for it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::StoreError;

/// What this node last met.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// The last reading failed.
    is_silent: AtomicBool,
    /// The last writing failed. While another process locks SQLite, its disk is full, or PostgreSQL is a standby, reading
    /// goes on.
    is_stuck: AtomicBool,
}

impl Health {
    /// Whether nothing can be read.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Acquire)
    }

    /// Whether nothing can be written.
    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Acquire)
    }

    /// Notes whether the store could be read. That too many asked says nothing.
    pub(super) fn reading<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(answer, Err(StoreError::Busy)) {
            return answer;
        }
        let fails = matches!(answer, Err(StoreError::Unavailable(_)));
        let failed = self.is_silent.swap(fails, Ordering::AcqRel);
        match &answer {
            Err(error) if fails && !failed => tracing::error!(
                error = %error,
                "the store does not answer: nobody can sign in or administer; people who are signed in go on for session.revocation_grace"
            ),
            _ if failed && !fails => tracing::info!("the store answers again"),
            _ => {}
        }
        answer
    }

    /// Notes whether the store could be written.
    pub(super) fn writing<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        // Any other answer proves nothing: a rule may have refused it, or there was nothing to write.
        if let Err(error @ StoreError::Unavailable(_)) = &answer
            && !self.is_stuck.swap(true, Ordering::AcqRel)
            && !self.is_silent()
        {
            tracing::error!(
                error = %error,
                "the store cannot be written: nobody can sign in or administer; people who are signed in go on"
            );
        }
        answer
    }

    /// Something was written, to see whether that is possible.
    pub(super) fn wrote(&self) {
        if self.is_stuck.swap(false, Ordering::AcqRel) {
            tracing::info!("the store can be written again");
        }
    }

    /// Why it is no use to ask.
    pub(super) fn refusal(&self) -> Option<StoreError> {
        self.is_silent().then(|| StoreError::unavailable("it did not answer a moment ago"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> Result<(), StoreError> {
        Err(StoreError::unavailable("gone"))
    }

    #[test]
    fn what_can_be_read_is_not_said_to_be_written() {
        let health = Health::default();
        assert!(!health.is_silent() && !health.is_stuck() && health.refusal().is_none());
        health.writing(gone()).unwrap_err();
        health.reading(Ok(())).unwrap();
        assert!(health.is_stuck() && health.refusal().is_none(), "a reading mends no writing");
        health.writing::<()>(Err(StoreError::Missing)).unwrap_err();
        health.writing::<()>(Err(StoreError::Busy)).unwrap_err();
        assert!(health.is_stuck(), "what was not written proves nothing");
        health.writing(Ok(())).unwrap();
        assert!(health.is_stuck(), "there may have been nothing to write");
        health.wrote();
        assert!(!health.is_stuck());
        health.reading(gone()).unwrap_err();
        health.reading::<()>(Err(StoreError::Busy)).unwrap_err();
        assert!(health.is_silent() && health.refusal().is_some());
        health.reading::<()>(Err(StoreError::Missing)).unwrap_err();
        assert!(!health.is_silent(), "it answers");
    }
}
