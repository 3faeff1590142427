//! `message_backend`: whether the program that takes messages in our place answers, and soon enough.
//!
//! It is asked what WeChat asks when 服务器配置 is submitted: a GET with `echostr`, which by WeChat's rules is no message. Nothing
//! is posted to it, so there is nothing it could act upon.

use std::time::Duration;

use super::context::Context;
use super::fetch::fetch;
use super::finding::{Finding, Text, text};
use super::network::Why;
use crate::model::clock;
use crate::pages::phone::PATIENCE;
use crate::seal::{hex, random};
use crate::wechat::message::Mode;

const CHECK: &str = "message_backend";

/// Longer ago than the gateway takes a signature for a new one.
const LONG_AGO: Duration = Duration::from_secs(3600);

/// What becomes of a message that is handed on.
pub(super) async fn check(context: &Context) -> Vec<Finding> {
    let account = context.config.wechat.official_account.as_ref();
    let asked =
        account.and_then(|account| Some((account.inbox.as_ref()?, account.message_backend.as_ref()?)));
    let Some((inbox, url)) = asked else { return Vec::new() };
    let signed_at = match inbox.mode {
        // The signature would do for a message to us: whoever reads it there, as in a log, shall have none that counts.
        Mode::Plaintext => clock::now().before(LONG_AGO),
        Mode::Compatible(_) | Mode::Secure(_) => clock::now(),
    };
    let echo = hex(&random::<12>());
    let query = inbox.question(&hex(&random::<8>()), &echo, signed_at);
    // Its path and query may hold secrets.
    let origin = url.origin().ascii_serialization();
    let about = text(format!("message_backend {origin}"), format!("message_backend {origin}"));
    let failed = |what: Text, todo| vec![Finding::failed(CHECK, what.after(&about), todo)];
    let answer = match fetch(&context.client, url.as_str(), &query, PATIENCE).await {
        Ok(answer) => answer,
        Err(error) => {
            let why = Why::of(url.as_str(), error.as_ref(), &context.proxies).await;
            let place = origin.split_once("://").map_or(origin.as_str(), |(_, place)| place);
            return failed(unanswered(&why, place), todo(&why, place));
        }
    };
    let (status, is_echoed) = (answer.status, answer.body.trim_ascii() == echo.as_bytes());
    match status {
        200 if is_echoed => {
            let what = text(
                "像回答微信那样回答了，与登录无关的消息会转给它",
                "answers as it answers WeChat; messages that are not about signing in go there",
            );
            vec![Finding::ok(CHECK, what.after(&about))]
        }
        300..400 | 502..=504 => failed(
            text(
                format!("回答 HTTP {status}，转给它的消息得不到回复"),
                format!("answers HTTP {status}: messages that go there get no reply"),
            ),
            text(
                "启动那个程序，或在 message_backend 写它自己的完整地址：wxgate 不跟随重定向。",
                "Start that program, or write its own whole address as message_backend: wxgate follows no redirects.",
            ),
        ),
        _ => {
            let what = text(
                format!("有回答，但不像回答微信那样（HTTP {status}）"),
                format!("answers, and not as it would answer WeChat (HTTP {status})"),
            );
            let todo = text(
                "如果它从不回答微信的验证请求（GET），不必理会；否则核对 message_backend 的路径，并确认它的 token 与 [wechat.official_account] 的相同。只有回答 200，消息的发送者才会收到回复。",
                "If it never answers WeChat's own question (a GET), all is well; else compare the path in message_backend, and see that its token is that of [wechat.official_account]. Only its answers with status 200 reach whoever wrote.",
            );
            vec![Finding::note(CHECK, what.after(&about), todo)]
        }
    }
}

fn unanswered(why: &Why, place: &str) -> Text {
    let limit = PATIENCE.as_secs();
    match why {
        Why::Slow => text(
            format!("{limit} 秒内没有回答，微信等不了更久"),
            format!("does not answer within {limit} seconds, and WeChat waits no longer"),
        ),
        why => why.what(place),
    }
}

fn todo(why: &Why, place: &str) -> Text {
    match why {
        Why::Plain => text(
            format!(
                "那个程序说的是 http 时，写 message_backend = \"http://{place}/…\"；否则写它的 https 端口。"
            ),
            format!(
                "If that program speaks http, write message_backend = \"http://{place}/…\"; else write its port for https."
            ),
        ),
        Why::Slow => text(
            "让那个程序先回答空内容、随后再处理（客服消息）；与登录无关的消息在此之前得不到回复。",
            "Let that program answer at once, with nothing, and write later (客服消息); until then messages that are not about signing in get no reply.",
        ),
        Why::Certificate(_) | Why::Tls(_) => text(
            "更新那个程序的证书，或在 message_backend 写证书上的域名；私有 CA 须是本机信任的。",
            "Renew that program's certificate, or write message_backend with a name that stands in it; a private authority has to be one that this computer trusts.",
        ),
        _ => text(
            "启动那个程序，或改正 message_backend（容器里的 127.0.0.1 是容器自己）；在此之前，与登录无关的消息得不到回复。",
            "Start that program, or correct message_backend (in a container 127.0.0.1 is the container itself); until then messages that are not about signing in get no reply.",
        ),
    }
}
