//! The pretend phone in people's hands, over HTTP.

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::super::serve_wechat;
use super::*;
use crate::wechat::simulator::{App, PushSettings, Speaker, listen};

/// A phone whose simulator knows these apps: its address, and a client that follows no redirects.
async fn phone(apps: Vec<App>) -> (Arc<Simulator>, String, reqwest::Client) {
    let simulator = Simulator::new(apps, people());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve_wechat(Arc::clone(&simulator), listener, std::future::pending()));
    let no_redirects = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().no_proxy().redirect(no_redirects).build().unwrap();
    (simulator, base, client)
}

fn form(request: reqwest::RequestBuilder, form: &str) -> reqwest::RequestBuilder {
    request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())
}

#[tokio::test]
async fn a_person_scans_and_allows_and_the_browser_goes_on() {
    let app = App::website("wxweb", "secret", "app.example").named("Example");
    let (simulator, base, client) = phone(vec![app]).await;
    let get = async |path: &str| client.get(format!("{base}{path}")).send().await.unwrap();
    let cookie = pages::holder_cookie("王芳 Wang Fang");
    let tap = async |path: &str, body: String| {
        let request = client.post(format!("{base}{path}")).header("cookie", &cookie);
        let answer = form(request, &body).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        answer
    };

    let held = tap("/phone/hold", "holder=%E7%8E%8B%E8%8A%B3+Wang+Fang".to_owned()).await;
    assert_eq!(held.headers()["set-cookie"], cookie.as_str());
    let link = "/connect/qrconnect?appid=wxweb&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code\
                &scope=snsapi_login&state=s";
    assert_eq!(get(link).await.status(), 200);
    let uuid = simulator.waiting_scans()[0].uuid.clone();
    assert!(get("/phone").await.text().await.unwrap().contains("扫码 Scan"));
    tap("/phone/scan", format!("uuid={uuid}")).await;
    assert_eq!(simulator.waiting_scans()[0].scanned_by.as_deref(), Some("王芳 Wang Fang"));
    tap("/phone/allow", format!("uuid={uuid}")).await;
    let back = get(&format!("/connect/qrconnect/wait?uuid={uuid}")).await;
    assert!(back.headers()["location"].to_str().unwrap().starts_with("https://app.example/cb?code=0"));
}

#[tokio::test]
async fn another_site_cannot_tap_the_phone() {
    let (_, base, client) = phone(vec![]).await;
    for (from, is_heard) in
        [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
    {
        let request = client.post(format!("{base}/phone/hold")).header("sec-fetch-site", from);
        let answer = form(request, "holder=%E7%8E%8B%E8%8A%B3+Wang+Fang").send().await.unwrap();
        assert_eq!(answer.headers().contains_key("set-cookie"), is_heard, "{from}");
    }
    let own = base.as_str();
    for (from, is_heard) in
        [(own, true), ("http://evil.test", false), ("http://127.0.0.1", false), ("null", false)]
    {
        let request = client.post(format!("{base}/phone/hold")).header("origin", from);
        let answer = form(request, "holder=%E7%8E%8B%E8%8A%B3+Wang+Fang").send().await.unwrap();
        assert_eq!(answer.headers().contains_key("set-cookie"), is_heard, "{from}");
    }
    let port = base.rsplit(':').next().unwrap();
    for (host, status) in
        [("localhost", 200), ("[::1]", 200), ("evil.test", 403), ("127.0.0.1.evil.test", 403)]
    {
        let request = client.get(format!("{base}/phone")).header("host", format!("{host}:{port}"));
        assert_eq!(request.send().await.unwrap().status(), status, "{host}");
    }
    let page = format!("{base}/phone/web/{}/phone", base.trim_start_matches("http://"));
    assert_eq!(client.get(&page).send().await.unwrap().status(), 200);
    // Another site's page, and another site's name that leads to this computer.
    for (name, value, status) in [("sec-fetch-site", "cross-site", 303), ("host", "evil.example", 403)] {
        let answer = client.get(&page).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}: it opens nothing with it");
    }
}

