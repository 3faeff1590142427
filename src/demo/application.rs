//! The example legacy application: it knows nothing of WeChat and greets whom the identity headers name.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use minijinja::{Environment, Value, context};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::clock_socket;
use crate::wechat::simulator::listen;

type Page = Response<Full<Bytes>>;

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    if let Err(error) = environment.add_template("application.html", include_str!("application.html")) {
        tracing::error!(%error, "the example application's page does not parse");
    }
    environment
});

const IDENTITY: [&str; 11] = [
    "remote-user",
    "remote-name",
    "remote-groups",
    "remote-email",
    "x-wechat-openid",
    "x-wechat-unionid",
    "x-wechat-avatar",
    "x-wechat-sex",
    "x-wechat-city",
    "x-wechat-province",
    "x-wechat-country",
];

const MAX_FORM: usize = 64 << 10;

/// Answers on `listener` until `shutdown` resolves; open clocks are closed then.
pub async fn serve(listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let (open, closing) = watch::channel(());
    listen::serve(listener, shutdown, move |request| answer(request, closing.clone())).await;
    drop(open);
}

async fn answer(mut request: Request<Incoming>, closing: watch::Receiver<()>) -> Page {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => page(StatusCode::OK, "home", &request, context! {}),
        (&Method::GET, "/api/me") => me(request.headers()),
        (&Method::GET, "/clock") => clock_socket::accept(&mut request, closing),
        (&Method::POST, "/form") => form(request).await,
        (&Method::GET, "/public" | "/public/") => page(StatusCode::OK, "public", &request, context! {}),
        _ => page(StatusCode::NOT_FOUND, "missing", &request, context! {}),
    }
}

async fn form(request: Request<Incoming>) -> Page {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_FORM).collect().await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "text/plain; charset=utf-8", "太长 too long".to_owned());
    };
    let body = body.to_bytes();
    let said = url::form_urlencoded::parse(&body).find(|(name, _)| name == "message");
    let said = said.map(|(_, value)| value.into_owned()).unwrap_or_default();
    page(StatusCode::OK, "form", &Request::from_parts(head, ()), context! { said })
}

fn me(headers: &HeaderMap) -> Page {
    let fields = IDENTITY.iter().filter(|name| headers.contains_key(**name));
    let fields = fields.map(|name| ((*name).to_owned(), readable(headers, name).into()));
    let json = serde_json::Value::Object(fields.collect());
    text(StatusCode::OK, "application/json", json.to_string())
}

fn page<B>(status: StatusCode, view: &str, request: &Request<B>, extra: Value) -> Page {
    let headers = request.headers();
    let is_identity = |name: &str| IDENTITY.contains(&name);
    let (identity, others): (Vec<_>, Vec<_>) =
        headers.iter().partition(|(name, _)| is_identity(name.as_str()));
    let all = identity.into_iter().chain(others).map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        context! { identity => is_identity(name.as_str()), name => name.as_str(), value }
    });
    let name = readable(headers, "remote-name");
    let values = context! {
        view,
        known => !readable(headers, "remote-user").is_empty(),
        name => if name.is_empty() { readable(headers, "remote-user") } else { name },
        groups => readable(headers, "remote-groups"),
        openid => readable(headers, "x-wechat-openid"),
        headers => all.collect::<Vec<_>>(),
        ..extra
    };
    match PAGES.get_template("application.html").and_then(|template| template.render(values)) {
        Ok(html) => text(status, "text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "the example application's page does not render");
            text(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "this page could not be made".to_owned())
        }
    }
}

/// A header as people read it: percent-encoded UTF-8 undone.
fn readable(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    percent_decode_str(&String::from_utf8_lossy(value)).decode_utf8_lossy().into_owned()
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Page {
    let mut page = Response::new(Full::new(Bytes::from(body)));
    *page.status_mut() = status;
    page.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::sync::oneshot;
    use tokio_tungstenite::connect_async;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;

    /// The application on a port of its own; dropping the sender stops it.
    async fn application() -> (String, oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, async { _ = stopped.await }));
        (address, stop)
    }

    fn client() -> reqwest::Client {
        reqwest::Client::builder().no_proxy().build().unwrap()
    }

    #[tokio::test]
    async fn it_greets_whom_the_identity_headers_name() {
        let (address, _stop) = application().await;
        let request = client().get(format!("http://{address}/"));
        let request = request.header("remote-user", "wf").header("remote-name", "%E7%8E%8B%E8%8A%B3");
        let page = request.send().await.unwrap().text().await.unwrap();
        assert!(page.contains(r#"<span id="name">王芳</span>"#), "{page}");
        let page = client().get(format!("http://{address}/")).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("Hello, stranger"));
    }

    #[tokio::test]
    async fn nothing_it_shows_is_taken_for_markup() {
        let (address, _stop) = application().await;
        let request = client().post(format!("http://{address}/form")).header("x-odd", "<script>");
        let page =
            request.header("content-type", "application/x-www-form-urlencoded").body("message=%3Cb%3E+%26");
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("&lt;b&gt; &amp;") && page.contains("&lt;script&gt;"), "{page}");
    }

    #[tokio::test]
    async fn its_api_says_who_it_thinks_you_are() {
        let (address, _stop) = application().await;
        let request = client().get(format!("http://{address}/api/me")).header("remote-name", "%E7%8E%8B");
        let body = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(body, r#"{"remote-name":"王"}"#);
    }

    #[tokio::test]
    async fn its_clock_ticks_answers_pings_and_says_goodbye_at_the_end() {
        let (address, stop) = application().await;
        let (mut socket, _) = connect_async(format!("ws://{address}/clock")).await.unwrap();
        let time = socket.next().await.unwrap().unwrap();
        assert!(time.to_text().unwrap().ends_with(" UTC"));
        socket.send(Message::Ping("are you there".into())).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer, Message::Pong("are you there".into()));
        drop(stop);
        let mut goodbye = socket.next().await.unwrap().unwrap();
        while goodbye.is_text() {
            goodbye = socket.next().await.unwrap().unwrap();
        }
        assert!(goodbye.is_close());
    }

    #[tokio::test]
    async fn the_clock_refuses_a_plain_request() {
        let (address, _stop) = application().await;
        let answer = client().get(format!("http://{address}/clock")).send().await.unwrap();
        assert_eq!(answer.status(), 426);
    }
}
