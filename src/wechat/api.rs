//! Calls to WeChat's server API. Secrets travel in its URLs, so no URL is ever logged or kept in an error.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use serde_json::Value;
use thiserror::Error;

use super::errcode::{Errcode, Reaction};
use super::wire::{self, Unusable};
use crate::model::clock;
use crate::model::identity::{Account, Profile};
use crate::model::secret::Secret;
use crate::net::causes::told;
use crate::telemetry::metrics::Metrics;

/// Bytes of an answer that are read; a longer one is no answer.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long a connection may take before the next host is tried.
const CONNECT: Duration = Duration::from_secs(3);

/// Pause before the one repetition of a profile request that WeChat was too busy for.
const PAUSE: Duration = Duration::from_millis(200);

/// Tencent's own API host, and the hosts it names for failures (接口域名).
pub const TENCENT_API: [&str; 3] =
    ["https://api.weixin.qq.com", "https://api2.weixin.qq.com", "https://sh.api.weixin.qq.com"];

/// Tencent's own host for browser pages.
pub const TENCENT_OPEN: &str = "https://open.weixin.qq.com";

/// An app registered with WeChat.
#[derive(Clone, Debug)]
pub struct App {
    /// AppID.
    pub id: String,
    /// AppSecret.
    pub secret: Secret,
}

/// Where WeChat is.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// API hosts in the order in which they are tried; only a failed connection moves on to the next.
    pub api_bases: Vec<String>,
    /// Whole time of one call, however many hosts are tried.
    pub timeout: Duration,
}

/// The server API.
#[derive(Clone, Debug)]
pub struct WechatApi {
    client: reqwest::Client,
    settings: ApiSettings,
    pub(super) metrics: Arc<Metrics>,
}

/// A person as the code showed them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// Their account under the app.
    pub account: Account,
    /// Their unionid, if WeChat gave one.
    pub unionid: Option<String>,
    /// Name and picture; empty when WeChat could not give them.
    pub profile: Profile,
}

/// A sign-in that WeChat did not complete.
#[derive(Debug, Error)]
pub enum WechatError {
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
    /// Too many sign-ins at once, or too many codes for one of them: WeChat was not asked.
    #[error("too many sign-ins at once")]
    Crowded,
    /// WeChat said no.
    #[error("WeChat answered {errcode}: {errmsg} ({})", errcode.advice())]
    Errcode {
        /// Which call.
        api: &'static str,
        /// The number.
        errcode: Errcode,
        /// Its words, with the `rid` Tencent's support asks for.
        errmsg: String,
        /// What to do about it.
        reaction: Reaction,
    },
    /// The person is a snapshot page's virtual user (快照页).
    #[error("a snapshot page's virtual user: the person has to tap 使用完整服务")]
    Snapshot,
    /// No answer: refused, cut, or too slow.
    #[error("WeChat could not be reached: {}", told(.0))]
    Unreachable(reqwest::Error),
    /// No answer of the program that keeps the account's token.
    #[error("token_server could not be reached: {}", told(.0))]
    TokenServer(reqwest::Error),
    /// An answer that is none.
    #[error("WeChat's answer to {api} cannot be read (status {status}, {length} bytes)")]
    Unreadable {
        /// Which call.
        api: &'static str,
        /// HTTP status.
        status: u16,
        /// Bytes read.
        length: usize,
    },
}

impl WechatError {
    /// The number that WeChat said, if it said one.
    pub fn errcode(&self) -> Option<i64> {
        if let Self::Errcode { errcode, .. } = self { Some(errcode.0) } else { None }
    }

    /// What to do about it.
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::Errcode { reaction, .. } => *reaction,
            Self::Client(_)
            | Self::Crowded
            | Self::Snapshot
            | Self::TokenServer(_)
            | Self::Unreachable(_)
            | Self::Unreadable { .. } => Reaction::Busy,
        }
    }
}

