//! `connect/oauth2/authorize` after its checks: who consents, silently or asked, and the way back.

use http::{StatusCode, header};

use super::answer::{self, Reply};
use super::asked::Asked;
use super::authorize::Wanted;
use super::codes::Granted;
use super::script::Consent;
use super::way_back::{Frame, WayBack};
use super::{Person, Simulator, pages};

impl Simulator {
    pub(super) async fn authorize(&self, asked: &Asked) -> Reply {
        let wanted = match self.check_authorize(asked) {
            Ok(wanted) => wanted,
            Err(error) => return pages::link_error(error),
        };
        let scripted = self.script.scripted_consent();
        if wanted.scope == "snsapi_base" || self.opens_snapshot(&wanted) {
            return match scripted {
                Some(Consent::NeverAnswers) => pages::waiting(wanted.app),
                Some(Consent::Allow(name) | Consent::FastLogin(name)) => self.allow(&wanted, &name).await,
                _ => self.allow(&wanted, &self.holder(asked)).await,
            };
        }
        match scripted {
            None => pages::consent(wanted.app, &self.people, &asked.raw_query),
            Some(Consent::Allow(name) | Consent::FastLogin(name)) => self.allow(&wanted, &name).await,
            Some(Consent::Expired) => pages::expired(wanted.app),
            Some(Consent::NeverAnswers) => pages::waiting(wanted.app),
            Some(Consent::RefuseSilently) => pages::cancelled(wanted.app),
            Some(Consent::RefuseWithState) => self.send_back(&wanted.way_back, None).await,
        }
    }

    /// The button on the consent page: who holds the phone, or a refusal.
    pub(super) async fn consented(&self, asked: &Asked) -> Reply {
        let wanted = match self.check_authorize(asked) {
            Ok(wanted) => wanted,
            Err(error) => return pages::link_error(error),
        };
        let name = asked.form.get("holder");
        if asked.from_elsewhere {
            return pages::cancelled(wanted.app);
        }
        if self.person(name).is_none() {
            return self.send_back(&wanted.way_back, None).await;
        }
        let mut reply = self.allow(&wanted, name).await;
        if let Ok(cookie) = pages::holder_cookie(name).parse() {
            reply.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        reply
    }

    /// Sends the browser back, delivering the callback as the script wants it.
    pub(super) async fn send_back(&self, way_back: &WayBack, code: Option<&str>) -> Reply {
        let url = way_back.url(code, self.script.fragment_style());
        self.deliver_early(&url).await;
        move_browser(way_back.frame, &url)
    }

    async fn allow(&self, wanted: &Wanted<'_>, name: &str) -> Reply {
        let person = self.person(name).cloned().unwrap_or_else(|| Person::new(name));
        let code = self.grant(Granted {
            app_id: wanted.app.id().to_owned(),
            scope: wanted.scope.clone(),
            person,
            snapshot: self.opens_snapshot(wanted),
        });
        self.send_back(&wanted.way_back, Some(&code)).await
    }

    fn opens_snapshot(&self, wanted: &Wanted<'_>) -> bool {
        wanted.scope == "snsapi_userinfo" && (self.script.snapshot_mode() || wanted.force_snapshot)
    }

    /// Whose phone it is when WeChat does not ask.
    fn holder(&self, asked: &Asked) -> String {
        let known = asked.holder.clone().filter(|name| self.person(name).is_some());
        let scripted = || self.script.scripted_holder();
        let first = || self.people.first().map(|person| person.name().to_owned());
        known.or_else(scripted).or_else(first).unwrap_or_default()
    }
}

/// A redirect; from an iframe that must move its top window, a page that does so.
pub(super) fn move_browser(frame: Frame, url: &str) -> Reply {
    match frame {
        Frame::Own | Frame::Whole => answer::redirect(StatusCode::FOUND, url),
        Frame::Top => pages::move_top(url),
    }
}
