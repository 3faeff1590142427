//! `wxgate demo --wechat-only`: the simulated WeChat and the pretend phone alone, for a gateway started by hand.

use super::account::{ACCOUNT_APP, ACCOUNT_SECRET, Agreement, message_url};
use super::{DemoSettings, parts, phone, serve_wechat};

/// Where the gateway is expected, because its messages have to go somewhere.
const GATEWAY: &str = "http://localhost:8480";

/// Runs them until Ctrl-C.
pub async fn run(settings: &DemoSettings) -> anyhow::Result<()> {
    let (listener, port) = parts::listen(settings.port).await?;
    let simulator = parts::simulator();
    let agreement = Agreement::printed();
    agreement.enter(&simulator, GATEWAY)?;
    let configuration = configuration(port, &agreement);
    let configuration: Vec<String> = configuration.lines().map(|line| format!("    {line}")).collect();
    println!(
        "
  Simulated WeChat on http://localhost:{port}, pretend phone on http://localhost:{port}/phone
  People on the pretend phone: {people}

  It has two apps, a website app (QR code on computers) and an Official Account (inside WeChat, its own code, digits in its
  chat). A gateway on this computer that uses both; either table will do alone:

{configuration}

  What happens with the account is told to {message_url}, which is that gateway's address.
  Press Ctrl-C to stop.
",
        people = phone::people().iter().map(|person| person.name().to_owned()).collect::<Vec<_>>().join(" · "),
        configuration = configuration.join("\n"),
        message_url = message_url(GATEWAY),
    );
    serve_wechat(simulator, listener, async {
        _ = tokio::signal::ctrl_c().await;
    })
    .await;
    Ok(())
}

/// The configuration of a gateway on this computer that takes the simulated WeChat on `port` for WeChat.
fn configuration(port: u16, agreement: &Agreement) -> String {
    let (website, account) = (parts::WEBSITE_APP, ACCOUNT_APP);
    format!(
        "public_url = \"{GATEWAY}\"\n\
         upstream = \"http://127.0.0.1:3000\"\n\
         [wechat]\n\
         api_base = \"http://localhost:{port}\"\n\
         open_base = \"http://localhost:{port}\"\n\
         [wechat.website]\n\
         app_id = \"{website}\"\n\
         app_secret = \"{}\"\n\
         [wechat.official_account]\n\
         app_id = \"{account}\"\n\
         app_secret = \"{}\"\n\
         {}",
        parts::WEBSITE_SECRET,
        ACCOUNT_SECRET,
        agreement.keys(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::ConfigFile;
    use crate::live::ConfigSource;
    use crate::wechat::user_agent::Browser;

    #[test]
    fn the_printed_configuration_has_both_apps_and_every_way_in() {
        let text = configuration(8490, &Agreement::printed());
        let source = ConfigSource::Fixed(ConfigFile { path: "config.toml".into(), text });
        let (config, _) = source.read(&[]).unwrap();
        let apps = config.wechat.apps;
        assert_eq!(apps.website.as_ref().unwrap().id, parts::WEBSITE_APP);
        assert_eq!(apps.official_account.as_ref().unwrap().id, ACCOUNT_APP);
        let ways = apps.ways(Browser::of(""));
        assert_eq!(ways.len(), 4, "{ways:?}");
    }
}
