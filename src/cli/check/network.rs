//! Why nobody answered, in words: names, refusals, silence, certificates.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::super::written::minute;
use super::finding::{Text, text};
use crate::model::clock::Timestamp;

/// How long a name server is given once a connection has failed.
const LOOKUP: Duration = Duration::from_secs(2);

/// Most names of a certificate that are listed.
const NAMES: usize = 5;

/// What webpki, which is no dependency of ours, calls an authority's own certificate in place of a server's.
const SELF_SIGNED: &str = "CaUsedAsEndEntity";

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Why {
    /// The certificate is not to be trusted.
    Certificate(Text),
    /// The connection was cut.
    Cut,
    /// There is no way there.
    NoRoute,
    /// Something else.
    Other,
    /// Something that is not TLS answered a TLS greeting.
    Plain,
    /// The proxy that the environment names.
    Proxy(&'static str),
    /// Nobody listens.
    Refused,
    /// It took too long.
    Slow,
    /// TLS could not be agreed on.
    Tls(String),
    /// Nobody knows the name.
    Unknown,
}

/// Which variables send calls through a proxy.
pub(super) struct Proxies(Vec<&'static str>);

impl Proxies {
    const NAMES: [&str; 5] = ["HTTPS_PROXY", "https_proxy", "http_proxy", "ALL_PROXY", "all_proxy"];

    /// Those of `environment`.
    pub(super) fn of(environment: &[(String, String)]) -> Self {
        let is_set =
            |name: &&str| environment.iter().any(|(known, value)| known == *name && !value.is_empty());
        Self(Self::NAMES.into_iter().filter(is_set).collect())
    }

    /// The one by which `url` is asked for.
    fn to(&self, url: &str) -> Option<&'static str> {
        let is_https = url.starts_with("https:");
        let mut names = self.0.iter().copied();
        names.find(|name| match *name {
            "HTTPS_PROXY" | "https_proxy" => is_https,
            "http_proxy" => !is_https,
            _ => true,
        })
    }
}

impl Why {
    /// Why `url` could not be asked; no error is a wait that was too long.
    pub(super) async fn of(url: &str, error: Option<&reqwest::Error>, proxies: &Proxies) -> Self {
        let Some(error) = error.filter(|error| !error.is_timeout()) else {
            // A name server that is silent looks just like that.
            let is_named = proxies.to(url).is_some() || is_known(url).await;
            return if is_named { Self::Slow } else { Self::Unknown };
        };
        match (Self::found_in(error), proxies.to(url)) {
            (Some(why @ (Self::Certificate(_) | Self::Plain | Self::Tls(_))), _) => why,
            (_, Some(name)) if error.is_connect() => Self::Proxy(name),
            (Some(why), _) => why,
            (None, _) if error.is_connect() && !is_known(url).await => Self::Unknown,
            (None, _) if error.is_connect() => Self::Other,
            (None, _) => Self::Cut,
        }
    }

    /// What the causes of `error` say.
    pub(super) fn found_in(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Some(of_tls(error));
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                if let Some(found) = error.get_ref().and_then(|inner| Self::found_in(inner)) {
                    return Some(found);
                }
                match error.kind() {
                    io::ErrorKind::ConnectionRefused => return Some(Self::Refused),
                    io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                        return Some(Self::NoRoute);
                    }
                    io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::BrokenPipe => return Some(Self::Cut),
                    io::ErrorKind::TimedOut => return Some(Self::Slow),
                    _ => {}
                }
            }
            cause = error.source();
        }
        None
    }

    /// What happened at `place`.
    pub(super) fn what(&self, place: &str) -> Text {
        match self {
            Self::Certificate(words) => words.after(&text(place, place)),
            Self::Cut => text(
                format!("{place} 中途断开了连接"),
                format!("{place} cut the connection before there was a whole answer"),
            ),
            Self::NoRoute => {
                text(format!("没有到 {place} 的网络路由"), format!("there is no network route to {place}"))
            }
            Self::Other => text(format!("无法连接 {place}"), format!("{place} cannot be connected to")),
            Self::Plain => text(
                format!("{place} 的端口上不是 TLS（多半是 http），不能用 https 访问"),
                format!("the port of {place} does not speak TLS, most likely http: https cannot reach it"),
            ),
            Self::Proxy(name) => text(
                format!("经 {name} 指定的代理连不上 {place}"),
                format!("{place} is not reached through the proxy that {name} names"),
            ),
            Self::Refused => text(
                format!("{place} 拒绝连接，没有程序在监听"),
                format!("{place} refuses the connection: nothing listens there"),
            ),
            Self::Slow => {
                text(format!("{place} 没有在时限内回应"), format!("{place} does not answer in time"))
            }
            Self::Tls(why) => text(
                format!("与 {place} 的 TLS 握手失败（{why}）"),
                format!("no TLS connection with {place} ({why})"),
            ),
            Self::Unknown => text(
                format!("域名解析失败：{place}"),
                format!("the name of {place} cannot be resolved (DNS)"),
            ),
        }
    }
}

