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

#[cfg(test)]
mod tests {
    use super::super::contract::log::LOG;
    use super::*;
    use crate::model::audit::{Actor, AuditKind};
    use crate::model::clock::Timestamp;
    use crate::seal::{hex, random};

    /// What the log has of one line after all that was done with it.
    fn said(end: impl FnOnce(Trail)) -> Vec<String> {
        let log = LOG.subscribe();
        let detail = hex(&random::<8>());
        let mut trail = Trail::default();
        trail.add(&AuditEvent {
            at: Timestamp::from_unix(1_800_000_000),
            kind: AuditKind::Approved,
            actor: Actor::CommandLine,
            member: None,
            client: None,
            request_id: None,
            detail: detail.clone(),
        });
        end(trail);
        let log = log.borrow();
        log.lines().filter(|line| line.contains(&detail)).map(str::to_owned).collect()
    }

    #[test]
    fn what_came_true_is_said_what_was_taken_back_is_not_and_what_nobody_knows_is_a_warning() {
        let came_true = said(|trail| trail.commits().came_true());
        assert!(came_true.len() == 1 && came_true[0].contains("INFO"), "{came_true:?}");
        assert!(said(drop).is_empty());
        let doubtful = said(|trail| drop(trail.commits()));
        assert!(
            doubtful.len() == 1 && doubtful[0].contains("WARN") && doubtful[0].contains("kind=\"approved\""),
            "{doubtful:?}"
        );
    }
}
