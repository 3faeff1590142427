//! `wxgate sessions`: who is signed in where, and the end of it.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::listing::{Listed, Listing, say};
use super::store::{Opened, with_store};
use super::who::{self, Pages};
use super::written::{called, minute, moment};
use crate::live::ConfigSource;
use crate::model::member::{Member, SessionId};
use crate::seal::hex;
use crate::store::records::{MemberDetail, SessionRow};
use crate::store::{MemberKey, StoreError};

/// Digits of an id that a table shows.
const SHOWN: usize = 12;

/// Fewest digits of an id that name a session.
const FEWEST: usize = 8;

/// Arguments of `sessions`.
#[derive(Debug, Args)]
pub(super) struct SessionsArguments {
    #[command(subcommand)]
    command: SessionsCommand,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List open sessions.
    List {
        /// Only those of this member: a member id, a user name, or the code of a request.
        who: Option<String>,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// End sessions.
    Revoke {
        /// Ids as `sessions list` shows them; eight digits are enough.
        #[arg(required_unless_present = "all_of", value_name = "ID", value_parser = beginning)]
        ids: Vec<String>,
        /// All sessions of this member.
        #[arg(long, value_name = "WHO", conflicts_with = "ids")]
        all_of: Option<String>,
    },
}

/// A session and whose it is.
struct Open<'a>(&'a SessionRow, &'a Member);

/// Does it.
pub(super) fn run(
    arguments: &SessionsArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    with_store(source, environment, async |opened| {
        match &arguments.command {
            SessionsCommand::List { who, json } => list(&opened, who.as_deref(), *json).await?,
            SessionsCommand::Revoke { ids: _, all_of: Some(who) } => {
                let member = who::find(&opened, who).await?.member;
                let count = opened.directory.end_sessions(&opened.act(), &member.id).await?;
                say(&format!("{}: {count} sessions ended\n", called(&member)))?;
            }
            SessionsCommand::Revoke { ids, all_of: None } => revoke(&opened, ids).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Whether a session still counts.
pub(super) fn is_open(session: &SessionRow, of: &Member) -> bool {
    !session.ended && session.started >= of.ended_before
}

async fn list(opened: &Opened, who: Option<&str>, is_json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(is_json);
    let mut show = |detail: &MemberDetail| listing.page(&open(detail));
    match who {
        Some(who) => show(&who::find(opened, who).await?)?,
        None => everybody(opened, show).await?,
    }
    listing.end("nobody is signed in")
}

/// Ends those sessions whose ids begin so; nothing before each is known to be one.
async fn revoke(opened: &Opened, beginnings: &[String]) -> anyhow::Result<()> {
    let mut found: Vec<Vec<(SessionId, String)>> = vec![Vec::new(); beginnings.len()];
    everybody(opened, |detail| {
        for Open(session, member) in open(detail) {
            let id = hex(&session.id);
            for (found, _) in found.iter_mut().zip(beginnings).filter(|(_, begin)| id.starts_with(*begin)) {
                found.push((session.id, called(member)));
            }
        }
        Ok(())
    })
    .await?;
    for (beginning, found) in beginnings.iter().zip(&found) {
        match found.len() {
            0 => bail!("no open session {beginning}; see `wxgate sessions list`"),
            1 => {}
            count => bail!("{count} sessions begin with {beginning}: write more digits"),
        }
    }
    for (id, whose) in found.into_iter().flatten() {
        let ended = opened.directory.end_session(&opened.act(), id, None).await;
        match ended {
            // The same one under two beginnings, or somebody was faster.
            Ok(_) | Err(StoreError::Missing) => say(&format!("{}: ended, of {whose}\n", hex(&id)))?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Shows every member with their sessions to `each`: the store has no list of sessions over all members.
async fn everybody(
    opened: &Opened,
    mut each: impl FnMut(&MemberDetail) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut pages = Pages::new(&opened.directory, None, None, None);
    while let Some(page) = pages.next().await? {
        for member in page {
            let detail = opened.directory.member(MemberKey::Id(member.id), opened.now).await?;
            detail.iter().try_for_each(&mut each)?;
        }
    }
    Ok(())
}

fn open(detail: &MemberDetail) -> Vec<Open<'_>> {
    let open = detail.sessions.iter().filter(|session| is_open(session, &detail.member));
    open.map(|session| Open(session, &detail.member)).collect()
}

/// The beginning of an id, or all of it.
fn beginning(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    if (FEWEST..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text)
    } else {
        Err(format!("write the id of a session, {FEWEST} to 32 hexadecimal digits of it"))
    }
}

impl Listed<7> for Open<'_> {
    const HEADS: [&'static str; 7] =
        ["ID", "MEMBER", "NAME", "SIGNED IN (UTC)", "ENDS (UTC)", "FROM", "BROWSER"];

    fn cells(&self) -> [String; 7] {
        let Self(session, member) = self;
        let name = if member.name() == member.id.as_str() { "" } else { member.name() };
        [
            hex(&session.id).chars().take(SHOWN).collect(),
            member.user().to_owned(),
            name.to_owned(),
            minute(session.started),
            minute(session.expires),
            session.client.map(|client| client.to_string()).unwrap_or_default(),
            session.browser.clone(),
        ]
    }

    fn json(&self) -> Value {
        let Self(session, member) = self;
        json!({
            "id": hex(&session.id),
            "member": member.id.as_str(),
            "name": member.name(),
            "user_name": member.user_name.as_ref().map(ToString::to_string),
            "started": moment(session.started),
            "expires": moment(session.expires),
            "client": session.client.map(|client| client.to_string()),
            "browser": session.browser,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_named_by_their_beginning() {
        assert_eq!(beginning("0123ABCD"), Ok("0123abcd".to_owned()));
        for wrong in ["0123abc", "0123abcg", "", "0123456789abcdef0123456789abcdef0"] {
            assert!(beginning(wrong).is_err(), "{wrong}");
        }
    }
}
