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

/// Arguments of `members`.
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
        /// A member id, a user name, or the code of a request that waits.
        who: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make people members: those who asked, were refused, or only signed in. For those who are blocked, see `unblock`.
    Approve {
        #[command(flatten)]
        whom: Whom,
        /// Put them into these groups, and no others; without this, their groups stay as they are.
        #[arg(long, value_name = "A,B", value_parser = groups)]
        groups: Option<Groups>,
    },
    /// Answer no to people who asked for access or only signed in: they cannot ask again, and can still be approved. They
    /// stay signed in on routes for everybody who is; to shut somebody out, and to take membership away, use `block`.
    Refuse(Whom),
    /// Shut people out: their sessions end, and they cannot sign in until `unblock`.
    Block(Whom),
    /// End blocks: people are again what they were before, with the groups and names they had.
    Unblock(Whom),
    /// Give a member another user name, the name for applications (Remote-User).
    Rename {
        /// A member id, a user name, or the code of a request that waits.
        who: String,
        /// The new user name.
        #[arg(required_unless_present = "clear", conflicts_with = "clear", value_parser = user_name)]
        new: Option<UserName>,
        /// Take the user name away: applications are told the member id.
        #[arg(long)]
        clear: bool,
        /// Print the member as they are afterwards, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give a member another display name, the name for people (Remote-Name).
    DisplayName {
        /// A member id, a user name, or the code of a request that waits.
        who: String,
        /// The new name.
        #[arg(required_unless_present = "clear", conflicts_with = "clear", value_parser = display_name)]
        name: Option<DisplayName>,
        /// Take the name away: people see the one of the WeChat profile.
        #[arg(long)]
        clear: bool,
        /// Print the member as they are afterwards, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say which groups a member is in: all of them, or those to add and to remove.
    #[command(group(clap::ArgGroup::new("what").args(["groups", "add", "remove"]).required(true).multiple(true)))]
    Groups {
        /// A member id, a user name, or the code of a request that waits.
        who: String,
        /// Put them into these groups, and no others; "" for none.
        #[arg(value_name = "A,B", value_parser = groups, conflicts_with_all = ["add", "remove"])]
        groups: Option<Groups>,
        /// Put them into these groups too.
        #[arg(long, value_name = "A,B", value_parser = groups)]
        add: Option<Groups>,
        /// Take them out of these groups.
        #[arg(long, value_name = "A,B", value_parser = groups)]
        remove: Option<Groups>,
        /// Print the member as they are afterwards, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give a member the right to administer members, or take it away. The last administrator keeps it.
    Admin {
        /// A member id or a user name.
        who: String,
        /// Take the right away.
        #[arg(long)]
        take: bool,
        /// Print the member as they are afterwards, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete everything about a person, for good; if they sign in again, they are a stranger.
    Forget {
        /// A member id, a user name, or the code of a request that waits.
        who: String,
        /// Do it; without this, only say what would be deleted.
        #[arg(long)]
        yes: bool,
        /// Print whom and what was deleted, as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The people that something is done with.
#[derive(Debug, Args)]
struct Whom {
    /// Member ids, user names, or codes of requests that wait. Nothing is done unless all are found.
    #[arg(required = true)]
    who: Vec<String>,
    /// Print the members as they are afterwards, as a JSON array.
    #[arg(long)]
    json: bool,
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
        Do::Approve { whom, groups } => {
            change::all(&opened, &whom.who, &Asked::Approve(groups.clone()), whom.json).await
        }
        Do::Refuse(whom) => change::all(&opened, &whom.who, &Asked::Refuse, whom.json).await,
        Do::Block(whom) => change::all(&opened, &whom.who, &Asked::Block, whom.json).await,
        Do::Unblock(whom) => change::all(&opened, &whom.who, &Asked::Unblock, whom.json).await,
        Do::Rename { who, new, clear: _, json } => {
            change::one(&opened, who, &Asked::Rename(new.clone()), *json).await
        }
        Do::DisplayName { who, name, clear: _, json } => {
            change::one(&opened, who, &Asked::DisplayName(name.clone()), *json).await
        }
        Do::Groups { who, groups, add, remove, json } => {
            let (add, remove) = (add.clone().unwrap_or_default(), remove.clone().unwrap_or_default());
            change::one(&opened, who, &Asked::Groups { only: groups.clone(), add, remove }, *json).await
        }
        Do::Admin { who, take, json } => change::one(&opened, who, &Asked::Admin(!take), *json).await,
        Do::Forget { who, yes, json } => change::forget(&opened, who, *yes, *json).await,
    })
}
