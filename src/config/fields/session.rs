//! `[session]`: how long sessions last, and what seals them.

use std::time::Duration;

use super::addresses::PublicUrl;
use super::{HOUR, SECOND};
use crate::config::section::Section;
use crate::model::host::Host;
use crate::model::secret::Secret;
use crate::model::site::is_within;
use crate::seal::KeyRing;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// `[session]`.
pub(super) struct SessionFields {
    pub(super) lifetime: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) cookie_domain: Option<String>,
    pub(super) secret: Option<Secret>,
    pub(super) old_secrets: Vec<Secret>,
    pub(super) revocation_grace: Duration,
}

/// Reads `[session]`.
pub(super) fn read(top: &mut Section<'_>, public_url: Option<&PublicUrl>) -> SessionFields {
    let mut fields = SessionFields {
        lifetime: DAY * 7,
        idle_timeout: DAY,
        cookie_domain: None,
        secret: None,
        old_secrets: Vec::new(),
        revocation_grace: SECOND * 300,
    };
    let Some(mut section) = top.table("session") else { return fields };
    fields.lifetime = section.duration("lifetime", SECOND * 60..=DAY * 366).unwrap_or(fields.lifetime);
    let idle_timeout = section.duration("idle_timeout", SECOND * 60..=DAY * 366);
    fields.idle_timeout = idle_timeout.unwrap_or_else(|| fields.idle_timeout.min(fields.lifetime));
    if fields.idle_timeout > fields.lifetime {
        section.complain(
            &section.place("idle_timeout"),
            "`idle_timeout` is longer than `lifetime`",
            "a session ends with its lifetime whatever happens: make idle_timeout shorter, or leave it out",
        );
    }
    let grace = section.duration("revocation_grace", Duration::ZERO..=DAY * 30);
    fields.revocation_grace = grace.unwrap_or(fields.revocation_grace);
    fields.cookie_domain = section.optional("cookie_domain", |text| domain(text, public_url));
    fields.secret = section.secret("secret");
    fields.old_secrets = section.secrets("old_secrets").unwrap_or_default();
    let weak = |secret: &Secret| KeyRing::new(secret.clone(), Vec::new()).err();
    for (key, secret) in fields
        .secret
        .iter()
        .map(|secret| ("secret", secret))
        .chain(fields.old_secrets.iter().map(|secret| ("old_secrets", secret)))
    {
        if let Some(weak) = weak(secret) {
            section.complain(&section.place(key), format!("`{key}` is too short"), weak.to_string());
        }
    }
    if !fields.old_secrets.is_empty() && fields.secret.is_none() && !section.is_given("secret") {
        section.complain(
            &section.place("old_secrets"),
            "`old_secrets` without `secret`",
            "the new secret goes into `secret`, the ones before it into `old_secrets`",
        );
    }
    section.finish();
    fields
}

fn domain(text: &str, public_url: Option<&PublicUrl>) -> Result<String, String> {
    let bare = text.strip_prefix('.').unwrap_or(text);
    let host = Host::parse(bare).map_err(|_| "write a domain such as \"example.com\"".to_owned())?;
    let is_address = host.as_str().starts_with('[') || host.as_str().parse::<std::net::IpAddr>().is_ok();
    if is_address || !host.as_str().contains('.') {
        return Err(
            "browsers accept no cookie for an address or a single word: leave this key out".to_owned()
        );
    }
    match public_url {
        Some(url) if !is_within(&url.authority.host, host.as_str()) => {
            Err(format!("public_url's host {} is not below it", url.authority.host))
        }
        _ => Ok(host.as_str().to_owned()),
    }
}

/// The range of a timeout of one request.
pub(super) const fn request_timeout() -> std::ops::RangeInclusive<Duration> {
    SECOND..=HOUR
}
