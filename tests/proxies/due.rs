//! A session as the gateway seals it, of an age no test waits for.

use std::sync::Arc;
use std::time::Duration;

use wxgate::model::clock::{self, Timestamp};
use wxgate::model::host::Host;
use wxgate::model::identity::{Account, Identity, Profile};
use wxgate::model::member::MemberId;
use wxgate::model::own_cookie::CookieScope;
use wxgate::model::secret::Secret;
use wxgate::model::session::Session;
use wxgate::model::visit::Scheme;
use wxgate::seal::KeyRing;
use wxgate::sessions::{SessionSettings, Sessions};

use crate::stage::SECRET;

/// A cookie that the gateway renews when it sees it.
pub(crate) fn session_of_three_hours(scheme: Scheme, of: &MemberId) -> String {
    let settings = SessionSettings {
        lifetime: Duration::from_secs(7 * 86_400),
        idle_timeout: Duration::from_secs(86_400),
        scope: CookieScope { scheme, domain: None },
    };
    let ring = KeyRing::new(Secret::new(SECRET.to_owned()), Vec::new()).unwrap();
    let account = Account { app_id: "wxwebsite".to_owned(), openid: "oABC".to_owned() };
    let identity =
        Identity { member_id: of.to_string(), account, unionid: None, profile: Profile::default() };
    let then = Timestamp::from_unix(clock::now().as_unix() - 3 * 3600);
    let session = Session::new([7; 16], &identity, then, then);
    let sessions = Sessions::new(settings, &ring, Arc::default());
    let cookie = sessions.adopt(&session, &Host::parse("a.localhost").unwrap(), clock::now());
    cookie.as_str().split(';').next().unwrap().to_owned()
}
