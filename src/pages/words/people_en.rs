//! The words of people on their way to becoming members, in English.

/// The words, page by page, in the same order as in `people_zh.rs`.
pub(super) const WORDS: &[(&str, &str)] = &[
    // asking for access
    ("stranger.title", "One more step"),
    ("stranger.text", "You are signed in with WeChat as “{name}”, but don’t have access to {site} yet."),
    ("stranger.message", "Message to the administrator (optional)"),
    ("stranger.ask", "Ask for access"),
    ("stranger.join", "Join"),
    ("stranger.closed", "Only an administrator can add you. Tell them your name and the member id below it."),
    ("stranger.uninvited", "You need an invitation: ask an administrator for a link, then open it here."),
    ("stranger.not_you", "Not you?"),
    ("stranger.switch", "Use another WeChat account"),
    ("stranger_refused.title", "Your request was not approved"),
    ("stranger_refused.text", "An administrator has decided that “{name}” does not get access to {site}."),
    (
        "stranger_refused.more",
        "If you think that is a mistake, contact the administrator and tell them the member id below your name.",
    ),
    // waiting
    ("waiting.title", "Waiting for approval"),
    (
        "waiting.text",
        "Your request has been sent. Once it is approved, this page lets you in by itself. You may close it and come back later.",
    ),
    ("waiting.code", "Tell the administrator this request code"),
    ("waiting.asked", "Asked"),
    ("waiting.message", "Message"),
    ("waiting.state", "Waiting…"),
    ("waiting.news", "There is news. Opening the page…"),
    ("waiting.look", "See how it stands"),
    // invitations, and the first administrator
    ("invited.title", "You are invited to {site}"),
    ("invited.text", "You will join {site} as “{name}”."),
    ("invited.button", "Accept"),
    ("invitation_spent.title", "This invitation is no longer valid"),
    (
        "invitation_spent.text",
        "It has been used, has expired or was withdrawn, the link was cut short, or the site takes no invitations now. Ask whoever sent it for a new one.",
    ),
    ("set_up.title", "Become administrator of {site}?"),
    ("set_up.text", "“{name}” will be able to decide who has access to {site}."),
    ("set_up.button", "Become administrator"),
    ("set_up_spent.title", "This setup link is no longer valid"),
    (
        "set_up_spent.text",
        "It has been used or has expired, or it was cut short. For a new one, run “wxgate setup-link” on the server.",
    ),
    // forms that were not carried out
    ("once_more.title", "Not saved yet"),
    (
        "once_more.stale",
        "The page was open for too long, or you have signed in again since. Nothing was changed, and what you entered is kept. Do you want to send it now?",
    ),
    (
        "once_more.down",
        "The database is not responding. What you entered is kept: wait a moment, then send it again.",
    ),
    ("once_more.button", "Send again"),
    ("not_possible.title", "That is not possible any more"),
    (
        "not_possible.text",
        "Something has changed in the meantime, so nothing was done. Go back and load the page anew.",
    ),
];
