//! An account's server, which reads what is pushed by wxgate's own means and answers as it is told.

use std::collections::VecDeque;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

use super::*;
use crate::model::clock;
use crate::model::secret::Secret;
use crate::wechat::message::{InboxSettings, Message, MessageKey, Query, Unwelcome};

/// EncodingAESKey whose last letter has spare bits set, like three of four.
pub(super) const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// Waits are for events; this only bounds a test that has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const TOKEN: &str = "some-token";

/// What the server does with a push.
#[derive(Clone)]
pub(super) enum Does {
    /// Answers this, with this status.
    Answers(u16, String),
    /// Cuts the connection.
    Cuts,
    /// Never answers.
    Hangs,
    /// Takes what it can read without a word, and gives an `echostr` back.
    Reads,
    /// Writes this into the chat.
    Replies(&'static str),
}

/// What came.
pub(super) struct Got {
    pub(super) query: Query,
    pub(super) body: String,
    pub(super) read: Result<Message, Unwelcome>,
}

pub(super) struct Server {
    pub(super) url: String,
    plan: Arc<Mutex<VecDeque<Does>>>,
    got: mpsc::UnboundedReceiver<Got>,
}

pub(super) fn key() -> MessageKey {
    KEY.parse().unwrap()
}

/// Secure mode, in XML.
pub(super) fn secure(url: &str) -> PushSettings {
    PushSettings::secure(url, TOKEN, key())
}

/// Every mode in every syntax.
pub(super) fn every_kind(url: &str) -> Vec<PushSettings> {
    let kinds = [
        PushSettings::plaintext(url, TOKEN),
        PushSettings::compatible(url, TOKEN, key()),
        PushSettings::secure(url, TOKEN, key()),
    ];
    kinds.into_iter().flat_map(|settings| [settings.clone(), settings.in_json()]).collect()
}

impl Server {
    /// For the account `wxoa`, enabled in secure mode.
    pub(super) async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/_wxgate/wechat?account=1", listener.local_addr().unwrap());
        let plan = Arc::new(Mutex::new(VecDeque::new()));
        let (note, got) = mpsc::unbounded_channel();
        let (simulator, doing) = (Arc::clone(&world.simulator), Arc::clone(&plan));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (simulator, doing, note) = (Arc::clone(&simulator), Arc::clone(&doing), note.clone());
                let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
                    let (simulator, doing, note) = (Arc::clone(&simulator), Arc::clone(&doing), note.clone());
                    async move { answer(&simulator, &doing, &note, request).await }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        world.simulator.set_push("wxoa", secure(&url));
        Self { url, plan, got }
    }

    /// What it does next; several queue up. Otherwise it reads.
    pub(super) fn next(&self, does: Does) -> &Self {
        held(&self.plan).push_back(does);
        self
    }

    /// What came next.
    pub(super) async fn got(&mut self) -> Got {
        tokio::time::timeout(PATIENCE, self.got.recv()).await.expect("something is pushed").unwrap()
    }

    /// Whether nothing else has come.
    pub(super) fn is_idle(&mut self) -> bool {
        self.got.try_recv().is_err()
    }
}

async fn answer(
    simulator: &Simulator,
    plan: &Mutex<VecDeque<Does>>,
    note: &mpsc::UnboundedSender<Got>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, &'static str> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let query = read_query(head.uri.query().unwrap());
    let settings = InboxSettings {
        app_id: "wxoa".to_owned(),
        original_id: Some(simulator.app("wxoa").unwrap().original_id().to_owned()),
        token: Secret::new(TOKEN.to_owned()),
        mode: simulator.push_settings("wxoa").unwrap().mode,
    };
    let does = held(plan).pop_front().unwrap_or(Does::Reads);
    let opened = settings.open(&query, body.as_bytes(), clock::now());
    let (status, text) = match (&does, &opened) {
        (Does::Answers(status, text), _) => (*status, text.clone()),
        (_, _) if head.method == "GET" => {
            settings.greet(&query, clock::now()).map_or((403, String::new()), |echostr| (200, echostr))
        }
        (Does::Replies(text), Ok(opened)) => (200, settings.reply(opened, text, clock::now()).unwrap().body),
        (_, Ok(_)) => (200, String::new()),
        (_, Err(_)) => (403, String::new()),
    };
    _ = note.send(Got { query, body, read: opened.map(|opened| opened.message) });
    match does {
        Does::Cuts => Err("cut"),
        Does::Hangs => std::future::pending().await,
        Does::Answers(..) | Does::Reads | Does::Replies(_) => {
            let mut response = http::Response::new(Full::from(text));
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            Ok(response)
        }
    }
}

fn read_query(text: &str) -> Query {
    let mut query = Query::default();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let place = match &*name {
            "signature" => &mut query.signature,
            "timestamp" => &mut query.timestamp,
            "nonce" => &mut query.nonce,
            "msg_signature" => &mut query.msg_signature,
            "echostr" => &mut query.echostr,
            "account" | "openid" | "encrypt_type" => continue,
            _ => panic!("{name} is no parameter of WeChat's"),
        };
        place.push_str(&value);
    }
    query
}