#[tokio::test]
async fn a_chat_is_written_and_the_account_is_followed_and_left() {
    let (simulator, base, client) = phone(vec![App::official_account("wxa", "s", "app.example")]).await;
    let tap = async |path: &str, body: &str| {
        let answer = form(client.post(format!("{base}{path}")), body).send().await.unwrap();
        assert_eq!(answer.headers()["location"], "/phone?chat=wxa");
        client.get(format!("{base}/phone?chat=wxa")).send().await.unwrap().text().await.unwrap()
    };
    let person = people()[0].name().to_owned();
    assert!(!tap("/phone/write", "app=wxa&text=hello").await.contains("hello"), "only followers write");
    tap("/phone/follow", "app=wxa").await;
    assert!(simulator.follows(&person, "wxa"));
    assert!(tap("/phone/write", "app=wxa&text=1+%3C+2").await.contains("1 &lt; 2"));
    tap("/phone/unfollow", "app=wxa").await;
    assert!(!simulator.follows(&person, "wxa"));
}

#[tokio::test]
async fn what_was_tapped_is_told_to_the_end_when_the_one_who_tapped_is_gone() {
    let (simulator, base, client) = phone(vec![App::official_account("wxa", "s", "app.example")]).await;
    // A server that has got the message, and does not answer yet.
    let (come, mut comes) = mpsc::unbounded_channel();
    let (answer, answers) = tokio::sync::watch::channel(false);
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    tokio::spawn(listen::serve(server, std::future::pending(), move |_| {
        let (come, mut answers) = (come.clone(), answers.clone());
        async move {
            _ = come.send(());
            _ = answers.wait_for(|may| *may).await;
            let body = http_body_util::Full::new(bytes::Bytes::from_static(b"<xml>"));
            Response::new(body)
        }
    }));
    simulator.set_push("wxa", PushSettings::plaintext(&url, "token"));
    let person = people()[0].name().to_owned();
    simulator.set_follower(&person, "wxa");
    let request = form(client.post(format!("{base}/phone/write")), "app=wxa&text=hello").send();
    tokio::select! {
        answer = request => panic!("answered too early: {answer:?}"),
        come = comes.recv() => assert!(come.is_some()),
    }
    answer.send_replace(true);
    let answered = simulator.chat_until(&person, "wxa", |chat| chat.len() == 2);
    let chat = tokio::time::timeout(Duration::from_secs(20), answered).await.expect("the chat goes on");
    assert_eq!(chat[1].speaker, Speaker::Wechat, "what the server says is nonsense");
}

#[tokio::test]
async fn the_phones_browser_asks_as_wechat_and_keeps_cookies_for_each_who_holds_it() {
    let (_, base, client) = phone(vec![]).await;
    let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = site.local_addr().unwrap();
    tokio::spawn(listen::serve(site, std::future::pending(), async move |request: Request<Incoming>| {
        let header =
            |name| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let seen =
            format!("{:?} {:?} {:?}", header("user-agent"), header("cookie"), header("accept-language"));
        let answer = Response::builder().header("content-type", "text/html");
        let answer = match request.uri().path() {
            "/in" => answer.status(303).header("set-cookie", "seen=1; Path=/").header("location", "/?at=end"),
            "/out" => answer.status(302).header("location", "https://example.com/"),
            _ => answer,
        };
        answer.body(http_body_util::Full::new(bytes::Bytes::from(seen))).unwrap()
    }));
    let get = async |path: &str, holder: &str| {
        let request = client.get(format!("{base}/phone/web/{at}{path}")).header("accept-language", "en");
        request.header("cookie", pages::holder_cookie(holder)).send().await.unwrap()
    };
    let [lin, wang] = [&people()[0], &people()[1]].map(|person| person.name().to_owned());
    let moved = get("/in", &lin).await;
    assert_eq!(moved.headers()["location"], format!("/phone/web/{at}/?at=end"));
    let page = get("/?at=end", &lin).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let seen = page.text().await.unwrap();
    assert!(
        seen.contains("MicroMessenger/8") && seen.contains("seen=1") && seen.contains("\"en\""),
        "{seen}"
    );
    let other = get("/?at=end", &wang).await.text().await.unwrap();
    assert!(!other.contains("seen=1"), "somebody else's phone: {other}");
    let away = get("/out", &lin).await;
    assert!(away.headers().get("location").is_none(), "nothing leaves this computer");
}
