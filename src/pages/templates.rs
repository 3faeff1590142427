//! The templates by their names.

/// Every template.
pub(super) const ALL: &[(&str, &str)] = &[
    ("actions.html", include_str!("templates/actions.html")),
    ("brief.html", include_str!("templates/brief.html")),
    ("copy.html", include_str!("templates/copy.html")),
    ("elsewhere.html", include_str!("templates/elsewhere.html")),
    ("framed.html", include_str!("templates/framed.html")),
    ("layout.html", include_str!("layout.html")),
    ("notice.html", include_str!("templates/notice.html")),
    ("once_more.html", include_str!("templates/once_more.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
    ("sign_out.html", include_str!("templates/sign_out.html")),
    // people on their way
    ("ask.html", include_str!("templates/people/ask.html")),
    ("face.html", include_str!("templates/people/face.html")),
    ("offer.html", include_str!("templates/people/offer.html")),
    ("stopped.html", include_str!("templates/people/stopped.html")),
    ("wait.html", include_str!("templates/people/wait.html")),
    ("who.html", include_str!("templates/people/who.html")),
    // a phone beside
    ("call.html", include_str!("templates/phone/call.html")),
    ("confirm.html", include_str!("templates/phone/confirm.html")),
    // administration
    ("admin.html", include_str!("templates/admin/admin.html")),
    ("admin_audit.html", include_str!("templates/admin/audit.html")),
    ("admin_conflicts.html", include_str!("templates/admin/conflicts.html")),
    ("admin_decide.html", include_str!("templates/admin/decide.html")),
    ("admin_invite_link.html", include_str!("templates/admin/invite_link.html")),
    ("admin_invites.html", include_str!("templates/admin/invites.html")),
    ("admin_lines.html", include_str!("templates/admin/lines.html")),
    ("admin_member.html", include_str!("templates/admin/member.html")),
    ("admin_members.html", include_str!("templates/admin/members.html")),
    ("admin_named.html", include_str!("templates/admin/named.html")),
    ("admin_sessions.html", include_str!("templates/admin/sessions.html")),
];
