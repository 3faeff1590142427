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

/// How long after it was asked a job may begin, and may say that it is done.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long whoever asks waits: a little longer, so that a job that is just being done can say so.
const LONGEST_WAIT: Duration = Duration::from_millis(1800);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Threads with one queue.
#[derive(Clone, Debug)]
pub(super) struct Workers {
    queue: SyncSender<Job>,
}

impl Workers {
    /// A thread for each connection. They end when nobody can ask them any more.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(super) fn start(name: &str, connections: Vec<Connection>) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(LONGEST_QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for connection in connections {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("store-{name}")).spawn(move || work(&jobs, connection))?;
        }
        Ok(Self { queue })
    }

    /// Has `work` done with a connection and the moment until which it may say that it is done.
    pub(super) async fn ask<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Connection, Instant) -> Row<T> + Send + 'static,
    ) -> Row<T> {
        let deadline = instant() + PATIENCE;
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
        match timeout(LONGEST_WAIT, answered).await {
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
    use super::*;

    fn one() -> Workers {
        Workers::start("test", vec![Connection::open_in_memory().unwrap()]).unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_thread_goes_on() {
        let workers = one();
        let broken = workers.clone().ask(|connection, _| -> Row<()> {
            connection.execute_batch("BEGIN").unwrap();
            panic!("on purpose");
        });
        assert!(matches!(broken.await, Err(StoreError::Unavailable(_))));
        let sound = workers.ask(|connection, _| Ok(connection.is_autocommit()));
        assert!(sound.await.unwrap(), "what was begun was taken back");
    }

    #[tokio::test]
    async fn a_full_queue_answers_at_once_and_what_waited_too_long_is_not_done() {
        let workers = one();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let busy = tokio::spawn(workers.clone().ask(move |_, _| {
            begin.send(()).unwrap();
            Ok(wait.recv().is_ok())
        }));
        begun.await.unwrap();
        let queued: Vec<_> =
            (0..LONGEST_QUEUE + 8).map(|_| tokio::spawn(workers.clone().ask(|_, _| Ok(())))).collect();
        // Those for whom there is no room hear so at once.
        while queued.iter().filter(|waiting| waiting.is_finished()).count() < 8 {
            tokio::task::yield_now().await;
        }
        let began = instant();
        let refused = workers.clone().ask(|_, _| Ok(()));
        let refused = refused.await.unwrap_err().to_string();
        assert!(
            refused.contains("too many ask") && began.elapsed() < Duration::from_millis(500),
            "{refused}"
        );
        for waiting in queued {
            assert!(waiting.await.unwrap().is_err());
        }
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(busy.await.unwrap().is_err());
        release.send(()).unwrap();
        let recovers = async {
            while workers.clone().ask(|_, _| Ok(())).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), recovers).await.unwrap();
    }
}
