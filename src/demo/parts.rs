//! The four parts of the demo, started and joined.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::account::{ACCOUNT_APP, ACCOUNT_SECRET, Agreement, ORIGINAL_ID};
use super::{DemoSettings, application, members, phone, serve_wechat};
use crate::config::source::ConfigFile;
use crate::gateway::Gateway;
use crate::live::{ConfigSource, Generation, Lasting, Live};
use crate::members::Directory;
use crate::net::limits::Limits;
use crate::net::listen::Listener;
use crate::net::serve::serve;
use crate::pages::language::Language;
use crate::seal::{hex, random};
use crate::store::{self, Opening, StoreSettings, StoreUrl};
use crate::wechat::simulator::{App, Simulator};

/// The simulated website app.
pub(super) const WEBSITE_APP: &str = "wxdemowebsite0001";
pub(super) const WEBSITE_SECRET: &str = "demo-website-secret";

/// How many ports are tried when the wished-for one is taken.
const TRIES: u16 = 20;

/// A running demo; its tasks end with the process.
pub(super) struct Demo {
    pub(super) gateway_url: String,
    pub(super) wechat_url: String,
    pub(super) application_url: String,
    pub(super) simulator: Arc<Simulator>,
}

/// The simulated WeChat with both apps, registered for localhost.
pub(super) fn simulator() -> Arc<Simulator> {
    let apps = vec![
        website_app(),
        App::official_account(ACCOUNT_APP, ACCOUNT_SECRET, "localhost")
            .named("wxgate demo")
            .with_original_id(ORIGINAL_ID)
            .bound_to("demo platform"),
    ];
    let simulator = Simulator::new(apps, phone::people());
    // Members have long been following the account; whoever is a stranger does not.
    for person in phone::people().iter().take(members::KNOWN) {
        simulator.set_follower(person.name(), ACCOUNT_APP);
    }
    simulator
}

fn website_app() -> App {
    App::website(WEBSITE_APP, WEBSITE_SECRET, "localhost").named("wxgate demo").bound_to("demo platform")
}

/// Starts all parts.
pub(super) async fn start(settings: &DemoSettings) -> anyhow::Result<Demo> {
    let simulator = simulator();
    let (wechat_listener, wechat_port) = listen(0).await?;
    tokio::spawn(serve_wechat(Arc::clone(&simulator), wechat_listener, std::future::pending()));
    let application_url = match &settings.upstream {
        Some(upstream) => upstream.clone(),
        None => {
            let (listener, port) = listen(0).await?;
            tokio::spawn(application::serve(listener, std::future::pending()));
            format!("http://127.0.0.1:{port}")
        }
    };
    let (gateway_listener, gateway_port) = listen(settings.port).await?;
    let gateway_url = format!("http://localhost:{gateway_port}");
    let wechat_url = format!("http://localhost:{wechat_port}");

    let agreement = Agreement::random();
    let config = configuration(&gateway_url, &application_url, wechat_port, &agreement, settings);
    let source = ConfigSource::Fixed(ConfigFile { path: PathBuf::from("demo"), text: config });
    let (config, _) = source.read(&[]).map_err(|error| anyhow::anyhow!("{error}"))?;
    let store = store::open(&memory(), Opening::Create, Handle::current()).await?;
    let directory = Directory::new(store, Handle::current());
    members::sign_up(&directory, &website_app()).await?;
    let lasting = Lasting::new(1, Limits::default().connections, Arc::clone(&directory), None);
    tokio::spawn(directory.keep_house(Arc::clone(&lasting.metrics), Duration::from_secs(86_400)));
    let generation = Generation::build(&config, &lasting, false)?;
    let gateway = Gateway::new(Live::new(generation, 1, source, Vec::new(), lasting), 0);
    let patience = Duration::from_secs(1);
    // Browsers may try ::1 for localhost first.
    if let Ok(listener) = TcpListener::bind(("::1", gateway_port)).await {
        let limits = Limits::default();
        tokio::spawn(serve(
            Listener::Tcp(listener),
            gateway.clone(),
            limits,
            std::future::pending(),
            patience,
        ));
    }
    let listener = Listener::Tcp(gateway_listener);
    tokio::spawn(serve(listener, gateway, Limits::default(), std::future::pending(), patience));
    agreement.enter(&simulator, &gateway_url)?;
    simulator.verify_push(ACCOUNT_APP).await.map_err(anyhow::Error::msg)?;
    Ok(Demo { gateway_url, wechat_url, application_url, simulator })
}

/// A store that is gone with the demo.
fn memory() -> StoreSettings {
    StoreSettings { url: StoreUrl::Memory, ca_file: None, data_dir: PathBuf::new() }
}

/// Binds a loopback port: the wished-for one, else one of the next, else (for 0) any.
pub(super) async fn listen(wish: u16) -> anyhow::Result<(TcpListener, u16)> {
    for port in wish..=wish.saturating_add(TRIES) {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            let port = listener.local_addr().context("a bound socket has no address")?.port();
            return Ok((listener, port));
        }
    }
    bail!("no free port from {wish} on; choose another with --port")
}

fn configuration(
    gateway: &str,
    application: &str,
    wechat_port: u16,
    agreement: &Agreement,
    settings: &DemoSettings,
) -> String {
    let language = settings.language.map_or("auto", Language::name);
    let qr_page = if settings.embedded { "embedded" } else { "redirect" };
    let keys = agreement.keys();
    let secret = hex(&random::<32>());
    format!(
        "public_url = \"{gateway}\"\n\
         upstream = \"{application}\"\n\
         [wechat]\n\
         api_base = \"http://127.0.0.1:{wechat_port}\"\n\
         open_base = \"http://localhost:{wechat_port}\"\n\
         [wechat.website]\n\
         app_id = \"{WEBSITE_APP}\"\n\
         app_secret = \"{WEBSITE_SECRET}\"\n\
         page = \"{qr_page}\"\n\
         [wechat.official_account]\n\
         app_id = \"{ACCOUNT_APP}\"\n\
         app_secret = \"{ACCOUNT_SECRET}\"\n\
         {keys}\
         [session]\n\
         secret = \"{secret}\"\n\
         [pages]\n\
         title = \"wxgate demo\"\n\
         language = \"{language}\"\n\
         [[routes]]\n\
         path = \"/public\"\n\
         access = \"public\"\n"
    )
}
