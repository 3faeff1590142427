//! What an administrator asks WeChat: are AppID and AppSecret right, may this server come in, is the host registered?
//!
//! None of it changes anything there: no token ends, no code is spent or made. Secrets travel in the URLs, so errors have none.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::account::TokenSource;
use super::api::App;
use super::authorize;
use super::errcode::Errcode;
use super::wire::{self, Unusable};
use crate::model::clock;
use crate::model::http_date::{self, Reading};
use crate::model::secret::Secret;
use crate::seal::{hex, random};

/// Bytes of an answer that are read. WeChat's pages are larger than the answers of its API.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Asks WeChat.
#[derive(Clone, Debug)]
pub struct Inquiry {
    client: Client,
    bases: Vec<String>,
    patience: Duration,
}

/// What WeChat said, and what its clock showed.
#[derive(Debug)]
pub struct Heard<T> {
    /// What was asked for, or why not.
    pub answer: Result<T, No>,
    /// Its clock.
    pub reading: Option<Reading>,
}

/// WeChat did not say yes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum No {
    /// By a number.
    Errcode {
        /// The number.
        errcode: Errcode,
        /// Its words.
        errmsg: String,
    },
    /// By something that is none of WeChat's answers.
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
}

/// There was no answer.
#[derive(Debug)]
pub struct Unreached {
    /// Where nobody answered: the last address that was tried, without what was asked.
    pub base: String,
    /// Why; `None` when it took too long.
    pub error: Option<reqwest::Error>,
}

/// What WeChat's page for the QR code shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginPage {
    /// A QR code.
    Code,
    /// That this page does not exist for anybody.
    Unreachable,
    /// Something else.
    Unknown,
    /// That the AppID is wrong.
    WrongApp,
    /// That the host is not registered.
    WrongHost,
    /// That the app may not sign people in this way.
    WrongScope,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
    reading: Option<Reading>,
}

impl Inquiry {
    /// Asks by `client` at `bases`, the next one where the first cannot be connected to; each question takes no longer than
    /// `patience`.
    pub fn new(client: Client, bases: Vec<String>, patience: Duration) -> Self {
        Self { client, bases, patience }
    }

    /// A client for that: it follows no redirects, and goes the way that the environment says (`HTTPS_PROXY`).
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn client() -> Result<Client, reqwest::Error> {
        let client = Client::builder().redirect(Policy::none());
        client.user_agent(concat!("wxgate/", env!("CARGO_PKG_VERSION"))).build()
    }

