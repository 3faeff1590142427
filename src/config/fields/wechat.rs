//! `[wechat]`: the registered apps, and where WeChat is.

use std::time::Duration;

use super::{SECOND, addresses};
use crate::config::section::Section;
use crate::login::Apps;
use crate::wechat::api::{App, TENCENT_API, TENCENT_OPEN};

/// `[wechat]`.
#[derive(Clone, Debug)]
pub struct WechatSettings {
    /// `[wechat.website]` and `[wechat.official_account]`; at least one.
    pub apps: Apps,
    /// `wechat.website.lang`: language of WeChat's QR page, `cn` or `en`. Default: WeChat's own choice.
    pub language: Option<String>,
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
pub(super) fn read(top: &mut Section<'_>) -> Option<WechatSettings> {
    let Some(mut section) = top.table("wechat") else {
        top.miss("wechat.website", "a table [wechat.website] with app_id and app_secret");
        return None;
    };
    let mut language = None;
    let website = section.table("website").map(|mut website| {
        language = website.optional("lang", |text| match text {
            "cn" | "en" => Ok(text.to_owned()),
            _ => Err("WeChat knows \"cn\" and \"en\" here".to_owned()),
        });
        app(website)
    });
    let official_account = section.table("official_account").map(app);
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
    let apps = Apps { website: website.flatten(), official_account: official_account.flatten() };
    (apps.website.is_some() || apps.official_account.is_some()).then(|| WechatSettings {
        apps,
        language,
        api_bases: api_base.map_or_else(|| TENCENT_API.map(str::to_owned).to_vec(), |base| vec![base]),
        open_base: open_base.unwrap_or_else(|| TENCENT_OPEN.to_owned()),
        timeout,
        require_unionid,
        simulated,
    })
}

fn app(mut section: Section<'_>) -> Option<App> {
    let id = section.required("app_id", "\"wx0123456789abcdef\"", |text| {
        let is_sound =
            text.len() >= 3 && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_sound {
            Ok(text.to_owned())
        } else {
            Err("write the AppID as WeChat shows it: wx and 16 characters".to_owned())
        }
    });
    let secret = section.required_secret("app_secret", "\"${WECHAT_APP_SECRET}\"");
    section.finish();
    Some(App { id: id?, secret: secret? })
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
