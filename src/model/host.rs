//! Host names as they are compared: lower case, without trailing dot and without port.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;

/// A host name or address literal in the one form in which hosts are compared.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Host(String);

/// The authority of a request or URL: a host and, if it was written and is not the scheme's own, a port.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Authority {
    /// Who is asked.
    pub host: Host,
    /// The written port.
    pub port: Option<u16>,
}

/// The text is not a host.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a valid host")]
pub struct InvalidHost;

impl Host {
    /// Parses a bare host: `A.Test.` becomes `a.test`, `[::1]` keeps its brackets.
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address: std::net::Ipv6Addr = inner.parse().map_err(|_| InvalidHost)?;
            return Ok(Self(format!("[{address}]")));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let mut label = 0;
        for byte in name.bytes() {
            match byte {
                b'.' if label == 0 => return Err(InvalidHost),
                b'.' => label = 0,
                b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' if label < 63 => label += 1,
                _ => return Err(InvalidHost),
            }
        }
        if name.len() > 253 || label == 0 {
            return Err(InvalidHost);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether browsers treat plain http to this host as safe (`localhost`, `*.localhost`, loopback addresses).
    pub fn is_loopback(&self) -> bool {
        let bare = self.0.trim_start_matches('[').trim_end_matches(']');
        self.0 == "localhost"
            || self.0.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl Authority {
    /// Parses `host` or `host:port` (RFC 9110 §7.2); no user information, no blanks, port 1–65535.
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        let (host, port) = match text.bytes().rposition(|byte| byte == b':') {
            Some(colon) if !text.ends_with(']') => {
                let digits = &text[colon + 1..];
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(InvalidHost);
                }
                let port: u16 = digits.parse().map_err(|_| InvalidHost)?;
                (&text[..colon], Some(port).filter(|port| *port != 0).ok_or(InvalidHost).map(Some)?)
            }
            _ => (text, None),
        };
        Ok(Self { host: Host::parse(host)?, port })
    }

    /// Whether `text` is this authority in the form in which it is displayed.
    pub fn is_written(&self, text: &[u8]) -> bool {
        match (text.strip_prefix(self.host.as_str().as_bytes()), self.port) {
            (Some(rest), None) => rest.is_empty(),
            (Some([b':', digits @ ..]), Some(port)) => {
                digits.first() != Some(&b'0')
                    && digits.iter().try_fold(0_u32, |number, digit| match digit {
                        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u32::from(digit - b'0')),
                        _ => None,
                    }) == Some(u32::from(port))
            }
            _ => false,
        }
    }

    /// The same authority without a port that the scheme implies anyway.
    pub fn without_default_port(self, https: bool) -> Self {
        let implied = if https { 443 } else { 80 };
        Self { port: self.port.filter(|port| *port != implied), ..self }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.host),
            None => write!(formatter, "{}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_host_is_labels_between_dots(text in "([-_a-zA-Z0-9]{0,3}|[ -~é]{0,2}|[a-z]{60,66})([.]([a-z0-9-]{0,2}|[a-z]{60,64})){0,5}[.]{0,2}") {
            let name = text.strip_suffix('.').unwrap_or(&text);
            let labels_are_sound = name.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            });
            let expected = name.len() <= 253 && labels_are_sound;
            prop_assert_eq!(Host::parse(&text).ok(), expected.then(|| Host(name.to_ascii_lowercase())));
        }
    }

    #[test]
    fn spellings_of_one_host_are_equal() {
        for text in ["a.test", "A.TEST", "a.test.", "A.test."] {
            assert_eq!(Host::parse(text).unwrap().as_str(), "a.test");
        }
        let authority = Authority::parse("a.test:80").unwrap().without_default_port(false);
        assert_eq!(authority.to_string(), "a.test");
        assert_eq!(Authority::parse("[0:0::1]:8480").unwrap().to_string(), "[::1]:8480");
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "", "a,b", "a b", "a/b", "u@a", "a:", "a:0", "a:99999", "a%2eb", "a..b", ".", "a:80:80", "[::1",
            "::1", "a:+80", "a\\b", "a#b", "a?b", "中.test",
        ] {
            assert_eq!(Authority::parse(text), Err(InvalidHost), "{text}");
        }
    }

    #[test]
    fn an_authority_knows_its_one_spelling() {
        for (text, others) in [
            (
                "a.test:8480",
                ["a.test:08480", "a.test:84800", "a.test:", "a.test", "A.test:8480", "a.test:8480 "],
            ),
            ("a.test", ["a.test.", "a.test:80", "a.tes", "a.testx", "A.test", ""]),
        ] {
            let authority = Authority::parse(text).unwrap();
            assert!(authority.is_written(text.as_bytes()) && authority.to_string() == text);
            assert!(others.iter().all(|other| !authority.is_written(other.as_bytes())));
        }
    }

    #[test]
    fn loopback_hosts_are_known() {
        for text in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(Host::parse(text).unwrap().is_loopback(), "{text}");
        }
        assert!(!Host::parse("localhost.evil.test").unwrap().is_loopback());
    }
}
