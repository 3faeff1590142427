//! The simulated pages, each marked as a simulation, in Chinese and English, without any external asset.

use std::sync::LazyLock;

use http::{StatusCode, header};
use minijinja::{Environment, Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::{self, Reply};
use super::asked::HOLDER_COOKIE;
use super::authorize::PageError;
use super::scans::{Progress, Scan};
use super::way_back::Frame;
use super::{App, Person};

/// The frame of every page: the yellow band, the style, `{% block body %}`.
pub(crate) const LAYOUT: &str = include_str!("pages/layout.html");

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    environment(&[
        ("consent.html", include_str!("pages/consent.html")),
        ("notice.html", include_str!("pages/notice.html")),
        ("qr.html", include_str!("pages/qr.html")),
    ])
});

/// Templates that extend `layout.html`.
pub(crate) fn environment(templates: &[(&'static str, &'static str)]) -> Environment<'static> {
    let mut environment = Environment::new();
    for (name, source) in [("layout.html", LAYOUT)].iter().chain(templates) {
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(%error, name, "a simulated page does not parse");
        }
    }
    environment
}

/// A page out of `environment`.
pub(crate) fn page(environment: &Environment<'_>, status: StatusCode, name: &str, values: Value) -> Reply {
    let rendered = environment.get_template(name).and_then(|template| template.render(values));
    let mut reply = match rendered {
        Ok(page) => answer::html(status, page),
        Err(error) => {
            tracing::error!(%error, name, "a simulated page does not render");
            answer::html(StatusCode::INTERNAL_SERVER_ERROR, "this page could not be made".to_owned())
        }
    };
    let policy = "default-src 'none'; script-src 'unsafe-inline' 'self'; style-src 'unsafe-inline'; img-src 'self' \
                  data:; connect-src 'self'; frame-src 'self'";
    let policy = http::HeaderValue::from_static(policy);
    reply.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    reply
}

/// `Set-Cookie` for "this browser is `name`'s phone".
pub(crate) fn holder_cookie(name: &str) -> String {
    format!("{HOLDER_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", holder_value(name))
}

/// `name` as the value of that cookie.
pub(crate) fn holder_value(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The page of a link that does not work: always 200, never a redirect.
pub(super) fn link_error(error: PageError) -> Reply {
    let PageError { number, zh, en } = error;
    notice(StatusCode::OK, context! { kind => "error", number, zh, en })
}

pub(super) fn not_found() -> Reply {
    let (zh, en) = ("没有这个页面", "there is no such page in the simulated WeChat");
    notice(StatusCode::NOT_FOUND, context! { kind => "not-found", zh, en })
}

pub(super) fn cancelled(app: &App) -> Reply {
    let (zh, en) = ("你已取消此次登录", "you have cancelled this login");
    notice(StatusCode::OK, context! { kind => "cancelled", app => app.name(), zh, en })
}

pub(super) fn expired(app: &App) -> Reply {
    let (zh, en) = ("授权页面已过期", "this page has expired");
    notice(StatusCode::OK, context! { kind => "expired", app => app.name(), zh, en })
}

pub(super) fn waiting(app: &App) -> Reply {
    let (zh, en) = ("请稍候…", "one moment…");
    notice(StatusCode::OK, context! { kind => "waiting", app => app.name(), zh, en })
}

/// A page inside an iframe that moves the whole window.
pub(super) fn move_top(url: &str) -> Reply {
    let (zh, en) = ("登录成功，正在返回", "signed in, going back");
    notice(StatusCode::OK, context! { kind => "moved", zh, en, top_url => url })
}

/// "Who is holding this phone?"
pub(super) fn consent(app: &App, people: &[Person], raw_query: &str) -> Reply {
    let people = people.iter().map(|person| person.name().to_owned()).collect::<Vec<_>>();
    let action = format!("/connect/oauth2/consent?{raw_query}");
    page(&PAGES, StatusCode::OK, "consent.html", context! { app => app.name(), people, action })
}

/// The QR page; `return_template` is the way back with a placeholder for the code.
pub(super) fn qr(scan: &Scan, uuid: &str, svg: &str, return_template: &str) -> Reply {
    let progress = match scan.progress {
        Progress::Cancelled => "cancelled",
        Progress::Expired => "expired",
        Progress::Scanned { .. } => "scanned",
        Progress::Confirmed { .. } | Progress::Waiting => "waiting",
    };
    let host = url::Url::parse(&scan.way_back.redirect_uri).ok();
    let host = host.as_ref().and_then(url::Url::host_str).unwrap_or_default();
    let values = context! {
        app => scan.app_name.as_str(),
        host,
        uuid,
        progress,
        return_template,
        svg => Value::from_safe_string(svg.to_owned()),
        is_framed => scan.way_back.frame != Frame::Whole,
        window => if scan.way_back.frame == Frame::Top { "top" } else { "self" },
    };
    page(&PAGES, StatusCode::OK, "qr.html", values)
}

fn notice(status: StatusCode, values: Value) -> Reply {
    page(&PAGES, status, "notice.html", values)
}