fn of_tls(error: &rustls::Error) -> Why {
    let error = match error {
        rustls::Error::InvalidCertificate(error) => error,
        rustls::Error::InvalidMessage(_) => return Why::Plain,
        other => return Why::Tls(other.to_string()),
    };
    Why::Certificate(match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            let day = date(*not_after);
            text(format!("证书已于 {day} 过期"), format!("the certificate expired on {day}"))
        }
        CertificateError::Expired => text("证书已过期", "the certificate has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => text(
            "证书尚未生效（或本机时钟不准）",
            "the certificate is not valid yet (or this computer's clock is wrong)",
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.iter().take(NAMES).map(|name| legible(name)).collect::<Vec<_>>().join(", ");
            text(
                format!("证书不属于这个域名，只适用于 {names}"),
                format!("the certificate is not for this name, only for {names}"),
            )
        }
        CertificateError::NotValidForName => {
            text("证书不属于这个域名", "the certificate is not for this name")
        }
        CertificateError::Revoked => text("证书已被吊销", "the certificate was revoked"),
        CertificateError::UnknownIssuer => text(
            "证书的签发者不受信任（自签名、私有 CA，或缺少中间证书）",
            "the certificate is signed by nobody this computer trusts: self-signed, by a private authority, or sent without the intermediate one",
        ),
        CertificateError::Other(other) if other.to_string().contains(SELF_SIGNED) => text(
            "证书是自签名的，而且本身是一张 CA 证书（`openssl req -x509` 默认如此），不能当服务器证书用",
            "the certificate is self-signed, and that of an authority (as `openssl req -x509` makes it), which cannot be a server's",
        ),
        other => {
            let why = other.to_string();
            text(format!("证书无法验证（{why}）"), format!("the certificate cannot be verified ({why})"))
        }
    })
}

/// A day, as `2026-09-21`.
pub(super) fn date(at: UnixTime) -> String {
    let at = Timestamp::from_unix(i64::try_from(at.as_secs()).unwrap_or(i64::MAX));
    minute(at).get(..10).unwrap_or_default().to_owned()
}

/// A name out of a stranger's certificate.
fn legible(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(80).collect()
}

async fn is_known(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return true };
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return true };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match tokio::time::timeout(LOOKUP, tokio::net::lookup_host((bare, port))).await {
        Ok(found) => found.is_ok(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_the_way_to_what_its_variable_is_about() {
        let of = |name: &str| Proxies::of(&[(name.to_owned(), "http://proxy.test:3128".to_owned())]);
        assert_eq!(of("HTTPS_PROXY").to("https://a.test"), Some("HTTPS_PROXY"));
        assert_eq!(of("HTTPS_PROXY").to("http://a.test"), None);
        assert_eq!(of("http_proxy").to("http://a.test"), Some("http_proxy"));
        assert_eq!(of("ALL_PROXY").to("https://a.test"), Some("ALL_PROXY"));
        assert_eq!(Proxies::of(&[("HTTPS_PROXY".to_owned(), String::new())]).to("https://a.test"), None);
    }

    #[test]
    fn the_cause_is_found_inside_other_errors() {
        let refused = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(Why::found_in(&refused), Some(Why::Refused));
        let expired = rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            time: UnixTime::since_unix_epoch(Duration::from_secs(2_000_000_000)),
            not_after: UnixTime::since_unix_epoch(Duration::from_secs(1_790_000_000)),
        });
        let Some(Why::Certificate(words)) = Why::found_in(&io::Error::other(expired)) else {
            panic!("not about the certificate")
        };
        assert_eq!(words, text("证书已于 2026-09-21 过期", "the certificate expired on 2026-09-21"));
        assert_eq!(Why::found_in(&io::Error::other("x")), None);
    }
}
