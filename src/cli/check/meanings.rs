//! What each number means by which WeChat says no, and where in its consoles that is mended.

use std::net::IpAddr;

use super::console::Console;
use super::finding::{Text, text};
use crate::wechat::errcode::Errcode;

/// What a number means, and what is to be done.
pub(super) fn meaning(errcode: Errcode, errmsg: &str, console: Console) -> (Text, Text) {
    let (keys, section) = (console.keys(), console.section());
    match errcode.0 {
        40001 | 40125 => (
            text("AppSecret 不正确", "the AppSecret is wrong"),
            text(
                format!(
                    "在「{keys}」核对或重置 AppSecret，把新的写入 {section} 的 app_secret。重置后旧的立即失效。"
                ),
                format!(
                    "Under “{keys}” in the WeChat console, compare the AppSecret or reset it, and write the new one as app_secret under {section}. A reset ends the old one at once."
                ),
            ),
        ),
        40013 | 41002 => (
            text("AppID 不正确", "the AppID is wrong"),
            text(
                format!(
                    "在「{keys}」逐字核对 AppID（区分大小写），改正 {section} 的 app_id；网站应用与公众号的 AppID 不能混用。"
                ),
                format!(
                    "Compare app_id under {section} letter by letter with “{keys}” in the WeChat console; the AppIDs of website app and Official Account are not interchangeable."
                ),
            ),
        ),
        40164 | 61004 => whitelist(errmsg),
        40243 => (
            text("AppSecret 已被冻结", "the AppSecret is frozen"),
            text(
                format!("在「{keys}」解冻 AppSecret；若是重置，请同时更新 {section} 的 app_secret。"),
                format!(
                    "Unfreeze the AppSecret under “{keys}” in the WeChat console; if you reset it instead, change app_secret under {section} too."
                ),
            ),
        ),
        41004 => (
            text("app_secret 为空", "app_secret is empty"),
            text(
                format!("把「{keys}」中的 AppSecret 写入 {section} 的 app_secret。"),
                format!(
                    "Write the AppSecret of “{keys}” in the WeChat console as app_secret under {section}."
                ),
            ),
        ),
        89501 | 89503 => (
            text(
                "微信要求管理员确认本服务器的 IP",
                "WeChat wants the account's administrator to confirm this server's address",
            ),
            text(
                "公众号管理员的微信收到了确认消息：请点击同意，一小时内不要反复尝试。",
                "The account's administrator has got a message in WeChat: confirm it there, and do not try again and again within the hour.",
            ),
        ),
        89506 | 89507 => (
            text("管理员拒绝了本服务器的 IP", "the account's administrator refused this server's address"),
            text(
                "拒绝一次须等 1 小时，两次须等 24 小时；之后重新运行本命令，请管理员在微信中同意，或把 IP 加入「微信公众平台 → 设置与开发 → 基本配置 → IP白名单」。",
                "After one refusal wait an hour, after two 24 hours; then run this again and have the administrator confirm in WeChat, or add the address under “微信公众平台 → 设置与开发 → 基本配置 → IP白名单”.",
            ),
        ),
        45009 => (
            text("今日调用次数已用完", "today's quota of calls is used up"),
            text(
                "北京时间零点恢复；也可在「微信公众平台 → 设置与开发 → 接口权限」清零（每月 10 次）。若持续如此，查一查哪个程序调用过多。",
                "It begins anew at midnight in Beijing; “微信公众平台 → 设置与开发 → 接口权限” can clear it ten times a month. If it lasts, find the program that calls so often.",
            ),
        ),
        -1 | 45011 => {
            (text("微信繁忙", "WeChat is busy"), text("稍后再运行一次。", "Run this again in a moment."))
        }
        48001 => (
            text("账号没有这个接口的权限", "the account has no permission for this interface"),
            text(
                "在「微信公众平台 → 设置与开发 → 接口权限」查看：网页授权与带参数的二维码只给已认证的服务号。没有权限时请关闭 oauth 与 qr_login，改用 chat_login。",
                "Look under “微信公众平台 → 设置与开发 → 接口权限”: only a verified service account (已认证的服务号) has web authorization (网页授权) and codes with parameters (生成带参数的二维码). Without them switch oauth and qr_login off, and chat_login on.",
            ),
        ),
        48004 | 50002 | 50007 | 50004 => (
            text(
                "微信封禁或限制了账号或接口",
                "WeChat has banned or restricted the account or this interface",
            ),
            text(
                "登录微信公众平台，在「通知中心」查看封禁原因与恢复办法。",
                "Sign in to the WeChat console (微信公众平台) and read under “通知中心” why, and how to be let in again.",
            ),
        ),
        61007 | 50001 => (
            text("接口没有授权给调用者", "the interface is not granted to whoever calls"),
            text(
                "如果账号由第三方平台托管，请在「微信公众平台 → 设置与开发 → 授权管理」检查授权，或改用该平台的 token_server。",
                "If a third-party platform manages the account, look under “微信公众平台 → 设置与开发 → 授权管理”, or use that platform's token as token_server.",
            ),
        ),
        40014 | 42001 => bad_token(),
        40003 | 40226 | 42002 | 42007 | 50005 | 40030 => (
            text("微信的回答与所问无关", "WeChat's answer is about a person, and none was asked about"),
            text(
                format!("核对 {section} 的 app_id 是否属于这个账号；若持续如此，请向 wxgate 报告。"),
                format!(
                    "See whether app_id under {section} is this account's; if it stays, please report it as a defect of wxgate."
                ),
            ),
        ),
        40002 | 40033 | 40035 | 41000..=41999 | 43001..=43003 | 47001 => (
            text("微信没有看懂请求", "WeChat did not understand the request"),
            text("这是 wxgate 的缺陷，请报告。", "Please report this as a defect of wxgate."),
        ),
        _ => (
            text("微信拒绝了", "WeChat says no"),
            text(
                "在微信文档的「全局返回码」中查这个数字；需要时把 rid 告诉微信客服。",
                "Look the number up in WeChat's list of return codes (全局返回码); its support asks for the rid.",
            ),
        ),
    }
}

