//! The one request that everybody is asked.

use super::kind::Kind;

/// The host that is asked for.
pub const HOST: &str = "bench.test";

/// The headers that say who is there, as the responder answers them and the upstream gets them.
pub const IDENTITY: [(&str, &str); 5] = [
    ("Remote-User", "wx-5a0c0000000000000000"),
    ("Remote-Name", "%E7%8E%8B%E8%8A%B3 Wang Fang"),
    ("Remote-Groups", ""),
    ("Remote-Email", "wx-5a0c0000000000000000@users.example.com"),
    ("X-Wechat-Openid", "oAbCdEfGhIjKlMnOpQrStUvWxYz01"),
];

/// The head of a GET as a browser sends it, or of a check as nginx asks it.
pub fn request(kind: Kind, https: bool, cookie: &str) -> String {
    let scheme = if https { "https" } else { "http" };
    let (path, question) = match kind {
        Kind::Plain | Kind::Authenticated => ("/some/path?with=query", String::new()),
        Kind::Check => (
            "/_wxgate/auth/nginx",
            format!(
                "X-Original-URL: {scheme}://{HOST}/some/path?with=query\r\nX-Original-Method: GET\r\n\
                 X-Real-IP: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: {scheme}\r\n\
                 X-Forwarded-Host: {HOST}\r\n"
            ),
        ),
    };
    format!(
        "GET {path} HTTP/1.1\r\n\
         Host: {HOST}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 \
         Safari/537.36\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
         Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n\
         {question}Cookie: {cookie}\r\n\r\n"
    )
}
