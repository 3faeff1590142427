//! What a sentence has written into the audit trail: the log hears of exactly that, as soon as it has come true.

use crate::model::audit::AuditEvent;
use crate::telemetry::audit;

/// The lines of a transaction that is open. Whatever is taken back is not said.
#[derive(Debug, Default)]
pub(super) struct Trail(Vec<AuditEvent>);

/// The lines of a transaction that is being committed.
#[derive(Debug)]
#[must_use = "the log hears of them when the commit has been answered"]
pub(super) struct Committing(Vec<AuditEvent>);

impl Trail {
    /// Remembers a line that was written.
    pub(super) fn add(&mut self, event: &AuditEvent) {
        self.0.push(event.clone());
    }

    /// From here on nobody knows whether they are in the store, until the commit is answered.
    pub(super) fn commits(self) -> Committing {
        Committing(self.0)
    }
}

impl Committing {
    /// They are in the store. Said here and not by whoever asked, who may have left.
    pub(super) fn came_true(mut self) {
        self.0.drain(..).for_each(|event| audit::line(&event));
    }
}

impl Drop for Committing {
    fn drop(&mut self) {
        self.0.iter().for_each(audit::doubtful);
    }
}
