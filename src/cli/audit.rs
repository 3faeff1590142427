//! `wxgate audit`: who did what, newest first.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::arguments;
use super::listing::{Listed, Listing};
use super::store::{Opened, with_store};
use super::who;
use super::written::{minute, moment};
use crate::live::ConfigSource;
use crate::model::audit::AuditKind;
use crate::model::member::MemberId;
use crate::store::records::{AuditQuery, AuditRow};

/// Lines asked for at a time.
const PAGE: u32 = 500;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    /// Only what this member did, or what was done to them: a member id (also of somebody forgotten), a user name, or the
    /// code of a request.
    #[arg(long, value_name = "WHO")]
    member: Option<String>,
    /// Only lines of this kind.
    #[arg(long, value_name = "KIND", value_parser = arguments::audit_kind())]
    kind: Option<AuditKind>,
    /// At most so many lines, the newest; without, all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Lists them.
pub(super) fn run(
    arguments: &AuditArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    with_store(source, environment, async |opened| {
        let member = match &arguments.member {
            Some(who) => Some(whose(&opened, who).await?),
            None => None,
        };
        let mut query = AuditQuery { member, kind: arguments.kind, before: None, limit: PAGE };
        let mut left = arguments.limit.unwrap_or(u32::MAX);
        let mut listing = Listing::new(arguments.json);
        while left > 0 {
            query.limit = left.min(PAGE);
            let page = opened.directory.audit(query.clone()).await?;
            listing.page(&page)?;
            let Some((last, _)) = page.last().filter(|_| page.len() == query.limit as usize) else { break };
            query.before = Some(*last);
            left = left.saturating_sub(query.limit);
        }
        listing.end("nothing like that is written down")?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The id they are written down by: somebody who was forgotten has one, too.
async fn whose(opened: &Opened, who: &str) -> anyhow::Result<MemberId> {
    match who.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(who::find(opened, who).await?.member.id),
    }
}

impl Listed<6> for AuditRow {
    const HEADS: [&'static str; 6] = ["WHEN (UTC)", "WHAT", "BY", "MEMBER", "FROM", "DETAIL"];

    fn cells(&self) -> [String; 6] {
        let (_, event) = self;
        [
            minute(event.at),
            event.kind.as_str().to_owned(),
            event.actor.to_string(),
            event.member.as_ref().map(ToString::to_string).unwrap_or_default(),
            event.client.map(|client| client.to_string()).unwrap_or_default(),
            event.detail.clone(),
        ]
    }

    fn json(&self) -> Value {
        let (number, event) = self;
        json!({
            "number": number,
            "at": moment(event.at),
            "kind": event.kind.as_str(),
            "actor": event.actor.to_string(),
            "member": event.member.as_ref().map(MemberId::as_str),
            "client": event.client.map(|client| client.to_string()),
            "request_id": event.request_id,
            "detail": event.detail,
        })
    }
}
