//! The two registries of apps, kept apart by kind: website apps and official accounts.

use super::official::AccountType;
use crate::seal::{digest, hex};

/// Which console an app was registered in; an AppID of one kind is refused on the pages of the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AppKind {
    /// 服务号: `connect/oauth2/authorize`, inside WeChat.
    OfficialAccount,
    /// 网站应用 of the Open Platform: `connect/qrconnect`, on a computer.
    WebsiteApp,
}

/// One registered app.
#[derive(Clone, Debug)]
pub struct App {
    id: String,
    secret: String,
    kind: AppKind,
    name: String,
    hosts: Vec<String>,
    open_platform: Option<String>,
    account_type: AccountType,
    original_id: String,
}

impl App {
    /// A website app whose callbacks may go to `host` (a bare host: no scheme, no port, no path).
    pub fn website(id: &str, secret: &str, host: &str) -> Self {
        Self::new(id, secret, host, AppKind::WebsiteApp)
    }

    /// An official account whose pages live on `host` (a bare host: no scheme, no port, no path).
    pub fn official_account(id: &str, secret: &str, host: &str) -> Self {
        Self::new(id, secret, host, AppKind::OfficialAccount)
    }

    /// Also lets callbacks go to `host`.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_ascii_lowercase());
        self
    }

    /// The name people read on the pages; the first host unless given.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Binds the app to an Open Platform account: its people now have a unionid, the same in every app of `account`.
    #[must_use]
    pub fn bound_to(mut self, account: &str) -> Self {
        self.open_platform = Some(account.to_owned());
        self
    }

    /// What an official account may do; a verified service account unless told.
    #[must_use]
    pub fn of_type(mut self, account_type: AccountType) -> Self {
        self.account_type = account_type;
        self
    }

    /// The account's original id (原始ID), by which messages name it; some `gh_…` unless told.
    #[must_use]
    pub fn with_original_id(mut self, original_id: &str) -> Self {
        original_id.clone_into(&mut self.original_id);
        self
    }

    /// The AppID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The AppSecret.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Which kind of app this is.
    pub fn kind(&self) -> AppKind {
        self.kind
    }

    /// The name people read.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Open Platform account this app is bound to.
    pub fn open_platform(&self) -> Option<&str> {
        self.open_platform.as_deref()
    }

    /// What the account may do.
    pub fn account_type(&self) -> AccountType {
        self.account_type
    }

    /// The account's original id, `gh_…`. Nothing names a website app by one.
    pub fn original_id(&self) -> &str {
        &self.original_id
    }

    /// Whether callbacks may go to `host`: the whole host, any case, never a parent or a child of a registered one.
    pub fn registered(&self, host: &str) -> bool {
        self.hosts.iter().any(|registered| registered.eq_ignore_ascii_case(host))
    }

    fn new(id: &str, secret: &str, host: &str, kind: AppKind) -> Self {
        let [id, secret, name] = [id, secret, host].map(str::to_owned);
        let original_id = format!("gh_{}", hex(&digest(id.as_bytes())[..6]));
        Self {
            id,
            secret,
            kind,
            name,
            hosts: vec![host.to_ascii_lowercase()],
            open_platform: None,
            account_type: AccountType::default(),
            original_id,
        }
    }
}
