//! What is found when WeChat says no: its number in the line, never its words, which others could have written.

use super::console::Console;
use super::finding::{Doubt, Finding, Text, text};
use super::meanings::{bad_token, is_known, meaning};
use crate::wechat::errcode::Errcode;
use crate::wechat::inquiry::No;

/// What is found when WeChat says `no` to a question that the account's token came with.
pub(super) fn finding_with_token(check: &'static str, no: &No, app_id: &str) -> Finding {
    match no {
        No::Errcode { errcode, errmsg } if errcode.is_about_token() => {
            let (what, todo) = bad_token();
            let about = Console::OfficialAccount.app(app_id);
            Finding::failed(check, numbered(&what, *errcode, errmsg).after(&about), todo)
        }
        // What was asked for was not whole: an unknown number may be about that.
        No::Errcode { errcode, errmsg } if !is_known(*errcode) => {
            let (what, todo) = meaning(*errcode, errmsg, Console::OfficialAccount);
            let about = Console::OfficialAccount.app(app_id);
            Finding::note(check, numbered(&what, *errcode, errmsg).after(&about), todo)
        }
        no => finding(check, no, Console::OfficialAccount, app_id),
    }
}

/// What is found when WeChat says `no` to a question about `app_id`.
pub(super) fn finding(check: &'static str, no: &No, console: Console, app_id: &str) -> Finding {
    let (errcode, errmsg) = match no {
        No::Errcode { errcode, errmsg } => (*errcode, errmsg.as_str()),
        No::Unreadable { status } => {
            let what = text(
                format!("回答不是微信的格式（HTTP {status}）"),
                format!("the answer is none of WeChat's (HTTP {status})"),
            );
            let todo = text(
                "微信服务器前的代理或防火墙可能替它回答了：检查 HTTPS_PROXY 与出口网络；若只是偶尔如此，稍后再试。",
                "Something on the way may have answered instead of WeChat: look at HTTPS_PROXY and the way out of your network; if it happens only now and then, try again later.",
            );
            return Finding::failed(check, what.after(&console.app(app_id)), todo);
        }
    };
    let (what, todo) = meaning(errcode, errmsg, console);
    let what = numbered(&what, errcode, errmsg).after(&console.app(app_id));
    if matches!(errcode.0, -1 | 45009 | 45011) {
        return Finding::note(check, what, todo);
    }
    let doubt = match errcode.0 {
        40001 | 40125 => Some(Doubt::Secret),
        // Of a website app's AppID WeChat's page for the code tells more.
        40013 if console == Console::OfficialAccount => Some(Doubt::Id),
        _ => None,
    };
    Finding::failed(check, what, todo).doubting(doubt)
}

/// With WeChat's number, and the `rid` that its support asks for. Not its words, which others could have written.
fn numbered(what: &Text, errcode: Errcode, errmsg: &str) -> Text {
    let rid = errmsg.split_once("rid: ").map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or_default());
    let is_rid = |rid: &&str| {
        (8..=64).contains(&rid.len()) && rid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    let rid = rid.filter(is_rid).map(|rid| format!(", rid {rid}")).unwrap_or_default();
    what.and(&text(format!("（errcode {errcode}{rid}）"), format!("(errcode {errcode}{rid})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_wechats_words_only_the_number_of_the_request_is_repeated() {
        let rid = |errmsg: &str| numbered(&text("", ""), Errcode(40013), errmsg);
        let with =
            text("（errcode 40013, rid 6206378a-793424c0）", " (errcode 40013, rid 6206378a-793424c0)");
        assert_eq!(rid("invalid appid, rid: 6206378a-793424c0"), with);
        let without = text("（errcode 40013）", " (errcode 40013)");
        assert_eq!(rid("invalid appid, rid: my-secret-text"), without);
        assert_eq!(rid("your secret is hunter2"), without);
    }
}
