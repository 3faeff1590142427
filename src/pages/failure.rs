//! Every error as the visitor meets it, and as the operator reads it: the one place that does both.

use http::header::{CONNECTION, HeaderValue};
use http::{Response, StatusCode};
use thiserror::Error;

use super::answer;
use super::asking::Asking;
use super::check;
use super::page::{Malformed, Page};
use super::phone::page::Phone;
use super::render::Pages;
use crate::forward_auth::CheckError;
use crate::gate::Refusal;
use crate::login::{LoginError, LoginFailure, TicketError};
use crate::members::Unsure;
use crate::model::member::{ChangeError, Status};
use crate::model::site::Site;
use crate::model::visit::AmbiguousVisit;
use crate::net::body::Body;
use crate::proxy::ForwardError;
use crate::store::StoreError;
use crate::wechat::api::WechatError;
use crate::wechat::errcode::Reaction;

/// Why a request did not get what it asked for.
#[derive(Debug, Error)]
pub enum Failure {
    /// The target can be read in two ways.
    #[error(transparent)]
    Ambiguous(#[from] AmbiguousVisit),
    /// `;parameters` or a method in small letters lead to another route.
    #[error("path parameters, or small letters in the method, would lead to another route")]
    AmbiguousRoute,
    /// A proxy's question cannot be answered.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The form or connection came from another site.
    #[error("sent from another site")]
    ForeignOrigin,
    /// The application gave no answer.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// A page was open for so long that its form no longer counts.
    #[error("the form is from another session, or too old")]
    FormExpired,
    /// The login did not end in a session.
    #[error(transparent)]
    Login(#[from] LoginFailure),
    /// A form that no page of ours sends.
    #[error("the form cannot be read")]
    Malformed(Malformed),
    /// Not for this page.
    #[error("method not allowed")]
    Method,
    /// Nothing says where the application is: another proxy should have passed the request on.
    #[error("the route has no upstream")]
    NoApplication,
    /// No such page.
    #[error("no such page")]
    NotFound,
    /// The gate says no.
    #[error("refused: {0:?}")]
    Refused(Refusal, Option<String>),
    /// The store did not do what it was told.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hand-off from the login host failed.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// The declared body is larger than allowed.
    #[error("the request body is larger than allowed")]
    TooLarge,
    /// Nobody can say whether the person may enter: the store does not answer.
    #[error(transparent)]
    Unsure(#[from] Unsure),
    /// The target is longer than allowed.
    #[error("the request target is longer than allowed")]
    UriTooLong,
    /// Not one of our hosts.
    #[error("the host is not served here")]
    WrongHost,
}

impl Failure {
    /// The answer for the visitor.
    pub fn answer(&self, pages: &Pages, site: &Site, asking: &Asking<'_>) -> Response<Body> {
        let login_url = self.login_url(site, "");
        let ways_url = self.login_url(site, "way=choose&");
        let ways_url = pages.has_other_ways().then_some(ways_url.as_str());
        let seen_host = asking.visit.map(|visit| visit.authority.host.to_string()).unwrap_or_default();
        let path = asking.visit.map(|visit| visit.path.as_str()).unwrap_or_default();
        let page = match self {
            Self::Check(CheckError::Disguised(_)) => Page::BadRequest { detail: Malformed::Headers },
            Self::Check(error) => return check::answer(error, site, asking),
            Self::Ambiguous(AmbiguousVisit::HostMismatch | AmbiguousVisit::RepeatedHost) => {
                Page::BadRequest { detail: Malformed::Headers }
            }
            Self::Ambiguous(_) | Self::AmbiguousRoute => Page::BadRequest { detail: Malformed::Address },
            Self::ForeignOrigin | Self::Refused(Refusal::ForeignOrigin, _) => Page::ForeignOrigin,
            Self::Forward(ForwardError::Timeout) => Page::ApplicationTimeout,
            Self::Forward(ForwardError::TooLarge) | Self::TooLarge => Page::TooLarge,
            Self::Forward(ForwardError::RequestBody(_)) => Page::BadRequest { detail: Malformed::Form },
            Self::Forward(_) => Page::ApplicationUnavailable,
            Self::Login(failure) => {
                login_page(&failure.error, site, asking, (&login_url, ways_url), &seen_host)
            }
            Self::FormExpired => Page::FormExpired,
            Self::Malformed(detail) => Page::BadRequest { detail: *detail },
            Self::Method => Page::MethodNotAllowed,
            Self::NoApplication | Self::NotFound => Page::NotFound,
            Self::Refused(Refusal::Blocked, name) => Page::Blocked { name: name.as_deref() },
            Self::Refused(_, name) => Page::Denied { name: name.as_deref(), path },
            Self::Store(error) | Self::Ticket(TicketError::Store(error)) => store_page(error),
            Self::Unsure(_) => Page::StoreUnavailable,
            Self::Ticket(_) => Page::SignInExpired { login_url: &login_url },
            Self::UriTooLong => Page::UriTooLong,
            Self::WrongHost => Page::WrongHost,
        };
        let mut response = answer::page(pages, site, &page, asking);
        if let Self::Login(failure) = self {
            answer::add_cookies(&mut response, &failure.cookies);
        }
        if response.status() == StatusCode::BAD_REQUEST && asking.parts.version < http::Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Where to begin again: the login page, with the page the visitor wanted as far as it is known.
    fn login_url(&self, site: &Site, way: &str) -> String {
        let login = format!("{}/_wxgate/login", site.login_origin());
        let Self::Login(LoginFailure { to: Some(to), .. }) = self else {
            return if way.is_empty() { login } else { format!("{login}?{way}to=/") };
        };
        let origin = to.host.as_ref().map(|host| site.origin(host)).unwrap_or_default();
        format!("{login}?{way}to={origin}{}", to.path_and_query)
    }

    /// The line for the operator: what happened, and where there is something to do, what. Everyday refusals are in
    /// the access log already.
    pub fn log(&self, asking: &Asking<'_>, route: &str) {
        let (request_id, client) = (asking.request_id, asking.client);
        let host = asking.visit.map(|visit| visit.authority.to_string()).unwrap_or_default();
        match self {
            Self::Check(error) => check::log(error, asking),
            Self::Forward(error) => {
                tracing::warn!(request_id, route, error = %chain(error), "the application gave no answer");
            }
            Self::Login(failure) => log_login(&failure.error, asking, &host),
            Self::Store(error) | Self::Ticket(TicketError::Store(error)) => log_store(error, request_id),
            Self::Ticket(error) => {
                tracing::info!(request_id, %client, error = %error, "a sign-in was not handed over")
            }
            Self::NoApplication => tracing::warn!(
                request_id, %client, route, host,
                "a request for an application came to wxgate itself, and the route has no upstream: write upstream, or have the proxy in front pass only /_wxgate/ here"
            ),
            Self::WrongHost => tracing::warn!(
                request_id, %client, host = clipped(&host),
                "asked for a host that is not served: add a [[routes]] with this host, or correct public_url"
            ),
            _ => tracing::debug!(request_id, %client, error = %self, "refused"),
        }
    }

    /// The word for an application's failure, in metrics.
    pub fn upstream_kind(&self) -> Option<&'static str> {
        let Self::Forward(error) = self else { return None };
        match error {
            ForwardError::Broken(_) | ForwardError::Unanswered(_) => Some("broken"),
            ForwardError::Connect(_) => Some("connect"),
            ForwardError::Framing => Some("framing"),
            ForwardError::RequestBody(_) | ForwardError::Target | ForwardError::TooLarge => None,
            ForwardError::Timeout => Some("timeout"),
            ForwardError::UnexpectedUpgrade => Some("upgrade"),
        }
    }
}

/// The page for a login that did not complete.
fn login_page<'a>(
    error: &LoginError,
    site: &'a Site,
    asking: &Asking<'_>,
    (login_url, ways_url): (&'a str, Option<&'a str>),
    seen_host: &'a str,
) -> Page<'a> {
    let public_host = site.login_host.as_str();
    let secure_needed = site.scheme.is_https() && asking.visit.is_some_and(|visit| !visit.scheme.is_https());
    match error {
        LoginError::Blocked(_) => Page::Blocked { name: None },
        LoginError::CookieNotReturned => {
            Page::CookieNotReturned { login_url, public_host, seen_host, secure_needed }
        }
        LoginError::Crowded => Page::Phone(Phone::Crowded { again_url: login_url }),
        LoginError::DigitsTaken | LoginError::Expired => Page::SignInExpired { login_url },
        LoginError::Overtaken => Page::SignInOver { login_url },
        LoginError::Loop => Page::SignInLoop { login_url, public_host, seen_host, secure_needed },
        LoginError::NoApp => Page::BadRequest { detail: Malformed::SignIn },
        LoginError::Refused => Page::SignInRefused { login_url },
        LoginError::Store(error) => store_page(error),
        LoginError::UnionidRequired => Page::UnionidRequired,
        LoginError::Wechat(error) => wechat_page(error, login_url, ways_url),
    }
}

/// The page for what the store did not do. Only a database that does not answer is one to be tried again.
fn store_page(error: &StoreError) -> Page<'static> {
    match error {
        StoreError::Change(ChangeError::Status(Status::Blocked)) => Page::Blocked { name: None },
        StoreError::Change(_) => Page::NotPossible,
        StoreError::Busy => Page::Overloaded,
        StoreError::Missing => Page::NotFound,
        StoreError::Copy(_) | StoreError::NotHere(_) => Page::Internal,
        StoreError::Unavailable(_) => Page::StoreUnavailable,
    }
}

