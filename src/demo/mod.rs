//! The demo: gateway, example application, simulated WeChat and pretend phone in one process, on loopback only.

mod account;
pub mod application;
mod beside;
mod browser;
mod check;
mod clock_socket;
mod members;
mod parts;
pub mod phone;

use std::sync::Arc;

use anyhow::Context as _;
use http::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::pages::language::Language;
use crate::telemetry::logs::{self, LogFormat, LogSettings};
use crate::wechat::simulator::{Reply, Simulator, listen};
use phone::Phone;

pub use beside::run as run_wechat;
pub use check::check;

/// What a demo may be told.
#[derive(Clone, Debug)]
pub struct DemoSettings {
    /// The gateway's port; the next free one if it is in use, any free one if it is 0.
    pub port: u16,
    /// An application to protect instead of the example.
    pub upstream: Option<String>,
    /// Language of the pages; the browser's without it.
    pub language: Option<Language>,
    /// WeChat's code in a frame on the gateway's page, in place of WeChat's own page.
    pub embedded: bool,
}

/// Runs the demo until Ctrl-C.
pub async fn run(settings: &DemoSettings) -> anyhow::Result<()> {
    let demo = parts::start(settings).await?;
    println!(
        "
  wxgate {version} demo                      simulated WeChat: nothing leaves this computer
                                         模拟的微信：任何数据都不会离开这台电脑

  1  Open the protected application      {gateway}/
     打开受保护的应用
  2  Use the pretend phone               {wechat}/phone
     用模拟手机扫码、聊天、打开链接
  3  Approve people as administrator     {gateway}/_wxgate/admin      (be “{admin}”)
     以管理员身份批准申请

  On a computer choose how to sign in: WeChat's code, the account's code, digits for the account, or a link. What a
  phone sees inside WeChat: open {gateway}/ on the pretend phone.

  Behind it: {application} -- open it directly to see what is not protected.
  People on the pretend phone: {people}
  Members are kept in memory and forgotten at the end.
  Press Ctrl-C to stop.   --port 9000   --lang en   --embedded   --upstream http://127.0.0.1:3000 (your own application)
",
        version = env!("CARGO_PKG_VERSION"),
        gateway = demo.gateway_url,
        wechat = demo.wechat_url,
        application = demo.application_url,
        people = people(),
        admin = phone::people().first().map(|person| person.name().to_owned()).unwrap_or_default(),
    );
    let _logging = logs::start(&LogSettings { format: LogFormat::Text, ..LogSettings::default() });
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
    println!(
        "\n  Next: put your AppID into a config.toml (see config.toml.example), then `wxgate check` and `wxgate run`."
    );
    Ok(())
}

/// Answers on `listener`: `/phone` is the pretend phone, everything else the simulated WeChat it belongs to.
pub async fn serve_wechat(
    simulator: Arc<Simulator>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let phone = Phone::new(Arc::clone(&simulator));
    let answer = move |request| route(Arc::clone(&simulator), Arc::clone(&phone), request);
    listen::serve(listener, shutdown, answer).await;
}

async fn route(simulator: Arc<Simulator>, phone: Arc<Phone>, request: Request<Incoming>) -> Reply {
    let path = request.uri().path();
    if path == "/phone" || path.starts_with("/phone/") {
        phone.handle(request).await
    } else {
        simulator.handle(request).await
    }
}

fn people() -> String {
    let people = phone::people();
    let people =
        people.iter().zip(members::ROLES).map(|(person, role)| format!("{} ({role})", person.name()));
    people.collect::<Vec<_>>().join(", ")
}
