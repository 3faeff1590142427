//! `public_url` and the other hosts: who answers there, and how requests arrive at the gateway.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::LOCATION;
use serde_json::Value;

use super::clock;
use super::context::{Context, LIMIT, together};
use super::fetch::{Fetched, fetch};
use super::finding::{Finding, Text, text};
use super::network::Why;
use crate::model::host::Host;
use crate::net::listen::ListenAddress;
use crate::pages::proof::Proof;
use crate::seal::{Holder, hex, random};

const CHECK: &str = "public_url";

/// How long a connection to this computer itself may take.
const NEAR: Duration = Duration::from_secs(2);

/// Who answers at an address of ours, if it is no wxgate that knows it.
enum Other {
    /// A proxy that does not reach wxgate.
    Lost(u16),
    /// A redirect to elsewhere.
    Moved(String),
    /// Another program.
    Program(u16),
    /// A wxgate that does not know the host.
    WrongHost,
}

/// Every host that people come to.
pub(super) async fn check(context: &Arc<Context>) -> Vec<Finding> {
    let login_host = &context.config.site.login_host;
    let mut hosts = vec![login_host.clone()];
    for route in &context.config.routes {
        if !hosts.contains(&route.host) {
            hosts.push(route.host.clone());
        }
    }
    let asked = hosts.into_iter().map(|host| {
        let context = Arc::clone(context);
        async move { one(&context, &host).await }
    });
    together(asked).await.into_iter().flatten().collect()
}

async fn one(context: &Context, host: &Host) -> Vec<Finding> {
    let is_login_host = *host == context.config.site.login_host;
    let origin = context.config.site.origin(host);
    let (url, nonce) = (format!("{origin}/_wxgate/check"), hex(&random::<16>()));
    let about = text(&origin, &origin);
    let answer = match fetch(&context.client, &url, &[("nonce", nonce.clone())], LIMIT).await {
        Ok(answer) => answer,
        Err(error) => {
            let why = Why::of(&url, error.as_ref(), &context.proxies).await;
            let todo = nobody(context, &why, host).await;
            return vec![Finding::failed(CHECK, why.what(host.as_str()).after(&about), todo)];
        }
    };
    let clock = clock::beside(answer.reading, host.as_str());
    let proof = match read(&answer) {
        Ok(proof) => proof,
        Err(other) => return vec![not_us(context, other, &about).await],
    };
    let holder = context.prover.as_ref().map(|prover| prover.holder(&proof.message(&nonce), &proof.proof));
    let mut findings = vec![ours(holder, &about)];
    if proof.login_host != is_login_host {
        findings.push(Finding::failed("public_url.host", wrong_name().after(&about), send_host()));
    }
    if context.config.site.scheme.is_https() && !proof.https {
        let what =
            text("浏览器用 https，而 wxgate 看到的是 http", "browsers come by https, and wxgate sees http");
        findings.push(Finding::failed("public_url.https", what.after(&about), send_scheme()));
    }
    findings.extend(clock);
    findings
}

/// What a wxgate answered, or who else did.
fn read(answer: &Fetched) -> Result<Proof, Other> {
    let is_own_error = |word: &str| {
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        json.is_some_and(|json| json["error"] == word && json["request_id"].is_string())
    };
    Err(match answer.status {
        200 => return serde_json::from_slice(&answer.body).map_err(|_| Other::Program(200)),
        421 if is_own_error("wrong_host") => Other::WrongHost,
        status @ 300..=399 => {
            let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
            let url = location.and_then(|location| url::Url::parse(location).ok());
            url.map_or(Other::Program(status), |url| Other::Moved(url.origin().ascii_serialization()))
        }
        status @ 502..=504 => Other::Lost(status),
        status => Other::Program(status),
    })
}

/// A wxgate answers; is it the one of this configuration?
fn ours(holder: Option<Holder>, about: &Text) -> Finding {
    match holder {
        Some(Holder::Same) => Finding::ok(
            CHECK,
            text("由这份配置的 wxgate 回答", "answered by the wxgate of this configuration").after(about),
        ),
        Some(Holder::Former) => Finding::note(
            CHECK,
            text(
                "回答的 wxgate 还在用以前的 session.secret",
                "answered by a wxgate that still has a former session.secret",
            )
            .after(about),
            text("让它重新读取配置（kill -HUP）。", "Let it read the configuration anew (kill -HUP)."),
        ),
        Some(Holder::Stranger) => Finding::failed(
            CHECK,
            text(
                "回答的是另一个 wxgate，它的 session.secret 不同",
                "another wxgate answers, with another session.secret",
            )
            .after(about),
            text(
                "检查域名与前面的代理指向哪台机器；在运行 wxgate 的机器上、用同一个配置文件、data_dir 和用户运行本命令；刚改过 session.secret 时让 wxgate 重新读取配置。",
                "See to which machine DNS and the proxy in front lead; run this where wxgate runs, with the same configuration file, data_dir and user; if session.secret is new, let wxgate read the configuration anew.",
            ),
        ),
        None => Finding::note(
            CHECK,
            text(
                "有 wxgate 回答，但这里还没有 session.key 可以核对",
                "a wxgate answers, and there is no session.key here yet to know it by",
            )
            .after(about),
            text(
                "第一次启动会在 data_dir 里生成它；如果 wxgate 已在运行，请用它的 data_dir 运行本命令。",
                "The first start makes it in data_dir; if wxgate runs already, run this with its data_dir.",
            ),
        ),
    }
}

