//! Who somebody is, as WeChat says.

/// One (app, openid) pair: how one app of ours knows a person. An openid means nothing without its app.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Account {
    /// The AppID the openid belongs to.
    pub app_id: String,
    /// The person's id under that app: 28 characters of `[A-Za-z0-9_-]`.
    pub openid: String,
}

/// What WeChat says of a person besides their ids. Every field may be empty; none is a key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    /// Display name as chosen by the person: not unique, not stable, may be empty.
    pub name: String,
    /// https address of the picture, or empty.
    pub avatar: String,
    /// `1` male, `2` female; empty since 2021 for nearly everyone.
    pub sex: String,
    /// City, usually empty since 2021.
    pub city: String,
    /// Province, usually empty since 2021.
    pub province: String,
    /// Country, usually empty since 2021.
    pub country: String,
}

/// A person as one sign-in showed them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The stable, ASCII name applications know the person by.
    pub member_id: String,
    /// How the app that signed them in knows them.
    pub account: Account,
    /// The id shared by all apps of one Open Platform account, when WeChat gave it.
    pub unionid: Option<String>,
    /// Name and picture.
    pub profile: Profile,
}
