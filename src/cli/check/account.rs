//! `[wechat.official_account]`: its secret, its token, and what it may do, as far as the configuration uses that.

use super::console::Console;
use super::context::{Context, not_asked};
use super::finding::{Finding, text};
use super::network::Why;
use super::refusals;
use super::website::{no_answer, secret};
use crate::config::fields::AccountSettings;
use crate::model::http_date::Reading;
use crate::model::secret::Secret;
use crate::wechat::account::TokenSource;
use crate::wechat::inquiry::No;

/// All about the Official Account, and what WeChat's clock showed.
pub(super) async fn check(context: &Context) -> (Vec<Finding>, Vec<Reading>) {
    let Some(settings) = &context.config.wechat.official_account else { return Default::default() };
    let by_secret = async {
        match settings.ways.in_app {
            true => Some(secret(context, &settings.app, Console::OfficialAccount, "account.secret").await),
            false => None,
        }
    };
    let by_token = async {
        match settings.ways.qr || settings.ways.chat {
            true => by_token(context, settings).await,
            false => Default::default(),
        }
    };
    let (by_secret, (others, reading)) = tokio::join!(by_secret, by_token);
    let (finding, earlier) = by_secret.unzip();
    let mut findings: Vec<Finding> = finding.into_iter().chain(others).collect();
    if settings.ways.in_app {
        findings.push(domain(context, settings));
    }
    (findings, reading.into_iter().chain(earlier.flatten()).collect())
}

/// The token, and what only shows with it.
async fn by_token(context: &Context, settings: &AccountSettings) -> (Vec<Finding>, Option<Reading>) {
    let (token, finding, reading) = token(context, settings).await;
    let mut findings = vec![finding];
    if settings.ways.qr {
        findings.push(match token {
            Some(token) => codes(context, settings, &token).await,
            None => not_asked(
                "account.codes",
                text("无法检查带参数二维码的权限", "whether it may make codes to scan cannot be seen")
                    .after(&Console::OfficialAccount.app(&settings.app.id)),
            ),
        });
    }
    (findings, reading)
}

async fn token(context: &Context, settings: &AccountSettings) -> (Option<Secret>, Finding, Option<Reading>) {
    const CHECK: &str = "account.token";
    let (app, about) = (&settings.app, Console::OfficialAccount.app(&settings.app.id));
    let heard = context.inquiry.token(app, &settings.token_source).await;
    let is_own = matches!(settings.token_source, TokenSource::Server { .. });
    match heard {
        Ok(heard) => {
            let (token, finding) = match heard.answer {
                Ok(token) => {
                    let given = match is_own {
                        true => {
                            text("token_server 给出了 access_token", "token_server gives an access_token")
                        }
                        false => text(
                            "微信给出了 access_token，本服务器的 IP 可以调用",
                            "WeChat gives this server an access_token",
                        ),
                    };
                    (Some(token), Finding::ok(CHECK, given.after(&about)))
                }
                Err(No::Unreadable { status }) if is_own => {
                    (None, unreadable_server(CHECK, status, settings))
                }
                Err(no) => (None, refusals::finding(CHECK, &no, Console::OfficialAccount, &app.id)),
            };
            // Only WeChat's own clock counts.
            (token, finding, heard.reading.filter(|_| !is_own))
        }
        Err(unreached) if is_own => {
            let why = Why::of(&unreached.base, unreached.error.as_ref(), &context.proxies).await;
            let place = unreached.base.split_once("://").map_or("", |(_, rest)| rest);
            let what = why.what(place).after(&text("token_server 连不上", "token_server is not reached"));
            let todo = match why {
                Why::Plain => text(
                    format!(
                        "那个服务说的是 http 时，写 token_server = \"http://{place}\"；否则写它的 https 端口。"
                    ),
                    format!(
                        "If that server speaks http, write token_server = \"http://{place}\"; else write its port for https."
                    ),
                ),
                _ => server_todo(),
            };
            (None, Finding::failed(CHECK, what, todo), None)
        }
        Err(unreached) => {
            let about = about.and(&text("的 access_token", "(access_token)"));
            (None, no_answer(context, CHECK, &unreached, &about).await, None)
        }
    }
}

fn unreadable_server(check: &'static str, status: u16, settings: &AccountSettings) -> Finding {
    let what = text(
        format!("token_server 没有给出 access_token（HTTP {status}）"),
        format!("token_server gives no access_token (HTTP {status})"),
    );
    Finding::failed(check, what.after(&Console::OfficialAccount.app(&settings.app.id)), server_todo())
}

fn server_todo() -> super::finding::Text {
    text(
        "核对 [wechat.official_account] 的 token_server 与 token_server_secret，并确认那个服务在运行、以 stable_token 的格式回答：{\"access_token\":\"…\",\"expires_in\":7200}。",
        "Compare token_server and token_server_secret under [wechat.official_account] with that server, and see that it runs and answers as stable_token does: {\"access_token\":\"…\",\"expires_in\":7200}.",
    )
}

/// Whether `qr_login` can work.
async fn codes(context: &Context, settings: &AccountSettings, token: &Secret) -> Finding {
    const CHECK: &str = "account.codes";
    let about = Console::OfficialAccount.app(&settings.app.id);
    match context.inquiry.may_make_codes(token).await {
        Ok(heard) => match heard.answer {
            Ok(()) => Finding::ok(
                CHECK,
                text("可以生成带参数的二维码", "it may make codes to scan (生成带参数的二维码)")
                    .after(&about),
            ),
            Err(no) => refusals::finding_with_token(CHECK, &no, &settings.app.id),
        },
        Err(unreached) => {
            let about = about.and(&text("的带参数二维码", "(codes to scan)"));
            no_answer(context, CHECK, &unreached, &about).await
        }
    }
}

/// No interface tells which domain is registered, nor whether web authorization is granted.
fn domain(context: &Context, settings: &AccountSettings) -> Finding {
    let host = context.host();
    let what = text(
        "网页授权域名与权限无法从接口得知",
        "WeChat does not tell whether its web authorization domain is registered",
    );
    let todo = text(
        format!(
            "请确认「微信公众平台 → 设置与开发 → 账号设置 → 功能设置 → 网页授权域名」里有 {host}（只写域名，不带 https:// 和路径），且「设置与开发 → 接口权限 → 网页授权」为「已获得」。"
        ),
        format!(
            "See that “微信公众平台 → 设置与开发 → 账号设置 → 功能设置 → 网页授权域名” in the WeChat console has {host} (the bare host, without https:// and path), and that “设置与开发 → 接口权限 → 网页授权” says 已获得."
        ),
    );
    Finding::note("account.domain", what.after(&Console::OfficialAccount.app(&settings.app.id)), todo)
}
