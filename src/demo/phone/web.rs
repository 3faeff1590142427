//! WeChat's browser on the pretend phone: it asks as WeChat does, keeps cookies for each who holds the phone, and shows
//! what came, without scripts.
//!
//! The pretend phone is a page in the browser of whoever tries the demo, which is not WeChat, and which the gateway would
//! tell to open the page there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use minijinja::context;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::super::browser::Browser;
use super::{PAGES, markup};
use crate::wechat::simulator::{Asked, HOLDER_COOKIE, Reply, pages};

/// What WeChat calls itself on an iPhone.
pub(in super::super) const WECHAT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN";

/// Nothing of a page runs, and it stays in its frame.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline' 'self'; img-src 'self' data:; font-src 'self'; \
                      form-action 'self'; frame-ancestors 'self'";

/// One browser for each who holds the phone.
#[derive(Default)]
pub(super) struct Web(Mutex<HashMap<String, Arc<AsyncMutex<Browser>>>>);

impl Web {
    /// Answers everything under `markup::PREFIX`.
    pub(super) async fn answer(&self, holder: &str, asked: &Asked) -> Reply {
        let Some(url) = markup::behind(&asked.path, &asked.raw_query) else {
            return nothing("这部手机只打开本机的页面", "This phone opens pages of this computer only");
        };
        match self.ask(holder, &url, asked).await {
            Ok(reply) => reply,
            Err(error) => {
                tracing::debug!(%error, "the pretend phone could not open a page");
                nothing("无法打开网页", "This page cannot be opened")
            }
        }
    }

    async fn ask(&self, holder: &str, url: &Url, asked: &Asked) -> reqwest::Result<Reply> {
        let browser = self.browser_of(holder)?;
        let mut browser = browser.lock().await;
        browser.keep(url.host_str().unwrap_or_default(), HOLDER_COOKIE, &pages::holder_value(holder));
        let is_form = asked.method == http::Method::POST;
        let form = is_form.then(|| String::from_utf8_lossy(&asked.body).into_owned());
        let answer = browser.request(asked.method.clone(), url, &asked.languages, form).await?;
        let status = answer.status();
        let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
        let location = answer.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let location = location.and_then(|location| url.join(location).ok());
        let kind = kind.unwrap_or(HeaderValue::from_static("text/plain"));
        let body = answer.bytes().await?;
        drop(browser);
        let is_page = kind.to_str().is_ok_and(|kind| kind.starts_with("text/html"));
        let body = match is_page {
            true => Bytes::from(markup::shown(&String::from_utf8_lossy(&body), url)),
            false => body,
        };
        let mut reply = Response::new(Full::new(body).map_err(|never| match never {}).boxed());
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(location) = location.filter(|_| status.is_redirection()) {
            let Some(Ok(location)) = markup::on_phone(&location).map(|location| location.parse()) else {
                return Ok(nothing("这个链接不在本机上", "This link leads away from this computer"));
            };
            headers.insert(header::LOCATION, location);
        }
        Ok(reply)
    }

    fn browser_of(&self, holder: &str) -> reqwest::Result<Arc<AsyncMutex<Browser>>> {
        let mut browsers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(browser) = browsers.get(holder) {
            return Ok(Arc::clone(browser));
        }
        let browser = Arc::new(AsyncMutex::new(Browser::new(WECHAT)?));
        browsers.insert(holder.to_owned(), Arc::clone(&browser));
        Ok(browser)
    }
}

fn nothing(zh: &str, en: &str) -> Reply {
    pages::page(&PAGES, StatusCode::BAD_GATEWAY, "nothing.html", context! { zh, en })
}
