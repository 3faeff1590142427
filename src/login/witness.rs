//! Who is on this phone: a sealed cookie, for the one question that this phone is asked.

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::own_cookie::CookieScope;
use crate::model::pairing::{LIFETIME, Proof};
use crate::model::set_cookie::{SetCookie, received};
use crate::seal::{KeyRing, Purpose, Sealer};

/// Writes and reads who is on a phone.
#[derive(Debug)]
pub struct Witnesses {
    scope: CookieScope,
    host: String,
    sealer: Sealer,
}

#[derive(Deserialize, Serialize)]
struct Witness {
    app_id: String,
    openid: String,
    unionid: Option<String>,
    name: String,
    avatar: String,
    until: Timestamp,
}

impl Witnesses {
    /// Cookies of the login host.
    pub fn new(scope: &CookieScope, host: String, ring: &KeyRing) -> Self {
        let scope = CookieScope { domain: None, ..scope.clone() };
        Self { scope, host, sealer: Sealer::new(ring, Purpose::Witness) }
    }

    /// Who is on the phone that answers `call`.
    pub(super) fn keep(&self, call: &str, proof: &Proof, now: Timestamp) -> SetCookie {
        let Proof { account, unionid, profile } = proof;
        let witness = Witness {
            app_id: account.app_id.clone(),
            openid: account.openid.clone(),
            unionid: unionid.clone(),
            name: profile.name.clone(),
            avatar: profile.avatar.clone(),
            until: now + LIFETIME,
        };
        let value = self.sealer.seal(&witness, &self.binding(call));
        SetCookie::keep(&self.scope, &self.name(), &value, LIFETIME)
    }

    /// Who is on this phone, if it came to answer `call`.
    pub(super) fn read(&self, headers: &HeaderMap, call: &str, now: Timestamp) -> Option<Proof> {
        let name = self.name();
        let binding = self.binding(call);
        let found = received(headers).filter(|(found, _)| *found == name);
        let witness = found.filter_map(|(_, value)| self.sealer.open::<Witness>(value, &binding)).next()?;
        let Witness { app_id, openid, unionid, name, avatar, until } = witness;
        let profile = Profile { name, avatar, ..Profile::default() };
        (now < until).then_some(Proof { account: Account { app_id, openid }, unionid, profile })
    }

    /// The phone has answered.
    pub(super) fn forget(&self) -> SetCookie {
        SetCookie::forget(&self.scope, &self.name())
    }

    fn name(&self) -> String {
        self.scope.host_only_name("phone")
    }

    fn binding(&self, call: &str) -> String {
        format!("{call}@{}", self.host)
    }
}
