//! One of every page of administration.

use super::super::super::face::Face;
use super::super::audit::{Filter, Whom};
use super::super::complaint::Complaint;
use super::super::conflicts::Both;
use super::super::desk::Frame;
use super::super::invites::{Draft, Invitations};
use super::super::members::{Everybody, Listed};
use super::super::names::Names;
use super::super::{audit, conflicts, invites, member, members};
use super::samples::{USUAL, as_typed, conflict, id, invite, names, one, said, somebody, trail};
use crate::model::audit::AuditKind;
use crate::model::member::{Member, Status};

/// One of every page, in each of its states, under the name its snapshot has.
pub(super) fn gallery(frame: &Frame<'_>, text: &str, people: u8) -> Vec<(&'static str, Face<'static>)> {
    let crowd = |status| (0..people).map(|number| somebody(number, text, status)).collect::<Vec<_>>();
    let everybody = |listed| Everybody {
        listed,
        pending: crowd(Status::Pending),
        members: crowd(Status::Active),
        next: Some(format!("5-{}", id(1))),
        counts: vec![(Status::Pending, 99), (Status::Active, 50)],
        conflicts: 2,
    };
    let narrowed =
        Listed { search: Some(text.to_owned()), status: Some(Status::Blocked), ..Listed::default() };
    let link =
        Some("https://app.example.com/_wxgate/invite?code=00112233445566778899aabbccddeeff".to_owned());
    let draft = Draft {
        groups: as_typed(&said(text, "财务")),
        note: as_typed(&said(text, "给财务部的三个人")),
        ..Draft::default()
    };
    let open = vec![invite(text, Some(3)), invite("", None)];
    let conflict = |other: Option<Member>| Both {
        conflict: conflict(text),
        holder: Some(somebody(1, text, Status::Active)),
        other,
    };
    let both = [conflict(Some(somebody(2, text, Status::Active))), conflict(None)];
    let filter = Filter { member: text.to_owned(), kind: Some(AuditKind::Approved), before: None };
    let nobody =
        Everybody { members: Vec::new(), pending: Vec::new(), next: None, ..everybody(Listed::default()) };
    let made = Invitations {
        invites: open.clone(),
        names: names(text),
        draft: draft.clone(),
        link,
        is_closed: false,
    };
    let closed = Invitations { invites: open, names: Names::default(), draft, link: None, is_closed: true };
    let several = Whom::Several(crowd(Status::Guest));
    vec![
        ("admin-members", members::face(frame, &everybody(Listed::default()))),
        ("admin-members-searched", members::face(frame, &everybody(narrowed))),
        ("admin-members-nobody", members::face(frame, &nobody)),
        ("admin-invites-made", invites::face(frame, &made)),
        ("admin-invites-closed", invites::face(frame, &closed)),
        ("admin-invites-none", invites::face(frame, &Invitations::default())),
        ("admin-conflicts", conflicts::face(frame, &both, 3)),
        ("admin-conflicts-none", conflicts::face(frame, &[], 0)),
        ("admin-audit", audit::face(frame, &trail(Filter::default(), Whom::Anybody, text))),
        ("admin-audit-of-one", audit::face(frame, &trail(filter.clone(), Whom::One(id(2)), text))),
        ("admin-audit-of-several", audit::face(frame, &trail(filter.clone(), several, ""))),
        ("admin-audit-of-nobody", audit::face(frame, &trail(filter, Whom::Nobody, ""))),
        ("admin-audit-empty", audit::face(frame, &trail(Filter::default(), Whom::Anybody, ""))),
        ("admin-member-active", member::face(frame, &one(text, Status::Active))),
        ("admin-member-blocked", member::face(frame, &one(text, Status::Blocked))),
        ("admin-member-guest", member::face(frame, &one(text, Status::Guest))),
        ("admin-member-pending", member::face(frame, &one(text, Status::Pending))),
        ("admin-member-refused", member::face(frame, &one(text, Status::Refused))),
    ]
}

/// The pages as an administrator of a small site has them, and what they say after a form.
pub(in super::super::super) fn sheets() -> Vec<(&'static str, Face<'static>)> {
    let frame = |done, complaint| Frame {
        site: "app.example.com",
        name: "林主任",
        token: "token.token",
        done,
        complaint,
    };
    let complaint = |at, words| frame(None, Some(Complaint { at, words }));
    let member = one(USUAL, Status::Active);
    let draft = Draft { count: "0".to_owned(), ..Draft::default() };
    let invitations = Invitations { draft, ..Invitations::default() };
    let mut sheets = gallery(&frame(None, None), USUAL, 3);
    sheets.extend([
        ("admin-member-after-a-deed", member::face(&frame(Some("display-name"), None), &member)),
        ("admin-member-wrong-groups", member::face(&complaint("groups", "complaint.groups"), &member)),
        ("admin-member-not-sure", member::face(&complaint("forget", "complaint.sure"), &member)),
        ("admin-invites-wrong-count", invites::face(&complaint("make", "complaint.count"), &invitations)),
    ]);
    sheets
}
