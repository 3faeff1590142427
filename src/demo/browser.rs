//! Just enough of a browser: for the visitors of `wxgate demo --check`, and for WeChat's own on the pretend phone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, SET_COOKIE, USER_AGENT};
use reqwest::{Client, Method, Response};
use url::Url;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Cookies by host, navigations, no redirects followed, no scripts run.
pub(super) struct Browser {
    client: Client,
    user_agent: &'static str,
    /// By host and name: ports make no difference to cookies.
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    pub(super) fn new(user_agent: &'static str) -> reqwest::Result<Self> {
        let no_redirects = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(no_redirects).timeout(PATIENCE).build()?;
        Ok(Self { client, user_agent, cookies: BTreeMap::new() })
    }

    pub(super) async fn get(&mut self, url: &str) -> anyhow::Result<Response> {
        self.send(Method::GET, url).await
    }

    pub(super) async fn send(&mut self, method: Method, url: &str) -> anyhow::Result<Response> {
        Ok(self.request(method, &url.parse()?, "", None).await?)
    }

    /// Sends a form of the page itself.
    pub(super) async fn submit(&mut self, url: &str, form: String) -> anyhow::Result<Response> {
        Ok(self.request(Method::POST, &url.parse()?, "", Some(form)).await?)
    }

    /// Has a cookie that no page has set.
    pub(super) fn keep(&mut self, host: &str, name: &str, value: &str) {
        self.cookies.insert((host.to_owned(), name.to_owned()), value.to_owned());
    }

    /// Asks for a page in the person's `languages`, or sends a form of it.
    pub(super) async fn request(
        &mut self,
        method: Method,
        url: &Url,
        languages: &str,
        form: Option<String>,
    ) -> reqwest::Result<Response> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let ours = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<String> = ours.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = self
            .client
            .request(method, url.clone())
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT, "text/html")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", "same-origin")
            .header(COOKIE, cookies.join("; "));
        if !languages.is_empty() {
            request = request.header(ACCEPT_LANGUAGE, languages);
        }
        if let Some(form) = form {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        let answer = request.send().await?;
        for line in answer.headers().get_all(SET_COOKIE) {
            let line = line.to_str().unwrap_or_default();
            let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let place = (host.clone(), name.to_owned());
            if line.contains("Max-Age=0") {
                self.cookies.remove(&place);
            } else {
                self.cookies.insert(place, value.to_owned());
            }
        }
        Ok(answer)
    }
}

/// Text of a page as it was meant: what our templates escape, and nothing else.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let known =
        [("&#x2f;", "/"), ("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">")];
    let text = known.iter().fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant));
    Cow::Owned(text.replace("&amp;", "&"))
}