fn wechat_page<'a>(error: &WechatError, login_url: &'a str, ways_url: Option<&'a str>) -> Page<'a> {
    let code = error.errcode();
    match error {
        WechatError::Snapshot => return Page::SnapshotPage,
        WechatError::Crowded => return Page::Overloaded,
        _ => {}
    }
    match error.reaction() {
        Reaction::Administrator => Page::WechatMisconfigured { code: code.unwrap_or_default(), ways_url },
        Reaction::Busy => Page::WechatBusy { login_url, code },
        Reaction::Refused => Page::SignInRefused { login_url },
        Reaction::Restart => Page::SignInExpired { login_url },
        Reaction::Restricted => Page::WechatRestricted,
    }
}

fn log_login(error: &LoginError, asking: &Asking<'_>, host: &str) {
    let (request_id, client) = (asking.request_id, asking.client);
    match error {
        LoginError::Wechat(error) => log_wechat(error, request_id),
        LoginError::CookieNotReturned | LoginError::Loop => tracing::warn!(
            request_id, %client, host, error = %error,
            "a login went round in a circle: do browsers reach the site by exactly public_url?"
        ),
        LoginError::UnionidRequired => tracing::error!(
            request_id,
            "WeChat gave no unionid, which wechat.require_unionid asks for: bind the app to an Open Platform account"
        ),
        LoginError::Store(error) => log_store(error, request_id),
        LoginError::Crowded => tracing::warn!(
            request_id, %client, error = %error,
            "a browser cannot wait for a phone: a hundred of one network may, and get a code to scan in five minutes. If all visitors seem to come from one address, write their proxy into server.trusted_proxies"
        ),
        LoginError::Blocked(_)
        | LoginError::DigitsTaken
        | LoginError::Expired
        | LoginError::Overtaken
        | LoginError::NoApp
        | LoginError::Refused => {
            tracing::info!(request_id, %client, error = %error, "a login did not complete");
        }
    }
}

