//! `wxgate demo --check`: a login by each way in without a browser, step by step.

mod computer;
mod inside;
mod phones;
mod stranger;
mod visitor;

use anyhow::Context as _;

use super::{DemoSettings, parts};

/// Drives every way in on a demo of its own, and prints each step.
pub async fn check(settings: &DemoSettings) -> anyhow::Result<()> {
    let settings = &DemoSettings { port: 0, embedded: false, ..settings.clone() };
    let demo = parts::start(settings).await?;
    println!("gateway on {}, simulated WeChat on {}", demo.gateway_url, demo.wechat_url);
    computer::check(&demo, settings).await.context("on a computer")?;
    inside::check(&demo, settings).await.context("inside WeChat")?;
    stranger::check(&demo, settings).await.context("a stranger asks for access")?;
    phones::by_code(&demo, settings).await.context("by the account's code")?;
    phones::by_digits(&demo, settings).await.context("by digits in the chat")?;
    phones::by_link(&demo, settings).await.context("by a link")?;
    println!("all steps passed");
    Ok(())
}
