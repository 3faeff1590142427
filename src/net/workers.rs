//! One runtime per core, each with its own listener and its own connections: what serves a request is touched by no other
//! core.
//!
//! The kernel shares new connections out among the listeners by a hash of their addresses (`SO_REUSEPORT`), which is fair
//! to thousands and unfair to three. So a worker that holds more than its share hands a new connection on to the one that
//! holds least. A socket that cannot be shared out (unix, inherited) has one worker that accepts and hands on.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};

use super::limits::Limits;
use super::listen::{Bound, Listener, Loose, Stream};
use super::serve::{Connections, Handler};
use crate::model::peer::Peer;

/// As long as a worker holds fewer connections than this, every one of them is dealt out.
const FEW: usize = 8;

/// The workers of one listening address.
#[derive(Debug)]
pub struct Workers {
    connections: Arc<Connections>,
    stop: watch::Sender<bool>,
    release: watch::Sender<bool>,
    ended: mpsc::UnboundedReceiver<usize>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

/// One worker, before it runs.
struct Worker<H> {
    number: usize,
    bound: Option<Bound>,
    handler: H,
    crew: Arc<Crew>,
    handed: mpsc::UnboundedReceiver<HandedOn>,
    connections: Arc<Connections>,
    #[expect(dead_code, reason = "held for its Drop")]
    ended: Ended,
}

/// How many connections each worker holds, and how it is given more.
#[derive(Debug)]
struct Crew {
    held: Box<[Held]>,
    doors: Vec<mpsc::UnboundedSender<HandedOn>>,
}

/// A connection for another worker. It counts from here on: of those that arrive together, each is dealt out in the
/// knowledge of the one before.
type HandedOn = (Loose, Peer, Counted);

/// A worker's number of connections, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Held(AtomicUsize);

/// Counts one connection of a worker until dropped.
#[derive(Debug)]
struct Counted(Arc<Crew>, usize);

/// Tells when a worker takes no more connections, even if it falls.
struct Ended(mpsc::UnboundedSender<usize>, usize);

/// As many workers as this process may use cores.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

impl Workers {
    /// Starts `count` workers, of which the first ones accept on `bound`; `handler` makes the one that answers for a
    /// worker, by its number.
    pub fn start<H: Handler>(
        count: usize,
        bound: Vec<Bound>,
        limits: Limits,
        handler: impl Fn(usize) -> H,
    ) -> io::Result<Self> {
        let connections = Connections::new(limits);
        let (doors, handed): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::unbounded_channel()).unzip();
        let crew = Arc::new(Crew { held: (0..count).map(|_| Held::default()).collect(), doors });
        let (stop, release) = (watch::Sender::new(false), watch::Sender::new(false));
        let (end, ended) = mpsc::unbounded_channel();
        let mut bound = bound.into_iter();
        let mut threads = Vec::with_capacity(count);
        for (number, handed) in handed.into_iter().enumerate() {
            let worker = Worker {
                number,
                bound: bound.next(),
                handler: handler(number),
                crew: Arc::clone(&crew),
                handed,
                connections: Arc::clone(&connections),
                ended: Ended(end.clone(), number),
            };
            let (stop, release) = (stop.subscribe(), release.subscribe());
            let name = format!("worker-{number}");
            threads.push(thread::Builder::new().name(name).spawn(move || worker.run(stop, release))?);
        }
        Ok(Self { connections, stop, release, ended, threads })
    }

    /// Resolves when a worker has stopped accepting though nobody told it to.
    pub async fn fallen(&mut self) -> Option<usize> {
        self.ended.recv().await
    }

    /// Accepts nothing more, and lets connections finish for at most `patience`. Returns how many were cut.
    pub async fn drain(&mut self, patience: Duration) -> usize {
        self.stop.send_replace(true);
        while self.ended.recv().await.is_some() {}
        self.connections.drain(patience).await
    }

    /// Ends what still runs.
    pub fn end(self) -> io::Result<()> {
        self.release.send_replace(true);
        self.threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a worker fell"))))
    }
}

