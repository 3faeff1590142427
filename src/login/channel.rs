//! Which way in fits this browser and this configuration: chosen here and nowhere else.

use serde::{Deserialize, Serialize};

use super::offers::AccountWays;
use crate::wechat::api::App;
use crate::wechat::authorize::Scope;
use crate::wechat::user_agent::{Browser, Program};

/// The apps registered with WeChat; at least one.
#[derive(Clone, Debug)]
pub struct Apps {
    /// Website app (网站应用): QR on a computer.
    pub website: Option<App>,
    /// Official Account (服务号).
    pub official_account: Option<App>,
    /// What the Official Account is used for.
    pub can: AccountWays,
}

/// By which app a login runs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Channel {
    /// Digits written into the chat with the Official Account.
    Chat,
    /// A code of the Official Account's, scanned by a phone.
    Follow,
    /// Inside WeChat, by the Official Account.
    InApp,
    /// A link opened in WeChat on the same phone, or another.
    Link,
    /// QR on a computer, by the website app.
    Qr,
}

/// What the visitor chose by a link of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// Inside WeChat: be asked before WeChat is.
    Ask,
    /// Write digits into the chat.
    Chat,
    /// See all ways there are.
    Choose,
    /// Scan the Official Account's code.
    Follow,
    /// Go on inside WeChat: the button was tapped.
    InApp,
    /// Allow it in WeChat, by a link.
    Link,
    /// Show the QR whatever the browser.
    Qr,
}

/// What comes next for a visitor who wants to sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// There are several ways: the visitor chooses.
    Choose,
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
    /// Whether the browser waits for a phone on a page of ours, and WeChat never calls back.
    pub fn waits_for_phone(self) -> bool {
        matches!(self, Self::Chat | Self::Follow | Self::Link)
    }

    /// The word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Follow => "follow",
            Self::InApp => "in-app",
            Self::Link => "link",
            Self::Qr => "qr",
        }
    }
}

impl Way {
    /// What a login by it runs by.
    fn channel(self) -> Option<Channel> {
        match self {
            Self::Chat => Some(Channel::Chat),
            Self::Follow => Some(Channel::Follow),
            Self::InApp => Some(Channel::InApp),
            Self::Link => Some(Channel::Link),
            Self::Qr => Some(Channel::Qr),
            Self::Ask | Self::Choose => None,
        }
    }
}

impl Apps {
    /// The app a channel runs by.
    pub fn of(&self, channel: Channel) -> Option<&App> {
        match channel {
            Channel::Chat | Channel::Follow | Channel::InApp | Channel::Link => {
                self.official_account.as_ref()
            }
            Channel::Qr => self.website.as_ref(),
        }
    }
}

impl Apps {
    /// The ways in that work in a browser on a computer, the best first.
    fn on_computer(&self) -> impl Iterator<Item = (Way, Step)> {
        let official = self.official_account.is_some();
        [
            (self.website.is_some(), Way::Qr, Step::Go(Channel::Qr, Scope::Login)),
            (official && self.can.qr && self.can.in_app, Way::Follow, Step::Go(Channel::Follow, Scope::Base)),
            (official && self.can.chat, Way::Chat, Step::Go(Channel::Chat, Scope::Base)),
        ]
        .into_iter()
        .filter_map(|(can, way, step)| can.then_some((way, step)))
    }

    /// Whether people can be asked inside WeChat.
    pub fn has_in_app(&self) -> bool {
        self.official_account.is_some() && self.can.in_app
    }

    /// Every way in that works in `browser`, the best first: a phone can follow a link and can hardly scan itself, and
    /// WeChat's own browser needs no link into WeChat.
    pub fn ways(&self, browser: Browser) -> Vec<Way> {
        let is_wechat = browser.program == Program::Wechat && !browser.mini_program;
        let by_wechat = self.has_in_app().then_some(if is_wechat { Way::InApp } else { Way::Link });
        let mut ways: Vec<_> = self.on_computer().map(|(way, _)| way).chain(by_wechat).collect();
        ways.sort_by_key(|way| match way {
            Way::InApp => 0,
            Way::Link if browser.is_handheld() => 1,
            Way::Chat if browser.is_handheld() => 2,
            _ => 3,
        });
        ways
    }

