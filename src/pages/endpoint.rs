//! The gateway's own addresses, parsed once.

use crate::model::path::{CanonicalPath, without_parameters};
use crate::model::return_to::OWN_PREFIX;

/// One of the gateway's own pages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Endpoint {
    /// `/_wxgate/admin` and everything below: administration.
    Admin,
    /// `/_wxgate/callback`: WeChat sends the browser back here.
    Callback,
    /// `/_wxgate/check`: `wxgate check --online` asks which gateway this is.
    Check,
    /// `/_wxgate/confirm`: a phone lets another browser in.
    Confirm,
    /// `/_wxgate/invite`: an invitation is taken.
    Invite,
    /// `/_wxgate/login`: a login begins.
    Login,
    /// `/_wxgate/login/code`: the code that a phone scans.
    LoginCode,
    /// `/_wxgate/login/status`: a waiting page asks whether there is news.
    LoginStatus,
    /// `/_wxgate/login/wait`: a browser waits for a phone.
    LoginWait,
    /// `/_wxgate/logout`: signing out.
    Logout,
    /// `/_wxgate/me`: who am I.
    Me,
    /// `/_wxgate/wechat/message`: WeChat's server tells what happened with the Official Account.
    Message,
    /// `/_wxgate/request`: somebody asks for access.
    Request,
    /// `/_wxgate/setup`: the first administrator.
    Setup,
    /// `/_wxgate/ticket`: a sign-in arrives from the login host.
    Ticket,
    /// Reserved, and nothing there.
    Unknown,
}

impl Endpoint {
    /// The endpoint at `path`, or `None` for everything that is not ours. Every spelling of the prefix that an
    /// application might take for it is reserved.
    pub fn parse(path: &CanonicalPath) -> Option<Self> {
        // Nearly every path; nothing canonical begins with another spelling of that letter.
        if path.as_str().bytes().find(|byte| *byte != b'/') != Some(b'_') {
            return None;
        }
        let first = path.as_str().trim_start_matches('/').split('/').next().unwrap_or_default();
        if !without_parameters(first).eq_ignore_ascii_case(OWN_PREFIX.trim_start_matches('/')) {
            return None;
        }
        Some(match path.as_str().strip_prefix(OWN_PREFIX) {
            Some("/callback") => Self::Callback,
            Some("/check") => Self::Check,
            Some("/confirm") => Self::Confirm,
            Some("/invite") => Self::Invite,
            Some("/login") => Self::Login,
            Some("/login/code") => Self::LoginCode,
            Some("/login/wait") => Self::LoginWait,
            Some("/wechat/message") => Self::Message,
            Some("/login/status") => Self::LoginStatus,
            Some("/logout") => Self::Logout,
            Some("/me") => Self::Me,
            Some("/request") => Self::Request,
            Some("/setup") => Self::Setup,
            Some("/ticket") => Self::Ticket,
            Some(path) if path == "/admin" || path.starts_with("/admin/") => Self::Admin,
            _ => Self::Unknown,
        })
    }

    /// The word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "_wxgate/admin",
            Self::Callback => "_wxgate/callback",
            Self::Check => "_wxgate/check",
            Self::Confirm => "_wxgate/confirm",
            Self::LoginCode => "_wxgate/login/code",
            Self::LoginWait => "_wxgate/login/wait",
            Self::Message => "_wxgate/wechat/message",
            Self::Invite => "_wxgate/invite",
            Self::Login => "_wxgate/login",
            Self::LoginStatus => "_wxgate/login/status",
            Self::Logout => "_wxgate/logout",
            Self::Me => "_wxgate/me",
            Self::Request => "_wxgate/request",
            Self::Setup => "_wxgate/setup",
            Self::Ticket => "_wxgate/ticket",
            Self::Unknown => "_wxgate/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Option<Endpoint> {
        Endpoint::parse(&CanonicalPath::parse(path).unwrap())
    }

    #[test]
    fn the_prefix_is_reserved_in_every_spelling() {
        assert_eq!(parse("/_wxgate/login"), Some(Endpoint::Login));
        assert_eq!(parse("/%5Fwxgate/./me"), Some(Endpoint::Me));
        for path in [
            "/_wxgate",
            "/_wxgate/",
            "/_WXGATE/login",
            "/_wxgate;x/login",
            "/_wxgate%3bx/login",
            "/x/../_wxgate/x",
            "/_wxgate/login/",
        ] {
            assert_eq!(parse(path), Some(Endpoint::Unknown), "{path}");
        }
        for path in ["/", "/_wxgates", "/x/_wxgate", "/_wxgate.html"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
