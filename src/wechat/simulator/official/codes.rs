//! Codes of scenes (带参数的二维码): who made them, for which scene, until when.

use std::sync::Mutex;
use std::time::Duration;

use super::super::{App, Simulator, held, random_text};
use crate::model::clock::Timestamp;

/// A code that somebody may point a phone at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SceneCode {
    /// The account that made it.
    pub app_id: String,
    /// The account's name as people read it.
    pub app_name: String,
    /// What `showqrcode` takes, and what events bring. It has `=`, `+` and `/` in it.
    pub ticket: String,
    /// What a camera reads.
    pub url: String,
    /// What the account's server gets to know; a `scene_id` in digits.
    pub scene: String,
    /// When it becomes worthless; never, for a permanent one.
    pub expires: Option<Timestamp>,
}

#[derive(Default)]
pub(super) struct Codes(Mutex<Vec<SceneCode>>);

impl Simulator {
    /// The codes that have been made and are still good, oldest first: what may be on a screen.
    pub fn open_codes(&self) -> Vec<SceneCode> {
        let now = self.now();
        held(&self.official.codes.0).iter().filter(|code| code.is_good(now)).cloned().collect()
    }

    /// The code with this ticket, or with this address in it, if it is still good.
    pub fn open_code(&self, url_or_ticket: &str) -> Option<SceneCode> {
        let now = self.now();
        let codes = held(&self.official.codes.0);
        let mut matching =
            codes.iter().filter(|code| code.ticket == url_or_ticket || code.url == url_or_ticket);
        matching.find(|code| code.is_good(now)).cloned()
    }

    pub(super) fn make_code(&self, app: &App, scene: String, lifetime: Option<Duration>) -> SceneCode {
        let now = self.now();
        let code = SceneCode {
            app_id: app.id().to_owned(),
            app_name: app.name().to_owned(),
            ticket: format!("gQ{}+{}/{}==", random_text(40), random_text(24), random_text(25)),
            url: format!("http://weixin.qq.com/q/02{}", random_text(22)),
            scene,
            expires: lifetime.map(|lifetime| now + lifetime),
        };
        let mut codes = held(&self.official.codes.0);
        codes.retain(|code| code.is_good(now));
        codes.push(code.clone());
        code
    }
}

impl SceneCode {
    fn is_good(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}
