//! `/_wxgate/wechat/message`: WeChat's server tells what happened with the Official Account, and reads what to write back.
//!
//! It waits five seconds, then asks again, twice; so whatever the store does, there is an answer before that. Everything here
//! may come twice or out of order: the steps of a pairing allow that.

use std::time::Duration;

use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::super::answer;
use super::super::asking::Asking;
use super::super::failure::Failure;
use super::super::own::OwnPages;
use super::super::query;
use super::chat::{Ours, both};
use super::inbox::Inbox;
use crate::members::Act;
use crate::model::audit::Actor;
use crate::model::host::Host;
use crate::model::identity::Account;
use crate::net::body::Body;
use crate::store::StoreError;
use crate::wechat::message::{Message, Mode, Query, Unwelcome};

/// Longest body that is read; WeChat's messages have a few kilobytes.
const LONGEST: usize = 64 * 1024;

/// How long a message may take from its first byte to its answer: WeChat waits five seconds.
pub const PATIENCE: Duration = Duration::from_secs(4);

impl OwnPages {
    /// Answers WeChat's server.
    pub(in super::super) async fn message(
        &self,
        host: &Host,
        asking: &Asking<'_>,
        body: Option<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let inbox = self.inbox.as_ref().filter(|_| *host == self.site.login_host).ok_or(Failure::NotFound)?;
        let query = asked(asking.query());
        if asking.parts.method == Method::GET {
            return match inbox.settings.greet(&query, asking.now) {
                Ok(echo) => {
                    // Its signature would do for a message, too. To ask once more is harmless.
                    self.is_first(inbox, &query, asking).await?;
                    Ok(answer::text(&self.site, StatusCode::OK, echo))
                }
                Err(error) => Ok(self.unwelcome(error, asking)),
            };
        }
        if asking.is_from_browser() {
            return Ok(self.unwelcome(Unwelcome::Browser, asking));
        }
        let deadline = Instant::now() + PATIENCE;
        let Some(body) = body else { return Ok(self.unwelcome(Unwelcome::Unreadable, asking)) };
        let read = timeout_at(deadline, Limited::new(body, LONGEST).collect()).await;
        let Ok(Ok(bytes)) = read else { return Ok(self.unwelcome(Unwelcome::Unreadable, asking)) };
        let bytes = bytes.to_bytes();
        let opened = match inbox.settings.open(&query, &bytes, asking.now) {
            Ok(opened) => opened,
            Err(error) => return Ok(self.unwelcome(error, asking)),
        };
        let chat = match Ours::of(inbox, &opened.message) {
            Some(Ours::Chat(chat)) => chat,
            Some(Ours::Unfollow) => {
                return Ok(self.unfollowed(inbox, &query, &opened.message, &bytes, deadline, asking).await);
            }
            // It counts once, too, lest its signature be good for one of ours; but a store that is away does not hold it up.
            None => {
                return Ok(match timeout_at(deadline, self.is_first(inbox, &query, asking)).await {
                    Ok(Ok(false)) => self.nothing(),
                    // A crowd is no outage: whoever makes one must not make signatures good for more than once.
                    Ok(Err(StoreError::Busy)) => self.later(),
                    _ => self.pass_on(inbox, asking, &bytes, deadline).await,
                });
            }
        };
        let answered = timeout_at(deadline, async {
            match self.is_first(inbox, &query, asking).await? {
                true => self.answer_in_chat(chat, account_of(inbox, &opened.message), asking).await.map(Some),
                false => Ok(None),
            }
        });
        let words = match answered.await {
            Ok(Ok(None)) => return Ok(self.nothing()),
            Ok(Ok(Some(words))) => words,
            Ok(Err(error)) => {
                tracing::warn!(request_id = asking.request_id, error = %error, "a message could not be answered");
                both("chat.busy", &[])
            }
            Err(_) => both("chat.busy", &[]),
        };
        match inbox.settings.reply(&opened, &words, asking.now) {
            Ok(reply) => Ok(answer::typed(&self.site, reply.content_type, reply.body)),
            Err(error) => Ok(self.unwelcome(error, asking)),
        }
    }

