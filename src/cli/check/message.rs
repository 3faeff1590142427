//! The address for WeChat's messages: asked as WeChat asks it when 服务器配置 is submitted.

use super::context::{Context, LIMIT};
use super::fetch::fetch;
use super::finding::{Finding, text};
use super::network::Why;
use crate::config::fields::Config;
use crate::model::clock;
use crate::seal::{hex, random};

const CHECK: &str = "message";

/// What the WeChat console asks for.
pub(super) fn address(config: &Config) -> String {
    format!("{}/_wxgate/wechat/message", config.site.login_origin())
}

/// Whether WeChat's question would be answered.
pub(super) async fn check(context: &Context) -> Vec<Finding> {
    let account = context.config.wechat.official_account.as_ref();
    let Some(inbox) = account.and_then(|account| account.inbox.as_ref()) else { return Vec::new() };
    let (url, echo) = (address(&context.config), hex(&random::<12>()));
    let query = inbox.question(&hex(&random::<8>()), &echo, clock::now());
    let about = text("消息推送", "messages");
    let answer = match fetch(&context.client, &url, &query, LIMIT).await {
        Ok(answer) => answer,
        Err(error) => {
            let why = Why::of(&url, error.as_ref(), &context.proxies).await;
            let what = why.what(&context.config.site.login_origin()).after(&about);
            let todo = text(
                format!("微信也连不上 {url}：先解决 public_url 的问题。"),
                format!("WeChat would not reach {url} either: mend what is wrong with public_url first."),
            );
            return vec![Finding::failed(CHECK, what, todo)];
        }
    };
    if answer.status == 200 && answer.body == echo.as_bytes() {
        let what = text(
            format!(
                "{url} 通过了微信的验证方式；请在「微信公众平台 → 设置与开发 → 基本配置 → 服务器配置」使用这个地址"
            ),
            format!(
                "{url} answers as WeChat wants it; that is the URL for “微信公众平台 → 设置与开发 → 基本配置 → 服务器配置”"
            ),
        );
        return vec![Finding::ok(CHECK, what.after(&about))];
    }
    let status = answer.status;
    let what = text(
        format!("{url} 没有通过微信的验证方式（HTTP {status}），在微信后台点「提交」会失败"),
        format!(
            "{url} does not answer as WeChat wants it (HTTP {status}); 提交 in the WeChat console would fail"
        ),
    );
    let todo = match status {
        403 => text(
            "正在运行的 wxgate 用的是另一个 token，或它的时钟不准：让它重新读取配置（kill -HUP），再看上面的时钟。",
            "The wxgate that runs has another token, or its clock is off: let it read the configuration anew (kill -HUP), and look at the clock above.",
        ),
        _ => text(
            "让前面的代理把 /_wxgate/ 原样（含查询串）转给 wxgate，不要加登录、跳转或缓存；或让正在运行的 wxgate 重新读取配置。",
            "Let the proxy in front pass /_wxgate/ to wxgate as it comes, query included, without signing in, redirects or caching; or let the wxgate that runs read the configuration anew.",
        ),
    };
    vec![Finding::failed(CHECK, what.after(&about), todo)]
}
