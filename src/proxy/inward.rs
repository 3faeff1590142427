//! A waker for what is polled from within one task: it tells of the world outside, and keeps to itself what the task's
//! own parts say to each other.
//!
//! hyper's halves wake one another. When one task polls both, each such call would have the scheduler run the whole task
//! again for nothing.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Nobody polls: a call goes to the task.
const OUTSIDE: u8 = 0;
/// The task polls.
const WITHIN: u8 = 1;
/// The task polls, and was called meanwhile.
const CALLED: u8 = 2;

/// What the waker and its owner share.
#[derive(Debug)]
struct Bell {
    state: AtomicU8,
    task: Mutex<Waker>,
}

/// A waker of its own for parts that one task polls.
#[derive(Debug)]
pub(super) struct Inward {
    bell: Arc<Bell>,
    waker: Waker,
}

impl Inward {
    pub(super) fn new() -> Self {
        let task = Mutex::new(Waker::noop().clone());
        let bell = Arc::new(Bell { state: AtomicU8::new(OUTSIDE), task });
        Self { waker: Waker::from(Arc::clone(&bell)), bell }
    }

    /// Polls `parts` for the task of `context`, again if they called while they were polled.
    pub(super) fn poll<T>(
        &self,
        context: &Context<'_>,
        mut parts: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.bell.task().clone_from(context.waker());
        loop {
            self.bell.state.store(WITHIN, Ordering::Release);
            let result = parts(&mut Context::from_waker(&self.waker));
            let was_called = self.bell.state.swap(OUTSIDE, Ordering::AcqRel) == CALLED;
            if result.is_ready() || !was_called {
                return result;
            }
        }
    }
}

impl Bell {
    fn task(&self) -> MutexGuard<'_, Waker> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let within = self.state.compare_exchange(WITHIN, CALLED, Ordering::AcqRel, Ordering::Acquire);
        if within == Err(OUTSIDE) {
            self.task().wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_call_from_within_polls_again_and_wakes_nobody() {
        let task = Arc::new(Task::default());
        let (inward, waker) = (Inward::new(), Waker::from(Arc::clone(&task)));
        let mut rounds = 0;
        let polled = inward.poll(&Context::from_waker(&waker), |context| {
            rounds += 1;
            if rounds < 3 {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        });
        assert!(polled.is_pending());
        assert_eq!((rounds, task.0.load(Ordering::Relaxed)), (3, 0));
    }

    #[test]
    fn a_call_from_outside_wakes_the_task_that_polled_last() {
        let tasks = [Arc::new(Task::default()), Arc::new(Task::default())];
        let inward = Inward::new();
        let mut kept = None;
        for task in &tasks {
            let waker = Waker::from(Arc::clone(task));
            let _ = inward.poll(&Context::from_waker(&waker), |context| {
                kept = Some(context.waker().clone());
                Poll::<()>::Pending
            });
        }
        kept.unwrap().wake();
        assert_eq!(tasks.map(|task| task.0.load(Ordering::Relaxed)), [0, 1]);
    }
}
