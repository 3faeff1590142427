//! Which way in fits this browser and this configuration: chosen here and nowhere else.

use serde::{Deserialize, Serialize};

use crate::wechat::api::App;
use crate::wechat::authorize::Scope;
use crate::wechat::user_agent::{Browser, Program};

/// The apps registered with WeChat; at least one.
#[derive(Clone, Debug)]
pub struct Apps {
    /// Website app (网站应用): QR on a computer.
    pub website: Option<App>,
    /// Official Account (服务号): authorization inside WeChat.
    pub official_account: Option<App>,
}

/// By which app a login runs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Channel {
    /// Inside WeChat, by the Official Account.
    InApp,
    /// QR on a computer, by the website app.
    Qr,
}

/// What the visitor chose by a link of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// Go on inside WeChat: the button was tapped.
    InApp,
    /// Show the QR whatever the browser.
    Qr,
}

/// What comes next for a visitor who wants to sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Explain and show one button: asking for consent at first sight brings up WeChat's snapshot page.
    ExplainInApp,
    /// Off to WeChat.
    Go(Channel, Scope),
    /// This program cannot sign in; a computer can.
    NeedComputer,
    /// WeChat on this phone can, this browser cannot.
    OpenInWechat,
    /// WeCom is not WeChat.
    Wecom,
}

impl Channel {
    /// The word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InApp => "in-app",
            Self::Qr => "qr",
        }
    }
}

impl Apps {
    /// The app a channel runs by.
    pub fn of(&self, channel: Channel) -> Option<&App> {
        match channel {
            Channel::InApp => self.official_account.as_ref(),
            Channel::Qr => self.website.as_ref(),
        }
    }
}

/// Chooses the next step. The User-Agent only picks a way; every other way stays reachable by a link (`asked`).
pub fn choose(browser: Browser, asked: Option<Way>, apps: &Apps) -> Step {
    let qr = Step::Go(Channel::Qr, Scope::Login);
    let (has_qr, has_in_app) = (apps.website.is_some(), apps.official_account.is_some());
    if asked == Some(Way::Qr) && has_qr {
        return qr;
    }
    match browser.program {
        Program::Wecom | Program::WecomPrivate if has_in_app || !browser.is_handheld() => Step::Wecom,
        Program::Wecom | Program::WecomPrivate => Step::NeedComputer,
        Program::Wechat if browser.mini_program && has_in_app => Step::OpenInWechat,
        Program::Wechat if has_in_app && asked == Some(Way::InApp) => {
            Step::Go(Channel::InApp, Scope::Userinfo)
        }
        Program::Wechat if has_in_app => Step::ExplainInApp,
        Program::Wechat | Program::Other if browser.is_handheld() && !has_in_app => Step::NeedComputer,
        Program::Other if browser.is_handheld() || !has_qr => Step::OpenInWechat,
        Program::Wechat | Program::Other => qr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    const DESKTOP: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0";
    const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1";
    const WECHAT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 12_4) MicroMessenger/8.0.5(0x17000523)";
    const WECHAT_PC: &str =
        "Mozilla/5.0 (Windows NT 10.0) MicroMessenger/7.0.20.1781 UnifiedPCWindowsWechat(0x1)";
    const WECOM: &str = "Mozilla/5.0 (iPhone) wxwork/4.1.30 MicroMessenger/7.0.1";
    const MINI: &str = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.31 miniProgram/wx73247c7819d61796";

    fn step(user_agent: &str, asked: Option<Way>, website: bool, official: bool) -> Step {
        let app = || App { id: "wx1".to_owned(), secret: Secret::new("s".to_owned()) };
        let apps = Apps { website: website.then(app), official_account: official.then(app) };
        choose(Browser::of(user_agent), asked, &apps)
    }

    #[test]
    fn each_browser_gets_the_way_that_works() {
        let qr = Step::Go(Channel::Qr, Scope::Login);
        for (user_agent, website, official, expected) in [
            (DESKTOP, true, true, qr),
            (DESKTOP, true, false, qr),
            (DESKTOP, false, true, Step::OpenInWechat),
            (PHONE, true, true, Step::OpenInWechat),
            (PHONE, true, false, Step::NeedComputer),
            (WECHAT, true, true, Step::ExplainInApp),
            (WECHAT, true, false, Step::NeedComputer),
            (WECHAT_PC, true, true, Step::ExplainInApp),
            (WECHAT_PC, true, false, qr),
            (WECOM, true, true, Step::Wecom),
            (WECOM, true, false, Step::NeedComputer),
            (MINI, true, true, Step::OpenInWechat),
            ("", true, true, qr),
        ] {
            assert_eq!(
                step(user_agent, None, website, official),
                expected,
                "{user_agent} {website} {official}"
            );
        }
    }

    #[test]
    fn a_link_leads_to_the_other_way() {
        assert_eq!(step(PHONE, Some(Way::Qr), true, true), Step::Go(Channel::Qr, Scope::Login));
        assert_eq!(step(WECOM, Some(Way::Qr), true, true), Step::Go(Channel::Qr, Scope::Login));
        assert_eq!(step(WECHAT, Some(Way::InApp), true, true), Step::Go(Channel::InApp, Scope::Userinfo));
        assert_eq!(step(DESKTOP, Some(Way::InApp), true, true), Step::Go(Channel::Qr, Scope::Login));
        assert_eq!(step(PHONE, Some(Way::Qr), false, true), Step::OpenInWechat);
    }
}
