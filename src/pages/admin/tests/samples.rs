//! People, invitations and lines of the trail as pages of administration show them.

use super::super::audit::{Filter, Trail, Whom};
use super::super::member::OneMember;
use super::super::names::Names;
use super::NOW;
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{AccessRequest, Member, MemberId, Status};
use crate::store::records::{AccountRow, AuditRow, Conflict, Invite, MemberDetail, SessionRow};

/// Asks for people, invitations and lines as there are; every other text stands wherever somebody else's words are shown.
pub(super) const USUAL: &str = "王芳";

const NAMES: [&str; 6] = ["张伟", "林主任", "王芳", "Chen Jie", "ἈλέξανδροςΠαπαδόπουλος", "李娜"];
const UNIONID: &str = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";
const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36";

/// `text`, or what people usually say there.
pub(super) fn said(text: &str, usual: &str) -> String {
    if text == USUAL { usual } else { text }.to_owned()
}

fn called(text: &str, number: u8) -> String {
    said(text, NAMES[usize::from(number) % NAMES.len()])
}

pub(super) fn id(number: u8) -> MemberId {
    MemberId::of([number; 10])
}

pub(super) fn somebody(number: u8, text: &str, status: Status) -> Member {
    Member {
        id: id(number),
        status,
        before_block: None,
        user_name: "wang.fang".parse().ok().filter(|_| number.is_multiple_of(2)),
        display_name: None,
        groups: "staff, 财务".parse().unwrap(),
        is_admin: number == 1 && (text != USUAL || status == Status::Active),
        unionid: Some(said(text, UNIONID)),
        profile_name: called(text, number),
        avatar: said(text, ""),
        request: Some(AccessRequest {
            code: "ABCD".to_owned(),
            message: said(text, "我是财务部的，要看一月的报表。"),
            at: NOW,
        })
        .filter(|_| text != USUAL || status == Status::Pending),
        created: NOW,
        signed_in: NOW,
        ended_before: Timestamp::from_unix(0),
    }
}

pub(super) fn lines(text: &str) -> Vec<AuditRow> {
    let line = |(number, kind): (usize, &AuditKind)| {
        let event = AuditEvent {
            at: NOW,
            kind: *kind,
            actor: [Actor::CommandLine, Actor::Gateway, Actor::Member(id(1))][number % 3].clone(),
            member: Some(id(2)).filter(|_| number.is_multiple_of(2)),
            client: Some("192.0.2.1".parse().unwrap()),
            request_id: Some(said(text, "7f3a9c21")),
            detail: said(text, usual_detail(*kind)),
        };
        (number as i64, event)
    };
    AuditKind::ALL.iter().enumerate().map(line).collect()
}

pub(super) fn one(text: &str, status: Status) -> OneMember {
    let account = account(text);
    let session = |number: u8| SessionRow {
        id: [number; 16],
        member: id(1),
        started: NOW,
        expires: NOW,
        browser: said(text, BROWSER),
        client: Some("2001:db8::1".parse().unwrap()),
        ended: number == 3,
    };
    let member = somebody(1, text, status);
    let row = AccountRow {
        account,
        member: id(1),
        unionid: Some(said(text, UNIONID)),
        first_seen: NOW,
        last_seen: NOW,
    };
    let detail = MemberDetail { member, accounts: vec![row], sessions: (1..4).map(session).collect() };
    OneMember { detail, lines: lines(text), names: names(text), current: [2; 16], typed: as_typed(text) }
}

/// Everybody but the last of those who did something.
pub(super) fn names(text: &str) -> Names {
    Names::of([(id(1), called(text, 1)), (id(2), called(text, 2))])
}

/// What administrators type into a form stays as they typed it; nothing else that turns text around is shown, nor what
/// an address holds, which somebody else may have given them.
pub(super) fn as_typed(text: &str) -> String {
    text.replace('\u{202e}', "")
}

pub(super) fn invite(text: &str, uses_left: Option<u32>) -> Invite {
    Invite {
        id: "0011223344556677".to_owned(),
        code_hash: [0; 32],
        groups: "staff".parse().unwrap(),
        uses_left,
        expires: NOW,
        made_by: Actor::Member(id(1)),
        made_at: NOW,
        note: said(text, if uses_left.is_some() { "给财务部的三个人" } else { "" }),
    }
}

pub(super) fn trail(filter: Filter, whom: Whom, text: &str) -> Trail {
    let lines = if text.is_empty() { Vec::new() } else { lines(text) };
    Trail { filter, whom, lines, names: names(text), next: Some(7) }
}

pub(super) fn account(text: &str) -> Account {
    Account { app_id: said(text, "wxd477edab60670232"), openid: said(text, "o6_bmjrPTlm6_2sgVt7hMZOPfL2M") }
}

pub(super) fn conflict(text: &str) -> Conflict {
    Conflict {
        id: "0011223344556677".to_owned(),
        account: account(text),
        holder: id(1),
        other: id(2),
        unionid: said(text, UNIONID),
        found: NOW,
    }
}

/// What wxgate itself writes beside a deed of this kind.
fn usual_detail(kind: AuditKind) -> &'static str {
    match kind {
        AuditKind::Approved | AuditKind::GroupsChanged => "staff,财务",
        AuditKind::Asked => "code ABCD",
        AuditKind::InviteMade | AuditKind::InviteUsed | AuditKind::InviteWithdrawn => {
            "invitation 0011223344556677"
        }
        AuditKind::SignedIn | AuditKind::SignInRefused => BROWSER,
        AuditKind::Renamed => "wang.fang",
        AuditKind::DisplayNameChanged => "王芳（财务部）",
        AuditKind::VisitRefused => "app.example.com/reports",
        AuditKind::ConfigurationReloaded => "in force",
        _ => "",
    }
}
