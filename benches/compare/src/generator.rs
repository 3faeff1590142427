//! The load generator: one thread that is visitors, application and responder in one loop.
//!
//! Busy, it never sleeps: waking an idle virtual core costs the system under test more than the request does, and a
//! different sum every time.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use mio::{Events, Poll, Token};

use crate::affinity;
use crate::histogram::Histogram;
use crate::meter;
use crate::request::Request;
use crate::systems::{Kind, System};
use crate::upstream::{Seen, Upstream};
use crate::visitor::Visitor;

/// Answers per connection before anything is counted.
const WARM_UP: u64 = 3;

/// Longest time without any answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much is read at once.
const SCRATCH: usize = 256 * 1024;

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this time.
    Time(Duration),
    /// After so many requests.
    Requests(u64),
}

/// Visitors for one system.
#[derive(Clone, Debug)]
pub struct Load {
    pub address: SocketAddr,
    pub request: Request,
    pub connections: usize,
    pub until: Until,
    /// The processes whose CPU time counts.
    pub pids: Vec<u32>,
    /// On a core of its own, without ever sleeping.
    pub busy: bool,
}

/// What a load came to. Nothing of the warm-up is in it but `all`.
#[derive(Clone, Debug)]
pub struct Report {
    pub answers: u64,
    /// Every request that was answered, warm-up and end included.
    pub all: u64,
    pub elapsed: Duration,
    pub cpu: Duration,
    /// The share of the time in which the load generator's core did something else.
    pub starved: f64,
    pub latencies: Histogram,
}

/// The thread.
#[derive(Debug)]
pub struct Generator {
    jobs: Sender<Job>,
    pub upstream: SocketAddr,
    pub responder: SocketAddr,
}

struct Job {
    load: Load,
    report: Sender<anyhow::Result<Report>>,
}

/// A load under way.
#[derive(Debug)]
pub struct Pending(Receiver<anyhow::Result<Report>>);

impl Load {
    /// A load for `system`.
    pub fn new(system: &System, request: Request, connections: usize, until: Until) -> Self {
        let pids = system.pids();
        Self { address: system.address, request, connections, until, pids, busy: affinity::are_two() }
    }
}

impl Generator {
    /// Starts the thread; application and responder answer from now on.
    pub fn start() -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let servers = Upstream::new(poll.registry())?;
        let (upstream, responder) = servers.addresses()?;
        let (jobs, todo) = channel();
        let engine = Engine { poll, servers, visitors: Vec::new(), answered: Vec::new() };
        std::thread::Builder::new().name("generator".to_owned()).spawn(move || engine.run(&todo))?;
        Ok(Self { jobs, upstream, responder })
    }

    /// Begins a load.
    pub fn begin(&self, load: Load) -> anyhow::Result<Pending> {
        let (report, pending) = channel();
        self.jobs.send(Job { load, report }).ok().context("the generator has ended")?;
        Ok(Pending(pending))
    }

    /// Does a load.
    pub fn run(&self, load: Load) -> anyhow::Result<Report> {
        self.begin(load)?.wait()
    }
}

impl Pending {
    /// Waits for its end.
    pub fn wait(self) -> anyhow::Result<Report> {
        self.0.recv().context("the generator has ended")?
    }
}

struct Engine {
    poll: Poll,
    servers: Upstream,
    visitors: Vec<Visitor>,
    /// Who has just got an answer, and how long it took.
    answered: Vec<(usize, Duration)>,
}

/// How far a load has got.
struct Progress {
    asked: u64,
    answered: u64,
    last_answer: Instant,
}

