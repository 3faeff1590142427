//! Why a form was not carried out, as the page says it.

use crate::model::member::ChangeError;

/// Why a form was not carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Complaint {
    /// Which form, by its `do` word.
    pub(in super::super) at: &'static str,
    /// The words for it.
    pub(in super::super) words: &'static str,
}

impl Complaint {
    /// Why a change cannot be.
    pub(super) fn of(error: ChangeError, at: &'static str) -> Self {
        let words = match error {
            ChangeError::LastAdmin => "complaint.last_admin",
            ChangeError::Status(_) => "complaint.status",
            ChangeError::UserNameTaken => "complaint.user_name_taken",
        };
        Self { at, words }
    }
}