    /// Whether AppID and AppSecret are right: WeChat looks at them before it looks at the code, which is made up.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn app_secret(&self, app: &App) -> Result<Heard<()>, Unreached> {
        let code = hex(&random::<16>());
        let parameters = [
            ("appid", app.id.as_str()),
            ("secret", app.secret.reveal()),
            ("code", &code),
            ("grant_type", "authorization_code"),
        ];
        let answer = self
            .ask(|client, base| client.get(format!("{base}/sns/oauth2/access_token")).query(&parameters))
            .await?;
        Ok(answer.heard(|body| match wire::token_answer(body) {
            Err(Unusable::Refused(refused)) if matches!(refused.errcode.0, 40029 | 40163 | 42003) => Ok(()),
            other => other.map(drop),
        }))
    }

    /// The account's token, which is the one that everybody else has.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn token(&self, app: &App, source: &TokenSource) -> Result<Heard<Secret>, Unreached> {
        let answer = match source {
            TokenSource::Stable => {
                let body = json!({
                    "grant_type": "client_credential",
                    "appid": app.id,
                    "secret": app.secret.reveal(),
                    "force_refresh": false,
                })
                .to_string();
                self.ask(|client, base| posted(client, base, "cgi-bin/stable_token", &body)).await?
            }
            TokenSource::Server { url, secret } => {
                let request = self.client.get(url);
                let request = match secret {
                    Some(secret) => request.bearer_auth(secret.reveal()),
                    None => request,
                };
                let base = origin(url);
                let answer = timeout_at(Instant::now() + self.patience, read(request)).await;
                answer
                    .map_err(|_| Unreached { base: base.clone(), error: None })?
                    .map_err(|error| Unreached { base, error: Some(error) })?
            }
        };
        Ok(answer.heard(|body| Ok(Secret::new(wire::account_token_answer(body)?.access_token))))
    }

    /// Whether the account may make codes to scan. What is asked for is not whole, so that none is made: WeChat looks at
    /// the permission before it looks at that.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn may_make_codes(&self, token: &Secret) -> Result<Heard<()>, Unreached> {
        let body = json!({ "expire_seconds": 60, "action_name": "QR_STR_SCENE" }).to_string();
        let answer = self
            .ask(|client, base| {
                posted(client, base, "cgi-bin/qrcode/create", &body)
                    .query(&[("access_token", token.reveal())])
            })
            .await?;
        Ok(answer.heard(|body| match wire::code_answer(body) {
            Err(Unusable::Refused(refused)) if is_about_request(refused.errcode) => Ok(()),
            other => other.map(drop),
        }))
    }

    /// What WeChat's page for the QR code shows when browsers are to come back to `callback`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn login_page(
        &self,
        open_base: &str,
        app_id: &str,
        callback: &str,
    ) -> Result<LoginPage, Unreached> {
        let page = authorize::qr_page(open_base, app_id, callback, &hex(&random::<16>()), None);
        let unreached = |error| Unreached { base: open_base.to_owned(), error };
        let answer = timeout_at(Instant::now() + self.patience, read(self.client.get(page))).await;
        let answer = answer.map_err(|_| unreached(None))?.map_err(|error| unreached(Some(error)))?;
        let page = String::from_utf8_lossy(&answer.body);
        let shows = [
            ("redirect_uri 参数错误", LoginPage::WrongHost),
            ("AppID 参数错误", LoginPage::WrongApp),
            ("Scope 参数错误", LoginPage::WrongScope),
            ("该链接无法访问", LoginPage::Unreachable),
            ("/connect/qrcode/", LoginPage::Code),
        ];
        let shown = shows.into_iter().find(|(words, _)| page.contains(words));
        Ok(shown.map_or(LoginPage::Unknown, |(_, shown)| shown))
    }

    async fn ask(&self, request: impl Fn(&Client, &str) -> RequestBuilder) -> Result<Answer, Unreached> {
        let deadline = Instant::now() + self.patience;
        let mut bases = self.bases.iter().peekable();
        while let Some(base) = bases.next() {
            let error = match timeout_at(deadline, read(request(&self.client, base))).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if error.is_connect() && bases.peek().is_some() => continue,
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            return Err(Unreached { base: base.clone(), error });
        }
        Err(Unreached { base: String::new(), error: None })
    }
}

impl Answer {
    fn heard<T>(self, read: impl FnOnce(&[u8]) -> Result<T, Unusable>) -> Heard<T> {
        let answer = read(&self.body).map_err(|error| match error {
            Unusable::Refused(refused) => No::Errcode { errcode: refused.errcode, errmsg: refused.errmsg },
            Unusable::Unreadable => No::Unreadable { status: self.status },
        });
        Heard { answer, reading: self.reading }
    }
}

fn posted(client: &Client, base: &str, path: &str, json: &str) -> RequestBuilder {
    client.post(format!("{base}/{path}")).body(json.to_owned()).header(CONTENT_TYPE, "application/json")
}

async fn read(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let asked = clock::now();
    let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
    let answered = clock::now();
    let date = response.headers().get(DATE).and_then(|date| http_date::parse(date.to_str().ok()?));
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        let room = LONGEST_ANSWER - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() == LONGEST_ANSWER {
            break;
        }
    }
    Ok(Answer { status, body, reading: date.map(|date| Reading { asked, answered, date }) })
}

/// Complaints about what was asked, by whoever would have made it.
fn is_about_request(errcode: Errcode) -> bool {
    matches!(errcode.0, 40033 | 40035 | 40050..=40059 | 40097 | 41000..=41999 | 44000..=44999 | 47001..=47999)
        && errcode.0 != 41001
}

/// Scheme and host of an address, without what else stands there.
fn origin(url: &str) -> String {
    url::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