    /// Whether `browser` has a way in besides `channel`: else a page that offers others leads back to itself.
    pub fn has_other_ways(&self, browser: Browser, channel: Channel) -> bool {
        self.ways(browser).iter().any(|way| way.channel() != Some(channel))
    }
}

/// Chooses the next step. The User-Agent only picks a way; every other way stays reachable by a link (`asked`).
pub fn choose(browser: Browser, asked: Option<Way>, apps: &Apps) -> Step {
    let has_in_app = apps.has_in_app();
    let mut on_computer = apps.on_computer();
    match asked {
        Some(Way::Choose) => return Step::Choose,
        Some(Way::Link) if has_in_app => return Step::Go(Channel::Link, Scope::Base),
        Some(asked @ (Way::Qr | Way::Follow | Way::Chat)) => {
            if let Some((_, step)) = apps.on_computer().find(|(way, _)| *way == asked) {
                return step;
            }
        }
        _ => {}
    }
    let by_chat = apps.on_computer().find(|(way, _)| *way == Way::Chat).map(|(_, step)| step);
    match browser.program {
        Program::Wecom | Program::WecomPrivate if has_in_app => Step::Wecom,
        // Digits are sent from the phone's WeChat, whatever the browser.
        Program::Wecom | Program::WecomPrivate => {
            by_chat.unwrap_or(if browser.is_handheld() { Step::NeedComputer } else { Step::Wecom })
        }
        Program::Wechat if browser.mini_program && has_in_app => Step::OpenInWechat,
        Program::Wechat if has_in_app => match asked {
            Some(Way::InApp) => Step::Go(Channel::InApp, Scope::Userinfo),
            Some(Way::Ask) => Step::ExplainInApp,
            // Whoever has been here is let in without a word; the others are asked first.
            _ => Step::Go(Channel::InApp, Scope::Base),
        },
        Program::Wechat | Program::Other if browser.is_handheld() && !has_in_app => {
            by_chat.unwrap_or(Step::NeedComputer)
        }
        Program::Other if browser.is_handheld() => Step::OpenInWechat,
        Program::Wechat | Program::Other => match (on_computer.next(), on_computer.next()) {
            (Some((_, only)), None) => only,
            (Some(_), Some(_)) => Step::Choose,
            // Allowed on a phone, the link signs in this very computer.
            (None, _) if has_in_app => Step::Go(Channel::Link, Scope::Base),
            (None, _) => Step::OpenInWechat,
        },
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
    const WECOM_PC: &str = "Mozilla/5.0 (Windows NT 10.0; WOW64) wxwork/4.1.30 MicroMessenger/7.0.1 Qt";
    const MINI: &str = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.31 miniProgram/wx73247c7819d61796";

    fn step(user_agent: &str, asked: Option<Way>, website: bool, official: bool) -> Step {
        let app = || App { id: "wx1".to_owned(), secret: Secret::new("s".to_owned()) };
        let can = AccountWays::default();
        let apps = Apps { website: website.then(app), official_account: official.then(app), can };
        choose(Browser::of(user_agent), asked, &apps)
    }

    #[test]
    fn each_browser_gets_the_way_that_works() {
        let qr = Step::Go(Channel::Qr, Scope::Login);
        let link = Step::Go(Channel::Link, Scope::Base);
        for (user_agent, website, official, expected) in [
            (DESKTOP, true, true, qr),
            (DESKTOP, true, false, qr),
            (DESKTOP, false, true, link),
            (PHONE, false, true, Step::OpenInWechat),
            (PHONE, true, true, Step::OpenInWechat),
            (PHONE, true, false, Step::NeedComputer),
            (WECHAT, true, true, Step::Go(Channel::InApp, Scope::Base)),
            (WECHAT, true, false, Step::NeedComputer),
            (WECHAT_PC, true, true, Step::Go(Channel::InApp, Scope::Base)),
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
        assert_eq!(step(WECHAT, Some(Way::Ask), true, true), Step::ExplainInApp);
        assert_eq!(step(PHONE, Some(Way::Link), true, true), Step::Go(Channel::Link, Scope::Base));
        assert_eq!(step(DESKTOP, Some(Way::Choose), true, true), Step::Choose);
        assert_eq!(step(PHONE, Some(Way::Qr), true, true), Step::Go(Channel::Qr, Scope::Login));
        assert_eq!(step(WECOM, Some(Way::Qr), true, true), Step::Go(Channel::Qr, Scope::Login));
        assert_eq!(step(WECHAT, Some(Way::InApp), true, true), Step::Go(Channel::InApp, Scope::Userinfo));
        assert_eq!(step(DESKTOP, Some(Way::InApp), true, true), Step::Go(Channel::Qr, Scope::Login));
        assert_eq!(step(PHONE, Some(Way::Qr), false, true), Step::OpenInWechat);
    }

    #[test]
    fn whoever_has_several_ways_chooses() {
        let app = || App { id: "wx1".to_owned(), secret: Secret::new("s".to_owned()) };
        let step = |user_agent: &str, asked: Option<Way>, website: bool, can: AccountWays| {
            let apps = Apps { website: website.then(app), official_account: Some(app()), can };
            choose(Browser::of(user_agent), asked, &apps)
        };
        let by_code = AccountWays { in_app: true, qr: true, chat: false };
        let by_chat = AccountWays { in_app: false, qr: true, chat: true };
        let (follow, chat) = (Step::Go(Channel::Follow, Scope::Base), Step::Go(Channel::Chat, Scope::Base));
        let apps = Apps {
            website: Some(app()),
            official_account: Some(app()),
            can: AccountWays { chat: true, ..by_code },
        };
        let ways = |user_agent| apps.ways(Browser::of(user_agent));
        assert_eq!(ways(DESKTOP), [Way::Qr, Way::Follow, Way::Chat, Way::Link]);
        assert_eq!(ways(PHONE), [Way::Link, Way::Chat, Way::Qr, Way::Follow], "a phone hardly scans itself");
        assert_eq!(ways(MINI), ways(PHONE), "a mini-program's web-view is not let in by WeChat");
        assert_eq!(step(DESKTOP, None, true, by_code), Step::Choose);
        assert_eq!(step(DESKTOP, None, false, by_code), follow);
        assert_eq!(step(DESKTOP, Some(Way::Follow), true, by_code), follow);
        assert_eq!(step(DESKTOP, None, false, by_chat), chat, "no code where nobody can be asked to confirm");
        assert_eq!(step(PHONE, None, true, by_chat), chat);
        assert_eq!(step(WECHAT, None, true, by_chat), chat);
        assert_eq!(step(WECOM, None, true, by_chat), chat);
        assert_eq!(step(WECOM_PC, None, false, by_chat), chat);
        assert_eq!(step(WECOM, None, true, by_code), Step::Wecom);
        assert_eq!(step(WECHAT, None, true, by_code), Step::Go(Channel::InApp, Scope::Base));
    }

    #[test]
    fn inside_wechat_its_own_way_comes_first_and_no_link_leads_there() {
        let app = || App { id: "wx1".to_owned(), secret: Secret::new("s".to_owned()) };
        let can = AccountWays { in_app: true, qr: true, chat: true };
        let apps = Apps { website: Some(app()), official_account: Some(app()), can };
        let ways = |user_agent| apps.ways(Browser::of(user_agent));
        assert_eq!(ways(WECHAT), [Way::InApp, Way::Chat, Way::Qr, Way::Follow]);
        assert_eq!(ways(WECHAT_PC), [Way::InApp, Way::Qr, Way::Follow, Way::Chat]);
        assert_eq!(ways(WECOM)[0], Way::Link, "WeCom is not WeChat");
    }

    #[test]
    fn whoever_has_one_way_has_no_other() {
        let app = || App { id: "wx1".to_owned(), secret: Secret::new("s".to_owned()) };
        let has = |user_agent, website: bool, can, channel| {
            let apps = Apps { website: website.then(app), official_account: Some(app()), can };
            apps.has_other_ways(Browser::of(user_agent), channel)
        };
        let in_app = AccountWays::default();
        let personal = AccountWays { in_app: false, qr: false, chat: true };
        assert!(!has(DESKTOP, false, personal, Channel::Chat));
        assert!(!has(DESKTOP, false, in_app, Channel::Link));
        assert!(!has(WECHAT, false, in_app, Channel::InApp));
        assert!(has(DESKTOP, true, personal, Channel::Chat) && has(DESKTOP, true, in_app, Channel::Link));
        assert!(
            has(WECHAT, false, in_app, Channel::Link),
            "a link was asked for by hand, and one tap is left"
        );
    }
}
