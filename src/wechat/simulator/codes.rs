//! Authorization codes: opaque, bound to app, scope and person, good for one successful use and a few minutes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::{App, AppKind, Person, Simulator, held, random_text};
use crate::model::clock::Timestamp;

/// What a code stands for.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) app_id: String,
    pub(super) scope: String,
    pub(super) person: Person,
    pub(super) snapshot: bool,
}

#[derive(Default)]
pub(super) struct Codes(Mutex<HashMap<String, Code>>);

struct Code {
    granted: Granted,
    issued: Timestamp,
    lifetime: Duration,
    used: bool,
}

impl Codes {
    /// Uses a code up, or says by errcode why it cannot be used.
    pub(super) fn redeem(&self, code: &str, app_id: &str, now: Timestamp) -> Result<Granted, i64> {
        let mut codes = held(&self.0);
        let code = codes.get_mut(code).filter(|code| code.granted.app_id == app_id).ok_or(40029)?;
        if now.since(code.issued) >= code.lifetime {
            return Err(40029);
        }
        if std::mem::replace(&mut code.used, true) {
            return Err(40163);
        }
        Ok(code.granted.clone())
    }
}

impl Simulator {
    /// A code for `person`, as if they had just consented to `scope` in `app_id`. An unregistered name is a stranger
    /// with a phone; an unregistered AppID gives a code nobody can exchange.
    pub fn issue_code(&self, app_id: &str, scope: &str, person: &str) -> String {
        let person = self.person(person).cloned().unwrap_or_else(|| Person::new(person));
        let snapshot = self.script.snapshot_mode() && scope == "snsapi_userinfo";
        self.grant(Granted { app_id: app_id.to_owned(), scope: scope.to_owned(), person, snapshot })
    }

    pub(super) fn grant(&self, granted: Granted) -> String {
        let code = format!("0{}", random_text(31));
        let lifetime = match self.app(&granted.app_id).map(App::kind) {
            Some(AppKind::WebsiteApp) => Duration::from_secs(600),
            Some(AppKind::OfficialAccount) | None => Duration::from_secs(300),
        };
        let issued = Code { granted, issued: self.now(), lifetime, used: false };
        held(&self.codes.0).insert(code.clone(), issued);
        code
    }
}
