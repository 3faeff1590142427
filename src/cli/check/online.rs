//! `--online`: who is asked, all at the same time, and in which order it is printed.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::exit;
use super::context::Context;
use super::finding::{Finding, Report};
use super::{
    account, backend, certificate, clock, message, ownership, public_url, swapped, upstreams, website,
};
use crate::config::fields::Config;
use crate::pages::language::Language;

/// Asks everybody. 0 when nothing failed.
pub(super) async fn run(
    (language, is_json): (Language, bool),
    config: Config,
    environment: &[(String, String)],
) -> ExitCode {
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
    let others: [JoinHandle<Vec<Finding>>; 5] = [
        begin!(public_url::check),
        begin!(message::check),
        begin!(backend::check),
        begin!(ownership::check),
        begin!(upstreams::check),
    ];
    let ((mut website, mut readings), (mut account, read)) = (website.await?, account.await?);
    readings.extend(read);
    swapped::say(&mut website, &mut account);
    website.into_iter().chain(account).try_for_each(|finding| report.add(finding))?;
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
