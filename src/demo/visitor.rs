//! The visitors of `wxgate demo --check`: just enough of a browser.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, SET_COOKIE, USER_AGENT};
use reqwest::{Client, Method, Response};

use super::DemoSettings;
use super::parts::Demo;

/// Cookies of the gateway, navigations, no redirects followed.
pub(super) struct Browser {
    client: Client,
    user_agent: &'static str,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(super) fn new(user_agent: &'static str) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, user_agent, cookies: BTreeMap::new() })
    }

    pub(super) async fn get(&mut self, url: &str) -> anyhow::Result<Response> {
        self.send(Method::GET, url).await
    }

    pub(super) async fn send(&mut self, method: Method, url: &str) -> anyhow::Result<Response> {
        self.request(method, url, None).await
    }

    /// Sends a form of the page itself.
    pub(super) async fn submit(&mut self, url: &str, form: String) -> anyhow::Result<Response> {
        self.request(Method::POST, url, Some(form)).await
    }

    async fn request(&mut self, method: Method, url: &str, form: Option<String>) -> anyhow::Result<Response> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self
            .client
            .request(method, url)
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT, "text/html")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", "same-origin")
            .header(COOKIE, cookies.join("; "));
        if let Some(form) = form {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        let answer = request.send().await?;
        for line in answer.headers().get_all(SET_COOKIE) {
            let line = line.to_str().unwrap_or_default();
            let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// The application greets the person by name, or (one's own application) at least answers.
    pub(super) async fn expect_application(
        &mut self,
        demo: &Demo,
        settings: &DemoSettings,
        page: &str,
        name: &str,
    ) -> anyhow::Result<()> {
        let answer = self.get(page).await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status.is_redirection() && text.is_empty() {
            bail!("still at the gate after signing in");
        }
        ensure!(!status.is_server_error(), "the application {} answers {status}", demo.application_url);
        if settings.upstream.is_some() {
            println!("  ok   your application answers ({})", status.as_u16());
        } else {
            ensure!(text.contains(name), "the application does not greet {name}");
            println!("  ok   the application greets {name} ({})", status.as_u16());
        }
        Ok(())
    }
}
