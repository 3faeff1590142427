//! The long poll of people who wait for an administrator: answered as soon as there is news, in bounds of time and number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::json;

use super::super::answer;
use super::super::asking::Asking;
use super::super::failure::Failure;
use super::super::own::OwnPages;
use crate::members::Unsure;
use crate::model::member::{SessionId, Status};
use crate::model::person::Who;
use crate::model::session::Session;
use crate::net::body::Body;

/// How many times it is looked whether there is news, and how long after one another: 25 seconds in all. What is known is
/// remembered for two seconds, so the store is asked about every second time.
const LOOKS: u32 = 25;
const PAUSE: Duration = Duration::from_secs(1);

/// Who may wait at a time, over all; and windows of one sign-in, so that nobody takes all the seats.
const MOST: u32 = 1000;
const MOST_WINDOWS: u32 = 4;

/// When to ask again where there is no seat left, in seconds.
pub(in super::super) const COME_BACK: &str = "5";

/// How many wait. One for the whole process.
#[derive(Debug, Default)]
pub struct WaitingRoom {
    seats: Mutex<Seats>,
    is_closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Seats {
    taken: u32,
    by_session: HashMap<SessionId, u32>,
}

/// A place in the waiting room, until dropped.
pub(in super::super) struct Seat<'a> {
    room: &'a WaitingRoom,
    session: SessionId,
}

impl WaitingRoom {
    /// Nobody waits from now on: the process is about to stop.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    pub(in super::super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    pub(in super::super) fn enter(&self, session: SessionId) -> Option<Seat<'_>> {
        let mut seats = self.seats();
        let windows = seats.by_session.get(&session).copied().unwrap_or_default();
        if self.is_closed() || seats.taken >= MOST || windows >= MOST_WINDOWS {
            return None;
        }
        seats.taken += 1;
        seats.by_session.insert(session, windows + 1);
        Some(Seat { room: self, session })
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut seats = self.room.seats();
        seats.taken = seats.taken.saturating_sub(1);
        match seats.by_session.get_mut(&self.session) {
            Some(windows) if *windows > 1 => *windows -= 1,
            _ => drop(seats.by_session.remove(&self.session)),
        }
    }
}

impl OwnPages {
    /// `GET /_wxgate/login/status`: how the person stands; for whoever waits, once that changes.
    pub(in super::super) async fn status(
        &self,
        asking: &Asking<'_>,
        session: Option<Arc<Session>>,
    ) -> Result<Response<Body>, Failure> {
        self.keep_from_other_sites(asking)?;
        let waiting: Arc<WaitingRoom> = Arc::clone(&self.waiting);
        let Some(id) = session.as_ref().map(|session| session.id) else { return Ok(self.nobody(asking)) };
        let seat = waiting.enter(id);
        let mut looks = LOOKS;
        loop {
            let status = match self.who(session.clone()).await {
                Who::Nobody => return Ok(self.nobody(asking)),
                Who::Unsure => return Err(Unsure.into()),
                Who::Person(person) => person.standing.status,
            };
            looks -= 1;
            if status != Status::Pending || looks == 0 || seat.is_none() || waiting.is_closed() {
                let body = json!({ "status": status.as_str() });
                let mut response = answer::json(&self.site, StatusCode::OK, &body);
                if status == Status::Pending && seat.is_none() {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(COME_BACK));
                }
                return Ok(response);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn nobody(&self, asking: &Asking<'_>) -> Response<Body> {
        let body = json!({ "error": "login_required", "request_id": asking.request_id });
        answer::json(&self.site, StatusCode::UNAUTHORIZED, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waiting_room_has_bounds() {
        let room = WaitingRoom::default();
        let mut seats: Vec<_> = (0..MOST_WINDOWS).map(|_| room.enter([1; 16]).unwrap()).collect();
        assert!(room.enter([1; 16]).is_none());
        seats.pop();
        assert!(room.enter([1; 16]).is_some());
        for number in 0..MOST - MOST_WINDOWS + 1 {
            let mut session = [0; 16];
            session[..4].copy_from_slice(&number.to_le_bytes());
            seats.push(room.enter(session).unwrap());
        }
        assert!(room.enter([2; 16]).is_none());
        drop(seats);
        assert!(room.enter([2; 16]).is_some() && room.seats().by_session.is_empty());
        room.close();
        assert!(room.enter([2; 16]).is_none());
    }
}
