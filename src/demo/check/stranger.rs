//! A stranger, and an administrator.

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;

use super::super::DemoSettings;
use super::super::browser::unescaped;
use super::super::parts::Demo;
use super::super::phone::{self, WECHAT};
use super::visitor::{Visitor, between, location, step, token};
use crate::wechat::simulator::Consent;

/// Somebody nobody knows asks for access, and the administrator lets them in.
pub(super) async fn check(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let people = phone::people();
    let (admin, stranger) = people.first().zip(people.get(2)).context("nobody holds the pretend phone")?;
    let page = format!("{}/?from=stranger", demo.gateway_url);
    let mut asking = Visitor::new(WECHAT)?;
    sign_in(&mut asking, demo, stranger.name()).await?;
    let answer = asking.get(&page).await?;
    ensure!(answer.status() == StatusCode::FORBIDDEN, "a stranger is let in: {}", answer.status());
    step("a stranger is signed in, and may not enter", &answer);
    let form = format!("token={}&to=/&message=check", token(&answer.text().await?)?);
    let answer = asking.submit(&format!("{}/_wxgate/request", demo.gateway_url), form).await?;
    location(&answer, StatusCode::SEE_OTHER)?;
    step("the stranger asks for access", &answer);

    let mut deciding = Visitor::new(WECHAT)?;
    sign_in(&mut deciding, demo, admin.name()).await?;
    let answer = deciding.get(&format!("{}/_wxgate/admin", demo.gateway_url)).await?;
    let text = unescaped(&answer.text().await?).into_owned();
    ensure!(text.contains(stranger.name()), "the administrator does not see who asks");
    println!("  ok   the administrator {} sees who asks", admin.name());
    let address =
        between(&text, "action=\"/_wxgate/admin/members/", "\"").context("no form for the one who asks")?;
    let form = format!("token={}&do=approve&groups=", token(&text)?);
    let answer =
        deciding.submit(&format!("{}/_wxgate/admin/members/{address}", demo.gateway_url), form).await?;
    location(&answer, StatusCode::SEE_OTHER)?;
    step("the administrator approves", &answer);
    asking.expect_application(demo, settings, &page, stranger.name()).await
}

/// Signs somebody in inside WeChat.
async fn sign_in(browser: &mut Visitor, demo: &Demo, name: &str) -> anyhow::Result<()> {
    let login = format!("{}/_wxgate/login?way=wechat&to=/", demo.gateway_url);
    let authorize = location(&browser.get(&login).await?, StatusCode::FOUND)?;
    demo.simulator.script().consent(Consent::Allow(name.to_owned()));
    let callback = location(&browser.get(&authorize).await?, StatusCode::FOUND)?;
    location(&browser.get(&callback).await?, StatusCode::SEE_OTHER)?;
    Ok(())
}
