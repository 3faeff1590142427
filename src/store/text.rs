//! Texts on their way into a database, the same for every kind.

use std::borrow::Cow;

use crate::model::identity::Account;
use crate::model::member::{DisplayName, Groups, Member, UserName};
use crate::model::pairing::{PairingState, Proof};

/// The text without the character NUL, which PostgreSQL cannot keep; nobody's name needs it.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "")),
        false => Cow::Borrowed(text),
    }
}

/// What the column `search` holds: everything [`MembersQuery::search`](super::records::MembersQuery::search) looks at.
pub(super) fn searched(member: &Member) -> String {
    let request = member.request.as_ref().map_or("", |request| request.code.as_str());
    let parts = [
        member.id.as_str(),
        member.user_name.as_ref().map_or("", UserName::as_str),
        member.display_name.as_ref().map_or("", DisplayName::as_str),
        &member.profile_name,
        Groups::as_str(&member.groups),
        request,
    ];
    folded(&parts.join("\n"))
}

/// A text as it is compared in searches.
pub(super) fn folded(text: &str) -> String {
    storable(text).to_lowercase()
}

/// The state of a pairing, from the columns that hold it.
pub(super) fn pairing_state(word: &str, who: Option<Proof>) -> Result<PairingState, String> {
    match (word, who) {
        ("allowed", Some(proof)) => Ok(PairingState::Allowed(proof)),
        ("refused", _) => Ok(PairingState::Refused),
        ("scanned", Some(proof)) => Ok(PairingState::Scanned(proof.account)),
        ("taken", who) => Ok(PairingState::Taken(who.map(|proof| proof.account))),
        ("waiting", _) => Ok(PairingState::Waiting),
        (word, _) => Err(format!("{word} is no state of a pairing")),
    }
}

/// Who is on the phone, as far as the state knows.
pub(super) fn on_the_phone(state: &PairingState) -> (Option<&Account>, Option<&Proof>) {
    match state {
        PairingState::Allowed(proof) => (Some(&proof.account), Some(proof)),
        PairingState::Scanned(account) => (Some(account), None),
        // Name and picture are the member's from now on.
        PairingState::Taken(account) => (account.as_ref(), None),
        PairingState::Refused | PairingState::Waiting => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_goes_and_case_does_not_count() {
        assert_eq!(storable("a\0b"), "ab");
        assert_eq!(storable("%_'\u{202e}🦀"), "%_'\u{202e}🦀");
        assert_eq!(folded("ÄÖ\0 Ali 李"), "äö ali 李");
    }
}
