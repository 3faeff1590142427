//! What an administrator can do, by the words in forms (`do=…`), and what each needs to be told.

use super::super::failure::Failure;
use super::super::forms::Form;
use super::super::page::Malformed;
use super::super::query::unhex;
use super::complaint::Complaint;
use crate::model::member::{Change, Groups, SessionId};

/// What is done to a member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Deed {
    /// Something about their record.
    Change(Change),
    /// One of their sessions ends.
    EndSession(SessionId),
    /// Everything about them is deleted.
    Forget,
    /// All of their sessions end.
    SignOut,
}

/// The words for members.
pub(super) const DEEDS: [&str; 12] = [
    "approve",
    "block",
    "display-name",
    "end-session",
    "forget",
    "grant-admin",
    "groups",
    "refuse",
    "rename",
    "sign-out",
    "take-admin",
    "unblock",
];

/// What else is said to be done, in the address after it.
const OTHERS: [&str; 4] = ["gone", "keep-apart", "move-account", "withdraw"];

/// A form about a member.
#[derive(Debug)]
pub(super) struct Order {
    /// The word.
    pub(super) word: &'static str,
    /// What is to be done, or why it cannot be.
    pub(super) deed: Result<Deed, Complaint>,
    /// Whether it comes from the list, and goes back there.
    pub(super) from_list: bool,
    /// What was typed.
    pub(super) typed: String,
}

/// The word that is known, from what an address says.
pub(super) fn known(word: &str) -> Option<&'static str> {
    DEEDS.iter().chain(&OTHERS).copied().find(|known| *known == word)
}

/// The words to say that something was done.
pub(super) fn words_when_done(word: &'static str) -> Option<&'static str> {
    Some(match word {
        "approve" => "done.approve",
        "block" => "done.block",
        "display-name" => "done.display-name",
        "end-session" => "done.end-session",
        "forget" => "done.forget",
        "gone" => "done.gone",
        "grant-admin" => "done.grant-admin",
        "groups" => "done.groups",
        "keep-apart" => "done.keep-apart",
        "move-account" => "done.move-account",
        "refuse" => "done.refuse",
        "rename" => "done.rename",
        "sign-out" => "done.sign-out",
        "take-admin" => "done.take-admin",
        "unblock" => "done.unblock",
        "withdraw" => "done.withdraw",
        _ => return None,
    })
}

impl Order {
    /// Reads a form about a member. What no page of ours sends is none.
    pub(super) fn read(mut form: Form) -> Result<Self, Failure> {
        let malformed = || Failure::Malformed(Malformed::Form);
        let word = form.demand("do")?;
        let word = DEEDS.iter().copied().find(|known| *known == word).ok_or_else(malformed)?;
        let from_list = match form.take("from").as_deref() {
            None => false,
            Some("list") => true,
            Some(_) => return Err(malformed()),
        };
        let complain = |words| Complaint { at: word, words };
        let mut typed = String::new();
        let deed = match word {
            "approve" => {
                // Nothing written leaves the groups as they are.
                typed = form.take("groups").unwrap_or_default();
                let groups: Result<Groups, String> = typed.parse();
                let groups = groups.map(|groups| Some(groups).filter(|groups| !groups.is_empty()));
                groups.map(Change::Approve).map(Deed::Change).map_err(|_| complain("complaint.groups"))
            }
            "refuse" => {
                // One form has both buttons.
                form.take("groups");
                Ok(Deed::Change(Change::Refuse))
            }
            "groups" => {
                typed = form.demand("groups")?;
                let groups = typed.parse();
                groups.map(Change::Groups).map(Deed::Change).map_err(|_| complain("complaint.groups"))
            }
            "rename" => {
                typed = form.demand("user_name")?;
                let name = some(&typed).map(str::parse).transpose();
                name.map(Change::UserName).map(Deed::Change).map_err(|_| complain("complaint.user_name"))
            }
            "display-name" => {
                typed = form.demand("display_name")?;
                let name = some(&typed).map(str::parse).transpose();
                name.map(Change::DisplayName)
                    .map(Deed::Change)
                    .map_err(|_| complain("complaint.display_name"))
            }
            "end-session" => {
                let session = unhex(&form.demand("session")?).ok_or_else(malformed)?;
                Ok(Deed::EndSession(session))
            }
            "forget" => match form.take("sure").as_deref() {
                Some("1") => Ok(Deed::Forget),
                None => Err(complain("complaint.sure")),
                Some(_) => return Err(malformed()),
            },
            "block" => Ok(Deed::Change(Change::Block)),
            "unblock" => Ok(Deed::Change(Change::Unblock)),
            "grant-admin" => Ok(Deed::Change(Change::MakeAdmin(true))),
            "take-admin" => Ok(Deed::Change(Change::MakeAdmin(false))),
            "sign-out" => Ok(Deed::SignOut),
            _ => return Err(malformed()),
        };
        form.finish()?;
        Ok(Self { word, deed, from_list, typed })
    }
}

/// What is written, without blanks around it.
fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}
