//! What all checks work with, and how they wait.

use std::time::Duration;

use reqwest::Client;

use super::finding::{Finding, Text, text};
use super::network::Proxies;
use crate::config::fields::Config;
use crate::live::known_keys;
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
    pub(super) proxies: Proxies,
}

impl Context {
    /// For this configuration and environment.
    pub(super) fn new(config: Config, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let client = Inquiry::client()?;
        let prover = known_keys(&config)?;
        let (bases, patience) = (config.wechat.api_bases.clone(), config.wechat.timeout.min(LIMIT));
        Ok(Self {
            inquiry: Inquiry::new(client.clone(), bases, patience),
            client,
            prover: prover.as_ref().map(Prover::new),
            proxies: Proxies::of(environment),
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
        match one.await {
            Ok(answer) => answers.push(answer),
            // A check that fell over must not look like one that had nothing to say.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    answers
}

/// What nobody answered, where something else is missing first.
pub(super) fn not_asked(check: &'static str, what: Text) -> Finding {
    let first = text("先解决上面的问题，再运行一次。", "Mend what failed above, then run this again.");
    Finding::note(check, what, first)
}
