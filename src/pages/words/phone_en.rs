//! The words of signing in with a phone beside, in English.

/// The words, page by page, in the same order as in `phone_zh.rs`.
pub(super) const WORDS: &[(&str, &str)] = &[
    // several ways
    ("choose.title", "Choose how to sign in"),
    ("choose.text", "Sign in to go on to {site}."),
    ("choose.qr", "Scan with WeChat"),
    ("choose.follow", "Scan the account’s code"),
    ("choose.chat", "Send digits to the account"),
    ("choose.link", "Confirm in WeChat"),
    // WeChat's code in a frame
    ("framed.title", "Scan with WeChat to sign in"),
    ("framed.text", "Scan the code below with WeChat on your phone to sign in to {site}."),
    ("framed.frame", "WeChat’s code"),
    ("framed.again", "No code, or too old? Get another one"),
    // the browser that waits
    ("call_code.title", "Scan with WeChat to sign in"),
    (
        "call_code.text",
        "Scan this code with WeChat on your phone, follow the account, and confirm in the chat to sign in to {site}.",
    ),
    (
        "call_code.text_named",
        "Scan this code with WeChat on your phone, follow “{account}”, and confirm in the chat to sign in to {site}.",
    ),
    ("call_code.alt", "A WeChat code. If you cannot see or scan it, sign in another way below."),
    ("call_digits.title", "Send digits to sign in"),
    (
        "call_digits.text",
        "Open the official account in WeChat on your phone and send it the digits below to sign in to {site}.",
    ),
    (
        "call_digits.text_named",
        "Open the official account “{account}” in WeChat on your phone (search for it to find it) and send it the digits below to sign in to {site}.",
    ),
    ("call_digits.send", "Send these digits to the account"),
    ("call_link.title", "Confirm in WeChat, sign in here"),
    ("call_link.text", "Open this link in WeChat and confirm, and this browser is signed in to {site}:"),
    ("call_link.label", "Link to open in WeChat"),
    ("call_link.copy", "Copy the link below"),
    ("call_link.send", "Send it to yourself in WeChat (“File Transfer”, for example), and tap it"),
    ("call_link.allow", "Tap “Allow”, and come back here"),
    ("call.waiting", "Waiting for your phone…"),
    ("call.scanned_title", "Confirm on your phone"),
    ("call.scanned", "There is a question for you in WeChat. Answer it, and this page goes on."),
    ("call.news", "Opening the page…"),
    ("call.left", "Good for {left} more seconds"),
    ("call.left_js", "Good for % more"),
    ("call.other_ways", "Sign in another way"),
    ("no_code.picture", "The code cannot be\nshown right now.\nReload the page, or\nsign in another way."),
    ("no_code.title", "There is no code to scan right now"),
    ("no_code.text", "We got no code from WeChat. Wait a moment, then try again."),
    (
        "no_code.lasting",
        "WeChat gives this site no codes. This is not your fault, and trying again will not help. Tell the administrator the number below.",
    ),
    ("call_crowded.title", "Too many are signing in at once"),
    (
        "call_crowded.text",
        "Too many browsers of your network, or in all, wait for a phone. Each waits for five minutes at most: try again in a few minutes.",
    ),
    ("call_refused.title", "Not allowed on the phone"),
    ("call_refused.text", "The answer on the phone was “Not me”. If that was a mistake, sign in again."),
    // the question on the phone
    ("confirm.title", "Allow signing in to {site}?"),
    ("confirm.text", "Another browser wants to sign in with your WeChat:"),
    ("confirm.site", "Site"),
    ("confirm.browser", "Browser"),
    ("confirm.unknown_browser", "unknown browser"),
    ("confirm.client", "Network address"),
    ("confirm.begun", "Time"),
    ("confirm.name", "Your WeChat name"),
    (
        "confirm.warning",
        "Allow it only if you have just done this yourself. If somebody sent you the code or the link, tap “Not me”.",
    ),
    ("confirm.everywhere", "It opens all other sites of {everywhere}, too."),
    ("confirm.allow", "Allow"),
    ("confirm.refuse", "Not me"),
    ("confirm.share", "Also tell the site my WeChat name and picture"),
    ("confirm_allowed.title", "Allowed"),
    ("confirm_allowed.text", "The other browser is opening {site}. You can close this page."),
    ("confirm_refused.title", "Refused"),
    (
        "confirm_refused.text",
        "Nobody was signed in. If somebody asked you to scan a code or open a link, ignore them and tell the administrator.",
    ),
    ("confirm_over.title", "This sign-in is over"),
    (
        "confirm_over.text",
        "It has expired, or has been answered already. Begin again in the browser that you want to sign in.",
    ),
    // in the chat
    (
        "chat.confirm",
        "Sign in to {site}?\n{browser}, {client}, begun {age} ago\nIf this was you, <a href=\"{link}\">confirm it</a>. If not, ignore this message.",
    ),
    (
        "chat.ask",
        "Sign in to {site}?\n{browser}, {client}, begun {age} ago\nIf this was you, reply Y{digits}. If not, reply N{digits}.",
    ),
    ("chat.allowed", "Allowed. The other browser is opening {site}."),
    ("chat.refused", "Refused. Nobody was signed in to {site}."),
    ("chat.over", "This sign-in is over. Reload the page that waits and try again."),
    ("chat.wrong", "No sign-in waits for these digits. Look at the page and send them again."),
    (
        "chat.bare",
        "To answer a sign-in, send Y or N together with the six digits on the page, such as Y123456.",
    ),
    ("chat.too_many", "Too many tries. Try again in ten minutes."),
    ("chat.busy", "This is not possible right now. Try again in a moment."),
    (
        "chat.unsettled",
        "WeChat does not tell this site who you are, so you cannot sign in this way right now. Tap “Sign in another way” on the waiting page; if it stays so, tell the administrator.",
    ),
];
