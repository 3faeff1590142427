//! The simulator held against the checklist of the protocol reference, through a real socket.

mod addresses;
mod authorize;
mod cgi_tokens;
mod delivery;
mod exchange;
mod followers;
mod phones;
mod profile;
mod push_check;
mod push_events;
mod push_lies;
mod push_retries;
mod qr;
mod scene_codes;
mod server;

use std::sync::Arc;

use reqwest::{Client, RequestBuilder, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;

const LIN: &str = "林主任 Lin";
const WANG: &str = "王芳 Wang Fang";

const DESKTOP: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36";
const IN_WECHAT: &str = "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Chrome/122.0 Mobile Safari/537.36 \
                         MicroMessenger/8.0.49.2600(0x2800315A) WeChat/arm64 Weixin NetType/5G Language/zh_CN";
const IN_WECOM: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0) Mobile/15E148 wxwork/4.1.6 MicroMessenger/7.0.1";

/// A simulator on a port of its own, with one website app and three official accounts.
struct World {
    simulator: Arc<Simulator>,
    base: String,
    client: Client,
    _stop: oneshot::Sender<()>,
}

impl World {
    async fn start() -> Self {
        let apps = vec![
            App::website("wxweb", "web-secret", "app.example").bound_to("platform"),
            App::official_account("wxoa", "oa-secret", "app.example").bound_to("platform"),
            App::official_account("wxother", "other-secret", "other.example"),
            App::official_account("wxsub", "sub-secret", "app.example").of_type(AccountType::Subscription),
        ];
        let simulator = Simulator::new(apps, vec![Person::new(LIN), Person::new(WANG)]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(Arc::clone(&simulator).serve(listener, async { _ = stopped.await }));
        let client = Client::builder()
            .user_agent(DESKTOP)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { simulator, base, client, _stop: stop }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    async fn page(&self, path: &str) -> Page {
        Page::of(self.get(path).send().await.unwrap()).await
    }

    async fn in_app(&self, path: &str) -> Page {
        Page::of(self.get(path).header("user-agent", IN_WECHAT).send().await.unwrap()).await
    }

    /// The JSON of an API answer.
    async fn api(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/plain".parse().unwrap())
        );
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// The JSON of an answer of `cgi-bin`.
    async fn cgi(&self, request: RequestBuilder) -> serde_json::Value {
        let answer = request.send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!((answer.status().as_u16(), kind.as_str()), (200, "application/json; encoding=utf-8"));
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// What `stable_token` answers to this.
    async fn stable(&self, body: serde_json::Value) -> serde_json::Value {
        self.cgi(self.post("/cgi-bin/stable_token").json(&body)).await
    }

    /// A good token of this account.
    async fn token(&self, app_id: &str) -> String {
        let secret = self.simulator.app(app_id).unwrap().secret().to_owned();
        let answer = self.stable(asking(app_id, &secret, false)).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    /// Exchanges a code of the official account.
    async fn exchange(&self, code: &str) -> serde_json::Value {
        self.api(&exchange_of(code)).await
    }
}

/// A page as a browser gets it.
struct Page {
    status: u16,
    location: Option<String>,
    text: String,
}

impl Page {
    async fn of(answer: Response) -> Self {
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        Self { status, location, text: answer.text().await.unwrap() }
    }

    /// Whether this is an error page: 200, no redirect, and these words on it.
    fn complains(&self, words: &str) -> bool {
        (self.status, &self.location) == (200, &None) && self.text.contains(words)
    }

    fn code(&self) -> String {
        let location = self.location.as_deref().expect("a redirect");
        let code = location.split_once("code=").expect("a code").1;
        code.split(['&', '#']).next().unwrap().to_owned()
    }
}

fn exchange_of(code: &str) -> String {
    format!("/sns/oauth2/access_token?appid=wxoa&secret=oa-secret&code={code}&grant_type=authorization_code")
}

const CALLBACK: &str = "https%3A%2F%2Fapp.example%2Fcb";

fn authorize(scope: &str) -> String {
    let fixed = "response_type=code";
    format!("/connect/oauth2/authorize?appid=wxoa&redirect_uri={CALLBACK}&{fixed}&scope={scope}&state=abc")
}

fn qr_connect() -> String {
    let fixed = "response_type=code&scope=snsapi_login";
    format!("/connect/qrconnect?appid=wxweb&redirect_uri={CALLBACK}&{fixed}&state=abc")
}

/// The body of `stable_token`.
fn asking(app_id: &str, secret: &str, is_forced: bool) -> serde_json::Value {
    serde_json::json!({
        "grant_type": "client_credential", "appid": app_id, "secret": secret, "force_refresh": is_forced,
    })
}
