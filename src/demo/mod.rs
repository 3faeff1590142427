//! The demo: gateway, example application, simulated WeChat and pretend phone in one process, on loopback only.

pub mod application;
mod check;
mod clock_socket;
mod members;
mod parts;
pub mod phone;
mod visitor;

use std::sync::Arc;

use anyhow::Context as _;
use http::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::pages::language::Language;
use crate::telemetry::logs::{self, LogFormat, LogSettings};
use crate::wechat::simulator::{Reply, Simulator, listen};

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
     用模拟手机扫码
  3  Approve people as administrator     {gateway}/_wxgate/admin      (be “{admin}”)
     以管理员身份批准申请

  Behind it: {application} -- open it directly to see what is not protected.
  People on the pretend phone: {people}
  Members are kept in memory and forgotten at the end.
  Press Ctrl-C to stop.   --port 9000   --lang en   --upstream http://127.0.0.1:3000 (your own application)
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

/// Runs only the simulated WeChat and the pretend phone until Ctrl-C, for a gateway started by hand.
pub async fn run_wechat(settings: &DemoSettings) -> anyhow::Result<()> {
    let (listener, port) = parts::listen(settings.port).await?;
    let simulator = parts::simulator();
    let configuration = configuration_beside(port);
    let configuration: Vec<String> = configuration.lines().map(|line| format!("    {line}")).collect();
    println!(
        "
  Simulated WeChat on http://localhost:{port}, pretend phone on http://localhost:{port}/phone
  People on the pretend phone: {people}

  It has two apps, a website app (QR code on computers) and an Official Account (inside WeChat). A gateway on this computer
  that uses both; either table will do alone:

{configuration}

  Press Ctrl-C to stop.
",
        people = phone::people().iter().map(|person| person.name().to_owned()).collect::<Vec<_>>().join(" · "),
        configuration = configuration.join("\n"),
    );
    serve_wechat(simulator, listener, async {
        let _ = tokio::signal::ctrl_c().await;
    })
    .await;
    Ok(())
}

/// The configuration of a gateway on this computer that takes the simulated WeChat on `port` for WeChat.
fn configuration_beside(port: u16) -> String {
    let (website, account) = (parts::WEBSITE_APP, parts::ACCOUNT_APP);
    format!(
        "public_url = \"http://localhost:8480\"\n\
         upstream   = \"http://127.0.0.1:3000\"\n\
         [wechat]\n\
         api_base   = \"http://localhost:{port}\"\n\
         open_base  = \"http://localhost:{port}\"\n\
         [wechat.website]\n\
         app_id     = \"{website}\"\n\
         app_secret = \"{}\"\n\
         [wechat.official_account]\n\
         app_id     = \"{account}\"\n\
         app_secret = \"{}\"\n",
        parts::WEBSITE_SECRET,
        parts::ACCOUNT_SECRET,
    )
}

/// Answers on `listener`: `/phone` is the pretend phone, everything else the simulated WeChat it belongs to.
pub async fn serve_wechat(
    simulator: Arc<Simulator>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    listen::serve(listener, shutdown, move |request| route(Arc::clone(&simulator), request)).await;
}

async fn route(simulator: Arc<Simulator>, request: Request<Incoming>) -> Reply {
    let path = request.uri().path();
    if path == "/phone" || path.starts_with("/phone/") {
        phone::handle(simulator, request).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::ConfigFile;
    use crate::live::ConfigSource;

    #[test]
    fn the_printed_configuration_has_both_apps() {
        let source =
            ConfigSource::Fixed(ConfigFile { path: "config.toml".into(), text: configuration_beside(8490) });
        let (config, _) = source.read(&[]).unwrap();
        let apps = config.wechat.apps;
        assert_eq!(apps.website.unwrap().id, parts::WEBSITE_APP);
        assert_eq!(apps.official_account.unwrap().id, parts::ACCOUNT_APP);
    }
}