impl WechatApi {
    /// A client that follows no redirects, keeps deadlines, and honours `HTTPS_PROXY`.
    pub fn new(settings: ApiSettings, metrics: Arc<Metrics>) -> Result<Self, WechatError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT.min(settings.timeout))
            .pool_idle_timeout(Duration::from_secs(60))
            .user_agent(concat!("wxgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| WechatError::Client(error.without_url()))?;
        Ok(Self { client, settings, metrics })
    }

    /// Spends `code` and finds out who the person is. The code is sent once and never again.
    pub async fn identify(&self, app: &App, code: &str) -> Result<Arrival, WechatError> {
        const API: &str = "sns/oauth2/access_token";
        let parameters = [
            ("appid", app.id.as_str()),
            ("secret", app.secret.reveal()),
            ("code", code),
            ("grant_type", "authorization_code"),
        ];
        let (status, body) = self.call(API, &parameters, None).await?;
        let answer = wire::token_answer(&body)
            .map_err(|error| self.refuse(API, status, body.len(), error, Errcode::reaction))?;
        self.metrics.wechat(API, "0".to_owned());
        if answer.is_snapshot {
            return Err(WechatError::Snapshot);
        }
        let (profile, later_unionid) = match answer.tells_profile {
            true => self.profile(&answer).await?,
            false => Default::default(),
        };
        let account = Account { app_id: app.id.clone(), openid: answer.openid };
        Ok(Arrival { account, unionid: answer.unionid.or(later_unionid), profile })
    }

    /// Name and picture. An unreadable or missing answer is no obstacle: who the person is, is known already.
    async fn profile(&self, token: &wire::TokenAnswer) -> Result<(Profile, Option<String>), WechatError> {
        match self.request_profile(token).await {
            Err(WechatError::Errcode { reaction: Reaction::Busy, .. }) => {
                tokio::time::sleep(PAUSE).await;
                self.request_profile(token).await.or_else(without_profile)
            }
            result => result.or_else(without_profile),
        }
    }

    async fn request_profile(
        &self,
        token: &wire::TokenAnswer,
    ) -> Result<(Profile, Option<String>), WechatError> {
        const API: &str = "sns/userinfo";
        let parameters =
            [("access_token", token.access_token.as_str()), ("openid", &token.openid), ("lang", "zh_CN")];
        let (status, body) = self.call(API, &parameters, None).await?;
        let answer = wire::profile_answer(&body, &token.openid)
            .map_err(|error| self.refuse(API, status, body.len(), error, Errcode::reaction_to_profile))?;
        self.metrics.wechat(API, "0".to_owned());
        Ok(answer)
    }

    /// One GET, or one POST of `json`. Only a connection that was never made moves on to the next host: once bytes have
    /// left, a code may be spent.
    pub(super) async fn call(
        &self,
        api: &'static str,
        parameters: &[(&str, &str)],
        json: Option<&Value>,
    ) -> Result<(u16, Vec<u8>), WechatError> {
        let deadline = clock::instant() + self.settings.timeout;
        let mut bases = self.settings.api_bases.iter().peekable();
        while let Some(base) = bases.next() {
            let left = deadline.saturating_duration_since(clock::instant());
            match self.call_host(base, api, parameters, json, left).await {
                Err(error) if error.is_connect() && bases.peek().is_some() => {
                    tracing::warn!(%api, host = %base, "cannot connect to WeChat; trying the next host");
                }
                Err(error) => {
                    self.metrics.wechat(api, "unreachable".to_owned());
                    return Err(WechatError::Unreachable(error.without_url()));
                }
                Ok(answer) => return Ok(answer),
            }
        }
        Err(WechatError::Unreadable { api, status: 0, length: 0 })
    }

    async fn call_host(
        &self,
        base: &str,
        api: &str,
        parameters: &[(&str, &str)],
        json: Option<&Value>,
        left: Duration,
    ) -> Result<(u16, Vec<u8>), reqwest::Error> {
        let address = format!("{base}/{api}");
        let request = match json {
            None => self.client.get(address),
            // Text as it is: WeChat does not take \u escapes everywhere.
            Some(json) => {
                self.client.post(address).body(json.to_string()).header(CONTENT_TYPE, "application/json")
            }
        };
        self.read(request.query(parameters).timeout(left)).await
    }

    /// Asks the program of the administrator's that keeps the account's token, within the same bounds.
    pub(super) async fn ask(
        &self,
        api: &'static str,
        address: &str,
        secret: Option<&Secret>,
    ) -> Result<(u16, Vec<u8>), WechatError> {
        let request = self.client.get(address).timeout(self.settings.timeout);
        let request = match secret {
            Some(secret) => request.bearer_auth(secret.reveal()),
            None => request,
        };
        self.read(request).await.map_err(|error| {
            self.metrics.wechat(api, "unreachable".to_owned());
            WechatError::TokenServer(error.without_url())
        })
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), reqwest::Error> {
        let mut response = request.send().await?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ANSWER {
                body.truncate(LONGEST_ANSWER);
                break;
            }
        }
        Ok((status, body))
    }

    pub(super) fn refuse(
        &self,
        api: &'static str,
        status: u16,
        length: usize,
        error: Unusable,
        reaction: impl Fn(Errcode) -> Reaction,
    ) -> WechatError {
        match error {
            Unusable::Refused(refused) => {
                self.metrics.wechat(api, refused.errcode.to_string());
                let reaction = reaction(refused.errcode);
                WechatError::Errcode { api, errcode: refused.errcode, errmsg: refused.errmsg, reaction }
            }
            Unusable::Unreadable => {
                self.metrics.wechat(api, "unreadable".to_owned());
                WechatError::Unreadable { api, status, length }
            }
        }
    }
}

