//! `verify_files`: whether WeChat would find them.

use std::sync::Arc;

use super::context::{Context, LIMIT, together};
use super::fetch::fetch;
use super::finding::{Finding, Text, text};
use super::network::Why;
use crate::pages::ownership::OwnershipFile;

const CHECK: &str = "verify_files";

/// Every file that is configured.
pub(super) async fn check(context: &Arc<Context>) -> Vec<Finding> {
    let Some(account) = &context.config.wechat.official_account else { return Vec::new() };
    let files: Vec<OwnershipFile> = account.ownership.iter().cloned().collect();
    let asked = files.into_iter().map(|file| {
        let context = Arc::clone(context);
        async move { one(&context, &file).await }
    });
    together(asked).await
}

async fn one(context: &Context, file: &OwnershipFile) -> Finding {
    let url = format!("{}{}", context.config.site.login_origin(), file.path());
    let about = text(&url, &url);
    match fetch(&context.client, &url, &[], LIMIT).await {
        Ok(answer) if answer.status == 200 && answer.body.trim_ascii() == file.text().as_bytes() => {
            Finding::ok(CHECK, text("内容正确", "shows what WeChat looks for").after(&about))
        }
        Ok(answer) => {
            let status = answer.status;
            let what = text(
                format!("不是微信要找的内容（HTTP {status}）"),
                format!("does not show what WeChat looks for (HTTP {status})"),
            );
            Finding::failed(CHECK, what.after(&about), todo())
        }
        Err(error) => {
            let why = Why::of(&url, error.as_ref(), &context.proxies).await;
            Finding::failed(CHECK, why.what(context.host()).after(&about), todo())
        }
    }
}

fn todo() -> Text {
    text(
        "让前面的代理把 /MP_verify_….txt 转给 wxgate，或把文件放进应用的根目录；否则在微信后台保存域名会失败。若刚改过 verify_files，让 wxgate 重新读取配置。",
        "Let the proxy in front pass /MP_verify_….txt to wxgate, or put the file into the application's root: without it the WeChat console does not take the domain. If verify_files is new, let wxgate read the configuration anew.",
    )
}