/// That the store does not answer has been said once; each who meets it is only told about when asked for.
fn log_store(error: &StoreError, request_id: &str) {
    match error {
        StoreError::Unavailable(_) => {
            tracing::warn!(request_id, error = %error, "turned away: the store does not answer")
        }
        error => tracing::info!(request_id, error = %error, "the store did not do it"),
    }
}

fn log_wechat(error: &WechatError, request_id: &str) {
    match error {
        WechatError::Errcode { api, errcode, errmsg, reaction } => {
            let advice = errcode.advice();
            if *reaction == Reaction::Administrator {
                tracing::error!(
                    request_id,
                    api,
                    errcode = errcode.0,
                    errmsg,
                    advice,
                    "WeChat refuses the gateway"
                );
            } else {
                tracing::warn!(
                    request_id,
                    api,
                    errcode = errcode.0,
                    errmsg,
                    advice,
                    "WeChat did not sign a person in"
                );
            }
        }
        WechatError::Snapshot => tracing::info!(request_id, "a snapshot page's virtual user was not let in"),
        WechatError::Crowded => tracing::warn!(
            request_id,
            "too many sign-ins wait for WeChat's answer: is WeChat slow, or does somebody call back at random?"
        ),
        WechatError::Unreadable { .. } => tracing::warn!(
            request_id, error = %error,
            "an answer that is not WeChat's: does something between here and api.weixin.qq.com answer in its place (proxy, firewall, api_base)?"
        ),
        error => tracing::warn!(
            request_id, error = %chain(error),
            "WeChat could not be asked: does this computer reach api.weixin.qq.com (DNS, firewall, HTTPS_PROXY)?"
        ),
    }
}

/// The error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn clipped(text: &str) -> &str {
    text.get(..100).unwrap_or(text)
}
