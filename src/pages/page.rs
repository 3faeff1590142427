//! Every page the gateway can show, as a value: what it is about, its status and its machine-readable word.

use http::StatusCode;

use super::people::page::Joining;
use super::phone::page::Phone;
use crate::model::member::Status;

/// A page, with what it has to say.
///
/// Addresses (`…_url`, `qr_way`) are the gateway's own and become links; everything else is shown as text.
#[derive(Clone, Copy, Debug)]
pub enum Page<'a> {
    /// The application did not answer in time.
    ApplicationTimeout,
    /// The application cannot be reached; the gateway itself is well.
    ApplicationUnavailable,
    /// The request makes no sense.
    BadRequest {
        /// Which part of it.
        detail: Malformed,
    },
    /// An administrator has shut the person out.
    Blocked {
        /// Who they are signed in as.
        name: Option<&'a str>,
    },
    /// The cookie set at the beginning of the sign-in did not come back.
    CookieNotReturned {
        /// Where to begin again.
        login_url: &'a str,
        /// The host that sign-ins belong to.
        public_host: &'a str,
        /// The host the browser used.
        seen_host: &'a str,
        /// The cookie needs https and the browser came without.
        secure_needed: bool,
    },
    /// A visitor may not pass.
    Denied {
        /// Who they are signed in as; `None` when they are not.
        name: Option<&'a str>,
        /// What they asked for.
        path: &'a str,
    },
    /// A form or WebSocket came from another site.
    ForeignOrigin,
    /// The form of a page that was open for too long.
    FormExpired,
    /// A fault of ours.
    Internal,
    /// For somebody who is signed in and no member yet.
    Joining(Joining<'a>),
    /// WeChat's code in a frame.
    Framed {
        /// What is being opened.
        site: &'a str,
        /// WeChat's page for frames.
        frame_url: &'a str,
        /// The same page anew.
        again_url: &'a str,
        /// Every other way in.
        ways_url: Option<&'a str>,
    },
    /// The address exists, the method does not.
    MethodNotAllowed,
    /// Inside WeChat, but no Official Account is configured: a computer is needed.
    NeedComputer {
        /// What is being opened.
        site: &'a str,
        /// The address to open elsewhere.
        page_url: &'a str,
        /// Where a code can be scanned all the same (WeChat for computers is "inside WeChat" too).
        qr_way: Option<&'a str>,
    },
    /// On a computer, but only an Official Account is configured: WeChat on a phone is needed.
    NeedWechat {
        /// What is being opened.
        site: &'a str,
        /// The address to open elsewhere.
        page_url: &'a str,
        /// Where a code can be scanned all the same.
        qr_way: Option<&'a str>,
        /// Every other way in.
        ways_url: Option<&'a str>,
    },
    /// There is no such page.
    NotFound,
    /// What was to be changed is no longer as it was.
    NotPossible,
    /// A form that could not be carried out, to be sent once more: nobody types anything twice.
    OnceMore {
        /// Why it was not carried out.
        cause: Hindrance,
        /// Who is signed in now.
        name: &'a str,
        /// Where the form goes.
        target: &'a str,
        /// What was typed.
        fields: &'a [(String, String)],
        /// The token of this page.
        token: &'a str,
    },
    /// A phone browser outside WeChat, which cannot scan its own screen.
    OpenInWechat {
        /// What is being opened.
        site: &'a str,
        /// Its host.
        host: &'a str,
        /// The address to open in WeChat.
        page_url: &'a str,
        /// Where a code is shown for another phone to scan.
        scan_url: Option<&'a str>,
        /// Every other way in.
        ways_url: Option<&'a str>,
    },
    /// More requests than can be served.
    Overloaded,
    /// The sign-in is older than ten minutes, or not known here.
    SignInExpired {
        /// Where to begin again.
        login_url: &'a str,
    },
    /// Inside WeChat: asks for a click, because asking WeChat at first sight brings up its snapshot mode.
    SignInInsideWechat {
        /// What is being opened.
        site: &'a str,
        /// Its host.
        host: &'a str,
        /// The path that was asked for.
        path: &'a str,
        /// Where the button leads.
        continue_url: &'a str,
        /// Every other way in.
        ways_url: Option<&'a str>,
    },
    /// Several sign-ins in a row did not last: names the cause instead of another redirect.
    SignInLoop {
        /// Where to begin again.
        login_url: &'a str,
        /// The host that sign-ins belong to.
        public_host: &'a str,
        /// The host the browser used.
        seen_host: &'a str,
        /// The cookie needs https and the browser came without.
        secure_needed: bool,
    },
    /// The sign-in was repeated after its session had been ended.
    SignInOver {
        /// Where to begin again.
        login_url: &'a str,
    },
    /// The person said no in WeChat.
    SignInRefused {
        /// Where to begin again.
        login_url: &'a str,
    },
    /// About a browser that waits for a phone.
    Phone(Phone<'a>),
    /// Several ways to sign in, to choose from.
    ChooseWay {
        /// What is being opened.
        site: &'a str,
        /// Each way: its label and its address.
        ways: &'a [(&'static str, String)],
    },
    /// Asks before signing out.
    SignOutConfirm {
        /// What is being left.
        site: &'a str,
        /// Who is signed in.
        name: Option<&'a str>,
    },
    /// Signed out.
    SignedOut {
        /// What was left.
        site: &'a str,
        /// Where to sign in again.
        login_url: &'a str,
    },
    /// WeChat shows a snapshot and hides who the person is.
    SnapshotPage,
    /// The database does not answer: nobody can sign in for the moment.
    StoreUnavailable,
    /// The body is larger than allowed.
    TooLarge,
    /// WeChat gave no unionid, and the operator requires one.
    UnionidRequired,
    /// The address is longer than allowed.
    UriTooLong,
    /// WeChat does not answer, or asks to come back later.
    WechatBusy {
        /// Where to begin again.
        login_url: &'a str,
        /// What WeChat said.
        code: Option<i64>,
    },
    /// WeChat refuses the gateway: only the administrator can help.
    WechatMisconfigured {
        /// What WeChat said.
        code: i64,
        /// Every other way in, if there is one.
        ways_url: Option<&'a str>,
    },
    /// WeChat has restricted the person's account.
    WechatRestricted,
    /// WeCom, whose people are not WeChat's.
    WecomNotSupported {
        /// What is being opened.
        site: &'a str,
        /// The address to open in WeChat.
        page_url: &'a str,
        /// Where a code is shown for another phone to scan.
        scan_url: Option<&'a str>,
        /// Every other way in.
        ways_url: Option<&'a str>,
    },
    /// The host is none of ours.
    WrongHost,
}

