//! One screen signs in by the other: by the account's code, by digits in its chat, by a link opened in WeChat.

use anyhow::{Context as _, bail, ensure};
use reqwest::{Response, StatusCode};

use super::super::DemoSettings;
use super::super::account::ACCOUNT_APP;
use super::super::browser::unescaped;
use super::super::parts::Demo;
use super::super::phone::{self, WECHAT};
use super::visitor::{COMPUTER, PHONE, Visitor, between, location, step, token};
use crate::wechat::simulator::Consent;

/// A browser that waits for a phone.
struct Waiting {
    browser: Visitor,
    page_url: String,
    page: String,
}

/// Somebody who follows the account scans its code, and somebody who follows it by that.
pub(super) async fn by_code(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let people = phone::people();
    let (follower, newcomer) = people.first().zip(people.last()).context("nobody holds the pretend phone")?;
    for (person, follows) in [(follower, true), (newcomer, false)] {
        let mut computer = Waiting::begin(demo, COMPUTER, "follow").await?;
        let picture = between(&computer.page, "id=\"code\" src=\"", "\"").context("no code on the page")?;
        let picture = format!("{}{}", demo.gateway_url, unescaped(picture));
        let answer = computer.browser.get(&picture).await?;
        ensure!(answer.status() == StatusCode::OK, "no code: {}", answer.status());
        step("the computer shows a code of the account", &answer);
        let code = demo.simulator.open_codes().pop().context("WeChat has made no code")?;
        ensure!(demo.simulator.follows(person.name(), ACCOUNT_APP) == follows, "who follows the account?");
        let delivered = demo.simulator.scan_code(person.name(), &code.url).await?;
        let message = delivered.said().context("the account says nothing to the scan")?;
        let by = if follows { "scans it" } else { "scans it, and follows the account by that" };
        println!("  ok   {} {by}; the account asks in the chat", person.name());
        let link = between(message, "href=\"", "\"").context("no link in the chat")?;
        confirm(demo, person.name(), link).await?;
        computer.expect_in(demo, settings, person.name()).await?;
    }
    Ok(())
}

/// Digits, and a second word.
pub(super) async fn by_digits(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let person = phone::people().into_iter().nth(1).context("no second person holds the pretend phone")?;
    let computer = Waiting::begin(demo, COMPUTER, "code").await?;
    let ticket = between(&computer.page, "class=\"ticket\"", "</p>").context("no digits on the page")?;
    let digits = between(ticket, "<strong>", "</strong>").context("no digits on the page")?;
    for (written, expected) in
        [(digits.to_owned(), format!("Y{digits}")), (format!("Y{digits}"), "Allowed".to_owned())]
    {
        let delivered = demo.simulator.write(person.name(), ACCOUNT_APP, &written).await?;
        let said = delivered.said().unwrap_or_default();
        ensure!(said.contains(&expected), "the account says {said:?} to {written}");
    }
    println!("  ok   {} writes the digits to the account, and Y before them when asked", person.name());
    computer.expect_in(demo, settings, person.name()).await
}

/// A phone's own browser, and WeChat beside it.
pub(super) async fn by_link(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let person = phone::people().into_iter().next().context("nobody holds the pretend phone")?;
    let safari = Waiting::begin(demo, PHONE, "link").await?;
    let field = between(&safari.page, "id=\"page-url\"", ">").context("no link on the page")?;
    let link = between(field, "value=\"", "\"").context("no link on the page")?;
    confirm(demo, person.name(), &unescaped(link)).await?;
    safari.expect_in(demo, settings, person.name()).await
}

impl Waiting {
    async fn begin(demo: &Demo, user_agent: &'static str, way: &str) -> anyhow::Result<Self> {
        let mut browser = Visitor::new(user_agent)?;
        let login = format!("{}/_wxgate/login?way={way}&to=/?from={way}", demo.gateway_url);
        let page_url =
            format!("{}{}", demo.gateway_url, location(&browser.get(&login).await?, StatusCode::FOUND)?);
        let answer = browser.get(&page_url).await?;
        ensure!(answer.status() == StatusCode::OK, "no page that waits: {}", answer.status());
        step(&format!("a browser waits for a phone ({way})"), &answer);
        let page = answer.text().await?;
        Ok(Self { browser, page_url, page })
    }

    /// The phone has allowed it: the page leads to the application.
    async fn expect_in(mut self, demo: &Demo, settings: &DemoSettings, name: &str) -> anyhow::Result<()> {
        let answer = self.browser.get(&self.page_url).await?;
        let to = location(&answer, StatusCode::SEE_OTHER)?;
        step("the browser that waited is signed in", &answer);
        let page = format!("{}{to}", demo.gateway_url);
        self.browser.expect_application(demo, settings, &page, name).await
    }
}

/// Opens the link in WeChat, reads what is asked, and says yes.
async fn confirm(demo: &Demo, name: &str, link: &str) -> anyhow::Result<()> {
    demo.simulator.script().consent(Consent::Allow(name.to_owned()));
    let mut wechat = Visitor::new(WECHAT)?;
    let page = question(wechat.follow(link).await?).await?;
    let call = between(&page, "name=\"c\" value=\"", "\"").context("the page has no form")?;
    let form = format!("token={}&c={call}&say=allow", token(&page)?);
    let answer = wechat.submit(&format!("{}/_wxgate/confirm", demo.gateway_url), form).await?;
    ensure!(answer.status() == StatusCode::OK, "not allowed: {}", answer.status());
    step(&format!("{name} is asked in WeChat, and allows it"), &answer);
    Ok(())
}

async fn question(answer: Response) -> anyhow::Result<String> {
    let (status, url) = (answer.status(), answer.url().clone());
    if status != StatusCode::OK {
        bail!("no question in WeChat, but {status} at {url}");
    }
    Ok(answer.text().await?)
}