    /// Signs out whoever follows no longer, and hands the message on: another program may want to know, too. Where that is not
    /// done, WeChat is not told that it is, and says it again.
    async fn unfollowed(
        &self,
        inbox: &Inbox,
        query: &Query,
        message: &Message,
        bytes: &[u8],
        deadline: Instant,
        asking: &Asking<'_>,
    ) -> Response<Body> {
        // The address is WeChat's, not the phone's.
        let act = Act { client: None, ..asking.act(Actor::Gateway) };
        let account = account_of(inbox, message);
        let (is_done, unclaimed) = match timeout_at(deadline, self.is_first(inbox, query, asking)).await {
            Ok(Ok(false)) => return self.nothing(),
            Ok(Ok(true)) => {
                let told = self.directory.unfollowed(account.clone(), message.created, &act);
                (matches!(timeout_at(deadline, told).await, Ok(Ok(()))), None)
            }
            // Nobody knows whether it was said before.
            Ok(Err(_)) | Err(_) => (false, Some((query.timestamp.clone(), query.nonce.clone()))),
        };
        if !is_done {
            // WeChat gives up after three times.
            self.directory.unfollowed_later(account, message.created, act, unclaimed);
        }
        let passed_on = self.pass_on(inbox, asking, bytes, deadline).await;
        if is_done { passed_on } else { self.later() }
    }

    /// WeChat is to say it again.
    fn later(&self) -> Response<Body> {
        answer::text(&self.site, StatusCode::SERVICE_UNAVAILABLE, "later\n".to_owned())
    }

    /// Whether this signature was not taken before: without encryption it does not cover the body, and counts once.
    async fn is_first(&self, inbox: &Inbox, query: &Query, asking: &Asking<'_>) -> Result<bool, StoreError> {
        match inbox.settings.mode {
            Mode::Plaintext => self.directory.claim_message(&query.timestamp, &query.nonce, asking.now).await,
            Mode::Compatible(_) | Mode::Secure(_) => Ok(true),
        }
    }

    /// Hands a message that is not ours to the program that wants it, and its answer back.
    async fn pass_on(
        &self,
        inbox: &Inbox,
        asking: &Asking<'_>,
        bytes: &[u8],
        deadline: Instant,
    ) -> Response<Body> {
        let Some(backend) = &inbox.backend else { return self.nothing() };
        let content_type = asking.header(http::header::CONTENT_TYPE);
        let passed =
            timeout_at(deadline, backend.pass_on(asking.query(), content_type, bytes.to_vec())).await;
        let error = match passed {
            Ok(Ok((content_type, body))) => return answer::foreign(&self.site, &content_type, body),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it takes longer than WeChat waits".to_owned(),
        };
        tracing::warn!(
            request_id = asking.request_id,
            error,
            "message_backend did not answer a message that was passed on"
        );
        self.nothing()
    }

    /// The answer that leaves nothing in the chat.
    fn nothing(&self) -> Response<Body> {
        answer::text(&self.site, StatusCode::OK, String::new())
    }

    /// One answer for everything that is not right: one that tells more is an oracle.
    fn unwelcome(&self, error: Unwelcome, asking: &Asking<'_>) -> Response<Body> {
        tracing::warn!(request_id = asking.request_id, client = %asking.client, error = %error, "not a message of WeChat's");
        answer::text(&self.site, StatusCode::FORBIDDEN, "forbidden\n".to_owned())
    }
}

/// Whom a message is about.
fn account_of(inbox: &Inbox, message: &Message) -> Account {
    Account { app_id: inbox.settings.app_id.clone(), openid: message.from.clone() }
}

/// What stands behind the `?`; each at most once.
fn asked(query: Option<&str>) -> Query {
    let one = |name| query::single(query, name).unwrap_or_default();
    Query {
        signature: one("signature"),
        timestamp: one("timestamp"),
        nonce: one("nonce"),
        msg_signature: one("msg_signature"),
        echostr: one("echostr"),
    }
}
