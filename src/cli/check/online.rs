//! `--online`: who is asked, all at the same time, and in which order it is printed.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::exit;
use super::context::Context;
use super::finding::{Finding, Report};
use super::{account, certificate, clock, message, ownership, public_url, upstreams, website};
use crate::config::fields::Config;
use crate::pages::language::Language;

/// Asks everybody. 0 when nothing failed.
pub(super) async fn run(
    (lang, is_json): (Option<&str>, bool),
    config: Config,
    environment: &[(String, String)],
) -> ExitCode {
    let language = language(lang, environment);
    match ask(Report::new(language, is_json), config, environment).await {
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
