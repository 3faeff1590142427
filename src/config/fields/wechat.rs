//! `[wechat]`: the registered apps, and where WeChat is.

use std::time::Duration;

use super::addresses::PublicUrl;
use super::app::app;
use super::official_account::{self, AccountSettings};
use super::{SECOND, addresses};
use crate::config::problem::Place;
use crate::config::section::Section;
use crate::login::{Apps, WebsitePage, WebsiteSettings};
use crate::wechat::api::{App, TENCENT_API, TENCENT_OPEN};

/// `[wechat]`.
#[derive(Clone, Debug)]
pub struct WechatSettings {
    /// The apps that WeChat itself signs people in by: that of `[wechat.website]`, and that of `[wechat.official_account]`
    /// unless its `oauth` is off. Without either, people sign in by sending a code to the account.
    pub apps: Apps,
    /// `page`, `fast_login` and `lang` of `[wechat.website]`.
    pub website: WebsiteSettings,
    /// `[wechat.official_account]`.
    pub official_account: Option<AccountSettings>,
    /// `wechat.api_base`, or Tencent's hosts.
    pub api_bases: Vec<String>,
    /// `wechat.open_base`, or Tencent's host.
    pub open_base: String,
    /// `wechat.timeout` of one call. Default: 5 s.
    pub timeout: Duration,
    /// `wechat.require_unionid`. Default: no.
    pub require_unionid: bool,
    /// Whether any base is not Tencent's.
    pub simulated: bool,
}

/// Reads `[wechat]`; complains when no app is configured.
pub(super) fn read(top: &mut Section<'_>, public_url: Option<&PublicUrl>) -> Option<WechatSettings> {
    let Some(mut section) = top.table("wechat") else {
        top.miss("wechat.website", "a table [wechat.website] with app_id and app_secret");
        return None;
    };
    let website = section.table("website").map(website);
    let table = section.table("official_account");
    let token_place =
        table.as_ref().map(|table| (table.is_secret_given("token"), table.secret_place("token")));
    let official_account = table.map(|table| official_account::read(table, public_url, website.is_some()));
    if website.is_none() && official_account.is_none() {
        section.miss(
            "website",
            "a table [wechat.website] or [wechat.official_account] with app_id and app_secret",
        );
    }
    let api_base = base(&mut section, "api_base", &TENCENT_API);
    let open_base = base(&mut section, "open_base", &[TENCENT_OPEN]);
    let timeout = section.duration("timeout", SECOND..=SECOND * 60).unwrap_or(SECOND * 5);
    let require_unionid = section.boolean("require_unionid").unwrap_or(false);
    section.finish();
    let simulated = api_base.is_some() || open_base.is_some();
    if let Some((true, place)) = token_place.filter(|_| !simulated) {
        warn_about_port(top, &place, public_url);
    }
    let (website_app, website) = website.flatten().unzip();
    let official_account = official_account.flatten();
    let can = official_account.as_ref().map(|account| account.ways).unwrap_or_default();
    let app = official_account.as_ref().map(|account| account.app.clone());
    let apps = Apps { website: website_app, official_account: app, can };
    (apps.website.is_some() || official_account.is_some()).then(|| WechatSettings {
        apps,
        website: website.unwrap_or_default(),
        official_account,
        api_bases: api_base.map_or_else(|| TENCENT_API.map(str::to_owned).to_vec(), |base| vec![base]),
        open_base: open_base.unwrap_or_else(|| TENCENT_OPEN.to_owned()),
        timeout,
        require_unionid,
        simulated,
    })
}

/// Reads `[wechat.website]`.
fn website(mut section: Section<'_>) -> Option<(App, WebsiteSettings)> {
    let app = app(&mut section);
    let page = section.optional("page", |text| match text {
        "embedded" => Ok(WebsitePage::Embedded),
        "redirect" => Ok(WebsitePage::Redirect),
        _ => Err("write \"redirect\" (to WeChat's page) or \"embedded\" (in wxgate's own)".to_owned()),
    });
    let fast_login = section.boolean("fast_login").unwrap_or(true);
    let language = section.optional("lang", |text| match text {
        "cn" | "en" => Ok(text.to_owned()),
        _ => Err("WeChat knows \"cn\" and \"en\" here".to_owned()),
    });
    if !fast_login && page.unwrap_or_default() == WebsitePage::Redirect {
        let title = "`fast_login = false` has no effect on WeChat's own page";
        let help = "WeChat heeds it only in a frame: write page = \"embedded\", or take fast_login out";
        section.complain(&section.place("fast_login"), title, help);
    }
    section.finish();
    Some((app?, WebsiteSettings { page: page.unwrap_or_default(), fast_login, language }))
}

/// WeChat delivers messages to the usual ports only.
fn warn_about_port(top: &Section<'_>, token: &Place, public_url: Option<&PublicUrl>) {
    if let Some(url) = public_url
        && let Some(port) = url.authority.port
    {
        let usual = if url.scheme.is_https() { 443 } else { 80 };
        let help = format!("let port {usual} reach wxgate too, and take :{port} out of public_url");
        top.warn(token, format!("WeChat sends no messages to port {port}"), help);
    }
}

/// A base that is not Tencent's; Tencent's own is `None`, another one a warning.
fn base(section: &mut Section<'_>, key: &'static str, tencent: &[&str]) -> Option<String> {
    let base = section.optional(key, addresses::base)?;
    if tencent.contains(&base.as_str()) {
        return None;
    }
    let place = section.place(key);
    section.warn(
        &place,
        format!("`{key}` is not Tencent's"),
        "whoever runs that host decides who signs in; leave the key out for the real WeChat",
    );
    Some(base)
}
