//! Threads that hold a connection each, and the queue before them: SQLite waits for disks and locks, tasks must not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::super::StoreError;
use super::super::tables::Row;
use crate::model::clock::instant;

/// Jobs that may wait; more than this many would wait longer than anybody waits for them.
const LONGEST_QUEUE: usize = 64;

/// How long after it was asked a job may begin, and may say that it is done. Callers are promised two seconds.
pub(super) const PATIENCE: Duration = Duration::from_millis(1500);

/// How much longer whoever asks waits, so that a job that is just being done can say so.
const LONGER: Duration = Duration::from_millis(300);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Threads with one queue.
#[derive(Clone, Debug)]
pub(super) struct Workers {
    queue: SyncSender<Job>,
    patience: Duration,
}

impl Workers {
    /// A thread for each connection. They end when nobody can ask them any more.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(super) fn start(name: &str, connections: Vec<Connection>, patience: Duration) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(LONGEST_QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for connection in connections {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("store-{name}")).spawn(move || work(&jobs, connection))?;
        }
        Ok(Self { queue, patience })
    }

    /// Has `work` done with a connection and the moment until which it may say that it is done.
    pub(super) async fn ask<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Connection, Instant) -> Row<T> + Send + 'static,
    ) -> Row<T> {
        let deadline = instant() + self.patience;
        let (answer, answered) = oneshot::channel();
        let begun = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&begun);
        let job = move |connection: &mut Connection| {
            begins.store(true, Ordering::Release);
            // Nobody waits for it any more: time is better spent on those who do.
            if !answer.is_closed() && instant() < deadline {
                drop(answer.send(work(connection, deadline)));
            }
        };
        match self.queue.try_send(Box::new(job)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => {
                return Err(StoreError::unavailable("its threads have ended"));
            }
        }
        match timeout(self.patience + LONGER, answered).await {
            Ok(Ok(answer)) => answer,
            // Whoever only waited for others does not know whether it answers.
            Err(_) if !begun.load(Ordering::Acquire) => Err(StoreError::Busy),
            Ok(Err(_)) | Err(_) => Err(StoreError::unavailable("it did not answer in time")),
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, mut connection: Connection) {
    loop {
        // Whoever holds the lock waits for the next job; the others wait for the lock.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
            tracing::error!("a sentence to the store ended with a panic: please report this");
            drop(connection.execute_batch("ROLLBACK"));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinHandle;

    use super::*;

    /// Far longer than any test: whoever is told within `SOON` has not waited for it.
    const AMPLE: Duration = Duration::from_secs(60);
    const SOON: Duration = Duration::from_secs(20);

    fn one(patience: Duration) -> Workers {
        Workers::start("test", vec![Connection::open_in_memory().unwrap()], patience).unwrap()
    }

    /// A job that goes on until its sender is dropped; it has begun when this returns.
    async fn held(workers: &Workers) -> (std::sync::mpsc::Sender<()>, JoinHandle<Row<()>>) {
        let (release, wait) = std::sync::mpsc::channel();
        let (begin, begun) = oneshot::channel();
        let held = tokio::spawn(workers.clone().ask(move |_, _| {
            begin.send(()).unwrap();
            let _ = wait.recv();
            Ok(())
        }));
        begun.await.unwrap();
        (release, held)
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_thread_goes_on() {
        let workers = one(AMPLE);
        let broken = workers.clone().ask(|connection, _| -> Row<()> {
            connection.execute_batch("BEGIN").unwrap();
            panic!("on purpose");
        });
        assert!(matches!(broken.await, Err(StoreError::Unavailable(_))));
        let sound = workers.ask(|connection, _| Ok(connection.is_autocommit()));
        assert!(sound.await.unwrap(), "what was begun was taken back");
    }

    #[tokio::test]
    async fn a_full_queue_answers_at_once() {
        let workers = one(AMPLE);
        let (release, busy) = held(&workers).await;
        let queued: Vec<_> =
            (0..LONGEST_QUEUE + 8).map(|_| tokio::spawn(workers.clone().ask(|_, _| Ok(())))).collect();
        let refused = || queued.iter().filter(|waiting| waiting.is_finished()).count();
        let told = async {
            while refused() < 8 {
                tokio::task::yield_now().await;
            }
            workers.clone().ask(|_, _| Ok(())).await
        };
        let said = timeout(SOON, told).await.expect("who has no room is told, without a deadline");
        assert!(matches!(said, Err(StoreError::Busy)), "{said:?}");
        assert_eq!(refused(), 8, "for the others there is room");
        drop(release);
        busy.await.unwrap().unwrap();
        let served = futures_util::future::join_all(queued).await;
        assert_eq!(served.iter().filter(|answer| matches!(answer, Ok(Ok(())))).count(), LONGEST_QUEUE);
    }

    #[tokio::test]
    async fn what_waited_too_long_is_not_done() {
        assert!(PATIENCE + LONGER < Duration::from_secs(2), "callers are promised two seconds");
        let workers = one(Duration::from_millis(50));
        let (release, busy) = held(&workers).await;
        let done = Arc::new(AtomicBool::new(false));
        let late = (0..8).map(|_| {
            let done = Arc::clone(&done);
            workers.clone().ask(move |_, _| {
                done.store(true, Ordering::Release);
                Ok(())
            })
        });
        let late = timeout(SOON, futures_util::future::join_all(late)).await.expect("all are told");
        assert!(late.iter().all(|answer| matches!(answer, Err(StoreError::Busy))), "{late:?}");
        // This one was begun, and does not come to its end.
        assert!(matches!(busy.await.unwrap(), Err(StoreError::Unavailable(_))));
        drop(release);
        let recovers = async { while workers.clone().ask(|_, _| Ok(())).await.is_err() {} };
        timeout(SOON, recovers).await.expect("it goes on");
        assert!(!done.load(Ordering::Acquire), "nobody waited for it any more");
    }
}
