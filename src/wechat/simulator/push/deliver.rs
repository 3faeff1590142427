//! How a push is delivered: at most three times, until there is an answer; and what becomes of servers that fail.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::super::official::Speaker;
use super::super::{App, Person, Simulator, held};
use super::answered::Answered;
use super::handwriting::Handwriting;
use super::says::Push;
use super::sealing::sealed;
use super::settings::PushSettings;
use crate::model::clock::{self, Timestamp};

const ATTEMPTS: usize = 3;
/// How long nothing is pushed to a server that has failed too often (MarkFail).
const SILENCE: Duration = Duration::from_secs(60);

const UNAVAILABLE: &str = "该公众号暂时无法提供服务，请稍后再试";

/// What became of a push.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Delivered {
    /// What came of each attempt. There was none when the account has no server configuration, when it is silenced
    /// after too many failures (MarkFail), or when there was nothing to tell.
    pub attempts: Vec<Answered>,
}

impl Delivered {
    /// Whether the server has taken it.
    pub fn is_well(&self) -> bool {
        self.attempts.last().is_some_and(Answered::is_well)
    }

    /// The text it has answered with.
    pub fn said(&self) -> Option<&str> {
        match self.attempts.last() {
            Some(Answered::Said(text)) => Some(text),
            _ => None,
        }
    }
}

/// The server configurations, and how the servers behave.
#[derive(Default)]
pub(in crate::wechat::simulator) struct Pushing(Mutex<HashMap<String, Server>>);

#[derive(Default)]
struct Server {
    settings: Option<PushSettings>,
    pushed: usize,
    failures: u32,
    silent_until: Option<Timestamp>,
}

impl Pushing {
    pub(super) fn set(&self, app_id: &str, settings: Option<PushSettings>) {
        let server = Server { settings, ..Server::default() };
        held(&self.0).insert(app_id.to_owned(), server);
    }

    pub(super) fn settings(&self, app_id: &str) -> Option<PushSettings> {
        held(&self.0).get(app_id)?.settings.clone()
    }

    /// The hand in which the next push is written, if anything is pushed now.
    fn begin(&self, app_id: &str, now: Timestamp) -> Option<Handwriting> {
        let mut servers = held(&self.0);
        let server = servers.get_mut(app_id)?;
        if server.settings.is_none() || server.silent_until.is_some_and(|until| now < until) {
            return None;
        }
        let hand = Handwriting::ALL[server.pushed % Handwriting::ALL.len()];
        server.pushed += 1;
        Some(hand)
    }

    fn end(&self, app_id: &str, is_well: bool, most_failures: u32, now: Timestamp) {
        let mut servers = held(&self.0);
        let Some(server) = servers.get_mut(app_id) else { return };
        server.failures = if is_well { 0 } else { server.failures + 1 };
        if server.failures >= most_failures {
            server.failures = 0;
            server.silent_until = Some(now + SILENCE);
        }
    }
}

impl Simulator {
    /// Tells the account's server, and the person what came of it.
    pub(in crate::wechat::simulator) async fn deliver(
        &self,
        app: &App,
        person: &Person,
        push: Push,
    ) -> Delivered {
        let Some(hand) = self.official.pushing.begin(app.id(), self.now()) else {
            return Delivered::default();
        };
        // Every attempt says the same, at the same time, in the same hand.
        let push = Push {
            created: push.created.or(Some(clock::now())),
            handwriting: push.handwriting.or(Some(hand)),
            ..push
        };
        let openid = person.openid(app.id());
        let mut attempts = Vec::new();
        for _ in 0..ATTEMPTS {
            // Settings take effect at once, also between two attempts.
            let Some(settings) = self.official.pushing.settings(app.id()) else { break };
            let answer = match sealed(&settings, app, &openid, &push) {
                Ok(letter) => self.send(&letter).await,
                Err(reason) => Err(reason),
            };
            let answered = Answered::judge(answer, &settings, app, &openid);
            let is_answer = !matches!(answered, Answered::Nothing(_));
            attempts.push(answered);
            if is_answer {
                break;
            }
        }
        let delivered = Delivered { attempts };
        let most_failures = self.script.failures_before_silence();
        self.official.pushing.end(app.id(), delivered.is_well(), most_failures, self.now());
        // Who has just left has no chat to read in.
        if self.follows(person.name(), app.id()) {
            if let Some(text) = delivered.said() {
                self.say(person.name(), app.id(), Speaker::Account, text);
            } else if !delivered.is_well() {
                self.say(person.name(), app.id(), Speaker::Wechat, UNAVAILABLE);
            }
        }
        delivered
    }
}
