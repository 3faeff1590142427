//! The people with phones, and the ids WeChat gives them per app.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::apps::App;

/// Somebody with WeChat on a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    name: String,
    avatar: String,
    snapshot_of: Option<String>,
}

impl Person {
    /// Somebody called `name`, with an avatar address of the usual form.
    pub fn new(name: &str) -> Self {
        let avatar = format!("https://thirdwx.qlogo.cn/mmopen/vi_32/{}/132", derived(&["avatar", name]));
        Self { name: name.to_owned(), avatar, snapshot_of: None }
    }

    /// Replaces the avatar's address; it may be empty.
    #[must_use]
    pub fn with_avatar(mut self, url: &str) -> Self {
        url.clone_into(&mut self.avatar);
        self
    }

    /// The nickname, by which tests and the phone also find the person.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The avatar's address.
    pub fn avatar(&self) -> &str {
        &self.avatar
    }

    /// The openid in `app_id`: the same at every login there, another one in every other app.
    pub fn openid(&self, app_id: &str) -> String {
        format!("o{}", derived(&["openid", self.salt(), &self.name, app_id]))
    }

    /// The unionid, if `app` is bound to an Open Platform account.
    pub fn unionid(&self, app: &App) -> Option<String> {
        let account = app.open_platform().filter(|_| app.account_type().is_verified())?;
        Some(format!("o{}", derived(&["unionid", self.salt(), &self.name, account])))
    }

    /// The virtual account that stands in for this person on a snapshot page: other name, other ids.
    #[must_use]
    pub fn virtual_account(&self) -> Self {
        let virtual_name = format!("微信用户{}", &derived(&["virtual", &self.name])[..4]);
        Self { name: virtual_name, avatar: String::new(), snapshot_of: Some(self.name.clone()) }
    }

    fn salt(&self) -> &str {
        self.snapshot_of.as_deref().unwrap_or_default()
    }
}

/// 27 characters of `[A-Za-z0-9_-]` that depend on nothing but `parts`.
fn derived(parts: &[&str]) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(digest(&SHA256, parts.join("\0").as_bytes()));
    text.truncate(27);
    text
}