impl<H: Handler> Worker<H> {
    fn run(mut self, mut stop: watch::Receiver<bool>, mut release: watch::Receiver<bool>) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async move {
            let listener = self.bound.take().map(Bound::listen).transpose()?;
            tokio::select! {
                () = self.accept(listener.as_ref()) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            self.take_what_came(listener).await;
            // Connections go on, until everything has to end.
            let _ = release.wait_for(|release| *release).await;
            Ok(())
        })
    }

    async fn accept(&mut self, listener: Option<&Listener>) {
        loop {
            let (stream, peer, counted) = tokio::select! {
                accepted = next(listener) => match self.keep_or_hand_on(accepted) {
                    Some(kept) => kept,
                    None => continue,
                },
                Some((loose, peer, counted)) = self.handed.recv() => match loose.hold() {
                    Ok(stream) => (stream, peer, counted),
                    Err(_) => continue,
                },
            };
            let slot = self.connections.slot().await;
            self.connections.serve((stream, peer), self.handler.clone(), (counted, slot));
        }
    }

    /// Takes, as the last thing before accepting ends, the visitors whom the kernel or another worker has let in already:
    /// they would find their connection closed, whatever they have asked.
    async fn take_what_came(mut self, listener: Option<Listener>) {
        self.handed.close();
        let waiting = listener.map(Listener::waiting).unwrap_or_default();
        for (loose, peer) in waiting {
            self.take(loose, peer, self.crew.count(self.number));
        }
        while let Some((loose, peer, counted)) = self.handed.recv().await {
            self.take(loose, peer, counted);
        }
    }

    fn take(&self, loose: Loose, peer: Peer, counted: Counted) {
        if let (Ok(stream), Some(slot)) = (loose.hold(), self.connections.free_slot()) {
            self.connections.serve((stream, peer), self.handler.clone(), (counted, slot));
        }
    }

    fn keep_or_hand_on(&self, (stream, peer): (Stream, Peer)) -> Option<(Stream, Peer, Counted)> {
        let Some(other) = self.crew.least_busy_instead_of(self.number) else {
            return Some((stream, peer, self.crew.count(self.number)));
        };
        let loose = stream.release().ok()?;
        let Err(refused) = self.crew.doors[other].send((loose, peer, self.crew.count(other))) else {
            return None;
        };
        // The other worker has stopped, as this one is about to.
        let (loose, peer, _) = refused.0;
        Some((loose.hold().ok()?, peer, self.crew.count(self.number)))
    }
}

async fn next(listener: Option<&Listener>) -> (Stream, Peer) {
    match listener {
        Some(listener) => listener.next().await,
        None => std::future::pending().await,
    }
}

impl Crew {
    fn count(self: &Arc<Self>, worker: usize) -> Counted {
        self.held[worker].0.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(self), worker)
    }

    /// Who should take a new connection instead of `worker`. A few are dealt out one by one, the first worker first, so
    /// that its connections to applications are used again; of many, an eighth more or less is no reason to move one from
    /// core to core.
    fn least_busy_instead_of(&self, worker: usize) -> Option<usize> {
        let held = |number: usize| self.held[number].0.load(Ordering::Relaxed);
        let least = (0..self.held.len()).min_by_key(|number| held(*number))?;
        let (here, there) = (held(worker), held(least));
        (here > there + there / 8 || (here < FEW && least < worker && here == there)).then_some(least)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.held[self.1].0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew(held: &[usize]) -> Arc<Crew> {
        let held = held.iter().map(|count| Held(AtomicUsize::new(*count))).collect();
        Arc::new(Crew { held, doors: Vec::new() })
    }

    #[test]
    fn few_connections_are_shared_out_one_by_one() {
        let crew = crew(&[0, 0]);
        assert_eq!(crew.least_busy_instead_of(1), Some(0));
        let first = crew.count(0);
        assert_eq!(crew.least_busy_instead_of(0), Some(1));
        assert_eq!(crew.least_busy_instead_of(1), None);
        drop(first);
        assert_eq!(crew.least_busy_instead_of(0), None);
    }

    #[test]
    fn many_connections_stay_where_the_kernel_put_them() {
        assert_eq!(crew(&[1040, 1000]).least_busy_instead_of(0), None);
        assert_eq!(crew(&[1000, 1000]).least_busy_instead_of(1), None);
        assert_eq!(crew(&[1200, 1000]).least_busy_instead_of(0), Some(1));
        assert_eq!(crew(&[5]).least_busy_instead_of(0), None);
    }
}
