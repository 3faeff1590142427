//! Answers the gateway makes itself: pages, JSON and redirects, with the headers every one of them carries.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;

use super::asking::Asking;
use super::face::Face;
use super::language::Language;
use super::page::{Hindrance, Page};
use super::phone::page::Phone;
use super::render::Pages;
use crate::model::set_cookie::SetCookie;
use crate::model::site::Site;
use crate::net::body::{Body, empty, full};

/// Headers of every answer of ours, besides the content's own.
const GUARDS: [(HeaderName, &str); 8] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
    (header::VARY, "Cookie, Accept, Accept-Language, Sec-Fetch-Mode"),
];

/// Seconds after which a store that does not answer may do so again.
const STORE_IS_BACK: &str = "5";

/// Seconds after which one of too many may try again: what went wrong is remembered for as long.
const ROOM_AGAIN: &str = "60";

/// The page, as HTML for people and as JSON for programs.
pub fn page(pages: &Pages, site: &Site, page: &Page<'_>, asking: &Asking<'_>) -> Response<Body> {
    if !asking.wants_page() {
        let mut body = json!({ "error": page.word(), "request_id": asking.request_id });
        if let Some(standing) = page.standing() {
            body["status"] = standing.as_str().into();
        }
        let mut response = json(site, page.status(), &body);
        say_when_to_return(response.headers_mut(), page);
        return response;
    }
    let language = asking.language(pages.fixed_language());
    let links = asking.language_links();
    let html = if asking.is_brief() {
        pages.render_brief(page, language, asking.request_id)
    } else {
        pages.render(page, language, links.as_ref(), asking.request_id, asking.now)
    };
    let mut response = html_page(pages, site, page.status(), language, html);
    let headers = response.headers_mut();
    if page.has_form() {
        set(headers, header::REFERRER_POLICY, "same-origin");
    }
    say_when_to_return(headers, page);
    response
}

/// A page of administration, always as HTML.
pub(super) fn sheet(
    pages: &Pages,
    site: &Site,
    status: StatusCode,
    face: Face<'_>,
    asking: &Asking<'_>,
) -> Response<Body> {
    let language = asking.language(pages.fixed_language());
    let links = asking.language_links();
    let html = pages.render_sheet(face, language, links.as_ref(), asking.request_id, asking.now);
    let mut response = html_page(pages, site, status, language, html);
    let headers = response.headers_mut();
    set(headers, header::REFERRER_POLICY, "same-origin");
    response
}

fn html_page(
    pages: &Pages,
    site: &Site,
    status: StatusCode,
    language: Language,
    html: String,
) -> Response<Body> {
    let mut response = build(site, status, "text/html; charset=utf-8", full(html));
    let headers = response.headers_mut();
    set(headers, header::CONTENT_SECURITY_POLICY, pages.content_security_policy());
    set(headers, header::CONTENT_LANGUAGE, language.tag());
    response
}

/// When it is worth another try.
fn say_when_to_return(headers: &mut HeaderMap, page: &Page<'_>) {
    match page {
        Page::OnceMore { cause: Hindrance::StoreDown, .. } | Page::Overloaded | Page::StoreUnavailable => {
            set(headers, header::RETRY_AFTER, STORE_IS_BACK);
        }
        Page::Phone(Phone::Crowded { .. }) => set(headers, header::RETRY_AFTER, ROOM_AGAIN),
        _ => {}
    }
}

/// A JSON answer.
pub fn json(site: &Site, status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    build(site, status, "application/json", full(value.to_string()))
}

/// A few plain lines, for whoever set a proxy up.
pub fn text(site: &Site, status: StatusCode, text: String) -> Response<Body> {
    build(site, status, "text/plain; charset=utf-8", full(text))
}

/// A text of another type.
pub(super) fn typed(site: &Site, content_type: &str, text: String) -> Response<Body> {
    let mut response = build(site, StatusCode::OK, "text/plain; charset=utf-8", full(text));
    set(response.headers_mut(), header::CONTENT_TYPE, content_type);
    response
}

/// A text of another program's, which WeChat reads: in a browser it is no page of this site's.
pub(super) fn foreign(site: &Site, content_type: &str, text: String) -> Response<Body> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_message =
        matches!(kind.as_str(), "application/json" | "application/xml" | "text/plain" | "text/xml");
    // Behind a comma stands another type, which browsers take.
    let is_message = is_message && !content_type.contains(',');
    let mut response = typed(site, if is_message { content_type } else { "text/plain; charset=utf-8" }, text);
    set(response.headers_mut(), header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    response
}

/// A picture of our own, for a page of ours.
pub(super) fn picture(site: &Site, svg: String) -> Response<Body> {
    build(site, StatusCode::OK, "image/svg+xml", full(svg))
}

/// A redirect. `location` is ours by construction; a fragment in it is kept.
pub fn redirect(site: &Site, status: StatusCode, location: &str, cookies: &[SetCookie]) -> Response<Body> {
    let mut response = build(site, status, "text/plain; charset=utf-8", empty());
    locate(&mut response, location);
    add_cookies(&mut response, cookies);
    response
}

/// Lets the page show a frame from where `address` is, and from nowhere else.
pub(super) fn allow_frame(response: &mut Response<Body>, address: &str) {
    let Ok(url) = url::Url::parse(address) else { return };
    let headers = response.headers_mut();
    let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    if let Some(policy) = policy {
        let policy = format!("{policy}; frame-src {}", url.origin().ascii_serialization());
        set(headers, header::CONTENT_SECURITY_POLICY, &policy);
    }
}

/// Says where to go.
pub fn locate(response: &mut Response<Body>, location: &str) {
    set(response.headers_mut(), header::LOCATION, location);
}

/// Adds cookies to an answer.
pub fn add_cookies(response: &mut Response<Body>, cookies: &[SetCookie]) {
    for cookie in cookies {
        cookie.add_to(response.headers_mut());
    }
}

fn build(site: &Site, status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if site.scheme.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Sets a header from text of ours; text that is no header value is left out rather than repaired.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}
