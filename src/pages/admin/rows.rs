//! Members, sessions and lines of the audit trail, as the templates of administration want them.

use minijinja::{Value, context};

use super::super::avatar::avatar;
use super::super::face::{browser, shown};
use super::super::moment::moment;
use super::names::{self, Names};
use super::told;
use crate::model::audit::AuditEvent;
use crate::model::member::{DisplayName, Groups, Member, SessionId, UserName};
use crate::seal::hex;
use crate::store::records::{AccountRow, AuditRow, SessionRow};

/// A member.
pub(super) fn member(member: &Member) -> Value {
    let request = member.request.as_ref().map(|request| {
        context! {
            code => shown(&request.code),
            message => shown(&request.message),
            at => moment(request.at),
        }
    });
    context! {
        id => member.id.as_str(),
        name => shown(member.name()),
        profile_name => shown(&member.profile_name),
        user_name => member.user_name.as_ref().map(UserName::as_str),
        display_name => member.display_name.as_ref().map(DisplayName::as_str),
        groups => names(&member.groups),
        groups_text => written(&member.groups),
        status => member.status.as_str(),
        status_words => format!("status.{}", member.status.as_str()),
        is_admin => member.is_admin,
        avatar => avatar(&member.avatar),
        unionid => member.unionid.as_deref().map(shown),
        created => moment(member.created),
        signed_in => moment(member.signed_in),
        request,
    }
}

/// An account of a member.
pub(super) fn account(row: &AccountRow) -> Value {
    context! {
        app_id => shown(&row.account.app_id),
        openid => shown(&row.account.openid),
        unionid => row.unionid.as_deref().map(shown),
        first_seen => moment(row.first_seen),
        last_seen => moment(row.last_seen),
    }
}

/// A session of a member; `current` is that of whoever looks.
pub(super) fn session(row: &SessionRow, current: &SessionId) -> Value {
    context! {
        id => hex(&row.id),
        browser => browser(&row.browser),
        user_agent => shown(&row.browser),
        client => row.client.map(|client| client.to_string()),
        started => moment(row.started),
        expires => moment(row.expires),
        ended => row.ended,
        current => row.id == *current,
    }
}

/// A line of the audit trail.
pub(super) fn line((_, event): &AuditRow, names: &Names) -> Value {
    let AuditEvent { at, kind, actor, member, client, request_id, detail: _ } = event;
    context! {
        at => moment(*at),
        words => format!("audit.{}", kind.as_str()),
        actor => names.actor(actor),
        member => member.as_ref().map(|id| names.who(id)),
        is_own => member.is_some() && names::member(actor) == member.as_ref(),
        client => client.map(|client| client.to_string()),
        request_id => request_id.as_deref().map(shown),
        detail => told::detail(event, names),
    }
}

/// Groups one by one.
pub(super) fn names(groups: &Groups) -> Vec<String> {
    groups.iter().map(str::to_owned).collect()
}

/// Groups as they are typed.
pub(super) fn written(groups: &Groups) -> String {
    groups.iter().collect::<Vec<_>>().join(", ")
}