/// Somebody else answers.
async fn not_us(context: &Context, other: Other, about: &Text) -> Finding {
    let (what, todo) = match other {
        Other::Lost(status) => (
            text(
                format!("前面的代理回答 HTTP {status}，没有连上 wxgate"),
                format!("the proxy in front answers HTTP {status}: it does not reach wxgate"),
            ),
            nearby(context).await.and(&text(
                "代理配置里的地址要与 server.listen 一致。",
                "The address in the proxy's configuration has to be that of server.listen.",
            )),
        ),
        Other::Moved(to) => (
            text(format!("跳转到 {to}"), format!("redirected to {to}")),
            text(
                "public_url 要写人们最终到达的地址；或让前面的代理不再跳转 /_wxgate/。微信登录与 cookie 都只认 public_url。",
                "Write as public_url the address where people end up, or let the proxy in front not redirect /_wxgate/: sign-ins and cookies hold for public_url only.",
            ),
        ),
        Other::Program(status) => (
            text(
                format!("回答的是别的程序，不是 wxgate（HTTP {status}）"),
                format!("another program answers, not wxgate (HTTP {status})"),
            ),
            nearby(context).await.and(&text(
                "让域名指向这台机器，并让前面的代理把 /_wxgate/（未使用 forward-auth 时是整个站点）转给 wxgate：`wxgate snippet` 会打印配置。",
                "Let the name lead to this machine, and the proxy in front pass /_wxgate/ (without forward-auth: everything) to wxgate; `wxgate snippet` prints its configuration.",
            )),
        ),
        Other::WrongHost => (wrong_name(), send_host()),
    };
    Finding::failed(CHECK, what.after(about), todo)
}

/// Nobody answers.
async fn nobody(context: &Context, why: &Why, host: &Host) -> Text {
    match why {
        Why::Certificate(_) | Why::Tls(_) => text(
            format!("为 {host} 换上公共 CA 签发、包含完整证书链的证书：否则浏览器会警告，微信也不会推送消息。私有 CA 只能给内网用，先让本机信任它（例如 SSL_CERT_FILE）再检查。"),
            format!("Let {host} show a certificate of a public authority, with its whole chain: browsers warn of others, and WeChat's server delivers no messages there. For a private authority, let this computer know it first (such as by SSL_CERT_FILE) and check again."),
        ),
        Why::Plain => text(
            format!("让这个端口以 https 回答：在 wxgate 的 [server.tls] 里写证书，或由前面的代理终止 https，并让 {host} 指向它。若人们就是用 http 访问，把 public_url（和路由的 host）写成 http://。"),
            format!("Let this port answer by https: give wxgate a certificate under [server.tls], or let the proxy in front end https, and {host} lead to that. If people do come by http, write public_url (and the host of routes) with http://."),
        ),
        Why::Unknown => text(
            format!("在域名服务商处为 {host} 添加 A/AAAA 记录，指向人们能到达的地址；若只在内网解析，让本机使用内网的 DNS。"),
            format!("Add an A or AAAA record for {host} with the address where people reach it; if only your network knows the name, let this computer use its name server."),
        ),
        Why::Proxy(name) => text(
            format!("本机经 {name} 的代理访问自己的域名：把 {host} 加入 NO_PROXY，再检查一次。"),
            format!("This computer goes to its own name through the proxy of {name}: add {host} to NO_PROXY and check again."),
        ),
        _ => nearby(context).await.and(&text(
            "检查域名指向的地址、防火墙与安全组是否放行端口，以及前面的代理是否在运行。（少数路由器不让内网经公网地址访问自己：用手机流量打开试试。）",
            "See where the name leads, whether firewalls let the port in, and whether the proxy in front runs. (Some routers let nobody inside reach their own public address: try it by a phone's mobile data.)",
        )),
    }
}

/// Whether wxgate itself is there: then it is about the way to it.
async fn nearby(context: &Context) -> Text {
    let listen = &context.config.server.listen;
    let ListenAddress::Tcp(address) = listen else {
        return text(
            format!("确认 wxgate 在 {listen} 上运行。"),
            format!("See that wxgate runs, on {listen}."),
        );
    };
    let mut near = *address;
    if near.ip().is_unspecified() {
        near.set_ip(match near.ip() {
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    match tokio::time::timeout(NEAR, tokio::net::TcpStream::connect(near)).await {
        Ok(Ok(_)) => text(
            format!("本机的 {address} 有程序在监听，问题在通往它的路上。"),
            format!("On this computer something listens on {address}, so it is about the way there."),
        ),
        _ => text(
            format!(
                "本机的 {address} 没有程序在监听：先启动 wxgate（`wxgate run` 或 systemctl start wxgate）。"
            ),
            format!(
                "On this computer nothing listens on {address}: start wxgate first (`wxgate run`, or systemctl start wxgate)."
            ),
        ),
    }
}

fn wrong_name() -> Text {
    text("请求到达 wxgate 时域名变了", "requests arrive at wxgate with another host than people ask for")
}

fn send_host() -> Text {
    text(
        "让前面的代理把浏览器的 Host 原样转给 wxgate（nginx：proxy_set_header Host $host;）；否则登录会回到错误的地址。",
        "Let the proxy in front pass on the browser's Host as it is (nginx: proxy_set_header Host $host;): else routes and sign-ins are those of another host.",
    )
}

fn send_scheme() -> Text {
    text(
        "让前面的代理发送 X-Forwarded-Proto: https，并把它的地址写进 [server] 的 trusted_proxies；否则应用收到错误的协议，日志里也没有真实的访客 IP。",
        "Let the proxy in front send X-Forwarded-Proto: https, and list its address as trusted_proxies under [server]: else applications are told http, and every visitor has the proxy's address.",
    )
}