/// Signs in without name and picture where only those are missing.
fn without_profile(error: WechatError) -> Result<(Profile, Option<String>), WechatError> {
    match error {
        WechatError::Unreachable(_) | WechatError::Unreadable { .. } => {
            tracing::warn!(error = %error, "signing in without name and picture");
            Ok((Profile::default(), None))
        }
        WechatError::Errcode { reaction: Reaction::Busy, .. } => {
            tracing::warn!(error = %error, "signing in without name and picture");
            Ok((Profile::default(), None))
        }
        error => Err(error),
    }
}

/// Reads hostile bytes as WeChat's answers; for fuzzing.
pub fn read_anything(body: &[u8]) {
    wire::read_anything(body);
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;

    /// A host that never completes a handshake: its queue is full and nobody accepts.
    struct Silent {
        base: String,
        _listener: Socket,
        _queued: Vec<Socket>,
    }

    impl Silent {
        fn new() -> Self {
            let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
            listener.listen(0).unwrap();
            let address = listener.local_addr().unwrap();
            let queued = (0..4).map(|_| {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                socket.set_nonblocking(true).unwrap();
                let _ = socket.connect(&address);
                socket
            });
            let base = format!("http://{}", address.as_socket().unwrap());
            Self { base, _queued: queued.collect(), _listener: listener }
        }
    }

    #[tokio::test]
    async fn many_silent_hosts_take_no_longer_than_one() {
        // So many that one after the other would take three times as long as a busy computer may.
        let hosts: Vec<Silent> = (0..18).map(|_| Silent::new()).collect();
        let api_bases = hosts.iter().map(|host| host.base.clone()).collect();
        let timeout = Duration::from_millis(400);
        let api = WechatApi::new(ApiSettings { api_bases, timeout }, Arc::new(Metrics::new(1))).unwrap();
        let app = App { id: "wx1".to_owned(), secret: Secret::new("s".to_owned()) };
        let began = clock::instant();
        let result = api.identify(&app, "code").await;
        assert!(matches!(result, Err(WechatError::Unreachable(_))), "{result:?}");
        assert!(began.elapsed() < timeout * 6, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn the_next_host_is_asked_when_one_refuses_the_connection() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api_bases =
            vec![format!("http://{refusing}"), format!("http://{}", listener.local_addr().unwrap())];
        let api = WechatApi::new(
            ApiSettings { api_bases, timeout: Duration::from_secs(5) },
            Arc::new(Metrics::new(1)),
        )
        .unwrap();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_buf(&mut Vec::new()).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"errcode\":40029}")
                .await
                .unwrap();
        });
        let app = App { id: "wx1".to_owned(), secret: Secret::new("s".to_owned()) };
        let error = api.identify(&app, "code").await.unwrap_err();
        assert_eq!(error.reaction(), Reaction::Restart, "{error}");
        answering.await.unwrap();
    }
}
