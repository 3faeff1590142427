//! A person with a real browser, from a first visit to the application.

use wxgate::wechat::simulator::Consent;

use crate::chromium::{Browser, DESKTOP, HANDHELD};
use crate::proxies::Proxy;
use crate::stage::Stage;

const PERSON: &str = "王芳 Wang";

#[tokio::test]
async fn on_a_computer_through_nginx() {
    on_a_computer(Proxy::Nginx).await;
}

#[tokio::test]
async fn on_a_computer_through_traefik() {
    on_a_computer(Proxy::Traefik).await;
}

#[tokio::test]
async fn inside_wechat_through_nginx() {
    inside_wechat(Proxy::Nginx).await;
}

#[tokio::test]
async fn inside_wechat_through_traefik() {
    inside_wechat(Proxy::Traefik).await;
}

async fn on_a_computer(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let browser = Browser::start(DESKTOP).await;
    stage.gateway.wechat.script().consent(Consent::Allow(PERSON.to_owned()));
    let page = stage.url("/reports?year=2026&q=1");
    browser.open(&page).await;
    arrives(&browser, &page).await;
    browser.screenshot(&format!("{}-computer", proxy.name())).await;
    signs_out(&stage, &browser, proxy).await;
}

async fn inside_wechat(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let browser = Browser::start(HANDHELD).await;
    let page = stage.url("/reports?year=2026&q=1");
    browser.open(&page).await;
    browser.shows("a.button", "").await;
    let ours = browser.picture().await;
    stage.gateway.wechat.script().consent(Consent::Allow(PERSON.to_owned()));
    browser.click("a.button").await;
    arrives(&browser, &page).await;
    let application = browser.picture().await;
    browser.side_by_side(&format!("{}-in-app", proxy.name()), &[ours, application]).await;
}

async fn signs_out(stage: &Stage, browser: &Browser, proxy: Proxy) {
    browser.open(&stage.url("/_wxgate/logout")).await;
    browser.shows("main", PERSON).await;
    browser.click("form[action='/_wxgate/logout'] button").await;
    browser.shows("h1", "已退出登录").await;
    browser.screenshot(&format!("{}-signed-out", proxy.name())).await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

/// Comes to the page and is known there. WeChat's fragment stays behind the address, as browsers have it.
async fn arrives(browser: &Browser, page: &str) {
    browser.shows("#name", PERSON).await;
    let mut address = browser.address().await;
    address.set_fragment(None);
    assert_eq!(address.as_str(), page);
}
