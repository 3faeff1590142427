//! What the command line does with members.

use std::process::ExitCode;

use serde_json::json;

use super::super::listing::{Listed as _, Listing, counted, say, say_json};
use super::super::store::Opened;
use super::super::who;
use super::super::written::{called, stands};
use super::super::{FAILURE, USAGE};
use crate::model::member::{Change, ChangeError, DisplayName, Groups, Member, Status, UserName};
use crate::store::StoreError;
use crate::store::records::MemberDetail;

/// What is to be done with somebody.
pub(super) enum Asked {
    Admin(bool),
    Approve(Option<Groups>),
    Block,
    DisplayName(Option<DisplayName>),
    Groups { only: Option<Groups>, add: Groups, remove: Groups },
    Refuse,
    Rename(Option<UserName>),
    Unblock,
}

impl Asked {
    /// The change it is for this member.
    fn change(&self, member: &Member) -> Result<Change, String> {
        Ok(match self {
            Self::Admin(is_admin) => Change::MakeAdmin(*is_admin),
            Self::Approve(groups) => Change::Approve(groups.clone()),
            Self::Block => Change::Block,
            Self::DisplayName(name) => Change::DisplayName(name.clone()),
            Self::Groups { only: Some(groups), .. } => Change::Groups(groups.clone()),
            Self::Groups { only: None, add, remove } => {
                let all = member.groups.and(add)?;
                let taken = |group: &&str| remove.iter().any(|taken| taken == *group);
                Change::Groups(Groups::of(all.iter().filter(|group| !taken(group)))?)
            }
            Self::Refuse => Change::Refuse,
            Self::Rename(name) => Change::UserName(name.clone()),
            Self::Unblock => Change::Unblock,
        })
    }

    /// What to do instead, when their status is in the way.
    fn instead(&self, status: Status) -> &'static str {
        match (self, status) {
            (Self::Approve(_) | Self::Admin(_), Status::Blocked) => "; `wxgate members unblock` ends that",
            (Self::Admin(_), _) => "; `wxgate members approve` them first",
            (Self::Refuse, Status::Active) => "; `wxgate members block` shuts them out",
            _ => "",
        }
    }
}

/// Does it to one member.
pub(super) async fn one(
    opened: &Opened,
    who: &str,
    asked: &Asked,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let member = who::find(opened, who).await?.member;
    let Some(changed) = change(opened, &member, asked).await? else { return Ok(ExitCode::from(FAILURE)) };
    if is_json {
        say_json(&changed.json())?;
    } else {
        say(&format!("{}\n", stands(&changed)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Does it to all of them. Nothing is done before all are found; then one failure does not keep the others from it.
pub(super) async fn all(
    opened: &Opened,
    who: &[String],
    asked: &Asked,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let mut members: Vec<Member> = Vec::new();
    for who in who {
        let member = who::find(opened, who).await?.member;
        if !members.iter().any(|known| known.id == member.id) {
            members.push(member);
        }
    }
    let (mut code, mut done, mut stopped) = (ExitCode::SUCCESS, Vec::new(), Ok(()));
    for member in members {
        match change(opened, &member, asked).await {
            Ok(Some(changed)) => done.push(changed),
            Ok(None) => code = ExitCode::from(FAILURE),
            Err(error) => {
                stopped = Err(error);
                break;
            }
        }
    }
    // Only now: whoever reads it may have gone, which must not keep the others from it.
    if is_json {
        let mut outcome = Listing::new(is_json);
        outcome.page(&done)?;
        outcome.end("")?;
    } else {
        say(&done.iter().map(|changed| format!("{}\n", stands(changed))).collect::<String>())?;
    }
    stopped.map(|()| code)
}

/// Does it, or says why that cannot be.
async fn change(opened: &Opened, member: &Member, asked: &Asked) -> anyhow::Result<Option<Member>> {
    let change = match asked.change(member) {
        Ok(change) => change,
        Err(wrong) => {
            eprintln!("wxgate: {}: {wrong}", called(member));
            return Ok(None);
        }
    };
    match opened.directory.change(&opened.act(), &member.id, change).await {
        Ok(changed) => Ok(Some(changed)),
        // The store is of no use to the others either.
        Err(error @ StoreError::Unavailable(_)) => Err(error.into()),
        Err(error) => {
            let instead = match &error {
                StoreError::Change(ChangeError::Status(status)) => asked.instead(*status),
                _ => "",
            };
            eprintln!("wxgate: {}: {error}{instead}", called(member));
            Ok(None)
        }
    }
}

/// Deletes everything about somebody, if that is really meant.
pub(super) async fn forget(
    opened: &Opened,
    who: &str,
    is_meant: bool,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let MemberDetail { member, accounts, sessions } = who::find(opened, who).await?;
    let called = called(&member);
    let (accounts, sessions) = (accounts.len() as u64, sessions.len() as u64);
    if !is_meant {
        let (accounts, sessions) = (counted(accounts, "account"), counted(sessions, "session"));
        eprintln!(
            "wxgate: this would delete {called} with {accounts} and {sessions}, which nothing brings back: add --yes"
        );
        return Ok(ExitCode::from(USAGE));
    }
    opened.directory.forget(&opened.act(), &member.id).await?;
    if is_json {
        let id = member.id.as_str();
        say_json(&json!({ "id": id, "forgotten": true, "accounts": accounts, "sessions": sessions }))?;
    } else {
        say(&format!("{called}: forgotten\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::super::super::written::tests::member;
    use super::*;

    #[test]
    fn groups_are_added_to_and_taken_from_those_that_are_there() {
        let groups = |text: &str| text.parse::<Groups>().unwrap();
        let member = Member { groups: groups("it,staff"), ..member() };
        for (only, add, remove, expected) in [
            (Some("a"), "", "", "a"),
            (Some(""), "", "", ""),
            (None, "ops", "", "it,ops,staff"),
            (None, "", "staff,nowhere", "it"),
            (None, "ops", "it,staff", "ops"),
        ] {
            let asked = Asked::Groups { only: only.map(groups), add: groups(add), remove: groups(remove) };
            assert_eq!(asked.change(&member), Ok(Change::Groups(groups(expected))));
        }
    }
}
