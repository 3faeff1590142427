//! `wxgate demo --check`: a whole login without a browser, step by step.

use anyhow::{Context as _, ensure};
use http::header::LOCATION;
use reqwest::{Method, Response, StatusCode};

use super::parts::{self, Demo};
use super::visitor::Browser;
use super::{DemoSettings, phone};
use crate::wechat::simulator::Consent;

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
    a_stranger(&demo, settings).await.context("a stranger asks for access")?;
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
    browser
        .expect_application(demo, settings, &format!("{}/?from=phone", demo.gateway_url), person.name())
        .await
}

/// Somebody nobody knows asks for access, and the administrator lets them in.
async fn a_stranger(demo: &Demo, settings: &DemoSettings) -> anyhow::Result<()> {
    let people = phone::people();
    let (admin, stranger) = people.first().zip(people.get(2)).context("nobody holds the pretend phone")?;
    let page = format!("{}/?from=stranger", demo.gateway_url);
    let mut asking = Browser::new(WECHAT)?;
    sign_in(&mut asking, demo, stranger.name()).await?;
    let answer = asking.get(&page).await?;
    ensure!(answer.status() == StatusCode::FORBIDDEN, "a stranger is let in: {}", answer.status());
    step("a stranger is signed in, and may not enter", &answer);
    let form = format!("token={}&to=/&message=check", token(&answer.text().await?)?);
    let answer = asking.submit(&format!("{}/_wxgate/request", demo.gateway_url), form).await?;
    location(&answer, StatusCode::SEE_OTHER)?;
    step("the stranger asks for access", &answer);

    let mut deciding = Browser::new(WECHAT)?;
    sign_in(&mut deciding, demo, admin.name()).await?;
    let answer = deciding.get(&format!("{}/_wxgate/admin", demo.gateway_url)).await?;
    let text = answer.text().await?.replace("&#x2f;", "/");
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
async fn sign_in(browser: &mut Browser, demo: &Demo, name: &str) -> anyhow::Result<()> {
    let login = format!("{}/_wxgate/login?way=wechat&to=/", demo.gateway_url);
    let authorize = location(&browser.get(&login).await?, StatusCode::FOUND)?;
    demo.simulator.script().consent(Consent::Allow(name.to_owned()));
    let callback = location(&browser.get(&authorize).await?, StatusCode::FOUND)?;
    location(&browser.get(&callback).await?, StatusCode::SEE_OTHER)?;
    Ok(())
}

/// The token of a page's forms.
fn token(page: &str) -> anyhow::Result<&str> {
    between(page, "name=\"token\" value=\"", "\"").context("the page has no form")
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(behind).map(|(found, _)| found)
}

fn step(what: &str, answer: &Response) {
    println!("  ok   {what} ({})", answer.status().as_u16());
}

fn location(answer: &Response, status: StatusCode) -> anyhow::Result<String> {
    ensure!(answer.status() == status, "answered {} where {status} was expected", answer.status());
    let location = answer.headers().get(LOCATION).context("no Location")?;
    Ok(location.to_str().context("Location is no text")?.to_owned())
}
