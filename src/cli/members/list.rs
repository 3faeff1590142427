//! `wxgate members list`: the table and its JSON, page by page.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::arguments;
use super::super::listing::{Listed, Listing};
use super::super::store::Opened;
use super::super::who::Pages;
use super::super::written::{minute, moment};
use crate::model::member::{Member, Status};

/// Arguments of `members list`.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Only members of this status.
    #[arg(long, value_name = "STATUS", value_parser = arguments::status())]
    status: Option<Status>,
    /// Only those whose id, name, group or request's code has this text in it.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// At most so many; without, all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Lists.
pub(super) async fn run(opened: &Opened, arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let ListArguments { status, search, limit, json } = arguments;
    let mut pages = Pages::new(&opened.directory, *status, search.clone(), *limit);
    let mut listing = Listing::new(*json);
    while let Some(page) = pages.next().await? {
        listing.page(&page)?;
    }
    let is_narrowed = status.is_some() || search.is_some();
    listing.end(if is_narrowed { "nobody like that" } else { "nobody has signed in yet" })?;
    Ok(ExitCode::SUCCESS)
}

impl Listed<8> for Member {
    const HEADS: [&'static str; 8] =
        ["ID", "STATUS", "NAME", "USER", "GROUPS", "ADMIN", "CODE", "SIGNED IN (UTC)"];

    fn cells(&self) -> [String; 8] {
        let name = if self.name() == self.id.as_str() { "" } else { self.name() };
        let code = self.request.as_ref().filter(|_| self.status == Status::Pending);
        [
            self.id.to_string(),
            self.status.as_str().to_owned(),
            name.to_owned(),
            self.user_name.as_ref().map(ToString::to_string).unwrap_or_default(),
            self.groups.to_string(),
            if self.is_admin { "yes".to_owned() } else { String::new() },
            code.map(|request| request.code.clone()).unwrap_or_default(),
            minute(self.signed_in),
        ]
    }

    fn json(&self) -> Value {
        let request = self.request.as_ref().map(
            |request| json!({ "code": request.code, "message": request.message, "at": moment(request.at) }),
        );
        json!({
            "id": self.id.as_str(),
            "status": self.status.as_str(),
            "name": self.name(),
            "user_name": self.user_name.as_ref().map(ToString::to_string),
            "display_name": self.display_name.as_ref().map(ToString::to_string),
            "profile_name": self.profile_name,
            "avatar": self.avatar,
            "unionid": self.unionid,
            "groups": self.groups.iter().collect::<Vec<_>>(),
            "is_admin": self.is_admin,
            "request": request,
            "created": moment(self.created),
            "signed_in": moment(self.signed_in),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::written::tests::member;
    use super::*;
    use crate::model::clock::Timestamp;
    use crate::model::member::AccessRequest;

    #[test]
    fn a_member_in_a_row_and_as_json() {
        let request = AccessRequest {
            code: "QKRT".to_owned(),
            message: "新来的".to_owned(),
            at: Timestamp::from_unix(1_790_000_000),
        };
        let mut asking = Member { request: Some(request), status: Status::Pending, ..member() };
        let row = ["wx-07070707070707070707", "pending", "王芳", "", "", "", "QKRT", "2026-09-21 14:13"];
        assert_eq!(asking.cells(), row);
        let json = asking.json();
        assert_eq!((&json["request"]["code"], &json["name"]), (&json!("QKRT"), &json!("王芳")));
        assert_eq!((&json["user_name"], &json["groups"]), (&Value::Null, &json!([])));
        asking.status = Status::Active;
        assert_eq!(asking.cells()[6], "", "a code says nothing once the request is answered");
    }
}
