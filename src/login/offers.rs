//! Which ways of signing in the configuration offers, and how, besides the apps it names.

/// How the website app's QR code is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebsiteSettings {
    /// On whose page.
    pub page: WebsitePage,
    /// Whether WeChat may offer one tap on a computer that it runs on, in place of the code. Default: yes.
    pub fast_login: bool,
    /// The language of WeChat's part, `cn` or `en`; `None` leaves it to WeChat.
    pub language: Option<String>,
}

/// Where the website app's QR code is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WebsitePage {
    /// In a frame on a page of ours.
    Embedded,
    /// On WeChat's page, to which the browser is sent.
    #[default]
    Redirect,
}

/// What an Official Account is used for when people sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AccountWays {
    /// Web authorization inside WeChat. Default: yes.
    pub in_app: bool,
    /// A QR code of the account on computers. Default: no.
    pub qr: bool,
    /// A short code that people send to the account. Default: no.
    pub chat: bool,
}

impl Default for WebsiteSettings {
    fn default() -> Self {
        Self { page: WebsitePage::default(), fast_login: true, language: None }
    }
}

impl Default for AccountWays {
    fn default() -> Self {
        Self { in_app: true, qr: false, chat: false }
    }
}
