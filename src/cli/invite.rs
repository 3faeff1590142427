//! `wxgate invite`: links that make members.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::arguments;
use super::listing::{Listed, Listing, say, say_json};
use super::store::{Opened, with_store};
use super::written::{minute, moment};
use crate::live::ConfigSource;
use crate::members::{Invitation, Join};
use crate::model::member::Groups;
use crate::store::StoreError;
use crate::store::records::Invite;

/// Arguments of `invite`: without a subcommand, an invitation is made.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct InviteArguments {
    #[command(subcommand)]
    command: Option<InviteCommand>,
    #[command(flatten)]
    new: NewArguments,
}

#[derive(Debug, Subcommand)]
enum InviteCommand {
    /// List the invitations that can still be used. Their links are kept nowhere: they were shown once.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take an invitation back: its link works no longer. Whoever used it before stays a member.
    Withdraw {
        /// The ID that `invite list` shows.
        id: String,
        /// Print the outcome as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct NewArguments {
    /// Put whoever uses it into these groups.
    #[arg(long, value_name = "A,B", value_parser = arguments::groups)]
    groups: Option<Groups>,
    /// How many people may use it, each once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    uses: u32,
    /// Let any number of people use it, until it ends.
    #[arg(long, conflicts_with = "uses")]
    any_number: bool,
    /// How long it can be used: a number and a unit, such as 30m, 12h or 7d.
    #[arg(long = "for", value_name = "TIME", default_value = "7d", value_parser = arguments::lifetime)]
    lifetime: Duration,
    /// What it is for; only administrators see this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(
    arguments: &InviteArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    with_store(source, environment, async |opened| {
        match &arguments.command {
            None => make(&opened, &arguments.new).await?,
            Some(InviteCommand::List { json }) => {
                let mut listing = Listing::new(*json);
                listing.page(&opened.directory.invites(opened.now).await?)?;
                listing.end("no invitation is open")?;
            }
            Some(InviteCommand::Withdraw { id, json }) => withdraw(&opened, id, *json).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn make(opened: &Opened, new: &NewArguments) -> anyhow::Result<()> {
    let invitation = Invitation {
        groups: new.groups.clone().unwrap_or_default(),
        uses: (!new.any_number).then_some(new.uses),
        lifetime: new.lifetime,
        note: new.note.clone(),
    };
    let (invite, code) = opened.directory.invite(&opened.act(), invitation).await?;
    let link = opened.link("invite", code.reveal());
    if opened.config.joining.join == Join::Closed {
        eprintln!("warning: access.join is \"closed\": nobody can use an invitation as long as it is");
    }
    if new.json {
        let mut json = invite.json();
        json["link"] = link.into();
        say_json(&json)
    } else {
        say(&format!("{link}\n"))
    }
}

async fn withdraw(opened: &Opened, id: &str, is_json: bool) -> anyhow::Result<()> {
    match opened.directory.withdraw_invite(&opened.act(), id).await {
        Err(StoreError::Missing) => Err(anyhow!("no open invitation {id:?}; see `wxgate invite list`")),
        other => {
            other?;
            if is_json {
                return say_json(&json!({ "id": id, "withdrawn": true }));
            }
            say(&format!("invitation {id} is withdrawn\n"))
        }
    }
}

impl Listed<6> for Invite {
    const HEADS: [&'static str; 6] = ["ID", "USES LEFT", "GROUPS", "ENDS (UTC)", "MADE BY", "NOTE"];

    fn cells(&self) -> [String; 6] {
        [
            self.id.clone(),
            self.uses_left.map_or_else(|| "any number".to_owned(), |uses| uses.to_string()),
            self.groups.to_string(),
            minute(self.expires),
            self.made_by.to_string(),
            self.note.clone(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "uses_left": self.uses_left,
            "groups": self.groups.iter().collect::<Vec<_>>(),
            "expires": moment(self.expires),
            "made_by": self.made_by.to_string(),
            "made_at": moment(self.made_at),
            "note": self.note,
        })
    }
}
