//! `--online`: who is asked, all at the same time, and in which order it is printed.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::task::JoinHandle;

use super::super::exit;
use super::finding::{Finding, Report, text};
use super::{
    CheckArguments, account, certificate, clock, message, network, ownership, public_url, upstreams, website,
};
use crate::config::fields::Config;
use crate::live::{KeyError, known_keys};
use crate::pages::language::Language;
use crate::seal::Prover;
use crate::wechat::inquiry::Inquiry;

/// Longest wait for one answer.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// What all checks work with.
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) client: Client,
    pub(super) inquiry: Inquiry,
    /// By which the gateway of this configuration is known; `None` before its first start.
    pub(super) prover: Option<Prover>,
    /// The variables that send calls through a proxy.
    pub(super) proxies: network::Proxies,
}

/// Asks everybody. 0 when nothing failed.
pub(super) async fn run(
    arguments: &CheckArguments,
    config: Config,
    environment: &[(String, String)],
) -> ExitCode {
    let language = language(arguments.lang.as_deref(), environment);
    match ask(Report::new(language, arguments.json), config, environment).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => exit(Err(error)),
    }
}

async fn ask(mut report: Report, config: Config, environment: &[(String, String)]) -> anyhow::Result<bool> {
    let context = Arc::new(Context::new(config, environment)?);
    macro_rules! begin {
        ($check:path) => {{
            let context = Arc::clone(&context);
            tokio::spawn(async move { $check(&context).await })
        }};
    }
    let (website, account) = (begin!(website::check), begin!(account::check));
    let others: [JoinHandle<Vec<Finding>>; 4] = [
        begin!(public_url::check),
        begin!(message::check),
        begin!(ownership::check),
        begin!(upstreams::check),
    ];
    let mut readings = Vec::new();
    for asked in [website, account] {
        let (findings, read) = asked.await?;
        readings.extend(read);
        findings.into_iter().try_for_each(|finding| report.add(finding))?;
    }
    if let Some(finding) = clock::beside_wechat(&readings) {
        report.add(finding)?;
    }
    for asked in others {
        asked.await?.into_iter().try_for_each(|finding| report.add(finding))?;
    }
    if let Some(finding) = certificate::check(&context) {
        report.add(finding)?;
    }
    report.end()
}

impl Context {
    fn new(config: Config, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let client = Inquiry::client()?;
        let prover = known_keys(&config).map_err(anyhow::Error::from as fn(KeyError) -> _)?;
        let (bases, patience) = (config.wechat.api_bases.clone(), config.wechat.timeout.min(LIMIT));
        Ok(Self {
            inquiry: Inquiry::new(client.clone(), bases, patience),
            client,
            prover: prover.as_ref().map(Prover::new),
            proxies: network::Proxies::of(environment),
            config,
        })
    }

    /// The host that WeChat sends browsers back to.
    pub(super) fn host(&self) -> &str {
        self.config.site.login_host.as_str()
    }
}

/// Waits for all of these at the same time; what came of them, in their order.
pub(super) async fn together<T, F>(asked: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let asked: Vec<_> = asked.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(asked.len());
    for one in asked {
        answers.extend(one.await);
    }
    answers
}

/// What nobody answered, where something else is missing first.
pub(super) fn not_asked(check: &'static str, what: super::finding::Text) -> Finding {
    let first = text("先解决上面的问题，再运行一次。", "Mend what failed above, then run this again.");
    Finding::note(check, what, first)
}

fn language(chosen: Option<&str>, environment: &[(String, String)]) -> Language {
    let variable = |name: &&str| {
        let found = environment.iter().find(|(known, value)| known == *name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let locale = || ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(variable);
    match chosen.or_else(locale) {
        Some(name) if name.starts_with("zh") => Language::Chinese,
        _ => Language::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_chosen_one_or_that_of_the_terminal() {
        let environment = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let chinese = environment(&[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")]);
        assert_eq!(language(None, &chinese), Language::Chinese);
        assert_eq!(language(Some("en"), &chinese), Language::English);
        let english = environment(&[("LC_MESSAGES", "C"), ("LANG", "zh_CN.UTF-8")]);
        assert_eq!(language(None, &english), Language::English);
        assert_eq!(language(Some("zh"), &[]), Language::Chinese);
        assert_eq!(language(None, &[]), Language::English);
    }
}
