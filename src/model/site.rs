//! The public addresses of what is protected.

use super::host::Host;
use super::visit::Scheme;

/// Where browsers find the gateway: the parts of `public_url`. Every absolute address that is ever sent is made here,
/// from the configuration and never from a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// http or https, for all protected hosts.
    pub scheme: Scheme,
    /// The host that WeChat calls back, where logins run.
    pub login_host: Host,
    /// The port, when it is not the scheme's own.
    pub port: Option<u16>,
    /// The domain whose hosts share one session cookie.
    pub cookie_domain: Option<String>,
}

impl Site {
    /// `https://host[:port]`, without a slash behind it.
    pub fn origin(&self, host: &Host) -> String {
        match self.port {
            Some(port) => format!("{}://{host}:{port}", self.scheme.as_str()),
            None => format!("{}://{host}", self.scheme.as_str()),
        }
    }

    /// The origin of the login host.
    pub fn login_origin(&self) -> String {
        self.origin(&self.login_host)
    }

    /// Whether both hosts see the same session cookie.
    pub fn shares_session(&self, host: &Host) -> bool {
        *host == self.login_host
            || self.cookie_domain.as_deref().is_some_and(|domain| is_within(host, domain))
    }
}

/// Whether `host` is `domain` or lies below it.
pub fn is_within(host: &Host, domain: &str) -> bool {
    host.as_str().strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
