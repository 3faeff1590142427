//! A computer, WeChat's QR page and a phone: in, and out again.

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};

use super::super::parts::Demo;
use super::super::{DemoSettings, phone};
use super::visitor::{COMPUTER, Visitor, location, step};

/// WeChat's own QR page, and out again.
pub(super) async fn check(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let mut browser = Visitor::new(COMPUTER)?;
    let page = format!("{}/?from=check", demo.gateway_url);
    let answer = browser.get(&page).await?;
    let login = location(&answer, StatusCode::FOUND)?;
    step("an anonymous visitor is stopped at the gate", &answer);
    let answer = browser.get(&format!("{}{login}", demo.gateway_url)).await?;
    ensure!(answer.status() == StatusCode::OK, "no page to choose on");
    step("the computer is asked which way in", &answer);
    let page_text = answer.text().await?;
    for way in ["qr", "follow", "code", "link"] {
        ensure!(page_text.contains(&format!("way={way}&amp;")), "{way} is not offered");
    }
    let answer = browser.get(&format!("{}/_wxgate/login?way=qr&to=/?from=check", demo.gateway_url)).await?;
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
