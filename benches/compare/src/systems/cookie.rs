//! The cookies of somebody who is signed in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use wxgate::model::clock;
use wxgate::model::host::Host;
use wxgate::model::identity::{Account, Identity, Profile};
use wxgate::model::own_cookie::CookieScope;
use wxgate::model::secret::Secret;
use wxgate::model::visit::Scheme;
use wxgate::seal::KeyRing;
use wxgate::sessions::{SessionSettings, Sessions};

use super::members;
use super::request::HOST;

/// Seals sessions in every wxgate under test.
pub(super) const SECRET: &str = "a-session-secret-that-benches-know-0123456789";

/// How long the whole value of the `Cookie` header is.
const LENGTH: usize = 600;

/// The value of the `Cookie` header of the first member.
pub fn cookie(https: bool) -> anyhow::Result<String> {
    cookie_of(0, https)
}

/// The value of the `Cookie` header: a session that a wxgate under test accepts, among four cookies of the application.
pub fn cookie_of(member: u64, https: bool) -> anyhow::Result<String> {
    let settings = SessionSettings {
        lifetime: Duration::from_secs(7 * 86_400),
        idle_timeout: Duration::from_secs(86_400),
        scope: CookieScope { scheme: if https { Scheme::Https } else { Scheme::Http }, domain: None },
    };
    let ring = KeyRing::new(Secret::new(SECRET.to_owned()), Vec::new()).context("the secret is too weak")?;
    let sessions = Sessions::new(settings, &ring, Arc::default());
    let host = Host::parse(HOST).context("the host cannot be read")?;
    let (_, cookie) = sessions.start(members::session(member), &somebody(member), &host, clock::now());
    let session = cookie.as_str().split(';').next().unwrap_or_default();
    let others = ["_ga=GA1.2.1234567890.1712345678", "theme=dark", "csrftoken="];
    let start = format!("{}; {}; {session}; {}", others[0], others[1], others[2]);
    let end = "; sidebar=open";
    let padding = LENGTH.checked_sub(start.len() + end.len()).context("the session is too long")?;
    Ok(format!("{start}{}{end}", "k".repeat(padding)))
}

fn somebody(member: u64) -> Identity {
    let account = Account {
        app_id: "wx0123456789abcdef".to_owned(),
        openid: "oAbCdEfGhIjKlMnOpQrStUvWxYz0".to_owned(),
    };
    let profile = Profile { name: "王芳 Wang Fang".to_owned(), ..Profile::default() };
    Identity {
        member_id: members::id(member),
        account,
        unionid: Some("uAbCdEfGhIjKlMnOpQrStUvWxYz0".to_owned()),
        profile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_cookies_have_the_length_that_was_agreed_on() {
        for https in [false, true] {
            let cookie = cookie(https).expect("a cookie");
            assert_eq!((cookie.len(), cookie.split("; ").count()), (LENGTH, 5));
        }
    }
}
