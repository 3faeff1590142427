//! WeChat's two consoles, and where in them an app's AppID and AppSecret are.

use super::finding::{Text, text};

/// Which console an app is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Console {
    /// mp.weixin.qq.com.
    OfficialAccount,
    /// open.weixin.qq.com.
    Website,
}

impl Console {
    /// The kind of app, with its AppID.
    pub(super) fn app(self, id: &str) -> Text {
        match self {
            Self::OfficialAccount => text(format!("公众号 {id}"), format!("Official Account {id}")),
            Self::Website => text(format!("网站应用 {id}"), format!("website app {id}")),
        }
    }

    /// Where its AppID and AppSecret are.
    pub(super) fn keys(self) -> &'static str {
        match self {
            Self::OfficialAccount => "微信公众平台 → 设置与开发 → 基本配置",
            Self::Website => "微信开放平台 → 管理中心 → 网站应用 → 查看",
        }
    }

    /// Its table in the configuration.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::OfficialAccount => "[wechat.official_account]",
            Self::Website => "[wechat.website]",
        }
    }
}
