//! The face of each page: which template and words, which facts, which one obvious action.

use minijinja::context;

use super::face::{Face, QUOTA, shown};
use super::page::{Hindrance, Malformed, Page};
use super::sign::Sign;

impl<'a> Face<'a> {
    /// The face of a page.
    pub(super) fn of(page: &Page<'a>) -> Self {
        match *page {
            Page::ApplicationTimeout => {
                Self::failure(Sign::Clock, "application_timeout.title", "application_timeout.text").retry()
            }
            Page::ApplicationUnavailable => {
                Self::failure(Sign::Broken, "application_unavailable.title", "application_unavailable.text")
                    .retry()
            }
            Page::BadRequest { detail } => {
                let text = match detail {
                    Malformed::Address => "bad_request.address",
                    Malformed::Form => "bad_request.form",
                    Malformed::Headers => "bad_request.headers",
                    Malformed::ReturnAddress => "bad_request.return_address",
                    Malformed::SignIn => "bad_request.sign_in",
                };
                Self::failure(Sign::Alert, "bad_request.title", text).home()
            }
            Page::Blocked { name } => {
                let face = Self::failure(Sign::Lock, "blocked.title", "blocked.text").fact("fact.name", name);
                if name.is_some() { face.action("action.switch", "/_wxgate/logout") } else { face }
            }
            Page::ChooseWay { site, ways } => {
                let face = Self::notice(Sign::Link, "choose.title", "choose.text")
                    .value("site", shown(site))
                    .value("is_choice", true);
                ways.iter().fold(face, |face, (label, url)| face.action(label, url))
            }
            Page::CookieNotReturned { login_url, public_host, seen_host, secure_needed } => {
                Self::notice(Sign::Alert, "cookie.title", "cookie.text")
                    .cookie(public_host, seen_host, secure_needed)
                    .action("action.again", login_url)
            }
            Page::Denied { name, path } => {
                let text = if name.is_some() { "denied.text" } else { "denied.closed" };
                let denied = Self::failure(Sign::Lock, "denied.title", text)
                    .fact("fact.name", name)
                    .fact("fact.path", Some(path));
                let denied = if path == "/" { denied } else { denied.home() };
                if name.is_some() { denied.action("action.switch", "/_wxgate/logout") } else { denied }
            }
            Page::ForeignOrigin => {
                Self::failure(Sign::Lock, "foreign_origin.title", "foreign_origin.text").home()
            }
            Page::FormExpired => Self::notice(Sign::Clock, "form_expired.title", "form_expired.text").retry(),
            Page::Framed { site, frame_url, again_url, ways_url } => {
                let mut face = Self::notice(Sign::Phone, "framed.title", "framed.text")
                    .value("site", shown(site))
                    .value("frame_url", frame_url)
                    .value("again_url", again_url)
                    .value("ways_url", ways_url);
                (face.template, face.sign) = ("framed.html", None);
                face
            }
            Page::Internal => Self::failure(Sign::Broken, "internal.title", "internal.text").retry(),
            Page::Joining(page) => Self::of_joining(&page),
            Page::Phone(page) => Self::of_phone(&page),
            Page::MethodNotAllowed => {
                Self::failure(Sign::Alert, "method_not_allowed.title", "method_not_allowed.text").home()
            }
            Page::NeedComputer { site, page_url, qr_way } => {
                Self::notice(Sign::Computer, "need_computer.title", "need_computer.text")
                    .elsewhere(site, page_url, &[])
                    .scan("qr.here", qr_way)
                    // There is no other: with one this page is not shown.
                    .value("ways_url", None::<&str>)
            }
            Page::NeedWechat { site, page_url, qr_way, ways_url } => {
                Self::notice(Sign::Phone, "need_wechat.title", "need_wechat.text")
                    .elsewhere(site, page_url, &["step.copy", "step.send_computer", "step.tap_phone"])
                    .scan("qr.here", qr_way)
                    .value("ways_url", ways_url)
            }
            Page::NotFound => Self::failure(Sign::Search, "not_found.title", "not_found.text").home(),
            Page::NotPossible => Self::failure(Sign::Alert, "not_possible.title", "not_possible.text").home(),
            Page::OnceMore { cause, name, target, fields, token } => {
                let (title, text) = match cause {
                    Hindrance::Stale => ("once_more.title", "once_more.stale"),
                    Hindrance::StoreDown => ("once_more.title", "once_more.down"),
                };
                let kept = fields.iter().map(|(name, value)| context! { name, value });
                let mut face = Self::notice(Sign::Clock, title, text)
                    .fact("fact.name", Some(name))
                    .value("target", target)
                    .value("token", token)
                    .value("fields", kept.collect::<Vec<_>>());
                face.template = "once_more.html";
                face
            }
            Page::OpenInWechat { site, host, page_url, scan_url, ways_url } => {
                Self::notice(Sign::Link, "open_in_wechat.title", "open_in_wechat.text")
                    .value("host", shown(host))
                    .elsewhere(site, page_url, &["step.copy", "step.send", "step.tap"])
                    .scan("qr.another", scan_url)
                    .value("ways_url", ways_url)
            }
            Page::Overloaded => Self::failure(Sign::Clock, "overloaded.title", "overloaded.text").retry(),
            Page::SignInExpired { login_url } => {
                Self::notice(Sign::Clock, "expired.title", "expired.text").action("action.again", login_url)
            }
            Page::SignInInsideWechat { site, host, path, continue_url, ways_url } => {
                let mut face = Self::notice(Sign::Link, "sign_in.title", "sign_in.text")
                    .value("site", shown(site))
                    .value("host", shown(host))
                    .value("ways_url", ways_url)
                    .value("path", if path == "/" { String::new() } else { shown(path) })
                    .action("sign_in.button", continue_url);
                (face.template, face.sign) = ("sign_in.html", None);
                face
            }
            Page::SignInLoop { login_url, public_host, seen_host, secure_needed } => {
                let mut face = Self::notice(Sign::Alert, "loop.title", "loop.text")
                    .cookie(public_host, seen_host, secure_needed)
                    .action("action.again", login_url);
                face.texts.push("loop.more");
                face
            }
            Page::SignInOver { login_url } => {
                Self::notice(Sign::Clock, "over.title", "over.text").action("action.again", login_url)
            }
            Page::SignInRefused { login_url } => {
                Self::notice(Sign::Lock, "refused.title", "refused.text").action("action.again", login_url)
            }
            Page::SignOutConfirm { site, name } => {
                let mut face =
                    Self::notice(Sign::Leave, "sign_out.title", "sign_out.text").value("site", shown(site));
                face = face.value("everywhere", name.is_some());
                if let Some(name) = name {
                    face.texts.insert(0, "sign_out.named");
                    face = face.value("name", shown(name));
                }
                face.template = "sign_out.html";
                face
            }
            Page::SignedOut { site, login_url } => {
                Self::notice(Sign::Check, "signed_out.title", "signed_out.text")
                    .value("site", shown(site))
                    .action("action.again", login_url)
            }
            Page::SnapshotPage => {
                let mut face = Self::notice(Sign::Tap, "snapshot.title", "snapshot.text");
                face.texts.push("snapshot.more");
                face
            }
            Page::StoreUnavailable => {
                Self::failure(Sign::Broken, "store_unavailable.title", "store_unavailable.text").retry()
            }
            Page::TooLarge => Self::failure(Sign::Alert, "too_large.title", "too_large.text").home(),
            Page::UnionidRequired => Self::failure(Sign::Lock, "unionid.title", "unionid.text"),
            Page::UriTooLong => Self::failure(Sign::Alert, "uri_too_long.title", "uri_too_long.text").home(),
            Page::WechatBusy { login_url, code } => {
                let (title, text) = match code {
                    Some(QUOTA) => ("wechat_busy.quota_title", "wechat_busy.quota"),
                    _ => ("wechat_busy.title", "wechat_busy.text"),
                };
                let mut face = Self::failure(Sign::Clock, title, text)
                    .fact("fact.code", code.map(|code| code.to_string()).as_deref())
                    .action("action.again", login_url);
                face.texts.push("wechat_busy.more");
                face
            }
            Page::WechatMisconfigured { code, ways_url } => {
                let (title, text) = ("wechat_misconfigured.title", "wechat_misconfigured.text");
                let mut face =
                    Self::failure(Sign::Broken, title, text).fact("fact.code", Some(&code.to_string()));
                face.texts.push("wechat_busy.more");
                ways_url.into_iter().fold(face, |face, url| face.action("call.other_ways", url))
            }
            Page::WechatRestricted => {
                Self::failure(Sign::Lock, "wechat_restricted.title", "wechat_restricted.text")
            }
            Page::WecomNotSupported { site, page_url, scan_url, ways_url } => {
                Self::notice(Sign::Link, "wecom.title", "wecom.text")
                    .elsewhere(site, page_url, &["step.copy", "step.send", "step.tap"])
                    .scan("qr.another", scan_url)
                    .value("ways_url", ways_url)
            }
            Page::WrongHost => Self::failure(Sign::Search, "wrong_host.title", "wrong_host.text"),
        }
    }
}
