//! QR logins that wait for a phone, and what the phone does to them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;

use super::codes::Granted;
use super::way_back::WayBack;
use super::{App, Consent, Person, Simulator, held, random_text};
use crate::model::clock::Timestamp;

/// A QR login that waits for a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaitingScan {
    /// What the QR image is called.
    pub uuid: String,
    /// The website app.
    pub app_id: String,
    /// The app's name as people read it.
    pub app_name: String,
    /// The host of the callback.
    pub host: String,
    /// The login's `state`, as it was spelled in the link.
    pub state: String,
    /// Whose phone has scanned it.
    pub scanned_by: Option<String>,
}

/// Why a phone could not do that.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ScanError {
    /// Unknown, expired, or already answered.
    #[error("this QR code is not valid any more")]
    Gone,
    /// `confirm` and `refuse` come after `scan`.
    #[error("this QR code has not been scanned")]
    NotScanned,
    /// Nobody of this name has a phone.
    #[error("nobody of this name has a phone")]
    UnknownPerson,
}

/// How old a QR code may become.
const LIFETIME: Duration = Duration::from_secs(300);
/// How long an old one is remembered, so that its page can say so.
const REMEMBERED: Duration = Duration::from_secs(3600);

pub(super) struct Scans {
    all: Mutex<HashMap<String, Scan>>,
    changes: watch::Sender<()>,
}

/// One QR code and how far it has come.
#[derive(Clone)]
pub(super) struct Scan {
    pub(super) app_id: String,
    pub(super) app_name: String,
    pub(super) way_back: WayBack,
    pub(super) progress: Progress,
    pub(super) delivered: bool,
    deaf: bool,
    began: Timestamp,
}

#[derive(Clone, Eq, PartialEq)]
pub(super) enum Progress {
    Cancelled,
    Confirmed { code: String },
    Expired,
    Scanned { by: Person },
    Waiting,
}

impl Default for Scans {
    fn default() -> Self {
        Self { all: Mutex::default(), changes: watch::Sender::new(()) }
    }
}

impl Scans {
    /// Tells every long poll to look again.
    pub(super) fn wake(&self) {
        self.changes.send_replace(());
    }

    /// Resolves at changes from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

impl Simulator {
    /// The QR logins that wait for a phone, or for the answer on it, oldest first.
    pub fn waiting_scans(&self) -> Vec<WaitingScan> {
        let now = self.now();
        let all = held(&self.scans.all);
        let mut open = all.iter().filter(|(_, scan)| scan.open(now)).collect::<Vec<_>>();
        open.sort_by_key(|(uuid, scan)| (scan.began, *uuid));
        open.into_iter().map(|(uuid, scan)| scan.shown(uuid)).collect()
    }

    /// `person` points their phone at the QR code; a second phone takes it over.
    pub fn scan(&self, uuid: &str, person: &str) -> Result<(), ScanError> {
        let by = self.person(person).cloned().ok_or(ScanError::UnknownPerson)?;
        self.change_scan(uuid, |scan| {
            scan.progress = Progress::Scanned { by };
            Ok(())
        })
    }

    /// The person who scanned taps 允许.
    pub fn confirm(&self, uuid: &str) -> Result<(), ScanError> {
        self.change_scan(uuid, |scan| {
            let Progress::Scanned { by } = &scan.progress else { return Err(ScanError::NotScanned) };
            let code = self.grant(website_login(&scan.app_id, by.clone()));
            scan.progress = Progress::Confirmed { code };
            Ok(())
        })
    }

    /// The person who scanned taps 拒绝.
    pub fn refuse(&self, uuid: &str) -> Result<(), ScanError> {
        self.change_scan(uuid, |scan| {
            let Progress::Scanned { .. } = scan.progress else { return Err(ScanError::NotScanned) };
            scan.progress = Progress::Cancelled;
            Ok(())
        })
    }

    /// The QR code becomes too old.
    pub fn expire(&self, uuid: &str) -> Result<(), ScanError> {
        self.change_scan(uuid, |scan| {
            scan.progress = Progress::Expired;
            Ok(())
        })
    }

    /// A new QR code, already as far as the script wants it.
    pub(super) fn begin_scan(&self, app: &App, way_back: WayBack, scripted: Option<&Consent>) -> String {
        let now = self.now();
        let progress = match scripted {
            Some(Consent::Allow(name) | Consent::FastLogin(name)) => {
                let person = self.person(name).cloned().unwrap_or_else(|| Person::new(name));
                Progress::Confirmed { code: self.grant(website_login(app.id(), person)) }
            }
            Some(Consent::Expired) => Progress::Expired,
            Some(Consent::RefuseSilently | Consent::RefuseWithState) => Progress::Cancelled,
            Some(Consent::NeverAnswers) | None => Progress::Waiting,
        };
        let scan = Scan {
            app_id: app.id().to_owned(),
            app_name: app.name().to_owned(),
            way_back,
            progress,
            delivered: false,
            deaf: scripted == Some(&Consent::NeverAnswers),
            began: now,
        };
        let uuid = random_text(16);
        let mut all = held(&self.scans.all);
        all.retain(|_, scan| now.since(scan.began) < REMEMBERED);
        all.insert(uuid.clone(), scan);
        uuid
    }

    /// The QR code as it stands now.
    pub(super) fn look_at_scan(&self, uuid: &str) -> Option<Scan> {
        let mut scan = held(&self.scans.all).get(uuid)?.clone();
        let undecided = matches!(scan.progress, Progress::Waiting | Progress::Scanned { .. });
        if undecided && !scan.open(self.now()) {
            scan.progress = Progress::Expired;
        }
        Some(scan)
    }

    /// Whether this is the first time the confirmed callback of `uuid` is handed to a browser.
    pub(super) fn first_delivery(&self, uuid: &str) -> bool {
        held(&self.scans.all).get_mut(uuid).is_some_and(|scan| !std::mem::replace(&mut scan.delivered, true))
    }

    fn change_scan(
        &self,
        uuid: &str,
        change: impl FnOnce(&mut Scan) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        let now = self.now();
        let mut all = held(&self.scans.all);
        let scan = all.get_mut(uuid).filter(|scan| scan.open(now) && !scan.deaf).ok_or(ScanError::Gone)?;
        change(scan)?;
        drop(all);
        self.scans.wake();
        Ok(())
    }
}

impl Scan {
    fn open(&self, now: Timestamp) -> bool {
        matches!(self.progress, Progress::Waiting | Progress::Scanned { .. })
            && now.since(self.began) < LIFETIME
    }

    fn shown(&self, uuid: &str) -> WaitingScan {
        let host = url::Url::parse(&self.way_back.redirect_uri).ok();
        WaitingScan {
            uuid: uuid.to_owned(),
            app_id: self.app_id.clone(),
            app_name: self.app_name.clone(),
            host: host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default(),
            state: self.way_back.raw_state.clone(),
            scanned_by: match &self.progress {
                Progress::Scanned { by } => Some(by.name().to_owned()),
                _ => None,
            },
        }
    }
}

fn website_login(app_id: &str, person: Person) -> Granted {
    Granted { app_id: app_id.to_owned(), scope: "snsapi_login".to_owned(), person, snapshot: false }
}
