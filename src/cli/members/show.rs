//! `wxgate members show`: everything about one member.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::listing::{Listed as _, say, say_json, visible};
use super::super::store::Opened;
use super::super::who;
use super::super::written::{minute, moment};
use crate::seal::hex;
use crate::store::records::MemberDetail;
use crate::wechat::user_agent::words;

/// Shows them.
pub(super) async fn run(opened: &Opened, who: &str, is_json: bool) -> anyhow::Result<ExitCode> {
    let detail = who::find(opened, who).await?;
    if is_json {
        say_json(&as_json(&detail))?;
    } else {
        say(&as_text(&detail))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_text(detail: &MemberDetail) -> String {
    let member = &detail.member;
    let mut lines = vec![("id", member.id.to_string()), ("status", member.status.as_str().to_owned())];
    let mut also = |name, value: &str| {
        if !value.is_empty() {
            lines.push((name, visible(value)));
        }
    };
    also("user name", member.user_name.as_ref().map_or("", |name| name.as_str()));
    also("display name", member.display_name.as_ref().map_or("", |name| name.as_str()));
    also("WeChat name", &member.profile_name);
    also("picture", &member.avatar);
    also("groups", member.groups.as_str());
    also("administrator", if member.is_admin { "yes" } else { "" });
    also("unionid", member.unionid.as_deref().unwrap_or_default());
    if let Some(request) = &member.request {
        also("asked", &format!("{} UTC, code {}", minute(request.at), request.code));
        also("message", &request.message);
    }
    also("first sign-in", &format!("{} UTC", minute(member.created)));
    also("last sign-in", &format!("{} UTC", minute(member.signed_in)));
    for row in &detail.accounts {
        let last = minute(row.last_seen);
        also("account", &format!("{} of {}, last {last} UTC", row.account.openid, row.account.app_id));
    }
    for session in detail.sessions.iter().filter(|session| session.is_open(member)) {
        let from = session.client.map(|client| format!(" from {client}")).unwrap_or_default();
        let (id, began) = (hex(&session.id), minute(session.started));
        let browser = words(&session.browser).unwrap_or_else(|| session.browser.clone());
        also("session", &format!("{id}, {began} UTC{from}, {browser}"));
    }
    lines.into_iter().map(|(name, value)| format!("{name:<14} {value}\n")).collect()
}

fn as_json(detail: &MemberDetail) -> Value {
    let accounts = detail.accounts.iter().map(|row| {
        json!({
            "app_id": row.account.app_id,
            "openid": row.account.openid,
            "unionid": row.unionid,
            "first_seen": moment(row.first_seen),
            "last_seen": moment(row.last_seen),
        })
    });
    let sessions = detail.sessions.iter().map(|session| {
        json!({
            "id": hex(&session.id),
            "started": moment(session.started),
            "expires": moment(session.expires),
            "client": session.client.map(|client| client.to_string()),
            "browser": session.browser,
            "is_open": session.is_open(&detail.member),
        })
    });
    let mut json = detail.member.json();
    json["accounts"] = accounts.collect();
    json["sessions"] = sessions.collect();
    json
}