/// 40001 means that as well, where a token came with the question.
pub(super) fn bad_token() -> (Text, Text) {
    (
        text("access_token 无效", "the access_token is not valid"),
        text(
            "另一个程序可能用 cgi-bin/token 换掉了它，或 token_server 给出的不是这个账号的：让所有程序改用 stable_token，或共用一个 token_server。",
            "Another program may have replaced it by cgi-bin/token, or token_server keeps that of another account: let all programs use stable_token, or share one token_server.",
        ),
    )
}

fn whitelist(errmsg: &str) -> (Text, Text) {
    let (zh, en) = match address(errmsg) {
        Some(address) => (
            format!("微信看到的本服务器 IP 是 {address}：把它"),
            format!("WeChat sees this server as {address}: add exactly that address"),
        ),
        None => (
            "把本服务器的公网出口 IP ".to_owned(),
            "Add the public address by which this server goes out".to_owned(),
        ),
    };
    (
        text("本服务器的 IP 不在白名单", "this server's address is not on the IP whitelist"),
        text(
            format!(
                "{zh}加入「微信公众平台 → 设置与开发 → 基本配置 → IP白名单」（新版在微信开发者平台的开发密钥页），几分钟内生效。"
            ),
            format!(
                "{en} under “微信公众平台 → 设置与开发 → 基本配置 → IP白名单” in the WeChat console (newer accounts: 微信开发者平台, page 开发密钥). It counts within minutes."
            ),
        ),
    )
}

/// Whether there is more to say about a number than that WeChat says no.
pub(super) fn is_known(errcode: Errcode) -> bool {
    let of = |errcode| meaning(errcode, "", Console::OfficialAccount);
    of(errcode) != of(Errcode(i64::MIN))
}

/// The address that WeChat saw.
fn address(errmsg: &str) -> Option<IpAddr> {
    errmsg
        .split(|letter: char| !letter.is_ascii_hexdigit() && letter != '.' && letter != ':')
        .filter(|word| word.len() > 3)
        .find_map(|word| word.trim_end_matches([':', '.']).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_all_of_wechats_sentences() {
        for (errmsg, expected) in [
            ("invalid ip 203.0.113.5 ipv6 ::ffff:203.0.113.5, not in whitelist, rid: 62aa", "203.0.113.5"),
            ("access clientip is not registered requestIP: 203.0.113.5", "203.0.113.5"),
            ("invalid ip 2001:db8::7, not in whitelist", "2001:db8::7"),
        ] {
            assert_eq!(address(errmsg), expected.parse().ok(), "{errmsg}");
        }
        assert_eq!(address("invalid ip, not in whitelist, rid: 6206378a-793424c0-2e4091cc"), None);
        assert_eq!(address(""), None);
    }

    #[test]
    fn every_documented_number_has_sentences_of_its_own() {
        assert!(!is_known(Errcode(12345)));
        for errcode in [
            -1, 40001, 40002, 40003, 40013, 40014, 40033, 40035, 40125, 40164, 40226, 40243, 41001, 41002,
            41004, 42001, 42007, 43001, 43002, 43003, 45009, 45011, 47001, 48001, 48004, 50001, 50002, 50004,
            50005, 50007, 61004, 61007, 89501, 89503, 89506, 89507,
        ] {
            assert!(is_known(Errcode(errcode)), "{errcode}");
        }
    }
}
