//! `[wechat.website]`: its AppID and AppSecret, and whether WeChat's QR page takes our address.

use super::console::Console;
use super::context::Context;
use super::finding::{Doubt, Finding, Text, text};
use super::network::Why;
use super::refusals;
use crate::model::http_date::Reading;
use crate::wechat::api::App;
use crate::wechat::inquiry::{LoginPage, Unreached};

/// All about the website app, and what WeChat's clock showed.
pub(super) async fn check(context: &Context) -> (Vec<Finding>, Vec<Reading>) {
    let Some(app) = &context.config.wechat.apps.website else { return Default::default() };
    let (secret, page) =
        tokio::join!(secret(context, app, Console::Website, "website.secret"), page(context, app));
    (vec![secret.0, page], secret.1.into_iter().collect())
}

/// Whether AppID and AppSecret are right, of either kind of app.
pub(super) async fn secret(
    context: &Context,
    app: &App,
    console: Console,
    check: &'static str,
) -> (Finding, Option<Reading>) {
    let heard = match context.inquiry.app_secret(app).await {
        Ok(heard) => heard,
        Err(unreached) => {
            let about = console.app(&app.id).and(&text("的 AppSecret", "(AppSecret)"));
            return (no_answer(context, check, &unreached, &about).await, None);
        }
    };
    let finding = match heard.answer {
        Ok(()) => {
            let right = text("AppID 与 AppSecret 正确", "AppID and AppSecret are right");
            Finding::ok(check, right.after(&console.app(&app.id)))
        }
        Err(no) => refusals::finding(check, &no, console, &app.id),
    };
    (finding, heard.reading)
}

/// WeChat did not answer at all when it was asked about this.
pub(super) async fn no_answer(
    context: &Context,
    check: &'static str,
    unreached: &Unreached,
    about: &Text,
) -> Finding {
    let why = Why::of(&unreached.base, unreached.error.as_ref(), &context.proxies).await;
    let place = unreached.base.split_once("://").map_or("", |(_, rest)| rest);
    let what = why.what(place).after(&text("连不上微信", "WeChat is not reached")).after(about);
    let host = place.split(['/', ':']).next().unwrap_or_default();
    let todo = match why {
        Why::Unknown => text(
            format!("让本机能解析 {host}（检查 /etc/resolv.conf 与 DNS 服务器）；没有它，谁也登录不了。"),
            format!(
                "Let this computer resolve {host} (look at /etc/resolv.conf and its name servers): without it nobody can sign in."
            ),
        ),
        Why::Proxy(name) => text(
            format!("检查 {name} 指定的代理是否在运行、是否允许访问 {host}；能直连时去掉这个变量。"),
            format!(
                "See whether the proxy in {name} runs and lets through to {host}; take the variable out if this computer has a way of its own."
            ),
        ),
        Why::Certificate(_) | Why::Plain | Why::Tls(_) => text(
            "本机与微信之间有设备替换了证书或截断了 TLS，或本机的根证书（ca-certificates）过旧、时钟不准：不要关闭校验，逐项排除。",
            "Something between here and WeChat shows a certificate of its own or ends TLS, or this computer's root certificates (package ca-certificates) are old, or its clock is off.",
        ),
        _ => text(
            format!(
                "让防火墙放行本机到 {host} 的 443 端口出站连接；网络只允许经代理出去时，设置 HTTPS_PROXY。"
            ),
            format!(
                "Let connections out to {host} through the firewall; where only a proxy leads out, set HTTPS_PROXY for wxgate."
            ),
        ),
    };
    Finding::failed(check, what, todo)
}

/// Whether WeChat shows a QR code that leads back to us.
async fn page(context: &Context, app: &App) -> Finding {
    const CHECK: &str = "website.callback_domain";
    let callback = format!("{}/_wxgate/callback", context.config.site.login_origin());
    let (host, about) = (context.host(), Console::Website.app(&app.id));
    let shown = match context.inquiry.login_page(&context.config.wechat.open_base, &app.id, &callback).await {
        Ok(shown) => shown,
        Err(unreached) => {
            let about = about.and(&text("的授权回调域", "(callback domain)"));
            return no_answer(context, CHECK, &unreached, &about).await;
        }
    };
    let failed = |what: Text, todo| Finding::failed(CHECK, what.after(&about), todo);
    match shown {
        LoginPage::Code => Finding::ok(
            CHECK,
            text(format!("授权回调域包含 {host}"), format!("{host} is its callback domain (授权回调域)"))
                .after(&about),
        ),
        LoginPage::WrongHost => failed(
            text(
                format!("微信不接受 {host}（redirect_uri 参数错误）"),
                format!("WeChat does not send people back to {host} (redirect_uri 参数错误)"),
            ),
            register(host),
        ),
        LoginPage::WrongApp => failed(
            text(
                "微信不认识这个 AppID（AppID 参数错误）",
                "WeChat does not know this AppID (AppID 参数错误)",
            ),
            text(
                "在「微信开放平台 → 管理中心 → 网站应用 → 查看」核对 AppID，改正 [wechat.website] 的 app_id。",
                "Compare app_id under [wechat.website] with “微信开放平台 → 管理中心 → 网站应用 → 查看” in the WeChat console.",
            ),
        ),
        LoginPage::WrongScope => failed(
            text(
                "没有微信登录权限（Scope 参数错误或没有 Scope 权限）",
                "it may not sign people in (Scope 参数错误或没有 Scope 权限)",
            ),
            text(
                "确认 [wechat.website] 里写的是网站应用的 AppID（不是公众号的），并在「微信开放平台 → 管理中心 → 网站应用 → 查看 → 接口信息」看到「微信登录：已获得」。",
                "See that app_id under [wechat.website] is that of a website app (网站应用), not of an Official Account, and that “微信开放平台 → 管理中心 → 网站应用 → 查看 → 接口信息” says 微信登录：已获得.",
            ),
        )
        .doubting(Some(Doubt::Id)),
        LoginPage::Unreachable | LoginPage::Unknown => Finding::note(
            CHECK,
            text(
                "从微信的扫码页看不出授权回调域是否正确",
                "WeChat's QR page does not show whether the callback domain is right",
            )
            .after(&about),
            register(host),
        ),
    }
}

fn register(host: &str) -> Text {
    text(
        format!(
            "在「微信开放平台 → 管理中心 → 网站应用 → 查看 → 开发信息 → 授权回调域」填写 {host}：只写域名，不带 https://、端口和路径，一字不差。"
        ),
        format!(
            "Enter {host} under “微信开放平台 → 管理中心 → 网站应用 → 查看 → 开发信息 → 授权回调域” in the WeChat console: the bare host, without https://, port or path, letter by letter."
        ),
    )
}
