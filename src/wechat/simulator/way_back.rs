//! The address a browser is sent back to: `redirect_uri` with `code` and `state` put in.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::script::Fragment;

/// What cannot stand in a `Location` as it is.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

/// Where to, and with which state.
#[derive(Clone, Debug)]
pub(super) struct WayBack {
    pub(super) redirect_uri: String,
    /// As it was spelled in the request, so that it is echoed byte for byte.
    pub(super) raw_state: String,
    pub(super) frame: Frame,
}

/// Which window goes there: wxLogin.js's `self_redirect`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Frame {
    /// The iframe the QR page is in.
    Own,
    /// The page that embeds the iframe.
    Top,
    /// There is no iframe.
    Whole,
}

impl WayBack {
    /// The whole address; without `code` it says "refused".
    pub(super) fn url(&self, code: Option<&str>, fragment: Fragment) -> String {
        let uri = utf8_percent_encode(&self.redirect_uri, UNSAFE).to_string();
        let mut parameters = code.map(|code| format!("code={code}")).into_iter().collect::<Vec<_>>();
        if !self.raw_state.is_empty() {
            parameters.push(format!("state={}", self.raw_state));
        }
        let parameters = parameters.join("&");
        let Some((before, after)) = uri.split_once('#') else { return appended(&uri, &parameters) };
        match fragment {
            Fragment::After => appended(&uri, &parameters),
            Fragment::Before => format!("{}#{after}", appended(before, &parameters)),
            Fragment::Doubled => {
                let host_end = before.find("://").map_or(0, |at| at + 3);
                let path_at = before[host_end..].find('/').map_or(before.len(), |at| host_end + at);
                let (host, path) = before.split_at(path_at);
                format!("{host}?{parameters}{path}#{}", appended(after, &parameters))
            }
        }
    }
}

fn appended(address: &str, parameters: &str) -> String {
    let separator = match address {
        _ if parameters.is_empty() || address.ends_with(['?', '&']) => "",
        _ if address.contains('?') => "&",
        _ => "?",
    };
    format!("{address}{separator}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(redirect_uri: &str, fragment: Fragment) -> String {
        let [redirect_uri, raw_state] = [redirect_uri, "a%2Bb"].map(str::to_owned);
        WayBack { redirect_uri, raw_state, frame: Frame::Whole }.url(Some("C"), fragment)
    }

    #[test]
    fn code_and_state_join_an_existing_query() {
        assert_eq!(url("https://a.example/cb", Fragment::Before), "https://a.example/cb?code=C&state=a%2Bb");
        assert_eq!(
            url("https://a.example/cb?x=1", Fragment::Before),
            "https://a.example/cb?x=1&code=C&state=a%2Bb"
        );
        assert_eq!(url("https://a.example/cb?", Fragment::Before), "https://a.example/cb?code=C&state=a%2Bb");
    }

    #[test]
    fn a_fragment_gets_the_code_before_it_or_in_the_reported_wrong_places() {
        let uri = "https://a.example/#/login";
        assert_eq!(url(uri, Fragment::Before), "https://a.example/?code=C&state=a%2Bb#/login");
        assert_eq!(url(uri, Fragment::After), "https://a.example/#/login?code=C&state=a%2Bb");
        let twice = "https://a.example?code=C&state=a%2Bb/#/login?code=C&state=a%2Bb";
        assert_eq!(url(uri, Fragment::Doubled), twice);
    }

    #[test]
    fn a_refusal_carries_the_state_alone() {
        let [redirect_uri, raw_state] = ["https://a.example/cb", "s"].map(str::to_owned);
        let refused = WayBack { redirect_uri, raw_state, frame: Frame::Whole }.url(None, Fragment::Before);
        assert_eq!(refused, "https://a.example/cb?state=s");
    }
}
