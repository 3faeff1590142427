//! The checks of the two authorize pages; what fails is told to the visitor on a page, never to the callback.

use url::Url;

use super::asked::{Asked, Parameters};
use super::way_back::{Frame, WayBack};
use super::{App, AppKind, Simulator, user_agent};

/// A link that passed every check.
pub(super) struct Wanted<'a> {
    pub(super) app: &'a App,
    pub(super) scope: String,
    pub(super) way_back: WayBack,
    pub(super) force_snapshot: bool,
}

/// Why a link does not work, as the page says it. Some have one of WeChat's page numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct PageError {
    pub(super) number: Option<u32>,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
}

/// `oauth2/authorize` links are matched as text: these five first and in this order …
const ORDER: [&str; 5] = ["appid", "redirect_uri", "response_type", "scope", "state"];
/// … and only these after them.
const EXTRAS: [&str; 6] =
    ["connect_redirect", "forcePopup", "forceSnapShot", "lang", "component_appid", "agentid"];

const MAX_STATE: usize = 128;

impl Simulator {
    /// `connect/oauth2/authorize`, official accounts inside WeChat.
    pub(super) fn check_authorize(&self, asked: &Asked) -> Result<Wanted<'_>, PageError> {
        let query = &asked.query;
        if !user_agent::is_wechat(&asked.user_agent) {
            return Err(ONLY_IN_WECHAT);
        }
        if let Some(number) = self.script.scripted_page_error() {
            return Err(numbered(number));
        }
        if !in_documented_order(query) || query.get("response_type") != "code" {
            return Err(UNREACHABLE);
        }
        for (name, number) in [("appid", 10012), ("redirect_uri", 10011), ("scope", 10010), ("state", 10013)]
        {
            if query.get(name).is_empty() {
                return Err(numbered(number));
            }
        }
        let app = self.app(query.get("appid")).ok_or(BAD_APP_ID)?;
        if app.kind() != AppKind::OfficialAccount {
            return Err(numbered(10016));
        }
        if !leads_to(app, query.get("redirect_uri")) {
            return Err(numbered(10003));
        }
        let known = ["snsapi_base", "snsapi_userinfo"].contains(&query.get("scope"));
        if !known || !app.account_type().may_sign_people_in() {
            return Err(numbered(10005));
        }
        let state = query.get("state");
        let plain = state.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if state.len() > MAX_STATE || (self.script.state_charset_enforced() && !plain) {
            return Err(BAD_STATE);
        }
        let force_snapshot = query.get("forceSnapShot") == "true";
        Ok(wanted(app, query, Frame::Whole, force_snapshot))
    }

    /// `connect/qrconnect`, website apps on a computer; also as wxLogin.js asks for it.
    pub(super) fn check_qr_connect(&self, asked: &Asked) -> Result<Wanted<'_>, PageError> {
        let query = &asked.query;
        let embedded = query.get("login_type") == "jssdk";
        let app = self.app(query.get("appid")).ok_or(BAD_APP_ID)?;
        if app.kind() != AppKind::WebsiteApp || query.get("scope") != "snsapi_login" {
            return Err(BAD_SCOPE);
        }
        let response_type = query.get("response_type");
        if response_type != "code" && !(embedded && response_type.is_empty()) {
            return Err(UNREACHABLE);
        }
        if !leads_to(app, query.get("redirect_uri")) {
            return Err(BAD_REDIRECT);
        }
        let frame = match query.get("self_redirect") {
            _ if !embedded => Frame::Whole,
            "true" => Frame::Own,
            _ => Frame::Top,
        };
        Ok(wanted(app, query, frame, false))
    }
}

fn wanted<'a>(app: &'a App, query: &Parameters, frame: Frame, force_snapshot: bool) -> Wanted<'a> {
    let redirect_uri = query.get("redirect_uri").to_owned();
    let way_back = WayBack { redirect_uri, raw_state: query.raw("state").to_owned(), frame };
    Wanted { app, scope: query.get("scope").to_owned(), way_back, force_snapshot }
}

/// An absolute http(s) address, encoded exactly once, whose whole host is registered; the port is not looked at.
fn leads_to(app: &App, redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme())
            && redirect_uri.contains("://")
            && url.host_str().is_some_and(|host| app.registered(host))
    })
}

fn in_documented_order(query: &Parameters) -> bool {
    let mut expected = ORDER.iter();
    let mut names = query.names().peekable();
    while let Some(name) = names.next_if(|name| ORDER.contains(name)) {
        if !expected.any(|next| *next == name) {
            return false;
        }
    }
    names.all(|name| EXTRAS.contains(&name))
}

fn numbered(number: u32) -> PageError {
    let (zh, en) = match number {
        10003 => ("redirect_uri 域名与后台配置不一致", "the host of redirect_uri is not the registered one"),
        10004 => ("此公众号被封禁", "this account is banned"),
        10005 => ("此公众号并没有这些 scope 的权限", "this account has no permission for this scope"),
        10006 => ("必须关注此测试号", "follow this sandbox account first"),
        10009 => ("操作太频繁了，请稍后重试", "too frequent, try again later"),
        10010 => ("scope 不能为空", "scope is empty"),
        10011 => ("redirect_uri 不能为空", "redirect_uri is empty"),
        10012 => ("appid 不能为空", "appid is empty"),
        10013 => ("state 不能为空", "state is empty"),
        10015 => ("公众号未授权第三方平台", "the account has not authorised the third-party platform"),
        10016 => ("不支持微信开放平台的 AppID，请使用公众号 AppID", "use the official account's AppID"),
        _ => ("无法访问", "this page cannot be opened"),
    };
    PageError { number: Some(number), zh, en }
}

const BAD_APP_ID: PageError =
    PageError { number: None, zh: "AppID 参数错误", en: "the AppID is not known" };
const BAD_REDIRECT: PageError = PageError {
    number: None,
    zh: "redirect_uri 参数错误",
    en: "the host of redirect_uri is not the registered one",
};
const BAD_SCOPE: PageError = PageError {
    number: None,
    zh: "Scope 参数错误或没有 Scope 权限",
    en: "wrong scope, or no permission for it",
};
const BAD_STATE: PageError =
    PageError { number: None, zh: "state 参数错误", en: "state must be at most 128 of a-z A-Z 0-9" };
const ONLY_IN_WECHAT: PageError =
    PageError { number: None, zh: "请在微信客户端打开链接", en: "open this link in WeChat" };
const UNREACHABLE: PageError =
    PageError { number: None, zh: "该链接无法访问", en: "this link cannot be opened" };
