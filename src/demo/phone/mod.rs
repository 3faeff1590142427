//! The pretend phone: three people may hold it, scan what waits to be scanned, chat with the account, and open links.

mod markup;
mod screen;
#[cfg(test)]
mod tests;
mod web;

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use minijinja::{Environment, context};
use url::Url;

use crate::wechat::simulator::{Asked, Person, Reply, Simulator, pages};

pub(super) use web::WECHAT;

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    pages::environment(&[
        ("chat.html", include_str!("chat.html")),
        ("home.html", include_str!("home.html")),
        ("nothing.html", include_str!("nothing.html")),
        ("phone.html", include_str!("phone.html")),
        ("web.html", include_str!("web.html")),
    ])
});

/// How long a tap waits for the account's answer, which mostly comes at once; after that it shows when it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// After this, no code that is shown now is good any more.
const LIFETIME: Duration = Duration::from_secs(300);

/// One phone for all who try the demo.
pub(super) struct Phone {
    simulator: Arc<Simulator>,
    web: web::Web,
    /// Tickets of codes that have been scanned: WeChat would let them be scanned again, to no avail.
    scanned: Mutex<HashSet<String>>,
}

/// What somebody does with an account.
enum Deed {
    Follow,
    /// At the code with this ticket.
    Point(String),
    Unfollow,
    Write(String),
}

/// The people of the demo. They have no avatars: a real address would leave this computer.
pub fn people() -> Vec<Person> {
    ["林主任 Lin", "王芳 Wang Fang", "张伟 Zhang Wei"].map(|name| Person::new(name).with_avatar("")).into()
}

impl Phone {
    pub(super) fn new(simulator: Arc<Simulator>) -> Arc<Self> {
        Arc::new(Self { simulator, web: web::Web::default(), scanned: Mutex::default() })
    }

    /// Answers `/phone` and everything under it.
    pub(super) async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let asked = match Asked::read(request).await {
            Ok(asked) => asked,
            Err(reply) => return reply,
        };
        let holder = self.holder(&asked);
        let (uuid, app_id) = (asked.form.get("uuid"), asked.form.get("app"));
        match (asked.method.as_str(), asked.path.as_str()) {
            _ if !is_ours(&asked.host) => elsewhere(),
            ("GET", "/phone") => self.show(&asked, &holder),
            _ if asked.from_elsewhere => home(),
            (_, path) if path.starts_with(markup::PREFIX) => self.web.answer(&holder, &asked).await,
            ("POST", "/phone/hold") => self.hold(&asked),
            ("POST", "/phone/scan") => done(self.simulator.scan(uuid, &holder)),
            ("POST", "/phone/allow") => done(self.simulator.confirm(uuid)),
            ("POST", "/phone/refuse") => done(self.simulator.refuse(uuid)),
            ("POST", "/phone/later") => {
                self.simulator.advance(LIFETIME);
                home()
            }
            ("POST", "/phone/point") => self.point(asked.form.get("ticket"), holder).await,
            ("POST", "/phone/follow") => self.tell(holder, app_id, Deed::Follow).await,
            ("POST", "/phone/unfollow") => self.tell(holder, app_id, Deed::Unfollow).await,
            ("POST", "/phone/write") => match asked.form.get("text").trim() {
                "" => to_chat(app_id),
                text => self.tell(holder, app_id, Deed::Write(text.to_owned())).await,
            },
            _ => home(),
        }
    }

    fn show(&self, asked: &Asked, holder: &str) -> Reply {
        match screen::address(asked.query.get("open")) {
            Some(url) if screen::is_wechat(asked) => to(url.as_str()),
            _ => screen::show(self, asked, holder),
        }
    }

    /// Who holds the phone: whom the cookie names, else the first person.
    fn holder(&self, asked: &Asked) -> String {
        let known = asked.holder.as_deref().and_then(|name| self.simulator.person(name));
        let holder = known.or(self.simulator.people().first());
        holder.map(|person| person.name().to_owned()).unwrap_or_default()
    }

    /// The phone goes to somebody else.
    fn hold(&self, asked: &Asked) -> Reply {
        let mut reply = home();
        let person = self.simulator.person(asked.form.get("holder"));
        if let Some(Ok(cookie)) = person.map(|person| pages::holder_cookie(person.name()).parse()) {
            reply.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        reply
    }

    /// The camera reads a code of an account: WeChat opens the chat with it.
    async fn point(&self, ticket: &str, holder: String) -> Reply {
        let Some(code) = self.simulator.open_code(ticket) else { return home() };
        self.scanned().insert(code.ticket.clone());
        self.tell(holder, &code.app_id, Deed::Point(code.ticket)).await
    }

    fn has_scanned(&self, ticket: &str) -> bool {
        self.scanned().contains(ticket)
    }

    fn scanned(&self) -> MutexGuard<'_, HashSet<String>> {
        self.scanned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that the account's server is told of, to the end, also when the one who tapped has gone away.
    async fn tell(&self, holder: String, app_id: &str, deed: Deed) -> Reply {
        let (simulator, account) = (Arc::clone(&self.simulator), app_id.to_owned());
        let telling = tokio::spawn(async move {
            let told = match deed {
                Deed::Follow => simulator.follow(&holder, &account).await,
                Deed::Point(ticket) => simulator.scan_code(&holder, &ticket).await,
                Deed::Unfollow => simulator.unfollow(&holder, &account).await,
                Deed::Write(text) => simulator.write(&holder, &account, &text).await,
            };
            if let Err(error) = told {
                tracing::debug!(%error, "the pretend phone was too late");
            }
        });
        _ = tokio::time::timeout(PATIENCE, telling).await;
        to_chat(app_id)
    }
}

/// Whether this computer was asked for by a name of its own: another site's name that leads here is that site's.
fn is_ours(host: &str) -> bool {
    let url = Url::parse(&format!("http://{host}"));
    url.is_ok_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
}

/// Nothing of the phone shows there, and there is no way from there to it.
fn elsewhere() -> Reply {
    let (zh, en) = ("请用 localhost 打开这部手机", "Open this phone at localhost");
    pages::page(&PAGES, StatusCode::FORBIDDEN, "nothing.html", context! { zh, en })
}

/// What the phone did shows on the phone; what it could not do has vanished from its list by itself.
fn done<E: std::fmt::Display>(result: Result<(), E>) -> Reply {
    if let Err(error) = result {
        tracing::debug!(%error, "the pretend phone was too late");
    }
    home()
}

fn home() -> Reply {
    to("/phone")
}

fn to_chat(app_id: &str) -> Reply {
    let app_id: String = url::form_urlencoded::byte_serialize(app_id.as_bytes()).collect();
    to(&format!("/phone?chat={app_id}"))
}

fn to(location: &str) -> Reply {
    let mut reply = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *reply.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = location.parse() {
        reply.headers_mut().insert(header::LOCATION, location);
    }
    reply
}
