//! `wxgate members`: who there is, and what becomes of them.

mod change;
mod list;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::arguments::{display_name, groups, user_name};
use super::store::with_store;
use crate::live::ConfigSource;
use crate::model::member::{DisplayName, Groups, UserName};

/// Arguments of `members`. Each WHO is a member id, a user name, or the code of a request that waits.
#[derive(Debug, Args)]
pub(super) struct MembersArguments {
    #[command(subcommand)]
    command: MembersCommand,
}

#[derive(Debug, Subcommand)]
enum MembersCommand {
    /// List members, those who signed in last first; with --status pending, those who asked first.
    List(list::ListArguments),
    /// Show everything about one member.
    Show {
        /// A member id, a user name, or the code of a request.
        who: String,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let people in.
    Approve {
        /// Member ids, user names, or codes of requests.
        #[arg(required = true)]
        who: Vec<String>,
        /// Put them into these groups, and no others; without, their groups stay.
        #[arg(long, value_name = "A,B", value_parser = groups)]
        groups: Option<Groups>,
    },
    /// Do not let people in who asked, or might.
    Refuse {
        /// Member ids, user names, or codes of requests.
        #[arg(required = true)]
        who: Vec<String>,
    },
    /// Shut people out, and end their sessions.
    Block {
        /// Member ids, user names, or codes of requests.
        #[arg(required = true)]
        who: Vec<String>,
    },
    /// Let people in again after a block.
    Unblock {
        /// Member ids or user names.
        #[arg(required = true)]
        who: Vec<String>,
    },
    /// Give a member another name for applications (Remote-User).
    Rename {
        /// A member id, a user name, or the code of a request.
        who: String,
        /// The new user name.
        #[arg(required_unless_present = "clear", conflicts_with = "clear", value_parser = user_name)]
        new: Option<UserName>,
        /// Take the user name away: applications are told the member id.
        #[arg(long)]
        clear: bool,
    },
    /// Give a member another name for people (Remote-Name).
    DisplayName {
        /// A member id, a user name, or the code of a request.
        who: String,
        /// The new name.
        #[arg(required_unless_present = "clear", conflicts_with = "clear", value_parser = display_name)]
        name: Option<DisplayName>,
        /// Take the name away: people see the one of the WeChat profile.
        #[arg(long)]
        clear: bool,
    },
    /// Put a member into groups.
    #[command(group(clap::ArgGroup::new("what").args(["groups", "add", "remove"]).required(true).multiple(true)))]
    Groups {
        /// A member id, a user name, or the code of a request.
        who: String,
        /// These groups, and no others; "" for none.
        #[arg(value_name = "A,B", value_parser = groups, conflicts_with_all = ["add", "remove"])]
        groups: Option<Groups>,
        /// These too.
        #[arg(long, value_name = "A,B", value_parser = groups)]
        add: Option<Groups>,
        /// These no longer.
        #[arg(long, value_name = "A,B", value_parser = groups)]
        remove: Option<Groups>,
    },
    /// Give a member the right to administer members.
    Admin {
        /// A member id or a user name.
        who: String,
        /// Take that right away.
        #[arg(long)]
        take: bool,
    },
    /// Delete everything about a person: with their next sign-in they are a stranger.
    Forget {
        /// A member id, a user name, or the code of a request.
        who: String,
        /// Really.
        #[arg(long)]
        yes: bool,
    },
}

/// Does it.
pub(super) fn run(
    arguments: &MembersArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    use MembersCommand as Do;
    use change::Asked;
    with_store(source, environment, async |opened| match &arguments.command {
        Do::List(arguments) => list::run(&opened, arguments).await,
        Do::Show { who, json } => show::run(&opened, who, *json).await,
        Do::Approve { who, groups } => change::all(&opened, who, &Asked::Approve(groups.clone())).await,
        Do::Refuse { who } => change::all(&opened, who, &Asked::Refuse).await,
        Do::Block { who } => change::all(&opened, who, &Asked::Block).await,
        Do::Unblock { who } => change::all(&opened, who, &Asked::Unblock).await,
        Do::Rename { who, new, clear: _ } => change::one(&opened, who, &Asked::Rename(new.clone())).await,
        Do::DisplayName { who, name, clear: _ } => {
            change::one(&opened, who, &Asked::DisplayName(name.clone())).await
        }
        Do::Groups { who, groups, add, remove } => {
            let (add, remove) = (add.clone().unwrap_or_default(), remove.clone().unwrap_or_default());
            change::one(&opened, who, &Asked::Groups { only: groups.clone(), add, remove }).await
        }
        Do::Admin { who, take } => change::one(&opened, who, &Asked::Admin(!take)).await,
        Do::Forget { who, yes } => change::forget(&opened, who, *yes).await,
    })
}
