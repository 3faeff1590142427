//! `[access]`: who may pass where no route says otherwise, and how strangers become members.

use crate::config::section::Section;
use crate::members::{Join, JoinSettings};
use crate::model::policy::Policy;

/// `[access]`.
pub(super) struct AccessFields {
    /// `default`. Default: members.
    pub(super) default_policy: Policy,
    /// `join` and `admins`.
    pub(super) joining: JoinSettings,
}

/// Reads `[access]`.
pub(super) fn read(top: &mut Section<'_>) -> AccessFields {
    let mut fields = AccessFields { default_policy: Policy::Members, joining: JoinSettings::default() };
    let Some(mut section) = top.table("access") else { return fields };
    fields.default_policy = section.optional("default", str::parse).unwrap_or(fields.default_policy);
    fields.joining.join = section.optional("join", str::parse::<Join>).unwrap_or_default();
    fields.joining.admins = section.texts("admins", admin).unwrap_or_default();
    section.finish();
    fields
}

/// An openid or a unionid: 28 characters in practice, and never a nickname.
fn admin(text: &str) -> Result<String, String> {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (16..=64).contains(&text.len()) && text.bytes().all(is_sound) {
        Ok(text.to_owned())
    } else {
        Err("write an openid or a unionid, as the members page shows it; names are not unique".to_owned())
    }
}
