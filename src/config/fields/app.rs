//! `app_id` and `app_secret`, which every kind of app has.

use crate::config::section::Section;
use crate::wechat::api::App;

/// `app_id` and `app_secret`.
pub(super) fn app(section: &mut Section<'_>) -> Option<App> {
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
    Some(App { id: id?, secret: secret? })
}
