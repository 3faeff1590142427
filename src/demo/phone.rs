//! The pretend phone: three people may hold it, scan what waits to be scanned, and allow or refuse.

use std::sync::{Arc, LazyLock};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use minijinja::{Environment, context};

use crate::wechat::simulator::{Asked, Person, Reply, Simulator, pages};

static PAGES: LazyLock<Environment<'static>> =
    LazyLock::new(|| pages::environment(&[("phone.html", include_str!("phone.html"))]));

/// The people of the demo. They have no avatars: a real address would leave this computer.
pub fn people() -> Vec<Person> {
    ["林主任 Lin", "王芳 Wang Fang", "张伟 Zhang Wei"].map(|name| Person::new(name).with_avatar("")).into()
}

/// Answers `/phone` and everything under it.
pub async fn handle(simulator: Arc<Simulator>, request: Request<Incoming>) -> Reply {
    let asked = match Asked::read(request).await {
        Ok(asked) => asked,
        Err(reply) => return reply,
    };
    let uuid = asked.form.get("uuid");
    let holder = holder(&simulator, &asked);
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/phone") => show(&simulator, &asked, &holder),
        ("POST", _) if asked.from_elsewhere => back(None),
        ("POST", "/phone/hold") => back(simulator.person(asked.form.get("holder"))),
        ("POST", "/phone/scan") => done(simulator.scan(uuid, &holder)),
        ("POST", "/phone/allow") => done(simulator.confirm(uuid)),
        ("POST", "/phone/refuse") => done(simulator.refuse(uuid)),
        _ => back(None),
    }
}

/// Who holds the phone: whom the cookie names, else the first person.
fn holder(simulator: &Simulator, asked: &Asked) -> String {
    let known = asked.holder.as_deref().and_then(|name| simulator.person(name));
    known.or(simulator.people().first()).map(|person| person.name().to_owned()).unwrap_or_default()
}

fn show(simulator: &Simulator, asked: &Asked, holder: &str) -> Reply {
    let pointed_at = asked.query.get("uuid");
    let scans = simulator.waiting_scans();
    let gone = !pointed_at.is_empty() && !scans.iter().any(|scan| scan.uuid == pointed_at);
    // A phone is pointed at the code on the screen, which is the newest; older ones were left behind.
    let scans = scans.into_iter().rev().map(|scan| {
        context! {
            mine => scan.scanned_by.as_deref() == Some(holder),
            pointed_at => scan.uuid == pointed_at,
            uuid => scan.uuid,
            app => scan.app_name,
            host => scan.host,
            scanned_by => scan.scanned_by,
        }
    });
    let people = simulator.people().iter().map(|person| person.name().to_owned()).collect::<Vec<_>>();
    let values = context! { holder, people, gone, scans => scans.collect::<Vec<_>>() };
    pages::page(&PAGES, StatusCode::OK, "phone.html", values)
}

/// What the phone did shows on the phone; what it could not do has vanished from its list by itself.
fn done<E: std::fmt::Display>(result: Result<(), E>) -> Reply {
    if let Err(error) = result {
        tracing::debug!(%error, "the pretend phone was too late");
    }
    back(None)
}

/// Back to the phone, in the hands of `holder` if given.
fn back(holder: Option<&Person>) -> Reply {
    let mut reply = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *reply.status_mut() = StatusCode::SEE_OTHER;
    reply.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/phone"));
    if let Some(Ok(cookie)) = holder.map(|person| pages::holder_cookie(person.name()).parse()) {
        reply.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    reply
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::super::serve_wechat;
    use super::*;
    use crate::wechat::simulator::App;

    #[tokio::test]
    async fn a_person_scans_and_allows_and_the_browser_goes_on() {
        let app = App::website("wxweb", "secret", "app.example").named("Example");
        let simulator = Simulator::new(vec![app], people());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve_wechat(Arc::clone(&simulator), listener, std::future::pending()));
        let no_redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(no_redirects).build().unwrap();
        let get = async |path: &str| client.get(format!("{base}{path}")).send().await.unwrap();
        let cookie = pages::holder_cookie("王芳 Wang Fang");
        let tap = async |path: &str, form: String| {
            let request = client.post(format!("{base}{path}")).body(form).header("cookie", &cookie);
            let answer =
                request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
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
        let simulator = Simulator::new(vec![], people());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/phone/hold", listener.local_addr().unwrap());
        tokio::spawn(serve_wechat(simulator, listener, std::future::pending()));
        let no_redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(no_redirects).build().unwrap();
        let request = client.post(url).header("sec-fetch-site", "cross-site").body("holder=x");
        assert!(request.send().await.unwrap().headers().get("set-cookie").is_none());
    }
}
