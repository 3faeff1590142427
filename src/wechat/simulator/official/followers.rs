//! Who follows which account, and `cgi-bin/user/info`, by which an account's server reads about them.

use std::collections::HashMap;
use std::sync::Mutex;

use super::super::answer::{Json, Refusal, Reply};
use super::super::asked::Asked;
use super::super::{Person, ProfileVariant, Simulator, held};
use crate::model::clock::Timestamp;

pub(in crate::wechat::simulator) const PATH: &str = "/cgi-bin/user/info";

/// Followers by AppID and name.
#[derive(Default)]
pub(in crate::wechat::simulator) struct Followers(Mutex<HashMap<(String, String), Following>>);

#[derive(Clone)]
struct Following {
    since: Timestamp,
    /// The scene of the code by which they came.
    scene: Option<String>,
}

impl Followers {
    /// Whether that is new.
    pub(super) fn add(&self, app_id: &str, person: &str, scene: Option<&str>, since: Timestamp) -> bool {
        let mut all = held(&self.0);
        let place = (app_id.to_owned(), person.to_owned());
        if all.contains_key(&place) {
            return false;
        }
        all.insert(place, Following { since, scene: scene.map(str::to_owned) });
        true
    }

    /// Whether they had followed it.
    pub(super) fn remove(&self, app_id: &str, person: &str) -> bool {
        held(&self.0).remove(&(app_id.to_owned(), person.to_owned())).is_some()
    }

    fn get(&self, app_id: &str, person: &str) -> Option<Following> {
        held(&self.0).get(&(app_id.to_owned(), person.to_owned())).cloned()
    }
}

impl Simulator {
    /// Whether `person` follows the account `app_id`.
    pub fn follows(&self, person: &str, app_id: &str) -> bool {
        self.official.followers.get(app_id, person).is_some()
    }

    /// The names of those who follow the account `app_id`, in the order of `people`.
    pub fn followers(&self, app_id: &str) -> Vec<String> {
        let names = self.people.iter().map(Person::name).filter(|name| self.follows(name, app_id));
        names.map(str::to_owned).collect()
    }

    /// Makes `person` somebody who has long been following the account: nothing is pushed.
    pub fn set_follower(&self, person: &str, app_id: &str) {
        self.official.followers.add(app_id, person, None, self.now());
    }

    pub(in crate::wechat::simulator) async fn follower_info(&self, asked: &Asked) -> Reply {
        let fault = self.script.take_call_fault(PATH);
        self.answer_api(asked, fault, |simulator| simulator.read_follower(asked)).await
    }

    fn read_follower(&self, asked: &Asked) -> Result<Json, Refusal> {
        let app = self.token_owner(asked)?;
        if !app.account_type().may_read_followers() {
            return Err(48001.into());
        }
        let openid = asked.query.get("openid");
        if openid.is_empty() {
            return Err(41009.into());
        }
        let person = self.people.iter().find(|person| person.openid(app.id()) == openid).ok_or(40003)?;
        let json = Json::default().text("openid", openid);
        let Some(following) = self.official.followers.get(app.id(), person.name()) else {
            return Ok(json.number("subscribe", 0));
        };
        let way = if following.scene.is_some() { "ADD_SCENE_QR_CODE" } else { "ADD_SCENE_SEARCH" };
        let scene = following.scene.unwrap_or_default();
        let number = scene.parse().ok().filter(|number: &u32| number.to_string() == scene);
        let json = json
            .number("subscribe", 1)
            .number("subscribe_time", following.since.as_unix())
            .text("remark", "")
            .number("groupid", 0)
            .raw("tagid_list", b"[]".to_vec())
            .text("subscribe_scene", way)
            .number("qr_scene", number.map_or(0, i64::from))
            .text("qr_scene_str", if number.is_some() { "" } else { &scene });
        let json = match person.unionid(app) {
            Some(unionid) => json.text("unionid", &unionid),
            None => json,
        };
        // Names are gone since 2021; for some accounts the empty fields are still there.
        Ok(match self.script.profile_of(person.name()) {
            ProfileVariant::EmptyNickname => {
                json.text("nickname", "").text("headimgurl", "").text("language", "")
            }
            _ => json,
        })
    }
}
