//! The addresses on open.weixin.qq.com to which browsers are sent.
//!
//! WeChat matches these links by pattern: parameter order and case count, and the fragment must be kept
//! (Third-party platform guide, "严格按照以下格式，包括顺序和大小写").

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but unreserved characters, as `encodeURIComponent` does.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is asked of the person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// In-app, silent: the openid only.
    Base,
    /// Website app: QR on a computer.
    Login,
    /// In-app with consent: name and picture too.
    Userinfo,
}

impl Scope {
    /// WeChat's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "snsapi_base",
            Self::Login => "snsapi_login",
            Self::Userinfo => "snsapi_userinfo",
        }
    }
}

/// The QR page for a computer (网站应用授权登录).
pub fn qr_page(
    open_base: &str,
    app_id: &str,
    redirect_uri: &str,
    state: &str,
    language: Option<&str>,
) -> String {
    let language = language.map(|language| format!("&lang={language}")).unwrap_or_default();
    let common = common(app_id, redirect_uri, Scope::Login, state);
    format!("{open_base}/connect/qrconnect?{common}{language}#wechat_redirect")
}

/// What WeChat's own script builds for a frame (`wxLogin.js`): these parameters in this order, and no fragment. The frame
/// leads the whole window on, not itself, so that the cookie comes along.
pub fn qr_frame(
    open_base: &str,
    app_id: &str,
    redirect_uri: &str,
    state: &str,
    (language, fast_login): (Option<&str>, bool),
) -> String {
    let redirect_uri = utf8_percent_encode(redirect_uri, COMPONENT);
    let scope = Scope::Login.as_str();
    // The script knows no other language, and no fast_login without stylelite.
    let language = language.filter(|language| *language == "en").map(|_| "&lang=en").unwrap_or_default();
    let fast_login = if fast_login { "" } else { "&stylelite=1&fast_login=0" };
    format!(
        "{open_base}/connect/qrconnect?appid={app_id}&scope={scope}&redirect_uri={redirect_uri}&state={state}\
         &login_type=jssdk&self_redirect=false&styletype=&sizetype=&bgcolor=&rst=&style=black{language}{fast_login}"
    )
}

/// The in-app page of an Official Account (网页授权).
pub fn in_app_page(open_base: &str, app_id: &str, redirect_uri: &str, scope: Scope, state: &str) -> String {
    let common = common(app_id, redirect_uri, scope, state);
    format!("{open_base}/connect/oauth2/authorize?{common}#wechat_redirect")
}

fn common(app_id: &str, redirect_uri: &str, scope: Scope, state: &str) -> String {
    let redirect_uri = utf8_percent_encode(redirect_uri, COMPONENT);
    let scope = scope.as_str();
    format!("appid={app_id}&redirect_uri={redirect_uri}&response_type=code&scope={scope}&state={state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_what_wechats_own_script_builds() {
        let frame =
            |language, fast| qr_frame("https://open", "wx1", "https://a.test/cb", "s1", (language, fast));
        assert_eq!(
            frame(None, true),
            "https://open/connect/qrconnect?appid=wx1&scope=snsapi_login&redirect_uri=https%3A%2F%2Fa.test%2Fcb&state=s1\
             &login_type=jssdk&self_redirect=false&styletype=&sizetype=&bgcolor=&rst=&style=black"
        );
        assert!(frame(Some("en"), false).ends_with("&style=black&lang=en&stylelite=1&fast_login=0"));
        assert!(frame(Some("cn"), true).ends_with("&style=black"));
    }

    #[test]
    fn parameters_stand_in_the_documented_order_and_the_fragment_is_kept() {
        let callback = "https://a.test/_wxgate/callback";
        assert_eq!(
            qr_page("https://open.weixin.qq.com", "wx1", callback, "abc", None),
            "https://open.weixin.qq.com/connect/qrconnect?appid=wx1\
             &redirect_uri=https%3A%2F%2Fa.test%2F_wxgate%2Fcallback&response_type=code&scope=snsapi_login&state=abc\
             #wechat_redirect"
        );
        assert_eq!(
            in_app_page("https://open.weixin.qq.com", "wx2", callback, Scope::Userinfo, "abc"),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx2\
             &redirect_uri=https%3A%2F%2Fa.test%2F_wxgate%2Fcallback&response_type=code&scope=snsapi_userinfo&state=abc\
             #wechat_redirect"
        );
    }
}