impl Engine {
    fn run(mut self, todo: &Receiver<Job>) {
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; SCRATCH];
        loop {
            match todo.try_recv() {
                Ok(job) => {
                    let outcome = self.load(&job.load, &mut events, &mut scratch);
                    self.visitors.clear();
                    _ = job.report.send(outcome);
                }
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {
                    let pause = Some(Duration::from_millis(5));
                    if self.turn(None, pause, &mut events, &mut scratch).is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn load(&mut self, load: &Load, events: &mut Events, scratch: &mut [u8]) -> anyhow::Result<Report> {
        affinity::stay_on(load.busy.then_some(affinity::GENERATOR))?;
        let before = self.servers.seen;
        let mut progress = Progress { asked: 0, answered: 0, last_answer: Instant::now() };
        for at in 0..load.connections {
            self.visitors.push(Visitor::connect(load.address, Token(at), self.poll.registry())?);
        }
        for at in 0..load.connections {
            self.ask(at, load, &mut progress)?;
        }
        let warm_up = WARM_UP * load.connections as u64;
        self.until(load, &mut progress, events, scratch, |progress| progress.answered >= warm_up, None)?;

        let mut latencies = Histogram::default();
        let (cpu, own, first) = (meter::cpu(&load.pids), meter::own_cpu(), progress.answered);
        let began = Instant::now();
        let enough = |progress: &Progress| match load.until {
            Until::Time(time) => began.elapsed() >= time,
            Until::Requests(count) => progress.answered >= first + count,
        };
        self.until(load, &mut progress, events, scratch, enough, Some(&mut latencies))?;
        let (elapsed, answers) = (began.elapsed(), progress.answered - first);
        let cpu = meter::cpu(&load.pids).saturating_sub(cpu);
        let own = meter::own_cpu().saturating_sub(own);
        let starved = if load.busy { 1.0 - own.as_secs_f64() / elapsed.as_secs_f64() } else { 0.0 };
        self.let_finish(load, &mut progress, events, scratch)?;
        check(load, progress.answered, before, self.servers.seen)?;
        Ok(Report { answers, all: progress.answered, elapsed, cpu, starved, latencies })
    }

    /// Keeps every visitor asking until `enough`.
    fn until(
        &mut self,
        load: &Load,
        progress: &mut Progress,
        events: &mut Events,
        scratch: &mut [u8],
        enough: impl Fn(&Progress) -> bool,
        mut latencies: Option<&mut Histogram>,
    ) -> anyhow::Result<()> {
        while !enough(progress) {
            self.some_answers(load, progress, events, scratch)?;
            for (at, latency) in std::mem::take(&mut self.answered) {
                if let Some(latencies) = &mut latencies {
                    latencies.add(latency);
                }
                self.ask(at, load, progress)?;
            }
        }
        Ok(())
    }

    /// Waits for what is under way.
    fn let_finish(
        &mut self,
        load: &Load,
        progress: &mut Progress,
        events: &mut Events,
        scratch: &mut [u8],
    ) -> anyhow::Result<()> {
        while progress.answered < progress.asked {
            self.some_answers(load, progress, events, scratch)?;
            self.answered.clear();
        }
        Ok(())
    }

    fn some_answers(
        &mut self,
        load: &Load,
        progress: &mut Progress,
        events: &mut Events,
        scratch: &mut [u8],
    ) -> anyhow::Result<()> {
        let pause = if load.busy { Duration::ZERO } else { Duration::from_millis(50) };
        self.turn(Some(&load.request), Some(pause), events, scratch)?;
        if !self.answered.is_empty() {
            progress.answered += self.answered.len() as u64;
            progress.last_answer = Instant::now();
        } else if progress.last_answer.elapsed() > PATIENCE {
            bail!("no answer for {} s", PATIENCE.as_secs());
        }
        Ok(())
    }

    fn ask(&mut self, at: usize, load: &Load, progress: &mut Progress) -> anyhow::Result<()> {
        progress.asked += 1;
        self.visitors[at].ask(&load.request)
    }

    /// Whatever has happened to any socket.
    fn turn(
        &mut self,
        request: Option<&Request>,
        pause: Option<Duration>,
        events: &mut Events,
        scratch: &mut [u8],
    ) -> anyhow::Result<()> {
        match self.poll.poll(events, pause) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in events.iter() {
            let token = event.token();
            if Upstream::has(token) {
                self.servers.ready(token, self.poll.registry())?;
            } else if let (Some(request), Some(visitor)) = (request, self.visitors.get_mut(token.0)) {
                self.answered.extend(visitor.ready(request, scratch)?.map(|latency| (token.0, latency)));
            }
        }
        Ok(())
    }
}

/// A measurement of error pages, or of requests that nobody was named in, is worth nothing.
fn check(load: &Load, answered: u64, before: Seen, after: Seen) -> anyhow::Result<()> {
    let requests = after.requests - before.requests;
    let identified = after.identified - before.identified;
    let due = if load.request.kind == Kind::Check { 0 } else { answered };
    ensure!(requests == due, "the application saw {requests} requests, {due} were answered");
    if load.request.kind == Kind::Authenticated {
        ensure!(identified == requests, "{} requests named nobody", requests - identified);
    }
    Ok(())
}
