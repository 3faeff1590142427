//! The applications: does each take a connection, with TLS where it has to?

use super::context::{Context, LIMIT, together};
use super::finding::{Finding, text};
use super::network::Why;
use crate::proxy::{ConnectError, Connector, Upstream};

const CHECK: &str = "upstream";

/// Every application, once.
pub(super) async fn check(context: &Context) -> Vec<Finding> {
    let mut known: Vec<&Upstream> = Vec::new();
    for upstream in context.config.routes.iter().filter_map(|route| route.upstream.as_ref()) {
        if !known.contains(&upstream) {
            known.push(upstream);
        }
    }
    together(known.into_iter().cloned().map(one)).await
}

async fn one(upstream: Upstream) -> Finding {
    let place = upstream.to_string();
    let about = text(format!("应用 {place}"), format!("application {place}"));
    let connector = match Connector::new(&upstream) {
        Ok(connector) => connector,
        Err(error) => {
            let what = text(error.to_string(), error.to_string());
            return Finding::failed(CHECK, what.after(&about), todo(&place));
        }
    };
    let why = match tokio::time::timeout(LIMIT, connector.probe()).await {
        Ok(Ok(())) => {
            return Finding::ok(CHECK, text("可以连接", "takes connections").after(&about));
        }
        Ok(Err(ConnectError::Timeout)) | Err(_) => Why::Slow,
        Ok(Err(ConnectError::Handshake(_))) => Why::Cut,
        Ok(Err(ConnectError::Failed(error))) => match Why::found_in(error.as_ref()) {
            Some(why) => why,
            None => {
                let authority = &upstream.authority;
                let asked = (authority.host(), authority.port_u16().unwrap_or(80));
                let found = tokio::time::timeout(LIMIT, tokio::net::lookup_host(asked)).await;
                if found.is_ok_and(|found| found.is_ok()) { Why::Other } else { Why::Unknown }
            }
        },
    };
    let todo = match why {
        Why::Certificate(_) | Why::Tls(_) => text(
            "私有 CA 签发的证书：在路由里用 ca_file 指明它；否则更新应用的证书，或把 upstream 改成证书上的名字。",
            "For a certificate of a private authority, name that authority as ca_file of the route; else renew the application's certificate, or write upstream with a name that stands in it.",
        ),
        Why::Plain => {
            let plain = place.replacen("https://", "http://", 1);
            text(
                format!("应用说的是 http 时，写 upstream = \"{plain}\"；否则写它的 https 端口。"),
                format!(
                    "If the application speaks http, write upstream = \"{plain}\"; else write its port for https."
                ),
            )
        }
        _ => todo(&place),
    };
    Finding::failed(CHECK, why.what(upstream.authority.as_str()).after(&about), todo)
}

fn todo(place: &str) -> super::finding::Text {
    text(
        format!(
            "启动应用，或改正 upstream = \"{place}\"（容器里的 127.0.0.1 是容器自己）。登录后的人会看到 502。"
        ),
        format!(
            "Start the application, or correct upstream = \"{place}\" (in a container 127.0.0.1 is the container itself). People who are signed in see a 502."
        ),
    )
}
