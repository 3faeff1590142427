//! The access token of an Official Account: fetched once for all who need it, renewed before it ends.
//!
//! It comes from `stable_token`, which gives every program the same token; `cgi-bin/token` would end the tokens of all
//! other programs of the account. Or from a server of the administrator's, where one keeps the token for everybody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::runtime::Handle;

use super::api::{App, WechatApi, WechatError};
use super::errcode::Errcode;
use super::wire;
use crate::model::clock;
use crate::model::secret::Secret;

/// A token is renewed this long before it ends: WeChat's own overlap of old and new (5 min), and what a renewal may take.
const AHEAD: Duration = Duration::from_secs(300);

/// How long a failure is believed: a crowd of visitors must not ask again for each of them.
const FAILURE: Duration = Duration::from_secs(5);

/// Forced renewals end the token of all programs at once, and WeChat takes 20 a day.
const BETWEEN_FORCED: Duration = Duration::from_secs(90 * 60);

/// Where tokens come from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// A server of the administrator's, which answers as `stable_token` does.
    Server {
        /// Its address.
        url: String,
        /// Sent as a bearer token, if it wants one.
        secret: Option<Secret>,
    },
    /// `cgi-bin/stable_token`.
    Stable,
}

/// The token of one account, shared by everybody in the process.
#[derive(Debug)]
pub(super) struct AccountToken {
    api: WechatApi,
    app: App,
    source: TokenSource,
    background: Option<Handle>,
    held: Mutex<Held>,
    /// Whoever has it asks WeChat; the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<Token>,
    failure: Option<(Instant, Arc<WechatError>)>,
    forced: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Token {
    secret: Secret,
    renew: Instant,
    ends: Instant,
}

impl AccountToken {
    pub(super) fn new(
        api: WechatApi,
        app: App,
        source: TokenSource,
        background: Option<Handle>,
    ) -> Arc<Self> {
        Arc::new(Self {
            api,
            app,
            source,
            background,
            held: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// A token that is good now.
    pub(super) async fn get(self: &Arc<Self>) -> Result<Secret, Arc<WechatError>> {
        let now = clock::instant();
        let Some(token) = self.known(now) else { return self.fetch(None).await };
        if now >= token.renew {
            self.renew(now);
        }
        Ok(token.secret)
    }

    /// Another token than this one, which WeChat would not take.
    pub(super) async fn instead_of(&self, bad: &Secret) -> Result<Secret, Arc<WechatError>> {
        self.fetch(Some(bad)).await
    }

    /// The token that has not ended, as far as is known.
    fn known(&self, now: Instant) -> Option<Token> {
        self.held().token.clone().filter(|token| now < token.ends)
    }

    /// Fetches the next token while this one is still good; nobody waits for it.
    fn renew(self: &Arc<Self>, now: Instant) {
        // If it fails, the next one tries again in a while.
        let again = now + FAILURE;
        match &mut self.held().token {
            // Of those who see at the same time that it is old, one renews it.
            Some(token) if now >= token.renew => token.renew = again,
            _ => return,
        }
        let this = Arc::clone(self);
        let renewal = async move {
            let _turn = this.turn.lock().await;
            // Whoever had the turn before may have brought another.
            if this.held().token.as_ref().is_none_or(|token| token.renew != again) {
                return;
            }
            if let Err(error) = this.ask(false).await {
                tracing::warn!(error = %error, "the account's token could not be renewed ahead of its end");
            }
        };
        match &self.background {
            Some(background) => background.spawn(renewal),
            None => tokio::spawn(renewal),
        };
    }

    async fn fetch(&self, bad: Option<&Secret>) -> Result<Secret, Arc<WechatError>> {
        let _turn = self.turn.lock().await;
        let now = clock::instant();
        if let Some(token) = self.known(now).filter(|token| Some(&token.secret) != bad) {
            return Ok(token.secret);
        }
        if let Some((when, error)) = &self.held().failure
            && now.duration_since(*when) < FAILURE
        {
            return Err(Arc::clone(error));
        }
        let fresh = self.ask(false).await?;
        if Some(&fresh) != bad || !self.may_force(now) {
            return Ok(fresh);
        }
        tracing::warn!(
            "WeChat refuses the token it has just given: asking for another, which ends this one for all programs"
        );
        self.ask(true).await
    }

    /// Whether a token may be asked for that ends the one of all programs.
    fn may_force(&self, now: Instant) -> bool {
        let mut held = self.held();
        let is_time = held.forced.is_none_or(|when| now.duration_since(when) >= BETWEEN_FORCED);
        let may = is_time && matches!(self.source, TokenSource::Stable);
        if may {
            held.forced = Some(now);
        }
        may
    }

    /// Asks the source, and keeps what it says.
    async fn ask(&self, force: bool) -> Result<Secret, Arc<WechatError>> {
        let asked = clock::instant();
        let answer = self.request(force).await;
        let mut held = self.held();
        match answer {
            Ok(answer) => {
                let lifetime = Duration::from_secs(answer.expires_in);
                let secret = Secret::new(answer.access_token);
                let renew = asked + lifetime.saturating_sub(AHEAD).max(lifetime / 2);
                held.token = Some(Token { secret: secret.clone(), renew, ends: asked + lifetime });
                held.failure = None;
                Ok(secret)
            }
            Err(error) => {
                let error = Arc::new(error);
                tracing::error!(error = %error, "the Official Account's token cannot be fetched");
                held.failure = Some((clock::instant(), Arc::clone(&error)));
                Err(error)
            }
        }
    }

    async fn request(&self, force: bool) -> Result<wire::AccountTokenAnswer, WechatError> {
        let (api, (status, body)) = match &self.source {
            TokenSource::Stable => {
                const API: &str = "cgi-bin/stable_token";
                let body = json!({
                    "grant_type": "client_credential",
                    "appid": self.app.id,
                    "secret": self.app.secret.reveal(),
                    "force_refresh": force,
                });
                (API, self.api.call(API, &[], Some(&body)).await?)
            }
            TokenSource::Server { url, secret } => {
                const API: &str = "token_server";
                (API, self.api.ask(API, url, secret.as_ref()).await?)
            }
        };
        let answer = wire::account_token_answer(&body)
            .map_err(|error| self.api.refuse(api, status, body.len(), error, Errcode::reaction_to_account))?;
        self.api.metrics.wechat(api, "0".to_owned());
        Ok(answer)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::telemetry::metrics::Metrics;
    use crate::wechat::api::ApiSettings;

    /// A server that gives another token each time, good for two hours; how often it was asked.
    async fn token_server() -> (String, Arc<AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut head).await.unwrap();
                }
                let number = count.fetch_add(1, Ordering::SeqCst);
                let body = format!("{{\"access_token\":\"token-{number}\",\"expires_in\":7200}}");
                let length = body.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_token_that_many_see_to_be_old_is_renewed_once() {
        let (url, asked) = token_server().await;
        let settings = ApiSettings { api_bases: Vec::new(), timeout: Duration::from_secs(5) };
        let api = WechatApi::new(settings, Arc::new(Metrics::new(1))).unwrap();
        let app = App { id: "wx1".to_owned(), secret: Secret::new("secret".to_owned()) };
        let token = AccountToken::new(api, app, TokenSource::Server { url, secret: None }, None);
        assert_eq!(token.get().await.unwrap().reveal(), "token-0");
        let asked = || asked.load(Ordering::SeqCst);
        let later = clock::instant() + Duration::from_secs(7000);

        let turn = token.turn.lock().await;
        token.renew(later);
        token.renew(later);
        tokio::task::yield_now().await;
        drop(turn);
        // Whoever waits for the turn gets it in the order in which they came.
        let turn = token.turn.lock().await;
        assert_eq!((asked(), token.get().await.unwrap().reveal()), (2, "token-1"), "two saw it at once");

        token.renew(later + Duration::from_secs(7000));
        tokio::task::yield_now().await;
        token.ask(false).await.unwrap();
        assert_eq!(asked(), 3);
        drop(turn);
        drop(token.turn.lock().await);
        assert_eq!(asked(), 3, "whoever had the turn before has brought another");
    }
}
