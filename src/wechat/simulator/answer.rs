//! How the simulator answers: WeChat's untidy JSON, pages, and connections that break.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};

use super::random_text;

/// A body that may fail half-way, as a real one may.
pub type Body = BoxBody<Bytes, io::Error>;

/// What a request gets.
pub type Reply = Response<Body>;

/// A JSON object in WeChat's handwriting: `\/` for a slash, fields in no fixed order.
#[derive(Default)]
pub(super) struct Json(Vec<(&'static str, Vec<u8>)>);

impl Json {
    pub(super) fn text(self, name: &'static str, value: &str) -> Self {
        self.raw(name, quoted(value).into_bytes())
    }

    pub(super) fn number(self, name: &'static str, value: i64) -> Self {
        self.raw(name, value.to_string().into_bytes())
    }

    /// A value that is already JSON, or pretends to be.
    pub(super) fn raw(mut self, name: &'static str, value: Vec<u8>) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self
    }

    /// The bytes, fields shuffled.
    pub(super) fn shuffled(mut self) -> Vec<u8> {
        self.0.sort_by_cached_key(|_| random_text(8));
        self.in_order()
    }

    pub(super) fn in_order(self) -> Vec<u8> {
        let fields = self.0.into_iter().map(|(name, value)| [quoted(name).as_bytes(), b":", &value].concat());
        [b"{".to_vec(), fields.collect::<Vec<_>>().join(&b","[..]), b"}".to_vec()].concat()
    }
}

/// Why an API call is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) errcode: i64,
    message: Cow<'static, str>,
}

impl From<i64> for Refusal {
    fn from(errcode: i64) -> Self {
        Self { errcode, message: error_message(errcode).into() }
    }
}

impl Refusal {
    /// In other words than the usual ones.
    pub(super) fn saying(errcode: i64, message: String) -> Self {
        Self { errcode, message: message.into() }
    }
}

/// The JSON error object, with a fresh request id in its text.
pub(super) fn error_body(refusal: impl Into<Refusal>) -> Vec<u8> {
    let Refusal { errcode, message } = refusal.into();
    let mut message = message.into_owned();
    if errcode != 0 {
        let part = || {
            let mut bytes = [0; 4];
            while aws_lc_rs::rand::fill(&mut bytes).is_err() {}
            format!("{:08x}", u32::from_be_bytes(bytes))
        };
        message = format!("{message}, rid: {}-{}-{}", part(), part(), part());
    }
    Json::default().number("errcode", errcode).text("errmsg", &message).in_order()
}

/// An API answer: always 200, always `text/plain` without a charset.
pub(super) fn api(body: Vec<u8>) -> Reply {
    text(StatusCode::OK, "text/plain", body)
}

/// An answer of `cgi-bin`, whose type has an `encoding` where others have a `charset`.
pub(super) fn cgi(body: Vec<u8>) -> Reply {
    text(StatusCode::OK, "application/json; encoding=utf-8", body)
}

pub(super) fn html(status: StatusCode, page: String) -> Reply {
    text(status, "text/html; charset=utf-8", page)
}

pub(super) fn redirect(status: StatusCode, location: &str) -> Reply {
    let mut reply = text(status, "text/plain", "");
    if let Ok(location) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(header::LOCATION, location);
    }
    reply
}

pub(super) fn text(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed());
    *reply.status_mut() = status;
    let kind = HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static("text/plain"));
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// An answer of which only `sent` arrives before the connection is cut.
pub(super) fn severed(sent: Vec<u8>, promised: usize) -> Reply {
    let mut reply = api(Vec::new());
    reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(promised));
    *reply.body_mut() = Severed(Some(Bytes::from(sent)).filter(|bytes| !bytes.is_empty())).boxed();
    reply
}

struct Severed(Option<Bytes>);

impl http_body::Body for Severed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(bytes) => Ok(Frame::data(bytes)),
            None => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        }))
    }
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string().replace('/', "\\/")
}

/// The official texts of the codes the simulator gives; they vary in reality, so nobody may match on them.
fn error_message(errcode: i64) -> &'static str {
    match errcode {
        0 => "ok",
        -1 => "system error",
        40001 => "invalid credential, access_token is invalid or not latest",
        40002 => "invalid grant_type",
        40003 => "invalid openid",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40029 => "invalid code",
        40030 => "invalid refresh_token",
        40033 => "invalid charset. please check your request, if include \\uxxxx will create fail!",
        40035 => "invalid parameter",
        40125 => "invalid appsecret",
        40163 => "code been used",
        40243 => "appsecret is frozen",
        41001 => "access_token missing",
        41002 => "appid missing",
        41003 => "refresh_token missing",
        41004 => "appsecret missing",
        41008 => "missing code",
        41009 => "missing openid",
        42001 => "access_token expired",
        42002 => "refresh_token expired",
        43001 => "require GET method",
        43002 => "require POST method",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit",
        47001 => "data format error",
        48001 => "api unauthorized",
        50002 => "user limited",
        _ => "error",
    }
}
