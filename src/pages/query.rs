//! Queries of our own pages: few parameters, each at most once, no repair.

use percent_encoding::percent_decode_str;

use crate::login::{Callback, Way};

/// What `/_wxgate/login` is asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct LoginQuery<'a> {
    /// `to=…`: everything behind it, because nginx writes the address there unescaped.
    pub(super) to: Option<&'a str>,
    /// `way=qr` or `way=wechat`.
    pub(super) way: Option<Way>,
    /// `n=…`: the asking host's browser, by the hash of its nonce.
    pub(super) handoff: Option<[u8; 32]>,
}

/// Reads the query of the login page.
pub(super) fn login(query: Option<&str>) -> LoginQuery<'_> {
    let mut found = LoginQuery::default();
    let mut rest = query.unwrap_or_default();
    while !rest.is_empty() {
        if let Some(to) = rest.strip_prefix("to=") {
            found.to = Some(to);
            break;
        }
        let (pair, behind) = rest.split_once('&').unwrap_or((rest, ""));
        match pair.split_once('=') {
            Some(("way", "qr")) => found.way = Some(Way::Qr),
            Some(("way", "ask")) => found.way = Some(Way::Ask),
            Some(("way", "choose")) => found.way = Some(Way::Choose),
            Some(("way", "code")) => found.way = Some(Way::Chat),
            Some(("way", "follow")) => found.way = Some(Way::Follow),
            Some(("way", "link")) => found.way = Some(Way::Link),
            Some(("way", "wechat")) => found.way = Some(Way::InApp),
            Some(("n", hash)) => found.handoff = unhex(hash),
            _ => {}
        }
        rest = behind;
    }
    found
}

/// Reads the query of a callback. A parameter given twice is not given.
pub(super) fn callback(query: Option<&str>) -> Callback {
    let is_repeated = single(query, "repeated").is_some();
    Callback { code: single(query, "code"), state: single(query, "state"), is_repeated }
}

/// The value of a parameter that stands there exactly once.
pub(super) fn single(query: Option<&str>, name: &str) -> Option<String> {
    let mut values = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned),
        _ => None,
    }
}

/// `lang=…`, which stands before `to=`.
pub(super) fn language(query: &str) -> Option<&str> {
    let own = query.split("to=").next().unwrap_or_default();
    own.split('&').find_map(|pair| pair.strip_prefix("lang="))
}

/// The bytes that hexadecimal digits stand for.
pub(super) fn unhex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if text.len() != LENGTH * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(position * 2..position * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_behind_to_is_the_address() {
        let found = login(Some("lang=en&way=qr&to=https://a.test/x?a=1&to=2&way=wechat"));
        assert_eq!(found.to, Some("https://a.test/x?a=1&to=2&way=wechat"));
        assert_eq!(found.way, Some(Way::Qr));
        assert_eq!(language("lang=en&to=/x?lang=zh"), Some("en"));
        assert_eq!(login(None), LoginQuery::default());
        assert_eq!(login(Some("n=zz&to=")).to, Some(""));
    }

    #[test]
    fn a_callback_parameter_given_twice_is_not_given() {
        let found = callback(Some("code=a%2Bb&state=s1&state=s2"));
        assert_eq!(found, Callback { code: Some("a+b".to_owned()), ..Callback::default() });
    }
}
