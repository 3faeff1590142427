//! `wxgate demo --check`: a whole login without a browser, step by step.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE, USER_AGENT};
use reqwest::{Client, Method, Response, StatusCode};

use super::parts::{self, Demo};
use super::{DemoSettings, phone};

const COMPUTER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36";
const WECHAT: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) MicroMessenger/8.0.49(0x18003137)";

/// Drives both ways in on a demo of its own, and prints each step.
pub async fn check(settings: &DemoSettings) -> anyhow::Result<()> {
    let demo = parts::start(&DemoSettings { port: 0, ..settings.clone() }).await?;
    println!("gateway on {}, simulated WeChat on {}", demo.gateway_url, demo.wechat_url);
    on_a_computer(&demo, settings).await.context("on a computer")?;
    inside_wechat(&demo, settings).await.context("inside WeChat")?;
    println!("all steps passed");
    Ok(())
}

async fn on_a_computer(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let mut browser = Browser::new(COMPUTER)?;
    let page = format!("{}/?from=check", demo.gateway_url);
    let answer = browser.get(&page).await?;
    let login = location(&answer, StatusCode::FOUND)?;
    step("an anonymous visitor is stopped at the gate", &answer);
    let answer = browser.get(&format!("{}{login}", demo.gateway_url)).await?;
    let qr = location(&answer, StatusCode::FOUND)?;
    ensure!(qr.ends_with("#wechat_redirect") && qr.starts_with(&demo.wechat_url), "not WeChat's page: {qr}");
    step("the computer is sent to WeChat's QR page", &answer);
    let answer = browser.get(&qr).await?;
    ensure!(answer.status() == StatusCode::OK, "no QR page");
    step("WeChat shows a QR code", &answer);

    let person = phone::people().into_iter().next().context("nobody holds the pretend phone")?;
    let scan = demo.simulator.waiting_scans().into_iter().next().context("no QR code waits for a phone")?;
    demo.simulator.scan(&scan.uuid, person.name())?;
    demo.simulator.confirm(&scan.uuid)?;
    println!("  ok   {} scans the code and allows the sign-in", person.name());
    let wait = format!("{}/connect/qrconnect/wait?uuid={}", demo.wechat_url, scan.uuid);
    let callback = location(&browser.get(&wait).await?, StatusCode::FOUND)?;
    let answer = browser.get(&callback).await?;
    ensure!(location(&answer, StatusCode::SEE_OTHER)? == "/?from=check", "not back on the page asked for");
    step("the callback signs in and leads back to the page asked for", &answer);
    browser.expect_application(demo, settings, &page, person.name()).await?;

    let answer = browser.send(Method::POST, &format!("{}/_wxgate/logout", demo.gateway_url)).await?;
    ensure!(answer.status() == StatusCode::OK, "signing out failed: {}", answer.status());
    step("signing out", &answer);
    let answer = browser.get(&page).await?;
    location(&answer, StatusCode::FOUND)?;
    step("the gate is closed again", &answer);
    Ok(())
}

async fn inside_wechat(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let mut browser = Browser::new(WECHAT)?;
    let person = phone::people().into_iter().nth(1).context("no second person holds the pretend phone")?;
    let answer = browser.get(&format!("{}/_wxgate/login?to=/?from=phone", demo.gateway_url)).await?;
    ensure!(answer.status() == StatusCode::OK, "no page with a button");
    step("inside WeChat a page explains and shows one button", &answer);
    let answer =
        browser.get(&format!("{}/_wxgate/login?way=wechat&to=/?from=phone", demo.gateway_url)).await?;
    let authorize = location(&answer, StatusCode::FOUND)?;
    step("the button leads to WeChat's consent page", &answer);
    demo.simulator.script().consent(crate::wechat::simulator::Consent::Allow(person.name().to_owned()));
    let callback = location(&browser.get(&authorize).await?, StatusCode::FOUND)?;
    println!("  ok   {} allows the sign-in", person.name());
    let answer = browser.get(&callback).await?;
    ensure!(location(&answer, StatusCode::SEE_OTHER)? == "/?from=phone", "not back on the page asked for");
    step("the callback signs in and leads back to the page asked for", &answer);
    browser
        .expect_application(demo, settings, &format!("{}/?from=phone", demo.gateway_url), person.name())
        .await
}

fn step(what: &str, answer: &Response) {
    println!("  ok   {what} ({})", answer.status().as_u16());
}

fn location(answer: &Response, status: StatusCode) -> anyhow::Result<String> {
    ensure!(answer.status() == status, "answered {} where {status} was expected", answer.status());
    let location = answer.headers().get(LOCATION).context("no Location")?;
    Ok(location.to_str().context("Location is no text")?.to_owned())
}

/// Just enough of a browser: cookies of the gateway, navigations, no redirects followed.
struct Browser {
    client: Client,
    user_agent: &'static str,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new(user_agent: &'static str) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, user_agent, cookies: BTreeMap::new() })
    }

    async fn get(&mut self, url: &str) -> anyhow::Result<Response> {
        self.send(Method::GET, url).await
    }

    async fn send(&mut self, method: Method, url: &str) -> anyhow::Result<Response> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = self
            .client
            .request(method, url)
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT, "text/html")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", "same-origin")
            .header(COOKIE, cookies.join("; "))
            .send()
            .await?;
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
    async fn expect_application(
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
