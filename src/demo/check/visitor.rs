//! Whoever visits the demo during its check, and what they expect.

use std::ops::{Deref, DerefMut};

use anyhow::{Context as _, bail, ensure};
use http::header::LOCATION;
use reqwest::{Response, StatusCode};

use super::super::DemoSettings;
use super::super::browser::Browser;
use super::super::parts::Demo;

pub(super) const COMPUTER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36";
pub(super) const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

/// More redirects than any way in has.
const MOST_REDIRECTS: usize = 10;

/// A browser with expectations.
pub(super) struct Visitor(Browser);

impl Visitor {
    pub(super) fn new(user_agent: &'static str) -> anyhow::Result<Self> {
        Ok(Self(Browser::new(user_agent)?))
    }

    /// Opens a page, however many redirects that takes.
    pub(super) async fn follow(&mut self, url: &str) -> anyhow::Result<Response> {
        let mut answer = self.get(url).await?;
        for _ in 0..MOST_REDIRECTS {
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            let location = location(&answer, answer.status())?;
            let next = answer.url().join(&location)?;
            answer = self.get(next.as_str()).await?;
        }
        bail!("it goes round in circles, at {}", answer.url())
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

impl Deref for Visitor {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.0
    }
}

impl DerefMut for Visitor {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.0
    }
}

/// The token of a page's forms.
pub(super) fn token(page: &str) -> anyhow::Result<&str> {
    between(page, "name=\"token\" value=\"", "\"").context("the page has no form")
}

pub(super) fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(behind).map(|(found, _)| found)
}

pub(super) fn step(what: &str, answer: &Response) {
    println!("  ok   {what} ({})", answer.status().as_u16());
}

pub(super) fn location(answer: &Response, status: StatusCode) -> anyhow::Result<String> {
    ensure!(answer.status() == status, "answered {} where {status} was expected", answer.status());
    let location = answer.headers().get(LOCATION).context("no Location")?;
    Ok(location.to_str().context("Location is no text")?.to_owned())
}
