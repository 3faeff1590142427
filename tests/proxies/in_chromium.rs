//! A person with a real browser, from a first visit to the application.

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
    let page = stage.url("/reports?year=2026&q=1");
    browser.open(&page).await;
    browser.shows("main[data-kind=qr] h1", "微信登录").await;
    let wechat = &stage.gateway.wechat;
    let [code] = &wechat.waiting_scans()[..] else { panic!("not one code") };
    wechat.scan(&code.uuid, PERSON).unwrap();
    browser.shows("#says", "扫描成功").await;
    let gate = browser.picture().await;
    wechat.confirm(&code.uuid).unwrap();
    arrives(&browser, &page).await;
    let application = browser.picture().await;
    signs_out(&stage, &browser).await;
    let goodbye = browser.picture().await;
    let name = format!("{}-computer", proxy.name());
    browser.side_by_side(&name, &[gate, application, goodbye]).await;
}

async fn inside_wechat(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let browser = Browser::start(HANDHELD).await;
    let page = stage.url("/reports?year=2026&q=1");
    browser.open(&page).await;
    browser.shows("h1", "登录 a.localhost").await;
    let ours = browser.picture().await;
    browser.click("a.button").await;
    browser.shows("main[data-kind=consent]", "申请获取你的昵称、头像").await;
    let consent = browser.picture().await;
    browser.click(&format!("button[name=holder][value='{PERSON}']")).await;
    arrives(&browser, &page).await;
    let application = browser.picture().await;
    signs_out(&stage, &browser).await;
    let name = format!("{}-in-app", proxy.name());
    browser.side_by_side(&name, &[ours, consent, application]).await;
}

async fn signs_out(stage: &Stage, browser: &Browser) {
    browser.open(&stage.url("/_wxgate/logout")).await;
    browser.shows("main", PERSON).await;
    browser.click("form[action='/_wxgate/logout'] button").await;
    browser.shows("h1", "已退出登录").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

/// Comes to the page and is known there.
async fn arrives(browser: &Browser, page: &str) {
    browser.arrives_at(page).await;
    browser.shows("#name", PERSON).await;
}
