//! How an application may read what it received.

use http::StatusCode;

use crate::application::Arrived;
use crate::stage::Stage;
use crate::support::Answer;

/// What a browser says when a person opens a page.
pub(crate) const NAVIGATION: &str = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n";

/// Every path that servers that decode once or twice, take `\` for `/`, drop parameters, or end a path at a NUL would
/// find in a target.
pub(crate) fn readings(target: &str) -> Vec<String> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let after_scheme = target.split_once("://").map(|(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let path = after_scheme.unwrap_or(target).split(['?', '#']).next().unwrap();
    let (once, twice) = (decode(path), decode(&decode(path)));
    let mut readings = Vec::new();
    for text in [path.to_owned(), once, twice] {
        let ended = text.split('\0').next().unwrap().to_owned();
        for (text, drops_parameters) in [(&text, false), (&text, true), (&ended, false), (&ended, true)] {
            let mut segments = Vec::new();
            for segment in text.split(['/', '\\']) {
                match if drops_parameters { segment.split(';').next().unwrap() } else { segment } {
                    "" | "." => {}
                    ".." => _ = segments.pop(),
                    name => segments.push(name),
                }
            }
            readings.push(format!("/{}", segments.join("/")));
        }
    }
    readings
}

/// Whether a path is the folder or within.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The same host, whatever the port and the capitals.
pub(crate) fn is_host(host: &str, authority: &str) -> bool {
    let name = |authority: &str| {
        let name = authority.split(':').next().unwrap().trim_end_matches('.');
        name.to_ascii_lowercase()
    };
    name(host) == name(authority)
}

/// Whether a stranger may have this of the usual host.
pub(crate) fn is_open(arrived: &Arrived, authority: &str) -> bool {
    is_host(arrived.header("host"), authority)
        && readings(&arrived.target).iter().all(|reading| is_below(reading, "/public"))
}

/// Sends one request; gives the status, 0 for a cut, and what arrived at the applications.
pub(crate) async fn sent(stage: &Stage, request: &str) -> (u16, Vec<Arrived>, Vec<Arrived>) {
    let answer = stage.asked(request).await;
    if let Ok(answer) = &answer {
        assert!(!answer.headers.contains_key("x-injected"), "{request}");
    }
    // Caddy has this empty answer for what no site of its serves.
    let is_empty = |answer: &Answer| answer.status == StatusCode::OK && answer.body.is_empty();
    let status = answer.map_or(0, |answer| if is_empty(&answer) { 421 } else { answer.status.as_u16() });
    (status, stage.application.take(), stage.second.take())
}

/// A refusal, and no confusion: garbage makes no errors of the server's.
pub(crate) fn assert_refusal(status: u16, what: &str) {
    let usual = [0, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 414, 421, 426, 431, 501, 505];
    assert!(usual.contains(&status), "{what}: {status}");
}
