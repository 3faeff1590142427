//! `cgi-bin/qrcode/create` and `cgi-bin/showqrcode`: a code for a scene, and its picture.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;

use super::super::answer::{self, Json, Refusal, Reply};
use super::super::asked::Asked;
use super::super::{Simulator, pages, qr};

pub(in crate::wechat::simulator) const PATH: &str = "/cgi-bin/qrcode/create";

const LONGEST_LIFE: u64 = 2_592_000;
const USUAL_LIFE: u64 = 60;
const LONGEST_SCENE: usize = 64;
const LAST_PERMANENT: u64 = 100_000;

/// A code as it is asked for.
struct Wanted {
    scene: String,
    lifetime: Option<Duration>,
}

impl Simulator {
    pub(in crate::wechat::simulator) async fn create_code(&self, asked: &Asked) -> Reply {
        let fault = self.script.take_call_fault(PATH);
        self.answer_api(asked, fault, |simulator| simulator.created(asked)).await
    }

    pub(in crate::wechat::simulator) fn show_code(&self, asked: &Asked) -> Reply {
        match self.open_code(asked.query.get("ticket")) {
            Some(code) if asked.query.get("ticket") == code.ticket => {
                answer::text(StatusCode::OK, "image/svg+xml", qr::svg(&code.url))
            }
            Some(_) | None => pages::not_found(),
        }
    }

    fn created(&self, asked: &Asked) -> Result<Json, Refusal> {
        if asked.method != Method::POST {
            return Err(43002.into());
        }
        let app = self.token_owner(asked)?;
        if !app.account_type().may_make_codes() {
            return Err(48001.into());
        }
        let wanted = Wanted::read(asked)?;
        let code = self.make_code(app, wanted.scene, wanted.lifetime);
        let json = Json::default().text("ticket", &code.ticket).text("url", &code.url);
        let forgotten = self.console_settings(app.id()).forgets_expiry;
        Ok(match wanted.lifetime {
            Some(_) if forgotten => json.number("expire_seconds", 0),
            Some(lifetime) => json.raw("expire_seconds", lifetime.as_secs().to_string().into_bytes()),
            None => json,
        })
    }
}

impl Wanted {
    fn read(asked: &Asked) -> Result<Self, Refusal> {
        if asked.body.windows(2).any(|pair| pair == br"\u") {
            return Err(40033.into());
        }
        let posted = asked.json().filter(Value::is_object).ok_or(47001)?;
        let (is_text, is_permanent) = match posted["action_name"].as_str() {
            Some("QR_SCENE") => (false, false),
            Some("QR_STR_SCENE") => (true, false),
            Some("QR_LIMIT_SCENE") => (false, true),
            Some("QR_LIMIT_STR_SCENE") => (true, true),
            _ => return Err(wrong("action_name")),
        };
        let scene = &posted["action_info"]["scene"];
        let scene = if is_text {
            let text = scene["scene_str"].as_str().ok_or_else(|| wrong("scene_str"))?;
            let is_sound = (1..=LONGEST_SCENE).contains(&text.chars().count());
            is_sound.then(|| text.to_owned()).ok_or_else(|| wrong("scene_str"))?
        } else {
            let last = if is_permanent { LAST_PERMANENT } else { u64::from(u32::MAX) };
            let id = scene["scene_id"].as_u64().filter(|id| (1..=last).contains(id));
            id.ok_or_else(|| wrong("scene_id"))?.to_string()
        };
        let seconds = match posted.get("expire_seconds") {
            None => USUAL_LIFE,
            Some(seconds) => {
                let seconds = seconds.as_u64().filter(|seconds| (1..=LONGEST_LIFE).contains(seconds));
                seconds.ok_or_else(|| wrong("expire_seconds"))?
            }
        };
        Ok(Self { scene, lifetime: (!is_permanent).then(|| Duration::from_secs(seconds)) })
    }
}

fn wrong(parameter: &str) -> Refusal {
    Refusal::saying(40035, format!("invalid parameter {parameter}"))
}
