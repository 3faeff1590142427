//! What whoever set up a proxy reads when its questions cannot be answered: which headers came, and what sends the right ones.

use http::{Response, StatusCode};

use super::answer;
use super::asking::Asking;
use crate::forward_auth::{CheckError, Dialect};
use crate::model::site::Site;
use crate::net::body::Body;

/// Most bytes of header names that are listed.
const NAMES: usize = 600;

/// The answer to the proxy, at most 1 KiB.
pub(super) fn answer(error: &CheckError, site: &Site, asking: &Asking<'_>) -> Response<Body> {
    let id = asking.request_id;
    let status = match error {
        CheckError::Untrusted(_) | CheckError::OwnPage => StatusCode::FORBIDDEN,
        CheckError::Nowhere => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    let lists = status == StatusCode::BAD_REQUEST;
    let received = if lists { format!(" Received: {}.", received(asking)) } else { String::new() };
    answer::text(site, status, format!("wxgate: {error}.{received} {}\n{id}\n", advice(error, asking)))
}

/// The line for the operator.
pub(super) fn log(error: &CheckError, asking: &Asking<'_>) {
    let (request_id, check) = (asking.request_id, word(asking));
    let (advice, received) = (advice(error, asking), received(asking));
    let message = "a proxy's question about a visitor was refused";
    match error {
        CheckError::Untrusted(address) => {
            tracing::warn!(request_id, check, %address, advice, "{message}: {error}");
        }
        _ => tracing::warn!(request_id, check, received, advice, "{message}: {error}"),
    }
}

fn advice(error: &CheckError, asking: &Asking<'_>) -> String {
    let snippet = snippet(asking);
    match error {
        CheckError::Untrusted(address) => {
            format!("If that is your proxy, write trusted_proxies = [\"{address}\"] under [server].")
        }
        CheckError::Disguised(_) => {
            format!("The configuration that {snippet} prints removes such headers first.")
        }
        CheckError::OwnPage => format!("{snippet} prints the part that does."),
        _ => format!("{snippet} prints the configuration that sends what is needed."),
    }
}

/// Who asks; HAProxy speaks as nginx does.
fn word(asking: &Asking<'_>) -> &'static str {
    match asking.check {
        Some(Dialect::Nginx) => "nginx|haproxy",
        Some(dialect) => dialect.as_str(),
        None => "-",
    }
}

/// What prints the configuration of whoever asks.
fn snippet(asking: &Asking<'_>) -> String {
    match asking.check {
        Some(Dialect::Nginx) => "`wxgate snippet nginx` (or haproxy)".to_owned(),
        Some(dialect) => format!("`wxgate snippet {}`", dialect.as_str()),
        None => "`wxgate snippet` and the proxy's name".to_owned(),
    }
}

/// The names, never the values: among them are cookies.
fn received(asking: &Asking<'_>) -> String {
    let mut names = String::new();
    for name in asking.parts.headers.keys().map(http::HeaderName::as_str) {
        if names.len() + name.len() > NAMES {
            names.push_str(", …");
            break;
        }
        let comma = if names.is_empty() { "" } else { ", " };
        names.push_str(comma);
        names.push_str(name);
    }
    names
}
