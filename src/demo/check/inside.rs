//! Inside WeChat.

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;

use super::super::DemoSettings;
use super::super::parts::Demo;
use super::super::phone::{self, WECHAT};
use super::visitor::{Visitor, location, step};
use crate::wechat::simulator::Consent;

/// One tap the first time, and none the second.
pub(super) async fn check(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let mut browser = Visitor::new(WECHAT)?;
    let person = phone::people().into_iter().nth(1).context("no second person holds the pretend phone")?;
    demo.simulator.script().consent(Consent::Allow(person.name().to_owned()));
    let answer = browser.get(&format!("{}/_wxgate/login?to=/?from=phone", demo.gateway_url)).await?;
    let authorize = location(&answer, StatusCode::FOUND)?;
    step("inside WeChat it is asked without a word who that is", &answer);
    let callback = location(&browser.get(&authorize).await?, StatusCode::FOUND)?;
    let ask = location(&browser.get(&callback).await?, StatusCode::SEE_OTHER)?;
    ensure!(ask.starts_with("/_wxgate/login?way=ask"), "somebody unknown is not asked first: {ask}");
    let answer = browser.get(&format!("{}{ask}", demo.gateway_url)).await?;
    ensure!(answer.status() == StatusCode::OK, "no page with a button");
    step("whoever is not known there gets a page that explains, with a button", &answer);
    let answer =
        browser.get(&format!("{}/_wxgate/login?way=wechat&to=/?from=phone", demo.gateway_url)).await?;
    let authorize = location(&answer, StatusCode::FOUND)?;
    step("the button leads to WeChat's consent page", &answer);
    let callback = location(&browser.get(&authorize).await?, StatusCode::FOUND)?;
    println!("  ok   {} allows the sign-in", person.name());
    let answer = browser.get(&callback).await?;
    ensure!(location(&answer, StatusCode::SEE_OTHER)? == "/?from=phone", "not back on the page asked for");
    step("the callback signs in and leads back to the page asked for", &answer);
    let page = format!("{}/?from=phone", demo.gateway_url);
    browser.expect_application(demo, settings, &page, person.name()).await?;

    let mut later = Visitor::new(WECHAT)?;
    let answer = later.follow(&page).await?;
    ensure!(answer.url().as_str() == page, "asked again, at {}", answer.url());
    step("the next time it takes no tap at all", &answer);
    later.expect_application(demo, settings, &page, person.name()).await
}
