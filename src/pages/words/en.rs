//! Every word of the pages in English.

/// The words, page by page, in the same order as in `zh.rs`.
pub(super) const WORDS: &[(&str, &str)] = &[
    // around every page
    ("layout.navigation", "Page options"),
    ("layout.privacy", "Privacy"),
    ("layout.request", "Request"),
    ("layout.simulated", "WeChat is simulated here: anyone can be anyone"),
    ("layout.status", "Error"),
    ("layout.support", "Need help? Contact: "),
    // what several pages say
    ("action.again", "Sign in again"),
    ("action.home", "Back to the start page"),
    ("action.retry", "Try again"),
    ("action.switch", "Sign out"),
    ("copy.button", "Copy link"),
    ("copy.done", "Copied. Now paste it in WeChat"),
    ("copy.failed", "Could not copy. Press and hold the link to copy it"),
    ("copy.label", "Link to this page"),
    ("fact.code", "WeChat error code"),
    ("fact.name", "Signed in as"),
    ("fact.path", "Page"),
    ("fact.public_host", "Address used for signing in"),
    ("fact.seen_host", "Address you opened"),
    ("qr.another", "Scan with WeChat on another phone instead"),
    ("qr.here", "Scan with WeChat instead"),
    ("step.copy", "Copy the link below"),
    ("step.send", "Open WeChat and send the link to “File Transfer”"),
    ("step.send_computer", "In WeChat on this computer, send the link to “File Transfer”"),
    ("step.tap", "Tap the link in the chat"),
    ("step.tap_phone", "Tap the link in WeChat on your phone"),
    // signing in
    ("sign_in.button", "Sign in with WeChat"),
    ("sign_in.privacy", "We receive your WeChat name and picture, never your chats or contacts."),
    ("sign_in.text", "Sign in to open this page:"),
    ("sign_in.title", "Sign in to {site}"),
    (
        "open_in_wechat.text",
        "You sign in to {site} with WeChat, and a phone cannot scan a code on its own screen. Open the page in WeChat instead:",
    ),
    ("open_in_wechat.title", "Open this page in WeChat"),
    (
        "wecom.text",
        "This is WeCom, but {site} lets people in with their personal WeChat. Open the page in WeChat instead:",
    ),
    ("wecom.title", "Open this page in WeChat, not WeCom"),
    (
        "need_computer.text",
        "You cannot sign in to {site} on a phone yet. Open the link below in a browser on a computer, then scan the code with WeChat on your phone.",
    ),
    ("need_computer.title", "Open this page on a computer"),
    (
        "need_wechat.text",
        "You can sign in to {site} only in WeChat on a phone. Send the link to your phone and open it there:",
    ),
    ("need_wechat.title", "Open this page in WeChat on your phone"),
    // signing in did not work
    (
        "refused.text",
        "You did not allow it in WeChat, so you are not signed in. You can try again if you change your mind.",
    ),
    ("refused.title", "Signing in needs your permission"),
    (
        "expired.text",
        "Signing in has to be finished within a few minutes, and this one is too old. Just start again.",
    ),
    ("over.title", "Signed out since"),
    ("over.text", "This sign-in was ended in the meantime and lets nobody in again. Please sign in anew."),
    ("expired.title", "Your sign-in took too long"),
    (
        "cookie.blocked",
        "Allow cookies for this site. If you are browsing privately, leave that mode, or use another browser.",
    ),
    (
        "cookie.host",
        "You opened a different address from the one used for signing in, so the browser kept the cookie back. Open the address used for signing in.",
    ),
    (
        "cookie.insecure",
        "This page was not opened with https, so the browser kept the cookie back. Open the address that begins with https.",
    ),
    (
        "cookie.text",
        "WeChat has finished, but your browser did not bring back the cookie from the beginning of the sign-in, so we cannot tell that it is you.",
    ),
    ("cookie.title", "Your browser did not bring the sign-in back"),
    ("loop.more", "If it still does not work, show this page to the administrator."),
    (
        "loop.text",
        "You have signed in several times, and each time the browser did not keep it. So we stopped here.",
    ),
    ("loop.title", "Signing in keeps failing"),
    (
        "snapshot.more",
        "If you do not see this button, close the page and open it again from the chat or menu.",
    ),
    (
        "snapshot.text",
        "WeChat is showing a snapshot of this page and hides who you are, so you cannot sign in. Tap “使用完整服务” (use the full service) at the bottom right of the screen.",
    ),
    ("snapshot.title", "Tap “使用完整服务”"),
    ("wechat_busy.more", "People who are already signed in can carry on."),
    (
        "wechat_busy.quota",
        "WeChat lets this site ask so often a day and no more, and today’s share is used up. It begins anew at midnight, Beijing time. Please tell the administrator.",
    ),
    ("wechat_busy.quota_title", "No more sign-ins with WeChat today"),
    ("wechat_busy.text", "We got no answer from WeChat. Wait a moment, then sign in again."),
    ("wechat_busy.title", "WeChat is not responding"),
    (
        "wechat_misconfigured.text",
        "This is not your fault, and trying again will not help. Tell the administrator the number below.",
    ),
    ("wechat_misconfigured.title", "Signing in needs the administrator"),
    (
        "wechat_restricted.text",
        "WeChat does not let this account sign in. Look for a notice in WeChat, have the restriction lifted, then come back.",
    ),
    ("wechat_restricted.title", "WeChat has restricted this account"),
    (
        "unionid.text",
        "WeChat did not give us the identifier (UnionID) that tells us who you are. Show this page to the administrator.",
    ),
    ("unionid.title", "We cannot tell who you are yet"),
    // signing out
    ("sign_out.button", "Sign out"),
    ("sign_out.everywhere", "Sign out on all my devices"),
    ("sign_out.named", "You are signed in as “{name}”."),
    ("sign_out.stay", "Stay signed in"),
    ("sign_out.text", "To come back you will sign in with WeChat again."),
    ("sign_out.title", "Sign out of {site}?"),
    ("signed_out.text", "You are signed out of {site}. On a shared computer, close the window as well."),
    ("signed_out.title", "Signed out"),
    // refusals
    (
        "blocked.text",
        "An administrator has blocked this account. If you think that is a mistake, contact the administrator and quote the request number.",
    ),
    ("blocked.title", "You cannot enter here"),
    (
        "denied.closed",
        "This page is not open to visitors. If you think it should be, contact the administrator and quote the request number.",
    ),
    (
        "denied.text",
        "You are signed in, but may not open this page. If you think you should, contact the administrator and quote the request number.",
    ),
    ("denied.title", "You don’t have access to this page"),
    (
        "foreign_origin.text",
        "This request came from another site, so for your safety it was not carried out. Open this site directly and try there.",
    ),
    ("foreign_origin.title", "A request from another site was stopped"),
    // requests that cannot be answered
    (
        "bad_request.address",
        "The address can be read in more than one way. Check it, or begin at the start page.",
    ),
    (
        "bad_request.form",
        "What was sent is incomplete or not valid. Go back to the page before and fill it in again.",
    ),
    (
        "bad_request.headers",
        "The headers of the request contradict each other. If there is a proxy in between, show this page to the administrator.",
    ),
    (
        "bad_request.return_address",
        "The address to open after signing in does not belong here, so for your safety it was not opened. Begin at the start page.",
    ),
    (
        "bad_request.sign_in",
        "This sign-in link is incomplete; it may have been cut short. Begin at the start page.",
    ),
    ("bad_request.title", "This request cannot be handled"),
    (
        "form_expired.text",
        "The page was open for too long, or you have signed in again since. Nothing was changed. Go back, load the page anew and try again.",
    ),
    ("form_expired.title", "Please try that again"),
    ("method_not_allowed.text", "This address cannot be used in that way. Begin at the start page."),
    ("method_not_allowed.title", "This is not possible here"),
    ("not_found.text", "The address may be mistyped, or the page is gone."),
    ("not_found.title", "Page not found"),
    ("too_large.text", "What you sent is larger than allowed. Send a smaller file, or send it in parts."),
    ("too_large.title", "That is too large"),
    ("uri_too_long.text", "The address is longer than allowed. Begin at the start page."),
    ("uri_too_long.title", "The address is too long"),
    (
        "wrong_host.text",
        "The address you opened is not served here. Check it; if you are the administrator, check DNS and the setting public_url.",
    ),
    ("wrong_host.title", "This address is not here"),
    // failures
    (
        "application_timeout.text",
        "Your sign-in is fine: the application behind it took too long to answer. Try again in a moment.",
    ),
    ("application_timeout.title", "The application took too long"),
    (
        "application_unavailable.text",
        "Your sign-in is fine: the application behind it cannot be reached. Try again in a moment; if it stays like this, tell the administrator.",
    ),
    ("application_unavailable.title", "The application isn’t responding"),
    (
        "internal.text",
        "This is our fault. Try again in a moment; if it stays like this, tell the administrator the request number.",
    ),
    ("internal.title", "Something went wrong"),
    ("overloaded.text", "Too many people are here right now. Try again in a little while."),
    ("overloaded.title", "Too busy at the moment"),
    (
        "store_unavailable.text",
        "The gateway’s database does not answer, so nobody can sign in, ask for access or administer. Applications that you had open a moment ago go on. Try again in a minute.",
    ),
    ("store_unavailable.title", "This is not possible right now"),
];