/// What is wrong with a request that makes no sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// The address can be read in more than one way.
    Address,
    /// The fields of a form.
    Form,
    /// The headers contradict each other.
    Headers,
    /// The address to return to is not one of ours.
    ReturnAddress,
    /// The sign-in link lacks a part.
    SignIn,
}

/// Why a form was not carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hindrance {
    /// Its page was open for too long, or belongs to another sign-in.
    Stale,
    /// The database does not answer.
    StoreDown,
}

impl Page<'_> {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::ChooseWay { .. }
            | Self::Framed { .. }
            | Self::NeedComputer { .. }
            | Self::NeedWechat { .. }
            | Self::OpenInWechat { .. }
            | Self::SignInInsideWechat { .. }
            | Self::SignOutConfirm { .. }
            | Self::SignedOut { .. }
            | Self::SnapshotPage
            | Self::WecomNotSupported { .. } => StatusCode::OK,
            Self::Joining(page) => page.status(),
            Self::Phone(page) => page.status(),
            Self::NotPossible => StatusCode::CONFLICT,
            Self::BadRequest { .. }
            | Self::FormExpired
            | Self::OnceMore { cause: Hindrance::Stale, .. }
            | Self::CookieNotReturned { .. }
            | Self::SignInExpired { .. }
            | Self::SignInOver { .. }
            | Self::SignInLoop { .. } => StatusCode::BAD_REQUEST,
            Self::Blocked { .. }
            | Self::Denied { .. }
            | Self::ForeignOrigin
            | Self::SignInRefused { .. }
            | Self::UnionidRequired
            | Self::WechatRestricted => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Internal | Self::WechatMisconfigured { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ApplicationUnavailable => StatusCode::BAD_GATEWAY,
            Self::OnceMore { cause: Hindrance::StoreDown, .. }
            | Self::Overloaded
            | Self::StoreUnavailable
            | Self::WechatBusy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::ApplicationTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The word for programs, in JSON answers and logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::ApplicationTimeout => "upstream_timeout",
            Self::ApplicationUnavailable => "upstream_unavailable",
            Self::BadRequest { .. } => "bad_request",
            Self::Blocked { .. } => "blocked",
            Self::ChooseWay { .. } => "choose_way",
            Self::CookieNotReturned { .. } => "cookie_not_returned",
            Self::Denied { .. } => "forbidden",
            Self::ForeignOrigin => "foreign_origin",
            Self::FormExpired => "form_expired",
            Self::Framed { .. } => "sign_in",
            Self::Internal => "internal_error",
            Self::Joining(page) => page.word(),
            Self::Phone(page) => page.word(),
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NeedComputer { .. } => "need_computer",
            Self::NeedWechat { .. } => "need_wechat",
            Self::NotFound => "not_found",
            Self::NotPossible => "not_possible",
            Self::OnceMore { cause: Hindrance::Stale, .. } => "form_expired",
            Self::OnceMore { cause: Hindrance::StoreDown, .. } => "store_unavailable",
            Self::OpenInWechat { .. } => "open_in_wechat",
            Self::Overloaded => "overloaded",
            Self::SignInExpired { .. } => "sign_in_expired",
            Self::SignInInsideWechat { .. } => "sign_in",
            Self::SignInLoop { .. } => "sign_in_loop",
            Self::SignInOver { .. } => "sign_in_over",
            Self::SignInRefused { .. } => "sign_in_refused",
            Self::SignOutConfirm { .. } => "sign_out",
            Self::SignedOut { .. } => "signed_out",
            Self::SnapshotPage => "snapshot_page",
            Self::StoreUnavailable => "store_unavailable",
            Self::TooLarge => "body_too_large",
            Self::UnionidRequired => "unionid_required",
            Self::UriTooLong => "uri_too_long",
            Self::WechatBusy { .. } => "wechat_unavailable",
            Self::WechatMisconfigured { .. } => "wechat_misconfigured",
            Self::WechatRestricted => "wechat_restricted",
            Self::WecomNotSupported { .. } => "wecom_not_supported",
            Self::WrongHost => "wrong_host",
        }
    }

    /// How the person stands whom it is about, for programs.
    pub fn standing(&self) -> Option<Status> {
        if let Self::Joining(page) = self { page.standing() } else { None }
    }

    /// Whether it holds a form. Under `no-referrer` browsers send `Origin: null` with a form, and those that say nothing else
    /// of where it comes from could not be told from a foreign site.
    pub fn has_form(&self) -> bool {
        match self {
            Self::Joining(page) => page.has_form(),
            Self::Phone(page) => page.has_form(),
            _ => matches!(self, Self::OnceMore { .. } | Self::SignOutConfirm { .. }),
        }
    }
}
