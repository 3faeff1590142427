//! `wxgate sessions`: who is signed in where, and the end of it.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::listing::{Listed, Listing, counted, say, say_json};
use super::store::{Opened, with_store};
use super::who;
use super::written::{called, minute, moment};
use crate::live::ConfigSource;
use crate::seal::hex;
use crate::store::StoreError;
use crate::store::records::{MemberDetail, MembersQuery, OpenSession, SessionIds};
use crate::wechat::user_agent::words;

/// Digits of an id that a table shows.
const SHOWN: usize = 12;

/// Members asked about, and sessions shown, at a time. A member may have a hundred sessions.
const PAGE: u32 = 500;

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
    /// List open sessions: who is signed in, in which browser, from where, since when.
    List {
        /// Only those of this member: a member id, a user name, or the code of a request that waits.
        who: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End sessions: these browsers are signed out within seconds. Whoever may sign in can do so again; see `members block`.
    Revoke {
        /// The IDs that `sessions list` shows; their first eight digits are enough.
        #[arg(required_unless_present = "all_of", value_name = "ID", value_parser = beginning)]
        ids: Vec<String>,
        /// End all sessions of this member: a member id, a user name, or the code of a request that waits.
        #[arg(long, value_name = "WHO", conflicts_with = "ids")]
        all_of: Option<String>,
        /// Print how many ended, and which, as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
pub(super) fn run(
    arguments: &SessionsArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    with_store(source, environment, async |opened| {
        match &arguments.command {
            SessionsCommand::List { who, json } => list(&opened, who.as_deref(), *json).await?,
            SessionsCommand::Revoke { all_of: Some(who), json, .. } => {
                revoke_all(&opened, who, *json).await?
            }
            SessionsCommand::Revoke { ids, all_of: None, json } => revoke(&opened, ids, *json).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn list(opened: &Opened, who: Option<&str>, is_json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(is_json);
    match who {
        Some(who) => show(&mut listing, &open(&who::find(opened, who).await?))?,
        None => list_all(opened, &mut listing).await?,
    }
    listing.end("nobody is signed in")
}

/// Lists the sessions of all members, those of whoever signed in last first.
async fn list_all(opened: &Opened, listing: &mut Listing<7>) -> anyhow::Result<()> {
    // Many at once, so that columns are as wide as they will be from the first row on.
    let mut some = Vec::new();
    let mut query = MembersQuery { limit: PAGE, ..MembersQuery::default() };
    loop {
        let page = opened.directory.open_sessions(query.clone(), opened.now).await?;
        query.after = page.last().map(|(last, _)| query.place_of(last));
        let is_last = page.len() < PAGE as usize;
        for (member, sessions) in page {
            some.extend(sessions.into_iter().map(|session| OpenSession { session, member: member.clone() }));
            if some.len() >= PAGE as usize {
                show(listing, &std::mem::take(&mut some))?;
            }
        }
        if is_last {
            return show(listing, &some);
        }
    }
}

fn show(listing: &mut Listing<7>, some: &[OpenSession]) -> anyhow::Result<()> {
    if some.is_empty() { Ok(()) } else { listing.page(some) }
}

/// Ends all sessions of one member.
async fn revoke_all(opened: &Opened, who: &str, is_json: bool) -> anyhow::Result<()> {
    let detail = who::find(opened, who).await?;
    let count = opened.directory.end_sessions(&opened.act(), &detail.member.id).await?;
    if is_json {
        return say_json(&outcome(count, &open(&detail)));
    }
    say(&format!("{}: {} ended\n", called(&detail.member), counted(count, "session")))
}

/// Ends those sessions whose ids begin so; nothing before each is known to be one.
async fn revoke(opened: &Opened, beginnings: &[String], is_json: bool) -> anyhow::Result<()> {
    let mut ended: Vec<OpenSession> = Vec::new();
    for beginning in beginnings {
        let ids = SessionIds::beginning(beginning).ok_or_else(|| anyhow!("{beginning} is no id"))?;
        let mut found = opened.directory.open_sessions_named(ids, opened.now).await?;
        match found.len() {
            0 => bail!("no open session {beginning}; see `wxgate sessions list`"),
            1 => ended.append(&mut found),
            count => bail!("{count} sessions begin with {beginning}: write more digits"),
        }
    }
    // One may be named by two beginnings.
    ended.sort_by_key(|open| open.session.id);
    ended.dedup_by_key(|open| open.session.id);
    for OpenSession { session, member } in &ended {
        match opened.directory.end_session(&opened.act(), session.id, None).await {
            // Somebody was faster.
            Ok(_) | Err(StoreError::Missing) if is_json => {}
            Ok(_) | Err(StoreError::Missing) => {
                say(&format!("{}: ended, of {}\n", hex(&session.id), called(member)))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if is_json { say_json(&outcome(ended.len() as u64, &ended)) } else { Ok(()) }
}

/// How many ended, and which, as `sessions list` has them.
fn outcome(count: u64, sessions: &[OpenSession]) -> Value {
    json!({ "ended": count, "sessions": sessions.iter().map(Listed::json).collect::<Vec<_>>() })
}

fn open(detail: &MemberDetail) -> Vec<OpenSession> {
    let open = detail.sessions.iter().filter(|session| session.is_open(&detail.member));
    open.map(|session| OpenSession { session: session.clone(), member: detail.member.clone() }).collect()
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

impl Listed<7> for OpenSession {
    const HEADS: [&'static str; 7] =
        ["ID", "WHO", "SIGNED IN (UTC)", "ENDS (UTC)", "FROM", "BROWSER", "MEMBER"];

    fn cells(&self) -> [String; 7] {
        let Self { session, member } = self;
        [
            hex(&session.id).chars().take(SHOWN).collect(),
            member.name().to_owned(),
            minute(session.started),
            minute(session.expires),
            session.client.map(|client| client.to_string()).unwrap_or_default(),
            words(&session.browser).unwrap_or_else(|| session.browser.clone()),
            member.user().to_owned(),
        ]
    }

    fn json(&self) -> Value {
        let Self { session, member } = self;
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
