//! What the detail of a line of the audit trail says, in the words of the page. The trail itself is written for operators, in
//! English; what is not known here is shown as it was written.

use minijinja::{Value, context};

use super::super::face::{browser, shown};
use super::names::{Names, UNIONID_OF, mentioned, settled};
use crate::model::audit::{AuditEvent, AuditKind};

/// The detail for `admin_lines.html`: a sentence with `{what}`, or only that; `who` is named after it, and `raw` is what
/// was written where the page says less.
pub(super) fn detail(event: &AuditEvent, names: &Names) -> Value {
    let detail = event.detail.as_str();
    let (words, what, raw) = match event.kind {
        AuditKind::SignedIn | AuditKind::SignInRefused if !detail.is_empty() => {
            (None, browser(detail), Some(shown(detail)))
        }
        kind => match sentence(kind, detail) {
            Some((words, what)) => (Some(words), shown(what), None),
            None => (None, shown(detail), None),
        },
    };
    context! { words, what, raw, who => mentioned(event).map(|id| names.who(&id)) }
}

/// The words for what was written, and what stands in them.
fn sentence(kind: AuditKind, detail: &str) -> Option<(&'static str, &str)> {
    Some(match (kind, detail) {
        (AuditKind::Approved, "access.join is open") => ("told.join_open", ""),
        (AuditKind::AdminGranted, "named in access.admins") => ("told.listed", ""),
        (AuditKind::Renamed | AuditKind::DisplayNameChanged, "") => ("told.name_cleared", ""),
        (AuditKind::GroupsChanged, "") => ("told.no_groups", ""),
        (AuditKind::ConfigurationReloaded, "in force") => ("told.in_force", ""),
        (AuditKind::ConfigurationReloaded, "not usable; the old one stays") => ("told.not_usable", ""),
        (AuditKind::SessionsEnded, "unfollowed the account") => ("told.unfollowed", ""),
        (AuditKind::Asked, _) => ("told.code", detail.strip_prefix("code ")?),
        (AuditKind::InviteMade | AuditKind::InviteUsed | AuditKind::InviteWithdrawn, _) => {
            ("told.invitation", detail.strip_prefix("invitation ")?)
        }
        (AuditKind::ConflictFound, _) => ("told.unionid_of", detail.strip_prefix(UNIONID_OF).map(|_| "")?),
        (AuditKind::ConflictSettled, _) => match settled(detail)?.0 {
            "kept apart from" => ("told.kept_apart", ""),
            "account moved from" => ("told.account_moved", ""),
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::member::MemberId;

    #[test]
    fn what_the_gateway_writes_by_itself_is_said_in_words() {
        let said = |what: &str| format!("conflict 00ff: {what} {}", MemberId::of([7; 10]));
        for (kind, detail, expected) in [
            (AuditKind::Asked, "code ABCD", Some(("told.code", "ABCD"))),
            (AuditKind::InviteUsed, "invitation 00ff", Some(("told.invitation", "00ff"))),
            (AuditKind::Renamed, "", Some(("told.name_cleared", ""))),
            (AuditKind::GroupsChanged, "", Some(("told.no_groups", ""))),
            (AuditKind::ConflictSettled, &said("kept apart from"), Some(("told.kept_apart", ""))),
            (AuditKind::ConflictSettled, &said("account moved from"), Some(("told.account_moved", ""))),
            (AuditKind::ConflictSettled, &said("thrown dice with"), None),
            (AuditKind::ConflictSettled, "conflict 00ff: kept apart from somebody", None),
            (AuditKind::Approved, "staff,it", None),
            (AuditKind::Approved, "", None),
            (AuditKind::Renamed, "code ABCD", None),
            (AuditKind::Asked, "something else", None),
            (AuditKind::VisitRefused, "app.example.com/reports", None),
        ] {
            assert_eq!(sentence(kind, detail), expected, "{detail}");
        }
    }
}
