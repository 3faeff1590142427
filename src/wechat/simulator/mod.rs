//! The simulated WeChat for the demo and for tests: as strict as WeChat's documents, as messy as its answers.

mod answer;
mod apps;
mod asked;
mod authorize;
mod codes;
mod consent;
mod delivery;
mod exchange;
mod faults;
mod journal;
pub(crate) mod listen;
mod official;
mod outgoing;
pub(crate) mod pages;
mod people;
mod profile;
mod push;
pub(crate) mod qr;
mod scans;
mod script;
mod time;
mod tokens;
mod user_agent;
mod way_back;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use tokio::net::TcpListener;

pub use answer::{Body, Reply};
pub use apps::{App, AppKind};
pub(crate) use asked::{Asked, HOLDER_COOKIE};
pub use delivery::EarlyDelivery;
pub use faults::Fault;
pub use journal::Call;
pub use official::{
    AccountType, AddressRefusal, Chat, ChatMessage, Console, PhoneError, SceneCode, Speaker, TokenCounts,
};
pub use people::Person;
pub use profile::ProfileVariant;
pub use push::{Answered, Delivered, Handwriting, Letter, Push, PushAnswer, PushSettings, Spacing};
pub use scans::{ScanError, WaitingScan};
pub use script::{Consent, Delivery, Fragment, Script, SnapshotProfile};

use crate::model::clock::Timestamp;
use crate::model::http_date;

/// A whole WeChat in one value: its apps, its people, their phones, and what was asked of it.
///
/// It is driven by requests (`serve`, `handle`), by what a test or the pretend phone decides (`scan`, `confirm`,
/// `script`), and by its clock, which a test may move (`advance`).
pub struct Simulator {
    apps: Vec<App>,
    people: Vec<Person>,
    script: Script,
    codes: codes::Codes,
    tokens: tokens::Tokens,
    scans: scans::Scans,
    journal: journal::Journal,
    early: Arc<Mutex<Vec<EarlyDelivery>>>,
    official: official::Official,
    time: time::Time,
}

impl Simulator {
    /// A WeChat that knows these apps and these people.
    pub fn new(apps: Vec<App>, people: Vec<Person>) -> Arc<Self> {
        Arc::new(Self {
            apps,
            people,
            script: Script::default(),
            codes: codes::Codes::default(),
            tokens: tokens::Tokens::default(),
            scans: scans::Scans::default(),
            journal: journal::Journal::default(),
            early: Arc::default(),
            official: official::Official::default(),
            time: time::Time::default(),
        })
    }

    /// Answers connections (HTTP/1.1, no TLS) on `listener` until `shutdown` resolves; open ones are then cut.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        listen::serve(listener, shutdown, move |request| Arc::clone(&self).handle(request)).await;
    }

    /// Answers one request, dated by the simulator's clock. Links to itself are made from the request's `Host`.
    pub async fn handle(self: Arc<Self>, request: http::Request<Incoming>) -> Reply {
        let mut reply = match Asked::read(request).await {
            Ok(asked) => self.answer(&asked).await,
            Err(reply) => reply,
        };
        if let Ok(date) = http::HeaderValue::try_from(http_date::write(self.now())) {
            reply.headers_mut().insert(http::header::DATE, date);
        }
        reply
    }

    async fn answer(&self, asked: &Asked) -> Reply {
        match Endpoint::of(asked) {
            Endpoint::AccessToken => self.access_token(asked).await,
            Endpoint::Authorize => self.authorize(asked).await,
            Endpoint::CheckToken => self.check_token(asked).await,
            Endpoint::Consent => self.consented(asked).await,
            Endpoint::CgiToken => self.cgi_token(asked).await,
            Endpoint::CreateCode => self.create_code(asked).await,
            Endpoint::FollowerInfo => self.follower_info(asked).await,
            Endpoint::LongPoll => self.long_poll(asked).await,
            Endpoint::QrConnect => self.qr_connect(asked).await,
            Endpoint::QrImage => self.qr_image(asked),
            Endpoint::QrWait => self.qr_wait(asked).await,
            Endpoint::RefreshToken => self.refresh_token(asked).await,
            Endpoint::ShowCode => self.show_code(asked),
            Endpoint::StableToken => self.stable_token(asked).await,
            Endpoint::Unknown => pages::not_found(),
            Endpoint::UserInfo => self.user_info(asked).await,
        }
    }

    /// The person called `name`.
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name() == name)
    }

    /// Everybody with a phone.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The app registered under `app_id`.
    pub fn app(&self, app_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.id() == app_id)
    }

    /// What happens next: consent, faults, oddities.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Every API call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.journal.read()
    }

    /// How many code exchanges were asked for.
    pub fn exchanges(&self) -> usize {
        self.calls_of(exchange::PATH)
    }

    /// How often this path of the API was asked for, such as `/cgi-bin/stable_token`.
    pub fn calls_of(&self, path: &str) -> usize {
        self.calls().iter().filter(|call| call.path == path).count()
    }

    /// Callbacks the simulator itself fetched, without cookies, before the browser did.
    pub fn early_deliveries(&self) -> Vec<EarlyDelivery> {
        held(&self.early).clone()
    }

    /// Moves the simulator's clock forward; QR codes, codes and tokens age accordingly, and servers that have not
    /// answered yet have that much less time. What is pushed stays dated by the real clock.
    pub fn advance(&self, by: Duration) {
        self.time.advance(by);
        self.scans.wake();
    }

    /// The time in the simulator.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }
}

/// Everything the simulator answers, parsed once and matched once.
enum Endpoint {
    AccessToken,
    Authorize,
    CgiToken,
    CheckToken,
    Consent,
    CreateCode,
    FollowerInfo,
    LongPoll,
    QrConnect,
    QrImage,
    QrWait,
    RefreshToken,
    ShowCode,
    StableToken,
    Unknown,
    UserInfo,
}

impl Endpoint {
    fn of(asked: &Asked) -> Self {
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/connect/oauth2/authorize") => Self::Authorize,
            ("POST", "/connect/oauth2/consent") => Self::Consent,
            ("GET", "/connect/qrconnect") => Self::QrConnect,
            ("GET", "/connect/qrconnect/wait") => Self::QrWait,
            ("GET", "/connect/l/qrconnect") => Self::LongPoll,
            ("GET", path) if path.starts_with(qr::IMAGE_PATH) => Self::QrImage,
            ("GET" | "POST", exchange::PATH) => Self::AccessToken,
            ("GET" | "POST", "/sns/oauth2/refresh_token") => Self::RefreshToken,
            ("GET" | "POST", "/sns/auth") => Self::CheckToken,
            ("GET" | "POST", "/sns/userinfo") => Self::UserInfo,
            (_, official::TOKEN) => Self::CgiToken,
            (_, official::STABLE_TOKEN) => Self::StableToken,
            (_, official::CREATE_CODE) => Self::CreateCode,
            ("GET", "/cgi-bin/showqrcode") => Self::ShowCode,
            ("GET", official::FOLLOWER_INFO) => Self::FollowerInfo,
            _ => Self::Unknown,
        }
    }
}

/// The value behind a lock, also after a panic of another holder: a simulator has no invariants worth dying for.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random characters from the alphabet WeChat's codes and tokens are made of.
fn random_text(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut bytes = vec![0; length];
    while aws_lc_rs::rand::fill(&mut bytes).is_err() {}
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 62)])).collect()
}

#[cfg(test)]
mod tests;
