//! A deadline that moves with every request, and costs a timer only when it comes near.

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// One timer for a wait that is begun anew all the time. A later deadline leaves the running timer alone; when that
/// goes off early, it is set again. So a connection that is never silent for long touches its timer once in a while.
///
/// It is polled by one task at a time; `moves` has to be called before another one polls it.
#[derive(Debug, Default)]
pub struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
    registered: bool,
}

impl Deadline {
    /// Ready once `at` has passed; otherwise the task is woken then, or earlier.
    pub fn poll_passed(&mut self, context: &mut Context<'_>, at: Instant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| {
            self.registered = false;
            Box::pin(sleep_until(at))
        });
        if timer.deadline() > at {
            timer.as_mut().reset(at);
            self.registered = false;
        }
        while !self.registered || timer.is_elapsed() {
            // A task that has done much in one go is told to wait without having been registered.
            if pin!(unconstrained(timer.as_mut())).poll(context).is_pending() {
                self.registered = true;
            } else if timer.deadline() >= at {
                return Poll::Ready(());
            } else {
                timer.as_mut().reset(at);
                self.registered = false;
            }
        }
        Poll::Pending
    }

    /// When the task that polled last is woken, at the latest; the past if that has happened.
    pub fn goes_off(&self) -> Option<Instant> {
        self.timer.as_ref().filter(|_| self.registered).map(|timer| timer.deadline())
    }

    /// Another task polls from here on.
    pub fn moves(&mut self) {
        self.registered = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_passes_when_the_last_word_said_so() {
        let mut deadline = Deadline::default();
        let start = Instant::now();
        let seconds = |count| start + Duration::from_secs(count);
        let mut last = seconds(5);
        let waited = async {
            poll_fn(|context| deadline.poll_passed(context, last)).await;
        };
        assert!(tokio::time::timeout(Duration::from_secs(1), waited).await.is_err());
        last = seconds(20);
        poll_fn(|context| deadline.poll_passed(context, last)).await;
        assert_eq!(Instant::now(), seconds(20));
        last = seconds(30);
        poll_fn(|context| deadline.poll_passed(context, last)).await;
        assert_eq!(Instant::now(), seconds(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_done_much_in_one_go_is_woken_all_the_same() {
        let mut deadline = Deadline::default();
        let at = Instant::now() + Duration::from_secs(5);
        let waited = poll_fn(|context| {
            while tokio::task::coop::has_budget_remaining() {
                let _ = pin!(tokio::task::coop::consume_budget()).poll(context);
            }
            deadline.poll_passed(context, at)
        });
        tokio::time::timeout(Duration::from_secs(6), waited).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_deadline_counts() {
        let mut deadline = Deadline::default();
        let start = Instant::now();
        let far = poll_fn(|context| deadline.poll_passed(context, start + Duration::from_secs(75)));
        assert!(tokio::time::timeout(Duration::from_secs(1), far).await.is_err());
        poll_fn(|context| deadline.poll_passed(context, start + Duration::from_secs(10))).await;
        assert_eq!(Instant::now(), start + Duration::from_secs(10));
    }
}
